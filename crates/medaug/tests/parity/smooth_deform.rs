//! The smooth deformation of MONAI, given the drawn field.

use medaug::{Operation, Sample, Sampling, SmoothDeform};
use medcore::Geometry;
use medcore::resample::{Interpolation, Outside};

use crate::support::Fixture;

fn check<const D: usize>() {
    let fixture = Fixture::load("smooth_deform");
    let get = |name: &str| fixture.get(&format!("{D}d.{name}"));
    // Shares of the image do not depend on the size of its voxels.
    let grid = Geometry::<D>::axis_aligned(get("image").shape(), [1.5; D]).unwrap();
    for key in ["plain", "padded"] {
        let field = get(&format!("{key}_field"));
        for (mode, interpolation) in [
            ("bilinear", Interpolation::Linear),
            ("nearest", Interpolation::Nearest),
        ] {
            let deform = SmoothDeform {
                points: field.shape[1..].to_vec(),
                displacements: field.values.iter().map(|v| (v / 2.0) as f32).collect(),
                sampling: Sampling {
                    interpolation,
                    outside: Outside::Edge,
                    ..Sampling::default()
                },
                ..SmoothDeform::default()
            };
            let operation = Operation::from(deform);
            operation.check::<D>().unwrap();
            let sample = Sample::new(get("image").image(grid));
            let moved = operation.apply_to(sample).unwrap();
            let name = format!("{key}_{mode}");
            get(&name).assert_close(moved.image().as_slice(), 1e-5, &name);
        }
    }
}

#[test]
fn slices_are_pulled_as_by_monai() {
    check::<2>();
}

#[test]
fn volumes_are_pulled_as_by_monai() {
    check::<3>();
}
