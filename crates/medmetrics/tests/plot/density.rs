//! Quartiles and densities equal NumPy's and SciPy's.

use medmetrics::plot::{Quartiles, kernel_density};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    values: Vec<f64>,
    quartiles: [f64; 3],
    whiskers: (f64, f64),
    places: Vec<f64>,
    density: Vec<f64>,
}

#[test]
fn quartiles_whiskers_and_densities_equal_the_references() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("density.json")).unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let name = case.name;
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
        let quartiles = Quartiles::of(&case.values).unwrap();
        let ours = [quartiles.first, quartiles.median, quartiles.third];
        assert!(
            ours.iter().zip(case.quartiles).all(|(a, b)| near(*a, b)),
            "{name}"
        );
        assert_eq!(quartiles.whiskers, case.whiskers, "{name}");
        let density = kernel_density(&case.values, case.places.len());
        assert_eq!(density.len(), case.places.len(), "{name}");
        for ((x, d), (place, expected)) in density.iter().zip(case.places.iter().zip(case.density))
        {
            assert!(
                near(*x, *place) && near(*d, expected),
                "{name} at {x}: {d} or {expected}"
            );
        }
    }
}
