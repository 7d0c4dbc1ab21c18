//! Lines between two methods that both err: Deming's and Passing and Bablok's.

mod deming;
mod passing_bablok;

use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;

pub use deming::Deming;
pub use passing_bablok::PassingBablok;

/// The second method as a line of the first.
///
/// The methods agree where the slope's interval holds 1 and the intercept's holds 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodLine {
    /// How fast the second method rises with the first.
    pub slope: Estimate,
    /// The second method where the first is 0, in the unit of the measurements.
    pub intercept: Estimate,
}
