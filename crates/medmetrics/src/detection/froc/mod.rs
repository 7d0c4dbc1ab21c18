//! Free-response ROC: how many lesions are found at how many false marks a scan.

mod curve;
mod hit;
mod lesions;
mod marks;
mod settings;

pub use curve::{FrocCurve, FrocPoint};
pub use hit::{HitCriterion, HitRadius};
pub use lesions::{LesionDetection, LesionDetectionResult};
pub use marks::RepeatedMarks;
pub use settings::{BeyondCurve, Froc, FrocPoints, FrocResult, SensitivityAtRate};
