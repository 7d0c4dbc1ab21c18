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
    all.extend(artefacts::<D>());
    all.extend(colours());
    all.extend(histograms());
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

fn artefacts<const D: usize>() -> Vec<Exhibit> {
    let place: Vec<f64> = [0.5, 0.55, 0.58][3 - D..].to_vec();
    let places = vec![place];
    let movement = |time, degrees, shift| Movement {
        time,
        rotation_degrees: vec![degrees],
        translation_mm: vec![shift],
    };
    vec![
        exhibit(
            "weaker with depth",
            DepthAttenuation {
                axis: D - 2,
                from_end: false,
                attenuation: 0.1,
                frequency_mhz: 3.0,
            },
        ),
        exhibit(
            "four ghosts",
            Ghosting {
                number: 4,
                axis: D - 2,
                intensity: 0.8,
                restore: None,
            },
        ),
        exhibit("ringing edges", GibbsNoise { alpha: 0.7 }),
        exhibit(
            "a spike in k-space",
            KSpaceSpikeNoise {
                places: places.clone(),
                intensity: SpikeIntensity::OfMeanLog(2.5),
            },
        ),
        exhibit(
            "moved twice during the scan",
            Motion {
                movements: vec![movement(0.3, 5.0, 4.0), movement(0.7, -6.0, -3.0)],
                axis: D - 2,
            },
        ),
        exhibit(
            "a spike of a third",
            Spike {
                places,
                intensity: 0.3,
            },
        ),
        exhibit(
            "grain of ultrasound",
            UltrasoundSpeckle {
                strength: 0.8,
                spread_mm: vec![2.0],
                seed: 1,
            },
        ),
        exhibit(
            "depth attenuation by chance",
            RandomDepthAttenuation {
                probability: 1.0,
                ..RandomDepthAttenuation::default()
            },
        ),
        exhibit(
            "ghosts by chance",
            RandomGhosting {
                probability: 1.0,
                ..RandomGhosting::default()
            },
        ),
        exhibit(
            "ringing by chance",
            RandomGibbsNoise {
                probability: 1.0,
                ..RandomGibbsNoise::default()
            },
        ),
        exhibit(
            "a point of k-space by chance",
            RandomKSpaceSpikeNoise {
                probability: 1.0,
                ..RandomKSpaceSpikeNoise::default()
            },
        ),
        exhibit(
            "motion by chance",
            RandomMotion {
                probability: 1.0,
                ..RandomMotion::default()
            },
        ),
        exhibit(
            "a spike by chance",
            RandomSpike {
                probability: 1.0,
                ..RandomSpike::default()
            },
        ),
        exhibit(
            "grain by chance",
            RandomUltrasoundSpeckle {
                probability: 1.0,
                ..RandomUltrasoundSpeckle::default()
            },
        ),
    ]
}

fn colours() -> Vec<Exhibit> {
    vec![
        exhibit(
            "contrast, saturation and hue",
            ColorJitter {
                adjustments: vec![
                    ColorAdjustment::Contrast(1.4),
                    ColorAdjustment::Saturation(1.8),
                    ColorAdjustment::Hue(0.15),
                ],
            },
        ),
        exhibit(
            "more eosin",
            HedJitter {
                factor: [1.0, 1.3, 1.0],
                shift: [0.0, 0.02, 0.0],
            },
        ),
        exhibit(
            "hue turned by 60 degrees",
            HueSaturationValue {
                hue_degrees: 60.0,
                saturation_factor: 1.5,
                ..HueSaturationValue::default()
            },
        ),
        exhibit("without colour", ToGray::default()),
        exhibit(
            "colours by chance",
            RandomColorJitter {
                probability: 1.0,
                ..RandomColorJitter::default()
            },
        ),
        exhibit(
            "stains by chance",
            RandomHedJitter {
                probability: 1.0,
                ..RandomHedJitter::default()
            },
        ),
        exhibit(
            "hue, saturation and value by chance",
            RandomHueSaturationValue {
                probability: 1.0,
                ..RandomHueSaturationValue::default()
            },
        ),
        exhibit(
            "without colour by chance",
            RandomToGray {
                probability: 1.0,
                ..RandomToGray::default()
            },
        ),
    ]
}

/// A straight line from 0 to 1 but for many dark voxels.
fn dark_reference() -> ReferenceHistogram {
    let voxels: Vec<f32> = (0..=64).map(|i| (i as f32 / 64.0).powi(3)).collect();
    ReferenceHistogram::of(&voxels).expect("finite voxels")
}

fn histograms() -> Vec<Exhibit> {
    vec![
        exhibit("tiles equalised", Clahe::default()),
        exhibit("tiles equalised in 8 bits", ClaheEightBit::default()),
        exhibit(
            "the histogram of a dark image",
            HistogramMatching {
                reference: dark_reference(),
                blend: 1.0,
            },
        ),
        exhibit(
            "equalised",
            HistogramNormalize {
                output: Equalized::Share,
                ..HistogramNormalize::default()
            },
        ),
        exhibit(
            "landmarks at even distances",
            HistogramStandardization {
                landmarks: even_landmarks(),
                counted: Counted::All,
            },
        ),
        exhibit(
            "tiles equalised by chance",
            RandomClahe {
                probability: 1.0,
                ..RandomClahe::default()
            },
        ),
        exhibit(
            "tiles equalised in 8 bits by chance",
            RandomClaheEightBit {
                probability: 1.0,
                ..RandomClaheEightBit::default()
            },
        ),
        exhibit(
            "a drawn histogram",
            RandomHistogramMatching {
                probability: 1.0,
                references: vec![vec![dark_reference()]],
                blend: Draw::Fixed(0.5),
            },
        ),
    ]
}

/// Landmarks of an image whose intensities are all as frequent, from 0 to 1.
fn even_landmarks() -> Landmarks {
    let percentiles = [1, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 99];
    Landmarks::from_torchio(&percentiles.map(|p| f64::from(p) / 100.0))
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
