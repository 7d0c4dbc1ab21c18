//! Every measure against MONAI, DeepMind's surface-distance and MedPy's percentiles.

use std::path::Path;

use medcore::{Geometry, LabelMap};
use medmetrics::{
    AverageRule, Convention, Evaluation, HdRule, SurfaceDiceRule, SurfaceDistances, SurfaceModel,
};
use safetensors::SafeTensors;

/// The references compute in f32 in places.
const TOLERANCE: f64 = 3e-6;

struct Fixture(Vec<u8>);

impl Fixture {
    fn load() -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/segmentation/surface.safetensors");
        Self(std::fs::read(path).unwrap())
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        SafeTensors::deserialize(&self.0)
            .unwrap()
            .tensor(name)
            .unwrap()
            .data()
            .to_vec()
    }

    fn numbers(&self, name: &str) -> Vec<f64> {
        let bytes = self.bytes(name);
        bytes
            .chunks_exact(8)
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
            .collect()
    }

    fn mask<const D: usize>(&self, case: &str, side: &str) -> LabelMap<u8, D> {
        let shape: [usize; D] =
            std::array::from_fn(|a| self.numbers(&format!("{case}.shape"))[a] as usize);
        let spacing = std::array::from_fn(|a| self.numbers(&format!("{case}.spacing"))[a]);
        let packed = self.bytes(&format!("{case}.{side}"));
        let grid = Geometry::axis_aligned(shape, spacing).unwrap();
        let labels = (0..grid.len())
            .map(|i| packed[i / 8] >> (7 - i % 8) & 1)
            .collect::<Vec<u8>>();
        LabelMap::new(grid, labels).unwrap()
    }
}

fn compare<const D: usize>(case: &str) {
    let fixture = Fixture::load();
    let (reference, prediction) = (
        fixture.mask::<D>(case, "reference"),
        fixture.mask::<D>(case, "prediction"),
    );
    let check = |name: &str, got: Option<f64>| {
        let want = fixture.numbers(&format!("{case}.{name}"))[0];
        let got = got.unwrap();
        assert!(
            (got - want).abs() <= TOLERANCE * want.abs().max(1.0),
            "{case}.{name}: {got}, should be {want}"
        );
    };
    let between = |model| SurfaceDistances::between(&reference, &prediction, &[1], model).unwrap();
    let voxels = between(SurfaceModel::VoxelErode);
    let (max, pooled) = (HdRule::MaxOfDirected, SurfaceDiceRule::Pooled);
    check("hd", voxels.hausdorff());
    check("hd95", voxels.hausdorff_percentile(95.0, max));
    check("hd30", voxels.hausdorff_percentile(30.0, max));
    check(
        "medpy_hd95",
        voxels.hausdorff_percentile(95.0, HdRule::Pooled),
    );
    check("assd", voxels.average(AverageRule::Pooled));
    check("masd", voxels.average(AverageRule::MeanOfDirected));
    check(
        "from_prediction",
        voxels.average(AverageRule::FromPrediction),
    );
    check("from_reference", voxels.average(AverageRule::FromReference));
    check("nsd1", voxels.surface_dice(1.0, pooled));
    check("nsd25", voxels.surface_dice(2.5, pooled));
    let patches = between(SurfaceModel::DualGrid);
    check("deepmind_hd", patches.hausdorff());
    check("deepmind_hd95", patches.hausdorff_percentile(95.0, max));
    check("deepmind_hd40", patches.hausdorff_percentile(40.0, max));
    check(
        "deepmind_from_reference",
        patches.average(AverageRule::FromReference),
    );
    check(
        "deepmind_from_prediction",
        patches.average(AverageRule::FromPrediction),
    );
    check("deepmind_nsd1", patches.surface_dice(1.0, pooled));
    check("deepmind_nsd25", patches.surface_dice(2.5, pooled));

    // The whole evaluation gives the same numbers under the convention's name.
    let evaluation = Evaluation::of_organs(["blob"]).with_tolerance_mm(2.5);
    let monai = &evaluation
        .case("case", &reference, &prediction)
        .unwrap()
        .structures[0];
    check("dice", monai.dice.value);
    check("iou", monai.iou.value);
    check("hd", monai.hausdorff.value);
    check("hd95", monai.hausdorff_percentile.value);
    check("assd", monai.average_distance.value);
    check("nsd25", monai.surface_dice.value);
    let evaluation = evaluation.with_convention(Convention::DeepMind);
    let deepmind = &evaluation
        .case("case", &reference, &prediction)
        .unwrap()
        .structures[0];
    check("deepmind_hd95", deepmind.hausdorff_percentile.value);
    check("deepmind_nsd25", deepmind.surface_dice.value);
}

#[test]
fn volumes_agree_with_monai_deepmind_and_medpy() {
    for case in ["volume", "rough", "apart", "same", "one_voxel"] {
        compare::<3>(case);
    }
}

#[test]
fn planes_agree_with_monai_deepmind_and_medpy() {
    compare::<2>("plane");
}
