//! YOLO text files, one line an object, and the `data.yaml` that names their classes.
//!
//! | task | line |
//! | --- | --- |
//! | [`Task::Detect`] | `class x y width height`, centre and extent |
//! | [`Task::Segment`] | `class x1 y1 x2 y2 ...`, one ring |
//! | [`Task::Pose`] | `class x y width height` and `x y` or `x y visible` for every key point |
//! | [`Task::OrientedBox`] | `class x1 y1 x2 y2 x3 y3 x4 y4`, the corners |
//!
//! All numbers are fractions of the image's width and height, counted from its outer edges; a last number
//! more is the confidence of a prediction. Digits are read and written without rounding. Files by the
//! conventions of <https://docs.ultralytics.com/datasets>; labels lie beside images, `images` in their path
//! replaced by `labels`.

mod description;
mod folder;
mod line;

pub use description::Description;
pub use folder::{read, write};
pub use line::{Options, Task, decode, encode};
