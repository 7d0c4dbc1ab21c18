//! Processes that MPI started, on one machine or on many.

use mednn::candle_core::Tensor;
use mpi::Threading;
use mpi::datatype::PartitionMut;
use mpi::environment::Universe;
use mpi::topology::{Communicator as _, SimpleCommunicator};
use mpi::traits::{CommunicatorCollectives as _, Equivalence, Root as _};

use super::collective::Collective;
use super::flat::{Flat, check_root};
use crate::error::{Error, Result};

/// The processes of `mpirun`, with sums by MPI's own reduction.
///
/// The order in which MPI adds up is its own; Open MPI takes the same one every time for the same number of processes. By MPI's rules
/// a failure of the network ends all processes, and so does a rank that drops this while it panics. One that returns early drops
/// it as one that is done does, and the others wait for it: what can go wrong at one rank alone, outside a trainer, is to be told
/// to all by [`all_gather_bytes`](Collective::all_gather_bytes) before the next call.
pub struct Mpi {
    // Dropped before the universe, which ends MPI.
    world: SimpleCommunicator,
    _universe: Universe,
}

impl std::fmt::Debug for Mpi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mpi")
            .field("rank", &self.world.rank())
            .field("world_size", &self.world.size())
            .finish()
    }
}

impl Mpi {
    /// Starts MPI; once in the life of a process.
    ///
    /// # Errors
    /// When MPI was started before, or cannot be called from a program with several threads.
    pub fn start() -> Result<Self> {
        let started = mpi::initialize_with_threading(Threading::Serialized);
        let (universe, threading) = started.ok_or_else(|| Error::Collective {
            reason: "MPI was started before in this process".to_owned(),
        })?;
        if threading < Threading::Serialized {
            return Err(Error::Collective {
                reason: format!("this MPI allows {threading:?} threads, a trainer has several"),
            });
        }
        Ok(Self {
            world: universe.world(),
            _universe: universe,
        })
    }

    fn sum<T: Equivalence + Clone + Default>(&self, own: &[T]) -> Vec<T> {
        let mut sum = vec![T::default(); own.len()];
        let operation = mpi::collective::SystemOperation::sum();
        self.world.all_reduce_into(own, &mut sum[..], operation);
        sum
    }

    /// MPI counts with 31 bits.
    fn check_count(count: usize) -> Result<()> {
        match i32::try_from(count) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Collective {
                reason: format!("{count} values in one message, MPI takes {}", i32::MAX),
            }),
        }
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The others wait in a call that this rank will never make.
            self.world.abort(1);
        }
    }
}

/// What MPI counts is never negative.
fn count(number: i32) -> usize {
    usize::try_from(number).unwrap_or(0)
}

impl Collective for Mpi {
    fn rank(&self) -> usize {
        count(self.world.rank())
    }

    fn world_size(&self) -> usize {
        count(self.world.size())
    }

    fn all_reduce_sum(&self, values: &Tensor) -> Result<Tensor> {
        Self::check_count(values.elem_count())?;
        let sum = match Flat::of(values)? {
            Flat::F32(own) => Flat::F32(self.sum(&own)),
            Flat::F64(own) => Flat::F64(self.sum(&own)),
        };
        sum.into_tensor(values.device())
    }

    fn broadcast(&self, values: &Tensor, root: usize) -> Result<Tensor> {
        check_root(root, self.world_size())?;
        Self::check_count(values.elem_count())?;
        let mut flat = Flat::of(values)?;
        let process = self.world.process_at_rank(root as i32);
        match &mut flat {
            Flat::F32(values) => process.broadcast_into(&mut values[..]),
            Flat::F64(values) => process.broadcast_into(&mut values[..]),
        }
        flat.into_tensor(values.device())
    }

    fn all_gather_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        Self::check_count(bytes.len())?;
        let mut counts = vec![0_i32; self.world_size()];
        self.world
            .all_gather_into(&(bytes.len() as i32), &mut counts[..]);
        let mut places = Vec::with_capacity(counts.len());
        let mut end = 0_i32;
        for &length in &counts {
            places.push(end);
            end = end.checked_add(length).ok_or_else(|| Error::Collective {
                reason: "more than 2 GiB in one message".to_owned(),
            })?;
        }
        if end == 0 {
            return Ok(vec![Vec::new(); counts.len()]);
        }
        let mut all = vec![0_u8; count(end)];
        {
            let mut parts = PartitionMut::new(&mut all[..], &counts[..], &places[..]);
            self.world.all_gather_varcount_into(bytes, &mut parts);
        }
        let parts = counts.iter().zip(&places);
        Ok(parts
            .map(|(&length, &place)| all[count(place)..count(place) + count(length)].to_vec())
            .collect())
    }

    fn barrier(&self) -> Result<()> {
        self.world.barrier();
        Ok(())
    }
}
