//! SciPy's `map_coordinates`.

use medcore::resample::{Gather, GatherLabels, Interpolation, LabelInterpolation, Outside, Places};

use crate::support::{Array, Fixture};

fn places<const D: usize>(at: &Array) -> Places<D> {
    let count = at.shape[1];
    let mut places = Places::default();
    let axes = std::array::from_fn(|a| &at.values[a * count..(a + 1) * count]);
    places.set(axes).unwrap();
    places
}

fn check<const D: usize>() {
    let fixture = Fixture::load("gather");
    let get = |name: &str| fixture.get(&format!("{D}d.{name}"));
    let shape: [usize; D] = get("image").shape.try_into().unwrap();
    let image: Vec<f32> = get("image").values.iter().map(|&v| v as f32).collect();
    let labels: Vec<u8> = get("labels").values.iter().map(|&v| v as u8).collect();
    let at = get("at");
    let places = places::<D>(&at);
    let count = places.len();
    let inside = |i: usize| {
        (0..D).all(|a| (0.0..=(shape[a] - 1) as f64).contains(&at.values[a * count + i]))
    };
    for (mode, outside) in [
        ("nearest", Outside::Edge),
        ("reflect", Outside::Reflect),
        ("constant", Outside::Value(7.0)),
    ] {
        for (name, interpolation) in [
            ("nearest", Interpolation::Nearest),
            ("linear", Interpolation::Linear),
            ("cubic", Interpolation::CubicBSpline),
        ] {
            let gather = Gather::new(&image, shape, interpolation, outside).unwrap();
            let mut got = vec![0.0; count];
            gather.read(&places, &mut got);
            // SciPy's constant is cut at the outermost samples, ours half a voxel farther out.
            let cut = mode == "constant" && name != "linear";
            let want = get(&format!("{name}.{mode}")).values;
            let compared: Vec<usize> = (0..count).filter(|&i| !cut || inside(i)).collect();
            assert!(compared.len() > 60);
            for i in compared {
                let error = (f64::from(got[i]) - want[i]).abs();
                assert!(
                    error < 2e-5,
                    "{D}d {name} {mode} {i}: {} {}",
                    got[i],
                    want[i]
                );
            }
        }
        let outside = match outside {
            Outside::Value(_) => Outside::Value(9),
            Outside::Edge => Outside::Edge,
            Outside::Reflect => Outside::Reflect,
        };
        let gather =
            GatherLabels::new(&labels, shape, LabelInterpolation::Nearest, outside).unwrap();
        let mut got = vec![0; count];
        gather.read(&places, &mut got);
        let want = get(&format!("labels.nearest.{mode}")).values;
        for i in (0..count).filter(|&i| mode != "constant" || inside(i)) {
            assert_eq!(f64::from(got[i]), want[i], "{D}d {mode} {i}");
        }
    }
    let (linear, edge) = (LabelInterpolation::Linear, Outside::Edge);
    let mut got = vec![0; count];
    GatherLabels::new(&labels, shape, linear, edge)
        .unwrap()
        .read(&places, &mut got);
    let want = get("labels.linear").values;
    let different = (0..count).filter(|&i| f64::from(got[i]) != want[i]);
    // Ties go to the closest voxel here, to the lowest number there.
    assert_eq!(different.count(), 0);
}

#[test]
fn places_in_a_slice_are_read_as_scipy_reads_them() {
    check::<2>();
}

#[test]
fn places_in_a_volume_are_read_as_scipy_reads_them() {
    check::<3>();
}
