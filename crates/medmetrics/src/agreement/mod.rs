//! How far raters, devices and models agree: kappa, alpha, ICC, concordance, Bland-Altman.

mod kappa;
mod rating_table;
mod weights;

pub use kappa::{Categories, Chance, Kappa, KappaEstimate};
pub use rating_table::{Rating, RatingAgreement, RatingTable};
pub use weights::KappaWeights;
