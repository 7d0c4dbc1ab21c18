//! The intensity transforms of batchgeneratorsv2, given the drawn parameters.

use medaug::{ContrastRange, Gamma, brightness, contrast, gamma, gaussian_blur, low_resolution};

use crate::support::Fixture;

fn check<const D: usize>(name: &str, tolerance: f64, change: impl Fn(&mut [f32], [usize; D])) {
    let fixture = Fixture::load("intensity");
    let image = fixture.get(&format!("{D}d.image"));
    let mut voxels = image.floats();
    change(&mut voxels, image.shape());
    fixture
        .get(&format!("{D}d.{name}"))
        .assert_close(&voxels, tolerance, &format!("{D}d.{name}"));
}

fn check_all<const D: usize>() {
    check::<D>("brightness", 1e-7, |v, _| brightness(v, 1.21));
    check::<D>("contrast_preserved", 1e-6, |v, _| {
        contrast(v, 1.23, ContrastRange::Preserved);
    });
    check::<D>("contrast_free", 1e-6, |v, _| {
        contrast(v, 1.23, ContrastRange::Free);
    });
    for (name, exponent, inverted, retain_statistics) in [
        ("gamma", 0.74, false, false),
        ("gamma_retained", 1.46, false, true),
        ("gamma_inverted", 1.3, true, false),
        ("gamma_inverted_retained", 0.71, true, true),
    ] {
        let parameters = Gamma {
            exponent,
            inverted,
            retain_statistics,
        };
        check::<D>(name, 3e-6, |v, _| gamma(v, parameters));
    }
    check::<D>("blur", 1e-6, |v, shape| {
        let sigmas = [0.97, 0.55, 0.76];
        gaussian_blur(v, shape, std::array::from_fn(|a| sigmas[a]));
    });
    for (name, scale) in [
        ("low_resolution", [0.5; 3]),
        ("low_resolution_uneven", [0.83, 0.61, 0.5]),
    ] {
        check::<D>(name, 1e-6, |v, shape| {
            low_resolution(v, shape, std::array::from_fn(|a| scale[a]));
        });
    }
}

#[test]
fn slices_change_as_in_batchgeneratorsv2() {
    check_all::<2>();
}

#[test]
fn volumes_change_as_in_batchgeneratorsv2() {
    check_all::<3>();
}

#[test]
fn gamma_of_a_constant_is_the_constant() {
    let fixture = Fixture::load("intensity");
    let mut voxels = fixture.get("constant.image").floats();
    let parameters = Gamma {
        exponent: 0.7,
        inverted: false,
        retain_statistics: true,
    };
    gamma(&mut voxels, parameters);
    fixture
        .get("constant.gamma")
        .assert_close(&voxels, 1e-7, "constant");
}
