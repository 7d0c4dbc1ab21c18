//! Differentiable operators: shapes are checked here, arithmetic happens in [`crate::cpu`].
//!
//! Every operator is one node on candle's tape with its own backward rule, and composes with plain candle code.
//! Gradients are computed only for arguments that are tracked.

pub(crate) mod support;
