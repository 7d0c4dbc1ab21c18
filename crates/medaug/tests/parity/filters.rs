//! The filters of SciPy, MONAI, TorchIO and Albumentations, given the drawn parameters.

use medaug::{
    Blur, BoxBlur, ContrastRange, FilterBorder, GaussianSharpen, GaussianSmooth, Invert,
    LaplacianSharpen, MedianFilter, MotionBlur, Operation, Posterize, Sample, Sharpen, Solarize,
    UnsharpMask, median_filter,
};
use medcore::{Geometry, Image};

use crate::support::Fixture;

#[track_caller]
fn check<const D: usize>(
    source: &str,
    expected: &str,
    spacing: [f64; D],
    operation: impl Into<Operation>,
) {
    let fixture = Fixture::load("filters");
    let array = fixture.get(source);
    let grid = Geometry::<D>::axis_aligned(array.shape(), spacing).unwrap();
    let image = Image::new(grid, array.floats()).unwrap();
    let operation = operation.into();
    operation.check::<D>().unwrap();
    let changed = operation.apply_to(Sample::new(image)).unwrap();
    fixture
        .get(expected)
        .assert_close(changed.image().as_slice(), 3e-6, expected);
}

fn check_all<const D: usize>() {
    let name = |what: &str| format!("{D}d.{what}");
    let first = |values: [f64; 3]| values[..D].to_vec();
    let image = name("image");
    let spacing = [1.5; D];
    let median = MedianFilter {
        radius: vec![1],
        border: FilterBorder::Edge,
    };
    check(&image, &name("median"), spacing, median.clone());
    let wide = MedianFilter {
        radius: vec![2],
        ..median
    };
    check(&image, &name("median_wide"), spacing, wide);
    let uneven = MedianFilter {
        radius: if D == 2 { vec![1, 2] } else { vec![1, 0, 2] },
        border: FilterBorder::Reflect,
    };
    check(&image, &name("median_uneven"), spacing, uneven);
    let smooth = GaussianSmooth {
        sigma_voxels: vec![1.3],
    };
    check(&image, &name("smooth"), spacing, smooth);
    let uneven = GaussianSmooth {
        sigma_voxels: first([0.4, 0.0001, 2.1]),
    };
    check(&image, &name("smooth_uneven"), spacing, uneven);
    let sharpen = GaussianSharpen {
        sigma1_voxels: first([0.9, 0.6, 0.7]),
        sigma2_voxels: vec![0.5],
        alpha: 12.0,
    };
    check(&image, &name("sharpen"), spacing, sharpen);
    for (expected, range) in [
        ("laplacian", ContrastRange::Free),
        ("laplacian_clipped", ContrastRange::Preserved),
    ] {
        let laplacian = LaplacianSharpen {
            strength: 0.37,
            range,
        };
        check(&image, &name(expected), spacing, laplacian);
    }
    let size = [3, 5, 7][..D].to_vec();
    check(&image, &name("box"), spacing, BoxBlur { size });
}

#[test]
fn slices_are_filtered_as_by_scipy_and_monai() {
    check_all::<2>();
}

#[test]
fn volumes_are_filtered_as_by_scipy_and_monai() {
    check_all::<3>();
}

#[test]
fn millimetres_are_torchios() {
    let blur = Blur {
        sigma_mm: vec![3.1, 0.0, 1.7],
    };
    check("3d.image", "3d.blur", [4.0, 0.8, 1.25], blur);
}

#[test]
fn pictures_are_filtered_as_by_albumentations() {
    let spacing = [1.0; 2];
    let sharpen = Sharpen {
        alpha: 0.35,
        lightness: 0.8,
    };
    check("picture", "sharpened", spacing, sharpen);
    let unsharp = UnsharpMask {
        amount: 0.45,
        sigma_voxels: 1.0,
        size: 5,
        threshold: None,
    };
    check("picture", "unsharp", spacing, unsharp);
    let careful = UnsharpMask {
        amount: 1.3,
        threshold: Some(2.0 / 255.0),
        ..unsharp
    };
    check("picture", "unsharp_threshold", spacing, careful);
    check("picture", "boxed", spacing, BoxBlur { size: vec![5] });
    let lines = [
        (3, 0.0, 0.0, [0.0, 0.0]),
        (7, 33.0, 0.0, [0.0, 0.0]),
        (7, 250.0, -0.6, [0.0, 0.0]),
        (5, 111.0, 0.8, [-0.4, 0.9]),
    ];
    for (i, (size, angle, direction, shift)) in lines.into_iter().enumerate() {
        let line = MotionBlur {
            size,
            degrees: angle,
            direction,
            shift,
        };
        check("picture", &format!("motion{i}"), spacing, line);
    }
}

#[test]
fn tones_are_torchvisions() {
    let spacing = [1.0; 2];
    check("wide", "inverted", spacing, Invert::default());
    let solarize = Solarize {
        threshold: 0.62,
        ..Solarize::default()
    };
    check("wide", "solarized", spacing, solarize);
    let posterize = Posterize {
        bits: 3,
        ..Posterize::default()
    };
    check("wide", "posterized", spacing, posterize);
}

#[test]
fn a_median_of_one_axis_is_that_of_the_sorted_window() {
    let before: Vec<f32> = (0..53).map(|i| ((i * 37) % 53) as f32).collect();
    for radius in [0, 1, 4, 9] {
        let mut voxels = before.clone();
        median_filter(&mut voxels, [53], [radius], FilterBorder::Zero);
        for i in 0..53 {
            let mut window: Vec<f32> = (i as isize - radius as isize..=(i + radius) as isize)
                .map(|j| {
                    usize::try_from(j)
                        .ok()
                        .and_then(|j| before.get(j))
                        .copied()
                        .unwrap_or(0.0)
                })
                .collect();
            window.sort_by(f32::total_cmp);
            assert_eq!(voxels[i], window[radius], "radius {radius}, voxel {i}");
        }
    }
}
