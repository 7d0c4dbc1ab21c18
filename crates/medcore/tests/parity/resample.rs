//! `medcore::resample` against SciPy, PyTorch and scikit-image.

use medcore::IndexMap;
use medcore::resample::{Interpolation, Outside, resample_slice};

use crate::support::{Fixture, assert_close};

/// Means f32 arithmetic on values of f64; SciPy's `nearest` itself is only good to 1e-7.
const TOLERANCE: f64 = 2e-6;

fn convention(name: &str) -> (Interpolation, Outside<f32>) {
    let (method, outside) = name.split_once('_').unwrap();
    let method = match method {
        "nearest" => Interpolation::Nearest,
        "linear" => Interpolation::Linear,
        "cubic" => Interpolation::CubicBSpline,
        other => panic!("{other}"),
    };
    let outside = match outside {
        "value" | "inside" => Outside::Value(-3.0),
        "zero" => Outside::Value(0.0),
        "edge" => Outside::Edge,
        "reflect" => Outside::Reflect,
        other => panic!("{other}"),
    };
    (method, outside)
}

fn compare<const D: usize>(case: &str) {
    let fixture = Fixture::load("resample");
    let source = fixture.get(&format!("{case}.source"));
    let map = IndexMap {
        matrix: fixture.get(&format!("{case}.matrix")).matrix::<D>(),
        offset: fixture.get(&format!("{case}.offset")).vector(),
    };
    let mut compared = 0;
    for name in fixture.names() {
        let reference = name.strip_prefix(case).and_then(|n| n.strip_prefix('.'));
        let Some((_, kind)) = reference
            .and_then(|n| n.split_once('_'))
            .filter(|(library, _)| ["scipy", "torch"].contains(library))
        else {
            continue;
        };
        let want = fixture.get(&name);
        let (method, outside) = convention(kind);
        let mut out = vec![f32::NAN; want.values.len()];
        let shape = source.shape::<D>();
        resample_slice(
            &source.f32(),
            shape,
            &map,
            &mut out,
            want.shape(),
            method,
            outside,
        )
        .unwrap();
        assert_close(&out, &want.values, TOLERANCE, &name);
        compared += 1;
    }
    assert_eq!(compared, if D == 1 { 8 } else { 11 }, "{case}");
}

#[test]
fn a_line_agrees_with_scipy() {
    compare::<1>("line");
}

#[test]
fn a_plane_agrees_with_scipy_and_torch_along_the_axes_and_turned() {
    compare::<2>("plane_axes");
    compare::<2>("plane_turned");
}

#[test]
fn a_volume_agrees_with_scipy_and_torch_along_the_axes_and_turned() {
    compare::<3>("volume_axes");
    compare::<3>("volume_turned");
}

#[test]
fn a_spline_to_another_shape_agrees_with_zoom_and_resize() {
    let fixture = Fixture::load("resample");
    let source = fixture.get("resize.source");
    for reference in ["resize.scipy_zoom", "resize.skimage"] {
        let want = fixture.get(reference);
        let (from, to) = (source.shape::<3>(), want.shape::<3>());
        let mut map = IndexMap::<3>::identity();
        for a in 0..3 {
            let scale = from[a] as f64 / to[a] as f64;
            map.matrix[a][a] = scale;
            map.offset[a] = 0.5 * scale - 0.5;
        }
        let mut out = vec![0.0; want.values.len()];
        let (spline, edge) = (Interpolation::CubicBSpline, Outside::Edge);
        resample_slice(&source.f32(), from, &map, &mut out, to, spline, edge).unwrap();
        assert_close(&out, &want.values, TOLERANCE, reference);
    }
}
