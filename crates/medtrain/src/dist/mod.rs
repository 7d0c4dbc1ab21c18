//! Learning together: several processes, or threads, that each see a share of every batch.
//!
//! All of them start from the same weights, add up their gradients after every backward pass and make the same step, so that they
//! stay equal and the result is that of one process with the whole batch. What carries the numbers is a [`Collective`]: [`Solo`]
//! alone, [`Threads`] within a process, `Mpi` (feature `mpi`) between processes and machines. [`Launch`] says what place a process
//! was given by torchrun, SLURM or Open MPI.
//!
//! Sums are taken in the order of ranks by `Solo` and `Threads`, so their results do not depend on timing.

mod collective;
mod flat;
mod gradients;
mod launch;
#[cfg(feature = "mpi")]
mod mpi;
mod share;
mod threads;

pub use collective::{Collective, Solo};
pub use gradients::{all_reduce_gradients, average_buffers, broadcast_network};
pub use launch::{Launch, Launcher};
#[cfg(feature = "mpi")]
pub use mpi::Mpi;
pub use share::share_of;
pub use threads::{ThreadRank, Threads};
