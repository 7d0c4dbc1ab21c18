//! One example of every transform: what the gallery shows, and what the laws in the tests are tried on.

mod artefact;
mod colour;
mod crops;
mod derived;
mod filter;
mod histogram;
mod intensity;
mod local;
pub(crate) mod mixing;
mod moves;
mod policy;
mod post;

use medaug::*;
use medcore::Geometry;

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

/// Examples for images on this grid, of every step but [`On`].
pub(crate) fn exhibits<const D: usize>(grid: &Geometry<D>) -> Vec<Exhibit> {
    let mut all = moves::all(grid);
    all.extend(artefact::all::<D>());
    all.extend(colour::all());
    all.extend(derived::all::<D>());
    all.extend(filter::all());
    all.extend(histogram::all());
    all.extend(intensity::all(grid));
    all.extend(local::all(grid));
    all.extend(policy::all());
    all.extend(post::all());
    all.extend(choices());
    all
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
            "both in any order",
            RandomOrder(vec![
                brighter.clone(),
                ShiftIntensity { offset: -0.1 }.into(),
            ]),
        ),
        exhibit(
            "some of two",
            SomeOf {
                steps: vec![brighter.clone(), darker],
                count: [1, 2],
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
