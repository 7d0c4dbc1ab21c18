//! How far raters, devices and models agree: kappa, alpha, ICC, concordance, Bland-Altman.

mod anova;
mod bland_altman;
mod concordance;
mod deviation;
mod fleiss;
mod icc;
mod kappa;
mod krippendorff;
mod paired;
mod panel;
mod rating_table;
mod regression;
mod votes;
mod weights;

pub use anova::{AnalysisOfVariance, RatingMatrix};
pub use bland_altman::{
    BlandAltman, BlandAltmanEstimate, DifferenceScale, LimitsInterval, Line, ProportionalBias,
    RegressionLimits, RepeatedBlandAltman, RepeatedMeasurements, Spread, TrueValue,
};
pub use concordance::{Concordance, ConcordanceConvention, ConcordanceEstimate};
pub use deviation::Deviation;
pub use fleiss::{FleissEstimate, RaterCounts};
pub use icc::{FTest, IccForm, SemRule};
pub use kappa::{Categories, Chance, Kappa, KappaEstimate};
pub use krippendorff::{Krippendorff, KrippendorffAlpha, Level, RatedUnits};
pub(crate) use paired::finite;
pub use paired::{PairMoments, PairedMeasurements};
pub use panel::{Panel, PanelAgreement, PanelMeasure};
pub use rating_table::{Rating, RatingAgreement, RatingTable};
pub use regression::{Deming, MethodLine, PassingBablok};
pub use votes::{Consensus, Staple, VoteTable};
pub use weights::KappaWeights;
