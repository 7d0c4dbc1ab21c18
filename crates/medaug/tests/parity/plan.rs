//! Plans are those of nnU-Net's own planners, on data sets of every kind.

use std::path::Path;

use medaug::{
    Fingerprint, Intensity, IntensityStatistics, Modality, Plan, PlannedConfiguration, Planner,
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct File {
    datasets: Vec<Dataset>,
}

#[derive(Deserialize)]
struct Dataset {
    name: String,
    shapes: Vec<[usize; 3]>,
    spacings: Vec<[f64; 3]>,
    kept_share: f64,
    channels: Vec<String>,
    classes: usize,
    plans: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
struct Expected {
    transpose_forward: [usize; 3],
    transpose_backward: [usize; 3],
    median_spacing: [f64; 3],
    median_shape: [usize; 3],
    #[serde(rename = "2d")]
    slices: ExpectedConfiguration,
    #[serde(rename = "3d_fullres")]
    full: Option<ExpectedConfiguration>,
    #[serde(rename = "3d_lowres")]
    low: Option<ExpectedConfiguration>,
}

#[derive(Deserialize)]
struct ExpectedConfiguration {
    spacing: Vec<f64>,
    median_shape: Vec<f64>,
    patch: Vec<usize>,
    batch: usize,
    batch_dice: bool,
    schemes: Vec<String>,
    masked: Vec<bool>,
    features: Vec<usize>,
    kernels: Vec<Vec<usize>>,
    strides: Vec<Vec<usize>>,
    encoder: Vec<usize>,
    decoder: Vec<usize>,
}

fn load() -> Vec<Dataset> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/plan.json");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.len() <= 64 * 1024, "{} bytes", text.len());
    serde_json::from_str::<File>(&text).unwrap().datasets
}

fn planner(preset: &str) -> Planner {
    match preset {
        "nnunet" => Planner::nnunet(),
        "nnunet_24" => Planner::nnunet().with_memory(24.0),
        "residual" => Planner::residual(),
        "residual_m" => Planner::residual_m(),
        "residual_l" => Planner::residual_l(),
        "residual_xl" => Planner::residual_xl(),
        other => panic!("{other}"),
    }
}

fn fingerprint(dataset: &Dataset) -> Fingerprint {
    let known = IntensityStatistics {
        mean: 1.0,
        std: 2.0,
        median: 1.0,
        percentile_00_5: -3.0,
        percentile_99_5: 5.0,
        min: -4.0,
        max: 6.0,
    };
    Fingerprint {
        spacings: dataset.spacings.clone(),
        shapes: dataset.shapes.clone(),
        median_kept_share: dataset.kept_share,
        intensities: vec![Some(known); dataset.channels.len()],
    }
}

fn scheme(intensity: &Intensity) -> (&'static str, bool) {
    match *intensity {
        Intensity::ClipZScore { .. } => ("CTNormalization", false),
        Intensity::ZScore { masked: false } => ("ZScoreNormalization", false),
        Intensity::BodyZScore => ("ZScoreNormalization", true),
        Intensity::MinMax => ("RescaleTo01Normalization", false),
        Intensity::Window { .. } => ("RGBTo01Normalization", false),
        Intensity::Keep => ("NoNormalization", false),
        Intensity::ZScore { masked: true } => panic!("planned as BodyZScore"),
    }
}

fn compare(got: &PlannedConfiguration, want: &ExpectedConfiguration, what: &str) {
    for (a, b) in got.spacing.iter().zip(&want.spacing) {
        assert!((a - b).abs() <= 1e-12 * b, "{what}: {a} mm is not {b}");
    }
    assert_eq!(got.spacing.len(), want.spacing.len(), "{what}");
    assert_eq!(got.median_shape, want.median_shape, "{what}");
    assert_eq!(got.patch, want.patch, "{what}");
    assert_eq!(got.batch, want.batch, "{what}");
    assert_eq!(got.batch_dice, want.batch_dice, "{what}");
    assert_eq!(got.network.features, want.features, "{what}");
    assert_eq!(got.network.kernels, want.kernels, "{what}");
    assert_eq!(got.network.strides, want.strides, "{what}");
    assert_eq!(got.network.encoder_blocks, want.encoder, "{what}");
    assert_eq!(got.network.decoder_blocks, want.decoder, "{what}");
}

#[test]
fn plans_are_nnunets_on_every_data_set() {
    let datasets = load();
    assert!(datasets.len() >= 11);
    let (mut low, mut flat) = (0, 0);
    for dataset in &datasets {
        let fingerprint = fingerprint(dataset);
        let modalities: Vec<_> = dataset.channels.iter().map(Modality::of_channel).collect();
        assert_eq!(dataset.plans.len(), 6);
        for (preset, described) in &dataset.plans {
            let what = format!("{} {preset}", dataset.name);
            let described = match described {
                Value::String(same) => &dataset.plans[same],
                other => other,
            };
            let want: Expected = serde_json::from_value(described.clone()).unwrap();
            let plan = planner(preset)
                .plan(&fingerprint, &modalities, dataset.classes)
                .unwrap();
            assert_eq!(plan.transpose_forward, want.transpose_forward, "{what}");
            assert_eq!(plan.transpose_backward, want.transpose_backward, "{what}");
            assert_eq!(plan.median_spacing, want.median_spacing, "{what}");
            assert_eq!(plan.median_shape, want.median_shape, "{what}");
            compare(&plan.slices, &want.slices, &format!("{what} slices"));
            for (got, want) in [
                (&plan.full_resolution, &want.full),
                (&plan.low_resolution, &want.low),
            ] {
                assert_eq!(got.is_some(), want.is_some(), "{what}");
                if let (Some(got), Some(want)) = (got, want) {
                    compare(got, want, &what);
                }
            }
            low += usize::from(plan.low_resolution.is_some());
            flat += usize::from(plan.full_resolution.is_none());
            let schemes: Vec<_> = plan.intensity.iter().map(scheme).collect();
            let masked = want.slices.schemes.iter().map(String::as_str);
            let expected: Vec<_> = masked.zip(want.slices.masked.iter().copied()).collect();
            assert_eq!(schemes, expected, "{what}");
            let text = serde_json::to_string(&plan).unwrap();
            assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan, "{what}");
        }
    }
    assert!(low > 5 && flat > 5, "{low} {flat}");
}
