//! What is done to a network's output: from scores to classes, and from raw classes to plausible ones.

mod activations;
mod classes;
mod contour;
mod discrete;
mod ensemble;
mod fill_holes;
mod keep_largest;
mod morphology;
mod random_morphology;
mod regions;
mod relabel;
mod remove_part;
mod remove_small;
mod round;

pub use activations::{Activations, activate};
pub use classes::Scope;
pub use contour::LabelToContour;
pub use discrete::{ArgMax, OneHot, Threshold, argmax, one_hot, threshold};
pub use ensemble::{mean_ensemble, vote_channels, vote_labels};
pub use fill_holes::{FillHoles, Holes};
pub use keep_largest::KeepLargest;
pub use morphology::{Change, GrowInto, Morphology, Radius};
pub use random_morphology::RandomMorphology;
pub use regions::{LabelsToRegions, RegionsToLabels};
pub use relabel::{LabelFilter, MapLabels, SequentialLabels};
pub use remove_part::{RandomRemovePart, RemovePart};
pub use remove_small::{RemoveSmall, Size};
pub use round::Round;
