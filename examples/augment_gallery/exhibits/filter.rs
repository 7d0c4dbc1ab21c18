//! Filters.

use medaug::*;

use super::{Exhibit, certain, exhibit};

pub(super) fn all() -> Vec<Exhibit> {
    vec![
        exhibit(
            "blurred by 1.5 voxels",
            GaussianBlur {
                sigma_voxels: vec![1.5],
            },
        ),
        exhibit(
            "blur by chance",
            RandomGaussianBlur {
                probability: 1.0,
                sigma_voxels: Draw::Fixed(2.0),
                ..RandomGaussianBlur::default()
            },
        ),
        exhibit(
            "blurred by 4 mm",
            Blur {
                sigma_mm: vec![4.0],
            },
        ),
        exhibit(
            "blur in mm by chance",
            RandomBlur {
                probability: 1.0,
                sigma_mm: Draw::Fixed(3.0),
                ..RandomBlur::default()
            },
        ),
        exhibit(
            "MONAI's smoothing",
            GaussianSmooth {
                sigma_voxels: vec![1.5],
            },
        ),
        exhibit(
            "smoothing by chance",
            RandomGaussianSmooth {
                probability: 1.0,
                sigma_voxels: Draw::Fixed(2.0),
                ..RandomGaussianSmooth::default()
            },
        ),
        exhibit("mean of 5 voxels an axis", BoxBlur { size: vec![5] }),
        certain!("box by chance", RandomBoxBlur),
        exhibit(
            "median of 5 voxels an axis",
            MedianFilter {
                radius: vec![2],
                border: FilterBorder::Edge,
            },
        ),
        certain!("median by chance", RandomMedianFilter),
        exhibit(
            "moved during exposure",
            MotionBlur {
                size: 15,
                degrees: 30.0,
                direction: 0.0,
                shift: [0.0; 2],
            },
        ),
        certain!("motion by chance", RandomMotionBlur),
        exhibit(
            "MONAI's sharpening",
            GaussianSharpen {
                sigma1_voxels: vec![2.0],
                sigma2_voxels: vec![1.0],
                alpha: 3.0,
            },
        ),
        certain!("sharpening by chance", RandomGaussianSharpen),
        exhibit(
            "sharpened by a kernel",
            Sharpen {
                alpha: 0.5,
                lightness: 1.0,
            },
        ),
        certain!("kernel by chance", RandomSharpen),
        exhibit(
            "unsharp mask",
            UnsharpMask {
                amount: 1.5,
                sigma_voxels: 2.0,
                size: 9,
                threshold: Some(0.02),
            },
        ),
        exhibit(
            "differences from the neighbours added",
            LaplacianSharpen {
                strength: 0.5,
                range: ContrastRange::Preserved,
            },
        ),
        certain!("differences added by chance", RandomLaplacianSharpen),
        certain!("unsharp mask by chance", RandomUnsharpMask),
        exhibit(
            "between blurred and sharpened",
            AdjustSharpness {
                factor: 3.0,
                range: [0.0, 1.0],
            },
        ),
        certain!("sharpness by chance", RandomAdjustSharpness),
        exhibit(
            "pressed into paper",
            Emboss {
                alpha: 0.6,
                strength: 0.8,
            },
        ),
        certain!("embossed by chance", RandomEmboss),
        exhibit(
            "differences from a cube around",
            ImageFilter {
                kind: FilterKind::Laplace,
                size: 3,
            },
        ),
        exhibit(
            "differences from a ball added by chance",
            RandomImageFilter {
                probability: 1.0,
                kind: FilterKind::Sharpen,
                size: 5,
                channels: Channels::Together,
            },
        ),
    ]
}
