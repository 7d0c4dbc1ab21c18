//! Detections against annotations, in 2D and 3D: average precision, FROC, lesions found.
//!
//! Images with their [`Annotation`]s and [`Detection`]s are kept in [`DetectionImages`]; any
//! [`DetectionProtocol`] can be finished on them. A [`DetectionAccumulator`] collects them for one.

mod annotation;
mod average_precision;
mod coco;
mod curve;
mod froc;
mod images;
mod picai;
mod table;

pub use annotation::{Annotation, AnnotationKind, Detection, ImageId};
pub use average_precision::{
    AveragePrecision, AveragePrecisionResult, ClassAveragePrecision, MatchRule,
};
pub use coco::{
    Coco, CocoConvention, CocoMatches, CocoNumber, CocoResult, CocoSelection, Overlapping,
    RangeEnd, SizeMeasure, SizeRange,
};
pub use curve::{ApRule, DetectionCurve};
pub use froc::{
    BeyondCurve, Froc, FrocCurve, FrocPoint, FrocPoints, FrocResult, HitCriterion, HitRadius,
    LesionDetection, LesionDetectionResult, RepeatedMarks, SensitivityAtRate,
};
pub use images::{DetectionAccumulator, DetectionImage, DetectionImages, DetectionProtocol};
pub use picai::{PiCai, PiCaiResult};
