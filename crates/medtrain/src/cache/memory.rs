//! Values in memory under a budget, each made by one thread while others wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::Result;

pub(super) struct Memory<T> {
    budget: usize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    slots: HashMap<usize, Slot<T>>,
    /// Bytes of what is kept.
    bytes: usize,
    /// Counts uses.
    clock: u64,
    evicted: u64,
}

enum Slot<T> {
    /// Some thread makes it.
    Making,
    Kept {
        value: Arc<T>,
        bytes: usize,
        used: u64,
    },
}

impl<T> Memory<T> {
    /// A memory that keeps at most so many bytes.
    pub(super) fn new(budget: usize) -> Self {
        Self {
            budget,
            state: Mutex::new(State {
                slots: HashMap::new(),
                bytes: 0,
                clock: 0,
                evicted: 0,
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    pub(super) fn evicted(&self) -> u64 {
        self.lock().evicted
    }

    /// The value under a number and whether it was there; else it is made, and kept if it fits.
    pub(super) fn get_or_make(
        &self,
        number: usize,
        size: impl Fn(&T) -> usize,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<(Arc<T>, bool)> {
        if self.budget == 0 {
            return Ok((Arc::new(make()?), false));
        }
        let mut state = self.lock();
        loop {
            state.clock += 1;
            let now = state.clock;
            match state.slots.get_mut(&number) {
                Some(Slot::Kept { value, used, .. }) => {
                    *used = now;
                    return Ok((Arc::clone(value), true));
                }
                Some(Slot::Making) => {
                    state = self
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                None => break,
            }
        }
        state.slots.insert(number, Slot::Making);
        drop(state);
        // Whatever happens to the maker, even a panic, the others must not wait for ever.
        let promise = Promise {
            memory: self,
            number,
        };
        let value = Arc::new(make()?);
        let bytes = size(&value);
        self.lock().keep(number, &value, bytes, self.budget);
        drop(promise);
        Ok((value, false))
    }

    /// The state; a panic never happens while it is locked, so poison means nothing.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// Keeps a value if it fits the budget at all, after others made room for it.
    fn keep(&mut self, number: usize, value: &Arc<T>, bytes: usize, budget: usize) {
        if bytes > budget {
            return;
        }
        while self.bytes + bytes > budget {
            let kept = self.slots.iter().filter_map(|(&number, slot)| match slot {
                Slot::Kept { used, .. } => Some((*used, number)),
                Slot::Making => None,
            });
            let Some((_, oldest)) = kept.min() else {
                return;
            };
            if let Some(Slot::Kept { bytes, .. }) = self.slots.remove(&oldest) {
                self.bytes -= bytes;
                self.evicted += 1;
            }
        }
        self.bytes += bytes;
        let slot = Slot::Kept {
            value: Arc::clone(value),
            bytes,
            used: self.clock,
        };
        self.slots.insert(number, slot);
    }
}

/// That a number is no longer being made once this is dropped.
struct Promise<'a, T> {
    memory: &'a Memory<T>,
    number: usize,
}

impl<T> Drop for Promise<'_, T> {
    fn drop(&mut self) {
        let mut state = self.memory.lock();
        if matches!(state.slots.get(&self.number), Some(Slot::Making)) {
            state.slots.remove(&self.number);
        }
        drop(state);
        self.memory.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn get(memory: &Memory<usize>, number: usize) -> bool {
        memory
            .get_or_make(number, |&n| n * 10, || Ok(number))
            .unwrap()
            .1
    }

    #[test]
    fn the_budget_is_kept_and_what_was_not_used_for_longest_goes_first() {
        let memory = Memory::new(60);
        assert!(!get(&memory, 1) && !get(&memory, 2) && !get(&memory, 3));
        assert_eq!(memory.bytes(), 60);
        assert!(get(&memory, 1), "used again, so that 2 is the oldest");
        assert!(!get(&memory, 2 + 2), "4 pushes out 2 and 3");
        assert_eq!((memory.bytes(), memory.evicted()), (50, 2));
        assert!(get(&memory, 1) && get(&memory, 4));
        assert!(!get(&memory, 7), "too large for the whole budget");
        assert_eq!(memory.bytes(), 50);
        assert!(!get(&memory, 7) && get(&memory, 1));
    }

    #[test]
    fn after_an_error_or_a_panic_the_next_one_tries_again() {
        let memory = Memory::<usize>::new(60);
        let failed = memory.get_or_make(1, |_| 1, || Err(Error::Nothing { what: "cases" }));
        assert!(failed.is_err());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            memory.get_or_make(1, |_| 1, || panic!("the reader breaks"))
        }));
        assert!(panicked.is_err());
        assert!(!get(&memory, 1) && get(&memory, 1));
    }
}
