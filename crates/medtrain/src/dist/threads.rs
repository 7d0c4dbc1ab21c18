//! Ranks as threads of one process: what tests compare with, and a way to use several devices from one process.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use mednn::candle_core::Tensor;

use super::collective::Collective;
use super::flat::{Flat, check_root};
use crate::error::{Error, Result};

/// Makes the ranks of one process.
///
/// ```
/// use medtrain::dist::{Collective, Threads};
///
/// let sums: Vec<_> = std::thread::scope(|scope| {
///     let ranks = Threads::ranks(3).into_iter();
///     let threads: Vec<_> = ranks
///         .map(|rank| scope.spawn(move || rank.all_gather_bytes(&[rank.rank() as u8])))
///         .collect();
///     threads.into_iter().map(|thread| thread.join().unwrap()).collect()
/// });
/// assert!(sums.into_iter().all(|bytes| bytes.unwrap() == [[0], [1], [2]]));
/// ```
#[derive(Debug)]
pub struct Threads;

impl Threads {
    /// `world_size` ranks that know each other, at least one; each goes to a thread of its own.
    #[must_use]
    pub fn ranks(world_size: usize) -> Vec<ThreadRank> {
        let world_size = world_size.max(1);
        let exchange = Arc::new(Exchange {
            state: Mutex::new(State {
                round: 0,
                offers: (0..world_size).map(|_| None).collect(),
                taken: None,
                left: None,
            }),
            changed: Condvar::new(),
        });
        let rank = |rank| ThreadRank {
            rank,
            world_size,
            exchange: Arc::clone(&exchange),
        };
        (0..world_size).map(rank).collect()
    }
}

/// One rank of [`Threads`]; when it is dropped, the others no longer wait for it.
#[derive(Debug)]
pub struct ThreadRank {
    rank: usize,
    world_size: usize,
    exchange: Arc<Exchange>,
}

/// What a rank puts forward in a round.
#[derive(Debug)]
enum Offer {
    Values(Flat),
    Bytes(Vec<u8>),
}

#[derive(Debug)]
struct State {
    /// Rounds completed.
    round: u64,
    /// What each rank has put forward in this round.
    offers: Vec<Option<Offer>>,
    /// What all put forward in the round before.
    taken: Option<Arc<Vec<Offer>>>,
    /// The first rank that has gone.
    left: Option<usize>,
}

#[derive(Debug)]
struct Exchange {
    state: Mutex<State>,
    changed: Condvar,
}

impl Exchange {
    /// The state; nothing panics while it is locked, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ThreadRank {
    /// Puts something forward and waits for what all put forward.
    fn exchange(&self, offer: Offer) -> Result<Arc<Vec<Offer>>> {
        let mut state = self.exchange.lock();
        let round = state.round;
        state.offers[self.rank] = Some(offer);
        if state.offers.iter().all(Option::is_some) {
            let offers = state.offers.iter_mut().filter_map(Option::take).collect();
            state.taken = Some(Arc::new(offers));
            state.round += 1;
            self.exchange.changed.notify_all();
        }
        loop {
            // A round cannot be overtaken: the next one needs this rank as well.
            if state.round > round
                && let Some(taken) = &state.taken
            {
                return Ok(Arc::clone(taken));
            }
            if let Some(rank) = state.left {
                return Err(Error::RankLeft { rank });
            }
            let waiting = self.exchange.changed.wait(state);
            state = waiting.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn exchange_values(&self, values: &Tensor) -> Result<Vec<Flat>> {
        let offers = self.exchange(Offer::Values(Flat::of(values)?))?;
        let flat = offers.iter().map(|offer| match offer {
            Offer::Values(flat) => Ok(flat.clone()),
            Offer::Bytes(_) => Err(other_call()),
        });
        flat.collect()
    }
}

fn other_call() -> Error {
    Error::Collective {
        reason: "ranks do not make the same calls in the same order".to_owned(),
    }
}

impl Drop for ThreadRank {
    fn drop(&mut self) {
        self.exchange.lock().left.get_or_insert(self.rank);
        self.exchange.changed.notify_all();
    }
}

impl Collective for ThreadRank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn world_size(&self) -> usize {
        self.world_size
    }

    fn all_reduce_sum(&self, values: &Tensor) -> Result<Tensor> {
        let mut ranks = self.exchange_values(values)?.into_iter();
        let mut sum = ranks.next().ok_or_else(other_call)?;
        for rank in ranks {
            sum.add(&rank)?;
        }
        sum.into_tensor(values.device())
    }

    fn broadcast(&self, values: &Tensor, root: usize) -> Result<Tensor> {
        check_root(root, self.world_size)?;
        let mut ranks = self.exchange_values(values)?;
        ranks.swap_remove(root).into_tensor(values.device())
    }

    fn all_gather_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        let offers = self.exchange(Offer::Bytes(bytes.to_vec()))?;
        let bytes = offers.iter().map(|offer| match offer {
            Offer::Bytes(bytes) => Ok(bytes.clone()),
            Offer::Values(_) => Err(other_call()),
        });
        bytes.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mednn::candle_core::Device;

    /// What every rank of a world gets from `act`.
    fn all<T: Send>(world_size: usize, act: impl Fn(&ThreadRank) -> T + Sync) -> Vec<T> {
        std::thread::scope(|scope| {
            let ranks = Threads::ranks(world_size).into_iter();
            let act = &act;
            let threads: Vec<_> = ranks.map(|rank| scope.spawn(move || act(&rank))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        })
    }

    #[test]
    fn every_rank_gets_the_same_sum_in_the_order_of_ranks_round_after_round() {
        // Large, small, minus large: any other order loses the small one or keeps it.
        let terms = [1e8_f32, -1e8, 1.0];
        let sums = all(3, |rank| {
            let sum = |round: usize| {
                let own = Tensor::new(&[terms[rank.rank()] * (round + 1) as f32], &Device::Cpu);
                rank.all_reduce_sum(&own.unwrap())
                    .unwrap()
                    .to_vec1::<f32>()
                    .unwrap()[0]
            };
            (0..200).map(sum).collect::<Vec<_>>()
        });
        for (round, sum) in sums[0].iter().enumerate() {
            assert_eq!(*sum, (round + 1) as f32);
        }
        assert!(sums.iter().all(|ranks| *ranks == sums[0]));
    }

    #[test]
    fn a_tensor_of_one_rank_reaches_all() {
        let got = all(2, |rank| {
            let own = Tensor::new(&[rank.rank() as f64, 7.0], &Device::Cpu).unwrap();
            rank.broadcast(&own, 1).unwrap().to_vec1::<f64>().unwrap()
        });
        assert_eq!(got, [[1.0, 7.0], [1.0, 7.0]]);
    }

    #[test]
    fn bytes_of_any_length_are_gathered_in_the_order_of_ranks() {
        let got = all(3, |rank| {
            rank.all_gather_bytes(&vec![1; rank.rank()]).unwrap()
        });
        assert!(
            got.iter()
                .all(|bytes| *bytes == [vec![], vec![1], vec![1, 1]])
        );
    }

    #[test]
    fn a_rank_that_ends_early_is_not_waited_for() {
        let results = all(3, |rank| {
            (rank.rank() == 2)
                .then_some(())
                .map_or_else(|| rank.barrier(), Ok)
        });
        assert!(matches!(
            results[..2],
            [
                Err(Error::RankLeft { rank: 2 }),
                Err(Error::RankLeft { rank: 2 })
            ]
        ));
    }

    #[test]
    fn ranks_that_disagree_are_refused() {
        let results = all(2, |rank| {
            let own = Tensor::zeros(
                1 + rank.rank(),
                mednn::candle_core::DType::F32,
                &Device::Cpu,
            );
            rank.all_reduce_sum(&own.unwrap()).map(drop)
        });
        assert!(
            results
                .iter()
                .all(|r| matches!(r, Err(Error::Collective { .. })))
        );
        let results = all(2, |rank| {
            let own = Tensor::new(&[1_f32], &Device::Cpu).unwrap();
            if rank.rank() == 0 {
                rank.barrier()
            } else {
                rank.all_reduce_sum(&own).map(drop)
            }
        });
        assert!(
            results
                .iter()
                .all(|r| matches!(r, Err(Error::Collective { .. })))
        );
    }
}
