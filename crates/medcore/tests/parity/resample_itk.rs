//! `medcore::resample` between grids in the patient, against SimpleITK.

use medcore::resample::{Interpolation, LabelInterpolation, Outside, resample, resample_labels};
use medcore::{Geometry, Image, LabelMap, Lps, Point, Vector};

use crate::support::{Fixture, assert_close};

const CASES: [&str; 2] = ["itk_oblique", "itk_aligned"];

/// ITK's default pixel value of the fixtures.
const VALUE: f32 = -3.0;

fn geometry(fixture: &Fixture, case: &str, side: &str, shape: [usize; 3]) -> Geometry<3> {
    let get = |what: &str| fixture.get(&format!("{case}.{side}_{what}"));
    let spacing = get("spacing").vector::<3>();
    let [x, y, z] = get("origin").vector::<3>();
    let direction = get("direction").matrix::<3>();
    // ITK numbers axes from the fastest; the columns of its direction are the axes.
    let steps = std::array::from_fn(|a| {
        let column = 2 - a;
        let [i, j, k] = std::array::from_fn(|row| direction[row][column] * spacing[column]);
        Vector::<Lps>::new(i, j, k)
    });
    Geometry::new(shape, Point::new(x, y, z), steps).unwrap()
}

fn volumes(fixture: &Fixture, case: &str) -> (Image<f32, 3>, Geometry<3>) {
    let source = fixture.get(&format!("{case}.source"));
    let grid = geometry(fixture, case, "from", source.shape());
    let target = geometry(
        fixture,
        case,
        "to",
        fixture.get(&format!("{case}.linear")).shape(),
    );
    (Image::new(grid, source.f32()).unwrap(), target)
}

/// Whether each voxel of `target` lies between the outermost centres of `image`.
fn inside(image: &Image<f32, 3>, target: &Geometry<3>) -> Vec<bool> {
    let map = target.index_map_to(image.geometry());
    let [depth, height, width] = target.shape();
    let mut inside = Vec::new();
    for d in 0..depth {
        for h in 0..height {
            for w in 0..width {
                let at = map.apply([d as f64, h as f64, w as f64]);
                inside.push((0..3).all(|a| (0.0..=image.shape()[a] as f64 - 1.0).contains(&at[a])));
            }
        }
    }
    inside
}

#[test]
fn nearest_and_spline_agree_with_itk_everywhere() {
    let fixture = Fixture::load("resample_itk");
    for case in CASES {
        let (image, target) = volumes(&fixture, case);
        for (name, method) in [
            ("nearest", Interpolation::Nearest),
            ("cubic", Interpolation::CubicBSpline),
        ] {
            let got = resample(&image, &target, method, Outside::Value(VALUE)).unwrap();
            let want = fixture.get(&format!("{case}.{name}"));
            assert_close(
                got.as_slice(),
                &want.values,
                3e-6,
                &format!("{case}.{name}"),
            );
        }
    }
}

#[test]
fn linear_agrees_with_itk_where_all_neighbours_exist() {
    let fixture = Fixture::load("resample_itk");
    for case in CASES {
        let (image, target) = volumes(&fixture, case);
        let got = resample(
            &image,
            &target,
            Interpolation::Linear,
            Outside::Value(VALUE),
        )
        .unwrap();
        let mut want = fixture.get(&format!("{case}.linear"));
        for (want, inside) in want.values.iter_mut().zip(inside(&image, &target)) {
            if !inside {
                *want = f64::NAN;
            }
        }
        assert_close(got.as_slice(), &want.values, 2e-6, case);
    }
}

#[test]
fn labels_take_the_class_with_the_largest_linear_weight() {
    let fixture = Fixture::load("resample_itk");
    for case in CASES {
        let (image, target) = volumes(&fixture, case);
        let labels = fixture.get(&format!("{case}.labels"));
        let labels: Vec<u8> = labels.values.iter().map(|&v| v as u8).collect();
        let labels = LabelMap::new(*image.geometry(), labels).unwrap();
        let got = resample_labels(&labels, &target, LabelInterpolation::Linear, 0).unwrap();
        let scores = fixture.get(&format!("{case}.label_scores"));
        let len = target.len();
        for (i, inside) in inside(&image, &target).into_iter().enumerate() {
            let score = |class: usize| scores.values[class * len + i];
            let best = (0..3)
                .max_by(|&a, &b| score(a).total_cmp(&score(b)))
                .unwrap();
            let margin = (0..3)
                .filter(|&c| c != best)
                .map(|c| score(best) - score(c))
                .fold(1.0, f64::min);
            if inside && margin > 1e-5 {
                assert_eq!(usize::from(got.as_slice()[i]), best, "{case} {i}");
            }
        }
    }
}
