//! Other grids: other numbers of voxels, other spacings, the grid of another scan.

mod antialiased;
mod area;
mod resample_to;
mod shape;
mod spacing;
mod zoom;

pub use antialiased::{AntiAliasing, ResizeAntialiased};
pub use area::ResizeArea;
pub use resample_to::ResampleTo;
pub(crate) use shape::stretched;
pub use shape::{Resize, ResizeTo};
pub use spacing::Spacing;
pub use zoom::{RandomZoom, Zoom};

use medcore::resample::{Interpolation, LabelInterpolation, Outside};

use crate::spatial::Sampling;
use crate::warp::Reading;

/// How voxels are read inside an image, the outermost ones repeated up to its faces.
fn inside(interpolation: Interpolation, labels: LabelInterpolation) -> Reading {
    Reading {
        interpolation: Some(interpolation),
        labels: Some(labels),
        outside: Some(Outside::Edge),
        ..Reading::EXACT
    }
}

fn interpolation() -> Interpolation {
    Sampling::default().interpolation
}

fn labels() -> LabelInterpolation {
    Sampling::default().labels
}
