//! Policies and their tones: torchvision.

use medaug::{
    AdjustSharpness, AugMix, AugmentKind, AutoContrast, Equalize, MixedChain, Operation, Posterize,
    RandAugment, RandomAugMix, Sample, Sampling, Solarize, Transform, TrivialAugmentWide,
};
use medcore::random::Key;
use medcore::resample::Interpolation;
use medcore::{Geometry, Image};

use crate::support::{Array, Fixture, voxels_after};

fn picture(fixture: &Fixture, name: &str) -> Image<f32, 2> {
    let array = fixture.get(name);
    let grid = Geometry::axis_aligned([array.shape[1], array.shape[2]], [1.0; 2]).unwrap();
    Image::with_channels(array.shape[0], grid, array.floats()).unwrap()
}

#[test]
fn tones_are_torchvisions() {
    let fixture = Fixture::load("policy");
    let image = picture(&fixture, "picture");
    for factor in [0.0, 0.4, 1.7] {
        let sharpness = AdjustSharpness {
            factor,
            range: [0.0, 1.0],
        };
        let name = format!("sharpness.{factor:?}");
        let got = voxels_after(image.clone(), sharpness);
        fixture.get(&name).assert_close(&got, 2e-6, &name);
    }
    let got = voxels_after(image, AutoContrast::default());
    fixture
        .get("autocontrast")
        .assert_close(&got, 2e-6, "autocontrast");
    for name in ["wide", "few"] {
        let got = voxels_after(picture(&fixture, name), Equalize::default());
        let want = fixture.get(&format!("{name}.equalized"));
        want.assert_close(&got, 1e-6, name);
    }
}

const KINDS: [(&str, AugmentKind); 13] = [
    ("ShearX", AugmentKind::ShearX),
    ("ShearY", AugmentKind::ShearY),
    ("TranslateX", AugmentKind::TranslateX),
    ("TranslateY", AugmentKind::TranslateY),
    ("Rotate", AugmentKind::Rotate),
    ("Brightness", AugmentKind::Brightness),
    ("Color", AugmentKind::Color),
    ("Contrast", AugmentKind::Contrast),
    ("Sharpness", AugmentKind::Sharpness),
    ("Posterize", AugmentKind::Posterize),
    ("Solarize", AugmentKind::Solarize),
    ("AutoContrast", AugmentKind::AutoContrast),
    ("Equalize", AugmentKind::Equalize),
];

/// Whether all values agree; shears and turns are computed in single precision there.
fn agrees(got: &[f32], want: &Array) -> bool {
    let mut pairs = got.iter().zip(&want.values);
    pairs.all(|(&a, &b)| (f64::from(a) - b).abs() < 2e-5)
}

/// Draws a policy until both directions were seen; each result has to be one of the two.
fn check(
    policy: &str,
    kind: &str,
    draw: impl Fn(Key, &mut medaug::LazySample<2>) -> Vec<Operation>,
) {
    let fixture = Fixture::load("policy");
    let sample = Sample::new(picture(&fixture, "picture"));
    let plus = fixture.get(&format!("{policy}.{kind}.+"));
    let minus = fixture.try_get(&format!("{policy}.{kind}.-"));
    let mut seen = [false; 2];
    for seed in 0..12 {
        let mut lazy = sample.clone().into_lazy();
        for operation in draw(Key::new(seed), &mut lazy) {
            operation.check::<2>().unwrap();
            lazy = operation.apply(lazy).unwrap();
        }
        let done = lazy.finish().unwrap();
        let got = done.image().as_slice();
        let right = [
            agrees(got, &plus),
            minus.as_ref().is_some_and(|minus| agrees(got, minus)),
        ];
        assert!(right.contains(&true), "{policy} {kind} of {seed}");
        seen = [seen[0] || right[0], seen[1] || right[1]];
    }
    assert_eq!(seen, [true, minus.is_some()], "{policy} {kind}");
}

fn linear() -> Sampling {
    Sampling {
        interpolation: Interpolation::Linear,
        ..RandAugment::default().sampling
    }
}

#[test]
fn every_kind_is_that_of_torchvision() {
    for (name, kind) in KINDS {
        let policy = RandAugment {
            count: 1,
            magnitude: 11,
            kinds: vec![kind],
            sampling: linear(),
            ..RandAugment::default()
        };
        check("rand", name, |key, lazy| policy.draw(lazy, key).unwrap());
    }
}

#[test]
fn strengths_of_other_policies_are_torchvisions() {
    let named = |name: &str| KINDS.into_iter().find(|(n, _)| *n == name).unwrap().1;
    for name in ["ShearX", "TranslateY", "Rotate", "Contrast", "Posterize"] {
        // The strength is drawn too: only draws of the fixture's are compared.
        let policy = TrivialAugmentWide {
            kinds: vec![named(name)],
            sampling: linear(),
            ..TrivialAugmentWide::default()
        };
        compare_drawn("trivial", name, 3.0 / 30.0, |key, lazy| {
            policy.draw(lazy, key).unwrap()
        });
    }
    for name in ["ShearY", "TranslateX", "Rotate", "Posterize"] {
        let policy = RandomAugMix {
            kinds: vec![named(name)],
            chains: 1,
            count: [1, 1],
            sampling: linear(),
            ..RandomAugMix::default()
        };
        compare_drawn("augmix", name, 2.0 / 9.0, |key, lazy| {
            let drawn = policy.draw(lazy, key).unwrap();
            let [Operation::AugMix(mix)] = &drawn[..] else {
                panic!("one mixture: {drawn:?}");
            };
            mix.chains[0].operations.clone()
        });
    }
}

/// Draws until results of the fixture's strength were seen in both directions, which happens to a known share of draws.
fn compare_drawn(
    policy: &str,
    kind: &str,
    level: f64,
    draw: impl Fn(Key, &mut medaug::LazySample<2>) -> Vec<Operation>,
) {
    let fixture = Fixture::load("policy");
    let sample = Sample::new(picture(&fixture, "picture"));
    let names = ["+", "-"].map(|sign| format!("{policy}.{kind}.{sign}"));
    let wanted: Vec<Array> = names
        .iter()
        .filter_map(|name| fixture.try_get(name))
        .collect();
    let mut seen = vec![0; wanted.len()];
    for seed in 0..400 {
        let mut lazy = sample.clone().into_lazy();
        for operation in draw(Key::new(seed), &mut lazy) {
            lazy = operation.apply(lazy).unwrap();
        }
        let done = lazy.finish().unwrap();
        for (seen, want) in seen.iter_mut().zip(&wanted) {
            *seen += usize::from(agrees(done.image().as_slice(), want));
        }
    }
    assert!(
        seen.iter().all(|&n| n >= 2),
        "{policy} {kind} at {level}: {seen:?}"
    );
}

#[test]
fn a_mixture_is_the_weighed_sum() {
    let fixture = Fixture::load("policy");
    let solarize = Solarize {
        threshold: 0.6,
        ..Solarize::default()
    };
    let posterize = Posterize {
        bits: 3,
        ..Posterize::default()
    };
    let mix = AugMix {
        original: 0.4,
        chains: vec![
            MixedChain {
                weight: 0.35,
                operations: vec![AutoContrast::default().into()],
            },
            MixedChain {
                weight: 0.25,
                operations: vec![solarize.into(), posterize.into()],
            },
        ],
    };
    let got = voxels_after(picture(&fixture, "picture"), mix);
    fixture.get("mixed").assert_close(&got, 2e-6, "mixed");
}
