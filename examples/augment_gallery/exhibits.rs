//! One example of every transform: what the gallery shows, and what the laws in the tests are tried on.

use medaug::*;

/// A transform with numbers that show what it does.
pub(crate) struct Exhibit {
    /// What to look for.
    pub(crate) caption: &'static str,
    /// The transform; random ones happen for certain.
    pub(crate) step: Step,
}

fn exhibit(caption: &'static str, step: impl Into<Step>) -> Exhibit {
    Exhibit {
        caption,
        step: step.into(),
    }
}

/// Examples for images of `D` axes, of every step but [`On`].
pub(crate) fn exhibits<const D: usize>() -> Vec<Exhibit> {
    let mut all = moves::<D>();
    all.extend(intensities());
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

fn intensities() -> Vec<Exhibit> {
    vec![
        exhibit("brighter by a half", Brightness { factor: 1.5 }),
        exhibit(
            "half the contrast",
            Contrast {
                factor: 0.5,
                range: ContrastRange::Preserved,
            },
        ),
        exhibit(
            "gamma of 2",
            Gamma {
                exponent: 2.0,
                inverted: false,
                retain_statistics: false,
            },
        ),
        exhibit(
            "blurred by 1.5 voxels",
            GaussianBlur {
                sigma_voxels: vec![1.5],
            },
        ),
        exhibit(
            "noise",
            GaussianNoise {
                sigma: 0.1,
                seed: 1,
            },
        ),
        exhibit("range scaled to 0..1", Intensity::MinMax),
        exhibit("a third of the voxels", LowResolution { scale: vec![0.35] }),
        exhibit(
            "brightness by chance",
            RandomBrightness {
                probability: 1.0,
                ..RandomBrightness::default()
            },
        ),
        exhibit(
            "contrast by chance",
            RandomContrast {
                probability: 1.0,
                ..RandomContrast::default()
            },
        ),
        exhibit(
            "gamma by chance",
            RandomGamma {
                probability: 1.0,
                ..RandomGamma::default()
            },
        ),
        exhibit(
            "blur by chance",
            RandomGaussianBlur {
                probability: 1.0,
                ..RandomGaussianBlur::default()
            },
        ),
        exhibit(
            "noise by chance",
            RandomGaussianNoise {
                probability: 1.0,
                ..RandomGaussianNoise::default()
            },
        ),
        exhibit(
            "low resolution by chance",
            RandomLowResolution {
                probability: 1.0,
                ..RandomLowResolution::default()
            },
        ),
    ]
}

fn labels() -> Vec<Exhibit> {
    vec![
        exhibit("sigmoid", Activations::Sigmoid),
        exhibit("the brightest channel as label", ArgMax {}),
        exhibit("holes filled", FillHoles::default()),
        exhibit("the largest part of each class", KeepLargest::default()),
        exhibit("class 1 only", LabelFilter { classes: vec![1] }),
        exhibit("outlines", LabelToContour::default()),
        exhibit(
            "classes as channels that overlap",
            LabelsToRegions {
                regions: vec![vec![1, 2], vec![2]],
            },
        ),
        exhibit(
            "classes 1 and 2 exchanged",
            MapLabels {
                pairs: vec![(1, 2), (2, 1)],
            },
        ),
        exhibit(
            "classes grown by 2 mm",
            Morphology {
                change: Change::Dilate,
                radius: Radius::Millimetres(2.0),
                classes: vec![],
            },
        ),
        exhibit("one channel for each class", OneHot { classes: 16 }),
        exhibit(
            "bright places painted",
            RegionsToLabels {
                paint: vec![(0, 1)],
            },
        ),
        exhibit("crumbs removed", RemoveSmall::default()),
        exhibit("above one half", Threshold::default()),
    ]
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
