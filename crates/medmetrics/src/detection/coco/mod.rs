//! COCO's protocol: average precision and recall over overlaps, sizes and numbers of detections.

mod matcher;
mod matches;
mod result;
mod settings;
mod stored;

pub use matches::CocoMatches;
pub use result::{CocoNumber, CocoResult, CocoSelection};
pub(super) use settings::linspace;
pub use settings::{Coco, CocoConvention, Overlapping, RangeEnd, SizeMeasure, SizeRange};
