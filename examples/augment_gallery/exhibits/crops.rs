//! Transforms that keep a part of an image.

use medaug::*;
use medcore::Geometry;
use medcore::resample::{Interpolation, LabelInterpolation, Outside};

use super::moves::another_shape;
use super::{Exhibit, exhibit};

pub(super) fn all<const D: usize>(grid: &Geometry<D>) -> Vec<Exhibit> {
    let outside_label = 0;
    let half = || CropShape::Share(vec![0.5]);
    let half_voxels = || grid.shape().map(|n| n / 2).to_vec();
    vec![
        exhibit(
            "half of it from a fifth on",
            Crop {
                start: grid.shape().map(|n| n as isize / 5).to_vec(),
                shape: half_voxels(),
                outside: None,
                outside_label,
            },
        ),
        exhibit(
            "the middle half",
            CenterCrop {
                shape: half(),
                outside: None,
                outside_label,
            },
        ),
        exhibit(
            "half of it anywhere",
            RandomCrop {
                shape: half(),
                largest: None,
                centred: false,
                outside: None,
                outside_label,
            },
        ),
        exhibit(
            "what is labelled",
            CropForeground {
                source: ForegroundSource::Labels(vec![]),
                margin: vec![2],
                ..CropForeground::default()
            },
        ),
        exhibit("no box is lost", RandomBoxSafeCrop { erosion: 0.0 }),
        exhibit(
            "around a box",
            RandomCropAroundBox {
                shape: CropShape::Voxels(half_voxels()),
                absent: WhenAbsent::GoOn,
                outside: None,
                outside_label,
            },
        ),
        exhibit(
            "overlapping a box by a drawn part",
            RandomIoUCrop {
                overlaps: vec![0.3],
                ..RandomIoUCrop::default()
            },
        ),
        exhibit("box 0 and no other", SelectBoxes { numbers: vec![0] }),
        exhibit(
            "around a voxel drawn by a layer",
            RandomWeightedCrop {
                shape: half_voxels(),
                weights: "second".to_owned(),
                outside: None,
                outside_label,
            },
        ),
        exhibit(
            "around a voxel of a class",
            RandomCropByClass {
                shape: half_voxels(),
                choice: PatchChoice::Foreground { probability: 1.0 },
                absent: WhenAbsent::GoOn,
                ignored: None,
                background_above: None,
                outside: None,
                outside_label,
            },
        ),
        exhibit(
            "a part made as large as the whole",
            RandomResizedCrop {
                shape: grid.shape().to_vec(),
                area: Draw::Uniform {
                    low: 0.3,
                    high: 0.6,
                },
                aspect: (0.75, 4.0 / 3.0),
                interpolation: Interpolation::Linear,
                labels: LabelInterpolation::Nearest,
            },
        ),
        exhibit("a border", Pad::new(PadTo::Divisible(vec![16]))),
        exhibit(
            "another shape, cropped or padded",
            CropOrPad {
                shape: another_shape(grid),
                centring: Centring::Monai,
                outside: Outside::Value(0.0),
                outside_label,
            },
        ),
    ]
}
