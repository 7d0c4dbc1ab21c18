//! What processes that learn together need from each other.

use mednn::candle_core::Tensor;

use crate::error::Result;

/// The sums and copies by which processes learn together.
///
/// Every rank calls the same operations in the same order, with tensors of the same shape; each call returns when all have made it.
/// When a rank ends early the others get an error, or are ended, instead of waiting for it, as far as what carries the numbers
/// can tell (`Mpi` says where it cannot).
pub trait Collective {
    /// The number of this process, from zero; rank 0 writes logs and checkpoints.
    fn rank(&self) -> usize;

    /// How many processes there are.
    fn world_size(&self) -> usize;

    /// The sum over all ranks of a tensor `[values]` of f32 or f64.
    ///
    /// # Errors
    /// Refuses other shapes and element types; and when a rank is gone or the network between them fails.
    fn all_reduce_sum(&self, values: &Tensor) -> Result<Tensor>;

    /// The tensor `[values]` of rank `root`, for all.
    ///
    /// # Errors
    /// As [`Collective::all_reduce_sum`].
    fn broadcast(&self, values: &Tensor, root: usize) -> Result<Tensor>;

    /// The bytes of every rank, in the order of ranks; their lengths may differ.
    ///
    /// # Errors
    /// When a rank is gone or the network between them fails.
    fn all_gather_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>>;

    /// Waits until every rank is here.
    ///
    /// # Errors
    /// As [`Collective::all_gather_bytes`].
    fn barrier(&self) -> Result<()> {
        self.all_gather_bytes(&[]).map(drop)
    }
}

/// One process that learns alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Solo;

impl Collective for Solo {
    fn rank(&self) -> usize {
        0
    }

    fn world_size(&self) -> usize {
        1
    }

    fn all_reduce_sum(&self, values: &Tensor) -> Result<Tensor> {
        Ok(values.clone())
    }

    fn broadcast(&self, values: &Tensor, root: usize) -> Result<Tensor> {
        super::flat::check_root(root, 1)?;
        Ok(values.clone())
    }

    fn all_gather_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        Ok(vec![bytes.to_vec()])
    }
}
