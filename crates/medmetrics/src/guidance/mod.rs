//! Which metrics to report, and what is wrong with those that were.
//!
//! A [`Fingerprint`] says what kind of problem it is and what is special about it; its
//! [`recommend`](Fingerprint::recommend) gives metrics with reasons, settings and pitfalls, from tables that
//! follow Metrics Reloaded (Maier-Hein, Reinke et al., Nature Methods 21, 195, 2024). A [`Linter`] looks at
//! results and data and says with numbers where a metric misleads.
//!
//! ```
//! use medmetrics::guidance::{Fingerprint, Metric, Problem, Property};
//!
//! let vessels = Fingerprint::new(Problem::SemanticSegmentation)
//!     .with(Property::TubularStructures)
//!     .with(Property::BoundaryOfInterest)
//!     .with(Property::ToleranceKnown);
//! let metrics: Vec<Metric> = vessels.recommend().iter().map(|r| r.metric).collect();
//! assert_eq!(metrics, [Metric::ClDice, Metric::SurfaceDice]);
//! ```

mod advice;
mod fingerprint;
mod lint;
mod linter;
mod metric;
mod recommend;
mod rules;
mod source;

pub use fingerprint::{Fingerprint, Problem, Property};
pub use lint::Lint;
pub use linter::Linter;
pub use metric::Metric;
pub use recommend::{Advice, Recommendation};
