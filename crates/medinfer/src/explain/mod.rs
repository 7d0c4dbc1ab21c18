//! Explanations: which parts of an input count for the score of a class.
//!
//! Every method is a struct with its settings and implements [`Explain`]: a network, inputs and a [`Target`]
//! give one [`Saliency`] for each item of the batch, on the grid of the network's input. No network has to be
//! prepared for it: its operators are recorded ([`mednn::graph`]), and [`Layer`] names what is looked at.
//! Networks run in evaluation, where their parameters are; inputs may be anywhere. Results do not depend on the
//! number of threads. Inputs of `f64` are computed in `f64`.
//!
//! * [`GradCam`], [`GradCamPlusPlus`]: where the features of a layer speak for the class;
//! * [`InputGradient`], [`SmoothGrad`], [`GuidedBackprop`], [`GuidedGradCam`]: which voxels would raise the score;
//! * [`IntegratedGradients`]: what each voxel adds to it, measured from a baseline;
//! * [`Occlusion`]: by how much it falls when a part is covered;
//! * [`AttentionRollout`]: which patches reach the class token of a vision transformer;
//! * [`exact`] and [`KernelShap`]: Shapley values of columns of a table, and of an image beside them.
//!
//! Whether a map can be believed: [`Saliency::pointing`] at a region that is known, [`perturbation_curve`]
//! (deletion and insertion), [`cascade`] (random weights) with [`likeness`].
//!
//! An explanation says what the network used, not what is true.

use mednn::model::{Inputs, Model};

use crate::error::Result;

mod circuit;
mod elements;
mod grad_cam;
mod grad_cam_plus_plus;
mod gradient;
mod guided;
mod integrated_gradients;
mod layer;
mod maps;
mod occlusion;
mod pointing;
mod rollout;
mod saliency;
mod sanity;
mod scores;
mod shapley;
mod smooth_grad;
mod target;

pub use grad_cam::GradCam;
pub use grad_cam_plus_plus::{GradCamPlusPlus, PlaceWeight};
pub use gradient::InputGradient;
pub use guided::{GuidedBackprop, GuidedGradCam};
pub use integrated_gradients::{Baseline, Integrated, IntegratedGradients, Quadrature};
pub use layer::Layer;
pub(crate) use layer::{Layout, layout_of_feature};
pub use maps::Sign;
pub use occlusion::Occlusion;
pub use pointing::Pointing;
pub use rollout::{AttentionRollout, Heads};
pub use saliency::{Channels, Method, Normalisation, Saliency};
pub use sanity::{
    Cascade, Curve, Likeness, Perturbation, PerturbationSettings, PlaceOrder, cascade, likeness,
    perturbation_curve,
};
pub use shapley::{Game, KernelShap, MOST_EXACT, MaskedNetwork, Player, Shares, exact};
pub use smooth_grad::SmoothGrad;
pub use target::Target;

/// A way to explain the scores of a classifier.
pub trait Explain: std::fmt::Debug + Send + Sync {
    /// Which.
    fn method(&self) -> Method;

    /// One map for each item of the batch.
    ///
    /// # Shapes
    /// - image: `[batch, channels, depth, height, width]`
    /// - the network's result: `[batch, classes]`, logits
    ///
    /// # Errors
    /// When the network refuses the inputs, has no such class or layer, or gives numbers that are not finite.
    fn explain(
        &self,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Vec<Saliency>>;
}
