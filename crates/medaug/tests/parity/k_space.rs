//! Errors of MRI in k-space as in TorchIO and MONAI.

use medaug::{
    Ghosting, GibbsNoise, KSpaceSpikeNoise, Motion, Movement, Operation, Spike, SpikeIntensity,
};
use medcore::{Geometry, Image};

use crate::support::{Array, Fixture, voxels_after};

fn changed<const D: usize>(
    image: &Array,
    spacing: [f64; D],
    operation: impl Into<Operation>,
) -> Vec<f32> {
    let grid = Geometry::axis_aligned(image.shape(), spacing).unwrap();
    let image = Image::<f32, D>::new(grid, image.floats()).unwrap();
    voxels_after(image, operation)
}

fn check_all<const D: usize>() {
    let fixture = Fixture::load("k_space");
    for sign in ["mixed", "positive"] {
        let image = fixture.get(&format!("{D}d.{sign}.image"));
        let check = |name: &str, operation: Operation| {
            let name = format!("{D}d.{sign}.{name}");
            let got = changed(&image, [1.0; D], operation);
            fixture.get(&name).assert_close(&got, 3e-6, &name);
        };
        let ghosting = |number, axis, intensity, restore| Ghosting {
            number,
            axis,
            intensity,
            restore,
        };
        for axis in 0..D {
            check(
                &format!("ghosting{axis}"),
                ghosting(3, axis, 0.8, None).into(),
            );
        }
        check(
            "ghosting_restored",
            ghosting(2, D - 1, 1.4, Some(0.3)).into(),
        );
        let place = |at: [f64; 3]| at[3 - D..].to_vec();
        let first = place([0.31, 0.62, 0.12]);
        let spike = Spike {
            places: vec![first.clone(), place([0.9, 0.35, 0.77]), first.clone()],
            intensity: 0.4,
        };
        check("spike", spike.into());
        check("gibbs", GibbsNoise { alpha: 0.35 }.into());
        check("gibbs_strong", GibbsNoise { alpha: 0.8 }.into());
        for (name, intensity) in [
            ("k_space_spike", SpikeIntensity::Log(6.5)),
            ("k_space_spike_mean", SpikeIntensity::default()),
        ] {
            let places = vec![first.clone()];
            check(name, KSpaceSpikeNoise { places, intensity }.into());
        }
    }
}

#[test]
fn k_space_of_slices_is_disturbed_as_in_torchio_and_monai() {
    check_all::<2>();
}

#[test]
fn k_space_of_volumes_is_disturbed_as_in_torchio_and_monai() {
    check_all::<3>();
}

#[test]
fn patients_move_as_in_torchio() {
    let fixture = Fixture::load("k_space");
    let image = fixture.get("motion.image");
    let spacing: Vec<f64> = fixture.get("motion.spacing").values;
    let spacing: [f64; 3] = std::array::from_fn(|a| spacing[a]);
    let (angles, shifts) = (
        fixture.get("motion.angles"),
        fixture.get("motion.translations"),
    );
    for name in ["motion", "motion_early"] {
        let times = fixture.get(&format!("{name}.times"));
        let movements = times.values.iter().enumerate().map(|(i, &time)| Movement {
            time,
            rotation_degrees: angles.values[3 * i..][..3].to_vec(),
            translation_mm: shifts.values[3 * i..][..3].to_vec(),
        });
        let motion = Motion {
            movements: movements.collect(),
            axis: 0,
        };
        let got = changed(&image, spacing, motion);
        let result = format!("{name}.result");
        fixture.get(&result).assert_close(&got, 1e-5, name);
    }
}
