//! What holds for any images: symmetry, bounds, masks, threads, merging, and what is refused.

use medcore::{Geometry, Image};
use medmetrics::quality::{
    CaseMean, Covariance, Differences, ImagePair, MsSsimConfig, NmiRule, PooledErrors, SsimBorder,
    SsimConfig, SsimConvention, SsimWindow,
};
use medmetrics::{Accumulator, Error, Estimate};
use proptest::prelude::*;

use super::images;

fn image(shape: [usize; 3], values: &[f64]) -> Image<f64, 3> {
    let grid = Geometry::axis_aligned(shape, [2.0, 1.0, 0.5]).unwrap();
    Image::new(grid, values.to_vec()).unwrap()
}

fn configs() -> Vec<SsimConfig> {
    let small = |convention: SsimConvention, size| SsimConfig {
        window: match convention {
            SsimConvention::ScikitImage => SsimWindow::Uniform { size },
            _ => SsimWindow::Gaussian { sigma: 0.8, size },
        },
        ..convention.into()
    };
    vec![
        small(SsimConvention::Monai, 3),
        small(SsimConvention::ScikitImage, 3),
        small(SsimConvention::Torchmetrics, 5),
    ]
}

/// The definition, voxel by voxel and weight by weight.
fn by_definition(
    pair: [&Image<f64, 3>; 2],
    mask: &[bool],
    range: f64,
    config: &SsimConfig,
) -> Option<f64> {
    let shape = pair[0].shape().map(|n| n as i64);
    let line: Vec<f64> = match config.window {
        SsimWindow::Gaussian { sigma, size } => (0..size)
            .map(|i| (-0.5 * ((i as f64 - (size / 2) as f64) / sigma).powi(2)).exp())
            .collect(),
        SsimWindow::Uniform { size } => vec![1.0; size],
        _ => unreachable!(),
    };
    let (size, total) = (line.len() as i64, line.iter().sum::<f64>().powi(3));
    let at = |image: &Image<f64, 3>, index: [i64; 3]| {
        let mirrored: [i64; 3] = std::array::from_fn(|a| {
            let i = index[a].abs();
            i.min(2 * (shape[a] - 1) - i)
        });
        image.as_slice()[((mirrored[0] * shape[1] + mirrored[1]) * shape[2] + mirrored[2]) as usize]
    };
    let (mut sum, mut n) = (0.0, 0);
    for (voxel, _) in mask.iter().enumerate().filter(|(_, inside)| **inside) {
        let voxel = voxel as i64;
        let centre = [
            voxel / (shape[1] * shape[2]),
            voxel / shape[2] % shape[1],
            voxel % shape[2],
        ];
        let whole = (0..3).all(|a| centre[a] >= size / 2 && centre[a] + size / 2 < shape[a]);
        if config.border == SsimBorder::Valid && !whole {
            continue;
        }
        let mut m = [0.0; 5];
        for k in 0..size.pow(3) {
            let offset = [k / (size * size), k / size % size, k % size];
            let weight = offset.iter().map(|&o| line[o as usize]).product::<f64>() / total;
            let index = std::array::from_fn(|a| centre[a] + offset[a] - size / 2);
            let (x, y) = (at(pair[0], index), at(pair[1], index));
            for (m, v) in m.iter_mut().zip([x, y, x * x, y * y, x * y]) {
                *m += weight * v;
            }
        }
        let count = (size as f64).powi(3);
        let scale = match config.covariance {
            Covariance::Population => 1.0,
            Covariance::Sample => count / (count - 1.0),
        };
        let [x, y, xx, yy, xy] = m;
        let (c1, c2) = ((config.k1 * range).powi(2), (config.k2 * range).powi(2));
        sum += (2.0 * x * y + c1) * (2.0 * scale * (xy - x * y) + c2)
            / ((x * x + y * y + c1) * (scale * (xx - x * x + yy - y * y) + c2));
        n += 1;
    }
    (n > 0).then(|| sum / f64::from(n))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn ssim_is_its_definition_within_any_mask_and_symmetric(
        x in prop::collection::vec(-10.0..10.0f64, 120),
        y in prop::collection::vec(-10.0..10.0f64, 120),
        mask in prop::collection::vec(any::<bool>(), 120),
    ) {
        let (x, y) = (image([4, 5, 6], &x), image([4, 5, 6], &y));
        for config in configs() {
            let pair = ImagePair::new(&x, &y).unwrap().with_mask(&mask).unwrap();
            let result = pair.ssim(20.0, &config);
            // A window of 5 does not fit into 4 slices, mirrored it does.
            let got = result.unwrap().value;
            let want = by_definition([&x, &y], &mask, 20.0, &config);
            match (got, want) {
                (Some(got), Some(want)) => prop_assert!((got - want).abs() < 1e-10, "{} {}", got, want),
                (got, want) => prop_assert_eq!(got, want),
            }
            let back = ImagePair::new(&y, &x).unwrap().with_mask(&mask).unwrap();
            prop_assert_eq!(back.ssim(20.0, &config).unwrap().value, got);
            prop_assert!(got.is_none_or(|v| v.abs() <= 1.0 + 1e-12));
        }
    }

    #[test]
    fn correlation_and_information_do_not_see_scale_and_offset(
        x in prop::collection::vec(0u8..9, 120),
        y in prop::collection::vec(0u8..9, 120),
    ) {
        let values = |v: &[u8], scale: f64| v.iter().map(|&v| scale * f64::from(v) + 4.0).collect::<Vec<_>>();
        let (a, b) = (image([4, 5, 6], &values(&x, 1.0)), image([4, 5, 6], &values(&y, 1.0)));
        let scaled = image([4, 5, 6], &values(&y, 4.0));
        let (pair, other) = (ImagePair::new(&a, &b).unwrap(), ImagePair::new(&a, &scaled).unwrap());
        let (ncc, nmi) = (pair.ncc().value, pair.nmi(12, NmiRule::Studholme).unwrap().value);
        prop_assert!((ncc.unwrap() - other.ncc().value.unwrap()).abs() < 1e-12);
        prop_assert_eq!(nmi, other.nmi(12, NmiRule::Studholme).unwrap().value);
        prop_assert!((1.0 - 1e-12..=2.0 + 1e-12).contains(&nmi.unwrap()));
    }

    #[test]
    fn any_partition_of_cases_merges_to_the_same_bits(
        cases in prop::collection::vec((0u64..50, 0.0..9.0f64, 0.0..90.0f64), 1..12),
        cut in 0usize..12,
    ) {
        let cases: Vec<Differences> = cases.into_iter()
            .map(|(n, absolute, squared)| Differences { n, absolute, squared, largest: 1.0 }).collect();
        let pool = |cases: &[Differences]| {
            let mut pool = PooledErrors::new(9.0).unwrap();
            cases.iter().for_each(|case| pool.push(case).unwrap());
            pool
        };
        let whole = pool(&cases).finish().unwrap();
        let (left, right) = cases.split_at(cut.min(cases.len()));
        let mut merged = pool(right);
        merged.merge(&pool(left)).unwrap();
        let text = serde_json::to_string(&merged).unwrap();
        let merged: PooledErrors = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(merged.finish().unwrap(), whole);
    }
}

#[test]
fn equal_images_are_equal_by_every_measure() {
    let [reference, _] = images([25, 28, 23]);
    let pair = ImagePair::new(&reference, &reference).unwrap();
    let errors = pair.differences();
    assert_eq!(errors.mean_absolute().value, Some(0.0));
    assert_eq!(errors.psnr(200.0).unwrap().value, Some(f64::INFINITY));
    for convention in [
        SsimConvention::Monai,
        SsimConvention::ScikitImage,
        SsimConvention::Torchmetrics,
    ] {
        let ssim = pair.ssim(200.0, &convention.into()).unwrap().value.unwrap();
        assert!((ssim - 1.0).abs() < 1e-12);
    }
    let ms_ssim = MsSsimConfig {
        weights: vec![0.4, 0.6],
        ..MsSsimConfig::default()
    };
    assert!((pair.ms_ssim(200.0, &ms_ssim).unwrap().value.unwrap() - 1.0).abs() < 1e-12);
    assert!((pair.ncc().value.unwrap() - 1.0).abs() < 1e-12);
    let nmi = pair.nmi(50, NmiRule::Arithmetic).unwrap();
    assert!((nmi.value.unwrap() - 1.0).abs() < 1e-12);
    assert_eq!(nmi.convention, "nmi:arithmetic/50-bins");
}

#[test]
fn threads_change_no_bit() {
    let [reference, image] = images([25, 28, 23]);
    let pair = ImagePair::new(&reference, &image).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let ssim = pair
                .ssim(200.0, &SsimConvention::Torchmetrics.into())
                .unwrap();
            (
                pair.differences(),
                ssim,
                pair.ncc(),
                pair.nmi(64, NmiRule::Studholme).unwrap(),
            )
        })
    };
    let one = run(1);
    assert_eq!(run(2), one);
    assert_eq!(run(4), one);
}

#[test]
fn what_is_undefined_is_said_to_be() {
    let flat = image([3, 3, 3], &[2.0; 27]);
    let pair = ImagePair::new(&flat, &flat).unwrap();
    assert_eq!(pair.ncc(), Estimate::undefined(27, "ncc:pearson"));
    assert_eq!(pair.nmi(10, NmiRule::Studholme).unwrap().value, None);
    let nothing = [false; 27];
    let pair = pair.with_mask(&nothing).unwrap();
    assert_eq!(
        pair.differences().psnr(1.0).unwrap(),
        Estimate::undefined(0, "psnr")
    );
    assert_eq!(pair.nmi(10, NmiRule::Studholme).unwrap().value, None);
    let small = SsimConfig {
        window: SsimWindow::Uniform { size: 3 },
        ..SsimConfig::default()
    };
    let ssim = pair.ssim(1.0, &small).unwrap();
    assert_eq!(
        (ssim.value, ssim.convention.as_str()),
        (None, "ssim:uniform3/population/valid")
    );
    let mut mean = CaseMean::new();
    mean.push(&ssim).unwrap();
    mean.push(&Estimate::new(0.5, 9, ssim.convention.clone()))
        .unwrap();
    let mean = mean.finish().unwrap();
    assert_eq!((mean.value, mean.n, mean.undefined), (Some(0.5), 1, 1));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let [reference, image_] = images([12, 13]);
    let other = images([12, 14])[0].clone();
    assert!(matches!(
        ImagePair::new(&reference, &other),
        Err(Error::GeometryMismatch(_))
    ));
    let mut holed = image_.clone();
    holed.as_mut_slice()[7] = f64::NAN;
    assert!(matches!(
        ImagePair::new(&reference, &holed),
        Err(Error::InvalidValue {
            what: "image",
            index: 7,
            ..
        })
    ));
    let pair = ImagePair::new(&reference, &image_).unwrap();
    assert!(matches!(pair.with_mask(&[true]), Err(Error::Length { .. })));
    assert!(pair.differences().psnr(0.0).is_err());
    assert!(pair.ssim(f64::NAN, &SsimConfig::default()).is_err());
    assert!(pair.nmi(0, NmiRule::Studholme).is_err());
    let window = |window| SsimConfig {
        window,
        ..SsimConfig::default()
    };
    for bad in [
        SsimWindow::Uniform { size: 4 },
        SsimWindow::Uniform { size: 13 },
        SsimWindow::Gaussian {
            sigma: 0.0,
            size: 3,
        },
    ] {
        assert!(pair.ssim(1.0, &window(bad)).is_err(), "{bad:?}");
    }
    // Five scales of a window of 11 need 176 voxels.
    assert!(matches!(
        pair.ms_ssim(1.0, &MsSsimConfig::default()),
        Err(Error::TooFew { least: 11, .. })
    ));
    let none = MsSsimConfig {
        weights: Vec::new(),
        ..MsSsimConfig::default()
    };
    assert!(pair.ms_ssim(1.0, &none).is_err());
    let mut errors = PooledErrors::new(1.0).unwrap();
    assert!(matches!(
        errors.merge(&PooledErrors::new(2.0).unwrap()),
        Err(Error::Incompatible { .. })
    ));
    let mut mean = CaseMean::new();
    mean.push(&Estimate::new(1.0, 1, "a")).unwrap();
    assert!(mean.push(&Estimate::new(1.0, 1, "b")).is_err());
}

#[test]
fn sums_that_no_image_has_are_refused() {
    let mut errors = PooledErrors::new(1.0).unwrap();
    let good = Differences {
        n: 4,
        absolute: 1.0,
        squared: 0.5,
        largest: 0.5,
    };
    errors.push(&good).unwrap();
    let before = errors.clone();
    for wrong in [f64::NAN, -1.0] {
        let absolute = Differences {
            absolute: wrong,
            ..good
        };
        let squared = Differences {
            squared: wrong,
            ..good
        };
        assert!(errors.push(&absolute).is_err() && errors.push(&squared).is_err());
    }
    assert_eq!(errors, before);
    let mut state = serde_json::to_value(&errors).unwrap();
    state["data_range"] = (-1.0).into();
    let state: PooledErrors = serde_json::from_value(state).unwrap();
    assert!(state.finish().is_err());

    let mut mean = CaseMean::new();
    assert!(mean.push(&Estimate::new(f64::NAN, 1, "ssim")).is_err());
    assert_eq!(mean, CaseMean::new());
}

/// Squares of such intensities are infinite, and their differences no numbers.
#[test]
fn what_overflows_is_undefined_and_not_nan() {
    let huge: Vec<f64> = (0..343).map(|i| f64::from(i % 5) * 1e300).collect();
    let plain: Vec<f64> = (0..343).map(f64::from).collect();
    let (huge, plain) = (image([7; 3], &huge), image([7; 3], &plain));
    for pair in [ImagePair::new(&huge, &plain), ImagePair::new(&huge, &huge)] {
        let pair = pair.unwrap();
        for config in configs() {
            assert_eq!(pair.ssim(255.0, &config).unwrap().value, None);
        }
        assert_eq!(pair.ncc().value, None);
        let nmi = pair.nmi(8, NmiRule::default()).unwrap();
        assert!(nmi.value.is_some_and(f64::is_finite));
    }
}
