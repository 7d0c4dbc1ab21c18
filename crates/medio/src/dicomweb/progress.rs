//! Counts what goes over the network for the one who waits.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use super::fault::Fault;
use super::settings::{OnProgress, Progress};

/// Bytes and instances of one download or upload, from all of its threads.
pub(super) struct Tally {
    bytes: AtomicU64,
    instances: AtomicU64,
    expected: Option<u64>,
    callback: Option<OnProgress>,
}

impl Tally {
    pub(super) fn new(callback: Option<OnProgress>, expected: Option<u64>) -> Self {
        Self {
            bytes: AtomicU64::new(0),
            instances: AtomicU64::new(0),
            expected,
            callback,
        }
    }

    pub(super) fn moved(&self, bytes: usize) -> Result<(), Fault> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell()
    }

    pub(super) fn completed(&self, instances: u64) -> Result<(), Fault> {
        self.instances.fetch_add(instances, Ordering::Relaxed);
        self.tell()
    }

    fn tell(&self) -> Result<(), Fault> {
        let Some(callback) = &self.callback else {
            return Ok(());
        };
        let progress = Progress {
            bytes: self.bytes.load(Ordering::Relaxed),
            instances: self.instances.load(Ordering::Relaxed),
            expected: self.expected,
        };
        match callback(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Fault::Stopped),
        }
    }
}
