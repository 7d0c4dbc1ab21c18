//! What a sample already holds, told in another way: places as channels, labels as boxes, landmarks as maps.

mod boxes;
mod coordinates;
mod distance;
mod extreme_points;
mod heatmap;
mod layers;
mod sobel;

use medcore::Image;

pub use boxes::{BoxForm, BoxesToLabels, LabelsToBoxes};
pub use coordinates::CoordinateChannels;
pub use distance::DistanceTransform;
pub use extreme_points::{ExtremePointsChannel, RandomExtremePointsChannel};
pub use heatmap::{GenerateHeatmap, HeatmapCentre};
pub use layers::{CopyLayer, DropLayers, JoinLayers, Part, SelectChannels};
pub use sobel::SobelGradients;

use crate::error::Result;
use crate::sample::Sample;

/// The sample with further channels behind those of its image.
fn with_channels<const D: usize>(sample: Sample<D>, more: &[f32]) -> Result<Sample<D>> {
    let image = sample.image();
    let len = image.geometry().len();
    let voxels = [image.as_slice(), more].concat();
    let image = Image::with_channels(voxels.len() / len, *image.geometry(), voxels)?;
    sample.with_image(image)
}

/// The index along each axis of the voxel at this place in memory.
fn index_of<const D: usize>(mut voxel: usize, shape: [usize; D]) -> [usize; D] {
    let mut index = [0; D];
    for axis in (0..D).rev() {
        index[axis] = voxel % shape[axis];
        voxel /= shape[axis];
    }
    index
}
