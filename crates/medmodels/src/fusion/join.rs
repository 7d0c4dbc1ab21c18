//! What the ways of joining have in common.

use mednn::candle_core::Tensor;
use mednn::context::Context;

use super::image::Seen;
use super::tokens::Given;
use crate::blocks::Features;

/// What there is to join.
#[derive(Debug)]
pub(super) struct Sides<'a> {
    pub(super) image: &'a Seen,
    /// The entries of each column, `[batch, entries of the column]`.
    pub(super) columns: &'a [Tensor],
    /// Further tokens, where the network has them.
    pub(super) tokens: Option<&'a Given>,
}

/// A way of joining an image and a table.
pub(super) trait Join: std::fmt::Debug + Send + Sync {
    /// Features of what it gives.
    fn features(&self) -> usize;

    /// # Shapes
    /// - output: `[batch, features]`
    fn forward(
        &self,
        sides: &Sides<'_>,
        shown: &mut Features<'_>,
        context: &Context,
    ) -> mednn::Result<Tensor>;
}
