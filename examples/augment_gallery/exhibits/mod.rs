//! One example of every transform: what the gallery shows, and what the laws in the tests are tried on.

mod artefact;
mod colour;
mod histogram;
mod intensity;

use medaug::*;

/// A transform with numbers that show what it does.
pub(crate) struct Exhibit {
    /// What to look for.
    pub(crate) caption: &'static str,
    /// The transform; random ones happen for certain.
    pub(crate) step: Step,
}

/// A random transform with its defaults, for certain.
macro_rules! certain {
    ($caption:literal, $transform:ident) => {
        $crate::exhibits::exhibit(
            $caption,
            medaug::$transform {
                probability: 1.0,
                ..medaug::$transform::default()
            },
        )
    };
}
use certain;

fn exhibit(caption: &'static str, step: impl Into<Step>) -> Exhibit {
    Exhibit {
        caption,
        step: step.into(),
    }
}

/// Examples for images of `D` axes, of every step but [`On`].
pub(crate) fn exhibits<const D: usize>() -> Vec<Exhibit> {
    let mut all = moves::<D>();
    all.extend(artefact::all::<D>());
    all.extend(colour::all());
    all.extend(histogram::all());
    all.extend(intensity::all::<D>());
    all.extend(labels());
    all.extend(choices());
    all
}

fn moves<const D: usize>() -> Vec<Exhibit> {
    let still = vec![0.0; D * (D - 1) / 2];
    let turned = |degrees: f64| {
        let mut angles = still.clone();
        angles[0] = degrees;
        angles
    };
    vec![
        exhibit(
            "turned by 20 degrees, sheared, mirrored",
            Affine {
                rotation_degrees: turned(20.0),
                scale: vec![1.1],
                shear: turned(0.1),
                flip: vec![D - 1],
                ..Affine::default()
            },
        ),
        exhibit(
            "mirrored",
            Flip {
                axes: vec![D - 1],
                swap: None,
            },
        ),
        exhibit(
            "mirrored by chance",
            RandomFlip {
                axes: vec![D - 1],
                probability: 1.0,
                laterality: Laterality::Ignore,
            },
        ),
        exhibit(
            "turned, scaled, sheared and moved",
            RandomSpatial {
                rotation_probability: 1.0,
                scale_probability: 1.0,
                shear_probability: 1.0,
                translation_probability: 1.0,
                ..RandomSpatial::default()
            },
        ),
    ]
}

fn labels() -> Vec<Exhibit> {
    vec![exhibit(
        "the largest part of each class",
        KeepLargest::default(),
    )]
}

fn choices() -> Vec<Exhibit> {
    let brighter: Step = Brightness { factor: 1.3 }.into();
    let darker: Step = Brightness { factor: 0.7 }.into();
    vec![
        exhibit(
            "one of two",
            OneOf {
                steps: vec![brighter.clone(), darker.clone()],
                weights: vec![3.0, 1.0],
            },
        ),
        exhibit(
            "one after the other",
            Sequence(vec![brighter.clone(), darker.clone()]),
        ),
        exhibit(
            "some of two",
            SomeOf {
                steps: vec![brighter.clone(), darker],
                fewest: 1,
                most: 2,
            },
        ),
        exhibit(
            "sometimes",
            Sometimes {
                probability: 0.5,
                steps: vec![brighter],
            },
        ),
    ]
}
