//! Fifteen organs on 300 x 512 x 512 voxels, the numbers of research and of three libraries.

use medcore::{Geometry, LabelMap};
use medmetrics::{Convention, Evaluation, Measure, StructureMetrics};
use serde_json::Value;

use crate::fixture::{assert_near, load, numbers};

const SHAPE: [usize; 3] = [300, 512, 512];

/// The ellipsoids of one side: `[centre, radii]` in voxels, the first of overlapping ones in front.
fn drawn(organs: &Value, side: usize) -> LabelMap<u8, 3> {
    let grid = Geometry::axis_aligned(SHAPE, [1.5, 0.8, 0.8]).unwrap();
    let mut labels = vec![0u8; grid.len()];
    for (organ, row) in organs.as_array().unwrap().iter().enumerate() {
        let (centre, radii) = (numbers(&row[2 * side]), numbers(&row[2 * side + 1]));
        let square = |at: usize, axis: usize| ((at as f64 - centre[axis]) / radii[axis]).powi(2);
        let reach = |axis: usize| {
            let low = (centre[axis] - radii[axis]).floor().max(0.0) as usize;
            let high = (centre[axis] + radii[axis]).ceil() as usize + 1;
            low..high.min(SHAPE[axis])
        };
        for d in reach(0) {
            for h in reach(1) {
                for w in reach(2) {
                    let label = &mut labels[(d * SHAPE[1] + h) * SHAPE[2] + w];
                    if *label == 0 && square(d, 0) + square(h, 1) + square(w, 2) <= 1.0 {
                        *label = organ as u8 + 1;
                    }
                }
            }
        }
    }
    LabelMap::new(grid, labels).unwrap()
}

#[test]
fn fifteen_organs_have_the_numbers_of_the_libraries() {
    let fixture = load("organs.json");
    let (reference, prediction) = (drawn(&fixture["organs"], 0), drawn(&fixture["organs"], 1));
    let evaluation = Evaluation::of_organs((1..=15).map(|i| format!("organ {i}")));
    let measure = |convention| {
        let evaluation = evaluation.clone().with_convention(convention);
        evaluation
            .case("case", &reference, &prediction)
            .unwrap()
            .structures
    };
    let check = |found: &[StructureMetrics], wants: &[(Measure, &str)]| {
        for (organ, row) in found.iter().zip(fixture["values"].as_array().unwrap()) {
            for (measure, name) in wants {
                // Theirs is a float of 32 bits.
                let tolerance = if *name == "monai_subvoxel_nsd2" {
                    1e-6
                } else {
                    2e-7
                };
                assert_near(measure.of(organ).value.unwrap(), &row[*name], tolerance);
            }
        }
    };
    use Measure::{Assd, Dice, Hausdorff, HausdorffPercentile, Masd, SurfaceDice};
    check(
        &measure(Convention::Monai),
        &[
            (Dice, "dice"),
            (Hausdorff, "hd"),
            (HausdorffPercentile, "hd95"),
            (Assd, "assd"),
            (Masd, "masd"),
            (SurfaceDice, "nsd2"),
        ],
    );
    check(
        &measure(Convention::MonaiSubvoxels),
        &[
            (HausdorffPercentile, "hd95"),
            (SurfaceDice, "monai_subvoxel_nsd2"),
        ],
    );
    check(
        &measure(Convention::DeepMind),
        &[
            (HausdorffPercentile, "deepmind_hd95"),
            (SurfaceDice, "deepmind_nsd2"),
        ],
    );
    check(
        &measure(Convention::MedPy),
        &[(HausdorffPercentile, "pooled_hd95")],
    );
    check(
        &measure(Convention::Panoptica),
        &[(HausdorffPercentile, "pooled_hd95")],
    );
    // As research found them, to four digits.
    let values = fixture["values"].as_array().unwrap();
    for (organ, name, want) in [
        (0, "dice", 0.8374),
        (3, "dice", 0.9303),
        (0, "hd95", 2.8302),
        (1, "deepmind_hd95", 1.8788),
        (1, "nsd2", 0.9670),
        (3, "monai_subvoxel_nsd2", 0.8193),
    ] {
        assert!(
            (values[organ][name].as_f64().unwrap() - want).abs() < 5.1e-5,
            "{organ} {name}"
        );
    }
}
