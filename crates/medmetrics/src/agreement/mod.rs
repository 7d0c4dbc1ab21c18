//! How far raters, devices and models agree: kappa, alpha, ICC, concordance, Bland-Altman.

mod fleiss;
mod kappa;
mod krippendorff;
mod rating_table;
mod weights;

pub use fleiss::{FleissEstimate, RaterCounts};
pub use kappa::{Categories, Chance, Kappa, KappaEstimate};
pub use krippendorff::{Krippendorff, KrippendorffAlpha, Level, RatedUnits};
pub use rating_table::{Rating, RatingAgreement, RatingTable};
pub use weights::KappaWeights;
