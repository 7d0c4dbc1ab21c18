//! Every measure against the libraries that have it, by their names.

use std::path::Path;

use medmetrics::quality::{
    Covariance, ImagePair, MsSsimConfig, NmiRule, SsimConfig, SsimConvention, SsimWindow,
};
use serde_json::Value;

use super::images;

/// torchmetrics takes logarithms and powers in single precision.
const SINGLE: f64 = 1e-6;

/// MONAI sums windows in single precision, whose weights do not quite add up to 1. In double precision its
/// formula gives ours to 1e-12.
const SINGLE_WINDOWS: f64 = 5e-6;

fn fixture() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/quality/quality.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn compare<const D: usize>(case: &Value, range: f64) {
    let shape: [usize; D] = std::array::from_fn(|a| case["shape"][a].as_u64().unwrap() as usize);
    let [reference, image] = images(shape);
    let pair = ImagePair::new(&reference, &image).unwrap();
    let check = |library: &str, name: &str, got: Option<f64>, tolerance: f64| {
        let want = case[library][name].as_f64().unwrap();
        let got = got.unwrap();
        assert!(
            (got - want).abs() <= tolerance * want.abs(),
            "{library} {name} of {shape:?}: {got}, should be {want}"
        );
    };
    let errors = pair.differences();
    check("monai", "mae", errors.mean_absolute().value, 1e-12);
    check("monai", "mse", errors.mean_squared().value, 1e-12);
    check("monai", "rmse", errors.root_mean_squared().value, 1e-12);
    for (library, tolerance) in [
        ("monai", 1e-12),
        ("scikit_image", 1e-12),
        ("torchmetrics", SINGLE),
    ] {
        check(
            library,
            "psnr",
            errors.psnr(range).unwrap().value,
            tolerance,
        );
    }
    let ssim = |config: SsimConfig| pair.ssim(range, &config).unwrap().value;
    let of = SsimConfig::from;
    let paper = of(SsimConvention::Monai);
    check("monai", "ssim", ssim(paper), SINGLE_WINDOWS);
    check("scikit_image", "ssim_gaussian", ssim(paper), 1e-12);
    let sample = SsimConfig {
        covariance: Covariance::Sample,
        ..paper
    };
    check("scikit_image", "ssim_gaussian_sample", ssim(sample), 1e-12);
    let uniform = |size, config: SsimConfig| SsimConfig {
        window: SsimWindow::Uniform { size },
        ..config
    };
    check(
        "monai",
        "ssim_uniform",
        ssim(uniform(9, paper)),
        SINGLE_WINDOWS,
    );
    let scikit_image = of(SsimConvention::ScikitImage);
    check("scikit_image", "ssim", ssim(scikit_image), 1e-11);
    let mirrored = of(SsimConvention::Torchmetrics);
    check("torchmetrics", "ssim", ssim(mirrored), 1e-12);
    check(
        "torchmetrics",
        "ssim_uniform",
        ssim(uniform(5, mirrored)),
        1e-12,
    );
    let wide = SsimConfig {
        window: SsimWindow::Gaussian {
            sigma: 2.5,
            size: 19,
        },
        k1: 0.02,
        k2: 0.05,
        ..mirrored
    };
    check("torchmetrics", "ssim_wide", ssim(wide), 1e-12);
    if let Some(weights) = case["weights"].as_array() {
        let weights: Vec<f64> = weights.iter().map(|w| w.as_f64().unwrap()).collect();
        let ms_ssim = |ssim| {
            let weights = weights.clone();
            pair.ms_ssim(range, &MsSsimConfig { ssim, weights })
                .unwrap()
                .value
        };
        check("monai", "ms_ssim", ms_ssim(paper), SINGLE_WINDOWS);
        check("torchmetrics", "ms_ssim", ms_ssim(mirrored), SINGLE);
    }
    let nmi = |bins, rule| pair.nmi(bins, rule).unwrap().value;
    check("scikit_image", "nmi", nmi(100, NmiRule::Studholme), 1e-12);
    check("scikit_image", "nmi_7", nmi(7, NmiRule::Studholme), 1e-12);
    check("scipy", "ncc", pair.ncc().value, 1e-12);
}

#[test]
fn planes_and_volumes_agree_with_three_libraries() {
    let fixture = fixture();
    let range = fixture["range"].as_f64().unwrap();
    for case in fixture["cases"].as_array().unwrap() {
        match case["shape"].as_array().unwrap().len() {
            2 => compare::<2>(case, range),
            _ => compare::<3>(case, range),
        }
    }
}

#[test]
fn entropies_of_whole_numbers_agree_with_scikit_learn() {
    // One bin for every value that either image takes, whatever their ranges.
    let fixture = fixture();
    for case in &fixture["cases"].as_array().unwrap()[..2] {
        let shape = [0, 1].map(|a| case["shape"][a].as_u64().unwrap() as usize);
        let eighths = images(shape).map(|image| image.map(|v| (v / 8.0).floor()));
        // Ranks lie evenly, so that bins keep every value apart.
        let ranks = eighths.map(|image| {
            let mut values: Vec<i64> = image.as_slice().iter().map(|&v| v as i64).collect();
            values.sort_unstable();
            values.dedup();
            image.map(|v| {
                values.binary_search(&(v as i64)).unwrap() as f64 / (values.len() - 1) as f64
            })
        });
        let pair = ImagePair::new(&ranks[0], &ranks[1]).unwrap();
        // Many bins hold one value each; the empty ones do not matter.
        let got = pair.nmi(1000, NmiRule::Arithmetic).unwrap().value.unwrap();
        let want = case["scikit_learn"]["nmi"].as_f64().unwrap();
        assert!((got - want).abs() < 1e-12, "{got}, should be {want}");
    }
}
