//! Crops and borders: whole voxels, so that what stays keeps its values.

mod around_boxes;
mod by_class;
mod center;
mod foreground;
mod iou;
mod or_pad;
mod pad;
mod random;
mod region;
mod resized;
mod select_boxes;
mod weighted;

pub use around_boxes::{RandomBoxSafeCrop, RandomCropAroundBox};
pub use by_class::RandomCropByClass;
pub use center::CenterCrop;
pub use foreground::{CropForeground, ForegroundSource};
pub use iou::RandomIoUCrop;
pub use or_pad::{Centring, CropOrPad};
pub use pad::{Pad, PadSide, PadTo};
pub use random::RandomCrop;
pub use region::{Crop, CropShape, WhenAbsent};
pub(crate) use region::{EXTENT, centred_start, check_voxels, is_extent};
pub use resized::RandomResizedCrop;
pub use select_boxes::SelectBoxes;
pub use weighted::RandomWeightedCrop;
