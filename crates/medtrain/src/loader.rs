//! Batches made ahead of time by several threads, handed over in order.
//!
//! The contents of a batch depend on its epoch and step alone ([`Source::item`]), so neither the number
//! of threads nor the place where a run was resumed changes what a network sees.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::batches::Shard;
use crate::error::{Error, Result};

/// Makes the items of a run, each from its place alone.
pub trait Source: Send + Sync + 'static {
    /// What is made: a batch, usually.
    type Item: Send + 'static;

    /// Items in one epoch.
    fn steps_per_epoch(&self) -> u32;

    /// Which part of every batch is made here, where several processes learn together: a trainer refuses a source of
    /// another part than its own. A source that does not say makes whole batches, for one process alone.
    fn shard(&self) -> Shard {
        Shard::SOLO
    }

    /// The item of one step of one epoch, both counted from zero.
    ///
    /// # Errors
    /// Whatever keeps the item from being made; the loader hands it over in the item's place.
    fn item(&self, epoch: u32, step: u32) -> Result<Self::Item>;
}

/// How far and with how many threads to work ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefetch {
    /// Threads that make items; 0 makes each item when it is asked for.
    pub threads: usize,
    /// Most items made and not yet taken.
    pub ahead: usize,
}

impl Default for Prefetch {
    fn default() -> Self {
        Self {
            threads: 1,
            ahead: 4,
        }
    }
}

/// An iterator over the rest of an epoch that prepares its items in the background.
#[derive(Debug)]
pub struct Loader<S: Source> {
    source: Arc<S>,
    epoch: u32,
    next: u32,
    end: u32,
    shared: Option<Arc<Shared<S::Item>>>,
    workers: Vec<JoinHandle<()>>,
    waited: Duration,
}

#[derive(Debug)]
struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    /// First step no worker has claimed.
    claimed: u32,
    /// First step not yet taken by the consumer.
    taken: u32,
    /// Finished items from `taken` on; `None` while being made.
    ready: std::collections::VecDeque<Option<Result<T>>>,
    stop: bool,
}

impl<T> Shared<T> {
    /// The state; a panic in a worker never happens while it is locked, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Source> Loader<S> {
    /// Starts on the steps of `epoch` from `first_step` on.
    #[must_use]
    pub fn start(source: Arc<S>, epoch: u32, first_step: u32, prefetch: Prefetch) -> Self {
        let end = source.steps_per_epoch();
        let mut loader = Self {
            source,
            epoch,
            next: first_step,
            end,
            shared: None,
            workers: Vec::new(),
            waited: Duration::ZERO,
        };
        if prefetch.threads > 0 {
            let state = State {
                claimed: first_step,
                taken: first_step,
                ready: std::collections::VecDeque::new(),
                stop: false,
            };
            let shared = Arc::new(Shared {
                state: Mutex::new(state),
                changed: Condvar::new(),
            });
            let ahead = u32::try_from(prefetch.ahead.max(1)).unwrap_or(u32::MAX);
            loader.workers = (0..prefetch.threads)
                .map(|_| {
                    let (source, shared) = (Arc::clone(&loader.source), Arc::clone(&shared));
                    std::thread::spawn(move || work(&*source, epoch, end, ahead, &shared))
                })
                .collect();
            loader.shared = Some(shared);
        }
        loader
    }

    /// How long the consumer has waited for items: the part of the step time that data costs.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl<S: Source> Iterator for Loader<S> {
    type Item = Result<S::Item>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let started = Instant::now();
        let item = match &self.shared {
            None => make(&*self.source, self.epoch, self.next),
            Some(shared) => take(shared),
        };
        self.waited += started.elapsed();
        self.next += 1;
        Some(item)
    }
}

impl<S: Source> Drop for Loader<S> {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.lock().stop = true;
            shared.changed.notify_all();
        }
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its source; joining cannot fail in a way that matters here.
            let _ = worker.join();
        }
    }
}

/// Makes one item; a panic of the source becomes an error that names the step.
fn make<S: Source>(source: &S, epoch: u32, step: u32) -> Result<S::Item> {
    catch_unwind(AssertUnwindSafe(|| source.item(epoch, step))).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message")
            .to_owned();
        Err(Error::LoaderPanicked { step, message })
    })
}

fn work<S: Source>(source: &S, epoch: u32, end: u32, ahead: u32, shared: &Shared<S::Item>) {
    loop {
        let step = {
            let mut state = shared.lock();
            while !state.stop && state.claimed < end && state.claimed - state.taken >= ahead {
                state = shared
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            if state.stop || state.claimed >= end {
                return;
            }
            state.claimed += 1;
            state.ready.push_back(None);
            state.claimed - 1
        };
        let item = make(source, epoch, step);
        let mut state = shared.lock();
        let slot = (step - state.taken) as usize;
        state.ready[slot] = Some(item);
        drop(state);
        shared.changed.notify_all();
    }
}

fn take<T>(shared: &Shared<T>) -> Result<T> {
    let mut state = shared.lock();
    loop {
        if let Some(item) = state.ready.front_mut().and_then(Option::take) {
            state.ready.pop_front();
            state.taken += 1;
            drop(state);
            shared.changed.notify_all();
            return item;
        }
        state = shared
            .changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Slow {
        made: AtomicU32,
    }

    impl Source for Slow {
        type Item = (u32, u32);
        fn steps_per_epoch(&self) -> u32 {
            20
        }
        fn item(&self, epoch: u32, step: u32) -> Result<(u32, u32)> {
            self.made.fetch_add(1, Ordering::SeqCst);
            // Later steps finish sooner, so order is not kept by luck.
            std::thread::sleep(Duration::from_micros(u64::from(20 - step) * 100));
            assert!(!(epoch == 9 && step == 3), "step three breaks");
            if epoch == 8 && step == 2 {
                Err(Error::Nothing { what: "cases" })
            } else {
                Ok((epoch, step))
            }
        }
    }

    fn slow() -> Arc<Slow> {
        Arc::new(Slow {
            made: AtomicU32::new(0),
        })
    }

    #[test]
    fn items_come_in_order_for_any_number_of_threads() {
        for threads in [0, 1, 2, 5] {
            let loader = Loader::start(slow(), 4, 3, Prefetch { threads, ahead: 3 });
            let items: Vec<_> = loader.map(Result::unwrap).collect();
            assert_eq!(
                items,
                (3..20).map(|step| (4, step)).collect::<Vec<_>>(),
                "{threads} threads"
            );
        }
    }

    #[test]
    fn no_more_is_made_than_was_allowed() {
        let source = slow();
        let mut loader = Loader::start(
            Arc::clone(&source),
            0,
            0,
            Prefetch {
                threads: 3,
                ahead: 4,
            },
        );
        loader.next().unwrap().unwrap();
        std::thread::sleep(Duration::from_millis(40));
        assert!(source.made.load(Ordering::SeqCst) <= 5);
    }

    #[test]
    fn an_error_or_a_panic_stands_in_its_items_place() {
        let prefetch = Prefetch {
            threads: 2,
            ahead: 4,
        };
        let items: Vec<_> = Loader::start(slow(), 8, 0, prefetch).collect();
        assert!(matches!(items[2], Err(Error::Nothing { .. })) && items[3].is_ok());
        let items: Vec<_> = Loader::start(slow(), 9, 0, prefetch).collect();
        assert!(
            matches!(&items[3], Err(Error::LoaderPanicked { step: 3, message }) if message.contains("breaks"))
        );
        assert!(items[4].is_ok());
    }

    #[test]
    fn dropping_a_loader_ends_its_threads() {
        let mut loader = Loader::start(
            slow(),
            0,
            0,
            Prefetch {
                threads: 2,
                ahead: 2,
            },
        );
        loader.next().unwrap().unwrap();
        drop(loader);
    }
}
