//! Which patients are learnt from, which tune, and which nobody looks at before the end.
//!
//! What has been seen of a patient must not be judged by another image of the same patient, so a [`Split`] is made of
//! patients and nothing else: a [`Cohort`] says who is who, its methods divide it, and what they give are three types
//! ([`TrainingSet`], [`ValidationSet`], [`TestSet`]) that nothing but a cohort becomes. Sources of training batches take a
//! [`TrainingSet`] only. Splitting slices instead of patients has inflated accuracies by up to half (Yagis et al., "Effect
//! of data leakage in brain MRI classification using 2D convolutional neural networks", 2021).

mod balance;
mod cohort;
mod division;
mod holdout;
mod overlap;
mod parts;
mod pixels;
mod record;
mod resemblance;
mod ways;

pub use cohort::Cohort;
pub use division::Split;
pub use holdout::{Balance, HeldOut, Scarce, Shares};
pub use overlap::{Overlap, OverlapCheck, Place, Shared};
pub use parts::{Members, PartName, TestSet, TrainingSet, ValidationSet};
pub use pixels::PixelHash;
pub use record::{CaseRecord, Member, PatientKey};
pub use resemblance::Resemblance;
pub use ways::{Lists, Unlisted};
