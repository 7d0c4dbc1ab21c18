//! Scales, shifts and noise of MONAI, TorchIO, Albumentations and scikit-image, given the drawn parameters.

use medaug::{
    AdjustContrast, BrightnessContrast, BrightnessUnit, Clamp, ClipIntensityPercentiles,
    ContrastRange, Deviation, Extent, HistogramShift, Mask, MaskIntensity, NormalizeIntensity,
    Operation, OutsideMask, RescaleIntensity, Sample, ScaleIntensity, ScaleIntensityFixedMean,
    ScaleIntensityRange, ScaleIntensityRangePercentiles, ShiftIntensity, Side, StdShiftIntensity,
    ThresholdIntensity, otsu_threshold, rician,
};
use medcore::{Geometry, Image, LabelMap};

use crate::support::Fixture;

/// Volumes with labels; both channels, or as many as the expected image has.
fn check(source: &str, expected: &str, operation: impl Into<Operation>) {
    let fixture = Fixture::load("scaling");
    let array = fixture.get(source);
    let wanted = fixture.get(expected);
    let [_, shape @ ..] = array.shape::<4>();
    let channels = wanted.shape::<4>()[0];
    let grid = Geometry::<3>::axis_aligned(shape, [3.0, 0.7, 0.8]).unwrap();
    let voxels = array.floats()[..channels * grid.len()].to_vec();
    let image = Image::with_channels(channels, grid, voxels).unwrap();
    let mut sample = Sample::new(image);
    if source != "unit" && source != "narrow" {
        let labels = fixture.get("labels").values;
        let labels: Vec<u8> = labels.into_iter().map(|v| v as u8).collect();
        let labels = LabelMap::new(grid, labels).unwrap();
        sample = sample.with_class_labels(labels).unwrap();
    }
    let operation = operation.into();
    operation.check::<3>().unwrap();
    let changed = operation.apply_to(sample).unwrap();
    wanted.assert_close(changed.image().as_slice(), 3e-6, expected);
}

#[test]
fn ranges_are_monais() {
    let range = ScaleIntensityRange {
        input: [-160.0, 240.0],
        output: [-1.0, 3.0],
        clip: false,
    };
    check("ct", "range", range);
    check(
        "ct",
        "range_clipped",
        ScaleIntensityRange {
            clip: true,
            ..range
        },
    );
    let rescale = RescaleIntensity {
        output: [-2.0, 5.0],
        ..RescaleIntensity::default()
    };
    check("ct", "to_range", rescale.clone());
    let each = RescaleIntensity {
        extent: Extent::EachChannel,
        ..rescale
    };
    check("ct", "to_range_each", each);
    let percentiles = ScaleIntensityRangePercentiles {
        percentiles: [3.0, 92.5],
        output: [-1.0, 2.0],
        clip: false,
        relative: false,
        extent: Extent::AllChannels,
    };
    check("ct", "percentiles", percentiles.clone());
    let relative = ScaleIntensityRangePercentiles {
        clip: true,
        relative: true,
        extent: Extent::EachChannel,
        ..percentiles
    };
    check("ct", "percentiles_relative", relative);
}

#[test]
fn clipping_is_monais() {
    let clip = ClipIntensityPercentiles {
        lower: Some(5.0),
        upper: Some(80.0),
        ..ClipIntensityPercentiles::default()
    };
    check("ct", "clip_percentiles", clip.clone());
    let soft = ClipIntensityPercentiles {
        sharpness: Some(0.02),
        ..clip
    };
    check("ct", "soft", soft.clone());
    check(
        "ct",
        "soft_upper",
        ClipIntensityPercentiles {
            lower: None,
            ..soft
        },
    );
    let lower = ClipIntensityPercentiles {
        lower: Some(12.0),
        extent: Extent::EachChannel,
        ..ClipIntensityPercentiles::default()
    };
    check("ct", "clip_lower_each", lower);
    let above = ThresholdIntensity {
        threshold: 30.0,
        kept: Side::Above,
        value: -7.0,
    };
    check("ct", "above", above);
    let below = ThresholdIntensity {
        kept: Side::Below,
        value: 11.0,
        ..above
    };
    check("ct", "below", below);
    let mask = MaskIntensity {
        mask: Mask::Labels(vec![]),
        value: 0.0,
        extent: Extent::AllChannels,
    };
    check("ct", "masked", mask);
}

#[test]
fn scores_are_monais() {
    let score = NormalizeIntensity::default();
    check("mr", "score_all", score.clone());
    let each = NormalizeIntensity {
        extent: Extent::EachChannel,
        ..score
    };
    let nonzero = NormalizeIntensity {
        mask: Mask::NonZero,
        ..each.clone()
    };
    check("mr", "score_nonzero", nonzero);
    let given = NormalizeIntensity {
        subtrahend: Some(vec![10.0, 20.0]),
        divisor: Some(vec![3.0, 0.0]),
        ..each
    };
    check("mr", "score_given", given);
}

#[test]
fn torchios_scores_and_ranges_count_all_channels_together() {
    let score = NormalizeIntensity {
        deviation: Deviation::Sample,
        outside: OutsideMask::Scaled,
        ..NormalizeIntensity::default()
    };
    check("mr", "tio_score", score.clone());
    let mean = NormalizeIntensity {
        mask: Mask::AboveMean,
        ..score.clone()
    };
    check("mr", "tio_score_mean", mean);
    let labels = NormalizeIntensity {
        mask: Mask::Labels(vec![]),
        ..score
    };
    check("mr", "tio_score_labels", labels);
    let rescale = RescaleIntensity {
        output: [-1.0, 2.0],
        percentiles: [4.0, 93.0],
        ..RescaleIntensity::default()
    };
    check("ct", "tio_rescale", rescale.clone());
    let labels = RescaleIntensity {
        mask: Mask::Labels(vec![]),
        ..rescale
    };
    check("ct", "tio_rescale_labels", labels);
    let input = RescaleIntensity {
        input: Some([-200.0, 900.0]),
        ..RescaleIntensity::default()
    };
    check("ct", "tio_rescale_input", input);
    let clamp = Clamp {
        low: Some(-100.0),
        high: Some(250.0),
    };
    check("ct", "tio_clamp", clamp);
}

#[test]
fn shifts_are_monais() {
    check("ct", "shift", ShiftIntensity { offset: 12.5 });
    check("ct", "scaled", ScaleIntensity { factor: -0.3 });
    let shift = StdShiftIntensity {
        factor: 0.7,
        masked: false,
    };
    check("ct", "std_shift", shift);
    let masked = StdShiftIntensity {
        factor: -0.4,
        masked: true,
    };
    check("mr", "std_shift_masked", masked);
    let fixed_mean = ScaleIntensityFixedMean {
        factor: 0.3,
        range: ContrastRange::Free,
    };
    check("ct", "fixed_mean", fixed_mean);
    let preserved = ScaleIntensityFixedMean {
        range: ContrastRange::Preserved,
        ..fixed_mean
    };
    check("ct", "fixed_mean_preserved", preserved);
    let control = Fixture::load("scaling").get("histogram_points").values;
    check("ct", "histogram", HistogramShift { control });
}

#[test]
fn contrast_is_monais_where_the_range_is_small_too() {
    let plain = AdjustContrast {
        gamma: 2.7,
        inverted: false,
        retain_statistics: false,
    };
    check("unit", "contrast", plain);
    let statistics = AdjustContrast {
        gamma: 0.6,
        inverted: true,
        retain_statistics: true,
    };
    check("unit", "contrast_statistics", statistics);
    let fixture = Fixture::load("scaling");
    let narrow = fixture.get("narrow");
    let grid = Geometry::<3>::axis_aligned([5, 7, 6], [1.0; 3]).unwrap();
    let image = Image::new(grid, narrow.floats()).unwrap();
    let squared = AdjustContrast {
        gamma: 2.0,
        ..plain
    };
    let changed = Operation::from(squared)
        .apply_to(Sample::new(image))
        .unwrap();
    let stretched: Vec<f32> = changed.image().as_slice().iter().map(|v| v * 1e7).collect();
    fixture
        .get("contrast_narrow")
        .assert_close(&stretched, 1e-5, "contrast_narrow");
}

#[test]
fn brightness_and_contrast_are_those_of_albumentations() {
    let fixture = Fixture::load("scaling");
    let picture = fixture.get("picture");
    let grid = Geometry::<2>::axis_aligned([9, 11], [1.0; 2]).unwrap();
    let units = [
        ("bright_max", BrightnessUnit::Intensity(1.0)),
        ("bright_mean", BrightnessUnit::Mean),
    ];
    for (expected, unit) in units {
        let image = Image::with_channels(3, grid, picture.floats()).unwrap();
        let operation = BrightnessContrast {
            brightness: 0.15,
            contrast: -0.2,
            unit,
            ..BrightnessContrast::default()
        };
        let changed = Operation::from(operation)
            .apply_to(Sample::new(image))
            .unwrap();
        fixture
            .get(expected)
            .assert_close(changed.image().as_slice(), 1e-6, expected);
    }
}

#[test]
fn otsus_threshold_is_that_of_scikit_image() {
    let fixture = Fixture::load("scaling");
    let got: Vec<f32> = ["mr", "ct"]
        .iter()
        .map(|name| otsu_threshold(&fixture.get(name).floats(), 256).unwrap())
        .collect();
    fixture.get("otsu").assert_close(&got, 1e-6, "otsu");
}

#[test]
fn rician_noise_of_a_given_field_is_monais() {
    let fixture = Fixture::load("scaling");
    let wanted = fixture.get("rician");
    let mut voxels = fixture.get("ct").floats()[..wanted.values.len()].to_vec();
    let parts = ["rician_real", "rician_imaginary"].map(|name| fixture.get(name).floats());
    rician(&mut voxels, &parts[0], &parts[1]);
    wanted.assert_close(&voxels, 1e-6, "rician");
}
