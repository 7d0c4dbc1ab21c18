//! Transforms of intensities.

use medaug::*;
use medcore::Geometry;

use super::{Exhibit, certain, exhibit};

pub(super) fn all<const D: usize>(grid: &Geometry<D>) -> Vec<Exhibit> {
    let mut all = scales();
    all.extend(shifts());
    all.extend(tones());
    all.extend(noises());
    all.extend(fields::<D>());
    all.extend(holes(grid));
    all.extend(channels());
    all
}

fn scales() -> Vec<Exhibit> {
    let percentiles = [5.0, 95.0];
    vec![
        exhibit("range scaled to 0..1", Normalise::from(Intensity::MinMax)),
        exhibit(
            "0.2..0.8 becomes 0..1",
            ScaleIntensityRange {
                input: [0.2, 0.8],
                output: [0.0, 1.0],
                clip: true,
            },
        ),
        exhibit(
            "5th to 95th percentile becomes 0..1",
            ScaleIntensityRangePercentiles {
                percentiles,
                output: [0.0, 1.0],
                clip: true,
                relative: false,
                extent: Extent::EachChannel,
            },
        ),
        exhibit(
            "clipped to 5th and 95th percentile",
            ClipIntensityPercentiles {
                lower: Some(5.0),
                upper: Some(95.0),
                ..ClipIntensityPercentiles::default()
            },
        ),
        exhibit(
            "rescaled to 0..1 by percentiles",
            RescaleIntensity {
                percentiles,
                ..RescaleIntensity::default()
            },
        ),
        exhibit("mean 0, deviation 1", NormalizeIntensity::default()),
        exhibit(
            "what is above 0.4, else 0",
            ThresholdIntensity {
                threshold: 0.4,
                kept: Side::Above,
                value: 0.0,
            },
        ),
        exhibit(
            "clamped to 0.2..0.7",
            Clamp {
                low: Some(0.2),
                high: Some(0.7),
            },
        ),
        exhibit(
            "what is brighter than the mean",
            MaskIntensity {
                mask: Mask::AboveMean,
                value: 0.0,
                extent: Extent::EachChannel,
            },
        ),
        exhibit(
            "scaled by a half about the mean",
            ScaleIntensityFixedMean {
                factor: 0.5,
                range: ContrastRange::Free,
            },
        ),
        certain!(
            "scaled about the mean by chance",
            RandomScaleIntensityFixedMean
        ),
    ]
}

fn shifts() -> Vec<Exhibit> {
    vec![
        exhibit("brighter by a half", Brightness { factor: 1.5 }),
        certain!("brightness by chance", RandomBrightness),
        exhibit(
            "half the contrast",
            Contrast {
                factor: 0.5,
                range: ContrastRange::Preserved,
            },
        ),
        certain!("contrast by chance", RandomContrast),
        exhibit(
            "gamma of 2",
            Gamma {
                exponent: 2.0,
                inverted: false,
                retain_statistics: false,
            },
        ),
        certain!("gamma by chance", RandomGamma),
        exhibit(
            "MONAI's gamma of 0.5",
            AdjustContrast {
                gamma: 0.5,
                inverted: false,
                retain_statistics: false,
            },
        ),
        certain!("MONAI's gamma by chance", RandomAdjustContrast),
        exhibit("0.2 brighter", ShiftIntensity { offset: 0.2 }),
        certain!("offset by chance", RandomShiftIntensity),
        exhibit("scaled by 0.6", ScaleIntensity { factor: -0.4 }),
        certain!("factor by chance", RandomScaleIntensity),
        exhibit(
            "brighter by a deviation",
            StdShiftIntensity {
                factor: 1.0,
                masked: false,
            },
        ),
        certain!("deviations by chance", RandomStdShiftIntensity),
        exhibit(
            "brightness and contrast",
            BrightnessContrast {
                brightness: 0.1,
                contrast: 1.4,
                unit: BrightnessUnit::Intensity(1.0),
                range: Some([0.0, 1.0]),
            },
        ),
        certain!(
            "brightness and contrast by chance",
            RandomBrightnessContrast
        ),
        exhibit(
            "a curve through control points",
            HistogramShift {
                control: vec![0.0, 0.5, 0.6, 1.0],
            },
        ),
        certain!("a curve by chance", RandomHistogramShift),
        exhibit("a third of the voxels", LowResolution { scale: vec![0.35] }),
        certain!("low resolution by chance", RandomLowResolution),
    ]
}

fn tones() -> Vec<Exhibit> {
    vec![
        exhibit("negative", Invert::default()),
        certain!("negative by chance", RandomInvert),
        exhibit(
            "eight tones",
            Posterize {
                bits: 3,
                ..Posterize::default()
            },
        ),
        certain!("sixteen tones", RandomPosterize),
        exhibit("negative above one half", Solarize::default()),
        certain!("negative above a drawn tone", RandomSolarize),
    ]
}

fn noises() -> Vec<Exhibit> {
    let seed = 1;
    vec![
        exhibit(
            "Gaussian noise of 0.1",
            GaussianNoise {
                sigma: 0.1,
                unit: NoiseUnit::Intensity,
                seed,
            },
        ),
        certain!("Gaussian noise by chance", RandomGaussianNoise),
        exhibit(
            "Rician noise of 0.15",
            RicianNoise {
                sigma: 0.15,
                unit: NoiseUnit::Intensity,
                seed,
            },
        ),
        exhibit(
            "Rician noise by chance",
            RandomRicianNoise {
                probability: 1.0,
                sigma: Draw::Fixed(0.2),
                ..RandomRicianNoise::default()
            },
        ),
        exhibit(
            "60 photons at an intensity of 1",
            PoissonNoise {
                photons: 60.0,
                dark: 0.0,
                seed,
            },
        ),
        certain!("photons by chance", RandomPoissonNoise),
        exhibit("speckle of 0.3", SpeckleNoise { sigma: 0.3, seed }),
        certain!("speckle by chance", RandomSpeckleNoise),
        exhibit(
            "voxels times 0.5 to 1.5",
            MultiplicativeNoise {
                low: 0.5,
                high: 1.5,
                seed,
            },
        ),
        certain!("voxels times a factor by chance", RandomMultiplicativeNoise),
        exhibit(
            "black and white grains",
            SaltAndPepper {
                amount: 0.05,
                salt: 0.5,
                extremes: Extremes::OfImage,
                seed,
            },
        ),
        certain!("grains by chance", RandomSaltAndPepper),
    ]
}

fn fields<const D: usize>() -> Vec<Exhibit> {
    let points: usize = 3;
    let count = points.pow(D as u32);
    vec![
        exhibit(
            "sensitivity that falls off",
            BiasField {
                order: 1,
                coefficients: vec![0.4; D + 1],
                basis: BiasBasis::Legendre,
            },
        ),
        exhibit(
            "brighter towards the end",
            SmoothFieldAdjustIntensity {
                points: vec![points; D],
                factors: (0..count)
                    .map(|i| 0.4 + 1.2 * i as f32 / count as f32)
                    .collect(),
                mode: FieldMode::Linear,
            },
        ),
        certain!("uneven sensitivity of a coil", RandomBiasField),
        certain!("smooth factors", RandomSmoothFieldAdjustIntensity),
    ]
}

fn holes<const D: usize>(grid: &Geometry<D>) -> Vec<Exhibit> {
    // Blocks of a fifth of the image, one over its middle.
    let shape = grid.shape();
    let block = shape.map(|n| n.div_ceil(5)).to_vec();
    let hole = |parts: usize| Hole {
        start: shape.map(|n| (n * parts / 10).min(n - 1)).to_vec(),
        shape: block.clone(),
    };
    let holes = vec![hole(4), hole(6)];
    // Both blocks of a swap lie whole within the image.
    let start = |last: bool| -> Vec<usize> {
        let room = shape.iter().zip(&block).map(|(n, b)| n - b);
        room.map(|room| if last { room } else { room / 3 })
            .collect()
    };
    vec![
        exhibit(
            "two holes",
            CoarseDropout {
                holes: holes.clone(),
                fill: HoleFill::Value(0.0),
                part: DropoutPart::Holes,
                label: Some(0),
                hidden: Hidden::Stay,
                seed: 1,
            },
        ),
        certain!("holes by chance", RandomCoarseDropout),
        exhibit(
            "shuffled voxels in two blocks",
            CoarseShuffle { holes, seed: 1 },
        ),
        certain!("shuffled blocks by chance", RandomCoarseShuffle),
        exhibit(
            "holes in a grid",
            GridDropout {
                cells: vec![10],
                ratio: 0.5,
                shift: vec![0],
                fill: HoleFill::Value(0.0),
                label: None,
                seed: 1,
            },
        ),
        certain!("grid by chance", RandomGridDropout),
        exhibit(
            "two blocks exchanged",
            Swap {
                size: block.clone(),
                pairs: vec![[start(false), start(true)]],
            },
        ),
        exhibit(
            "blocks exchanged by chance",
            RandomSwap {
                probability: 1.0,
                size: block.clone(),
                pairs: 6,
            },
        ),
    ]
}

fn channels() -> Vec<Exhibit> {
    vec![
        exhibit(
            "no first channel",
            ChannelDropout {
                channels: vec![0],
                value: 0.0,
            },
        ),
        certain!("a channel less by chance", RandomChannelDropout),
        exhibit(
            "channels turned round",
            ChannelShuffle {
                order: vec![2, 1, 0],
            },
        ),
        exhibit(
            "channels in any order",
            RandomChannelShuffle { probability: 1.0 },
        ),
        exhibit(
            "grey",
            ToGray {
                method: GrayMethod::Luma,
                channels: Some(3),
            },
        ),
        certain!("grey by chance", RandomToGray),
        exhibit("every channel twice", RepeatChannel { count: 2 }),
    ]
}
