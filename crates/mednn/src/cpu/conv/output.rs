//! One output that many tasks write, each its own elements.
#![expect(
    unsafe_code,
    reason = "tasks write interleaved, disjoint elements of one vector"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use super::kernel::Kernels;
use super::transpose::Transpose;
use crate::cpu::real::Real;

/// A vector of `len` elements, all of which `fill` writes.
///
/// Not zeroed first: for a large output that would be a whole pass over memory fresh from the system.
///
/// # Panics
/// When `fill` has not written as many elements as there are.
pub(super) fn build<T: Real>(len: usize, fill: impl FnOnce(&SharedOutput<T>)) -> Vec<T> {
    let mut values = Vec::with_capacity(len);
    let out = SharedOutput {
        start: values.as_mut_ptr(),
        len,
        written: AtomicUsize::new(0),
    };
    fill(&out);
    assert_eq!(out.written.into_inner(), len, "every element is written");
    // SAFETY: tasks count what they write and, by the promise of `store`, write no element twice, so all were written.
    unsafe { values.set_len(len) };
    values
}

/// The elements of an output, written once each by whichever task they belong to.
#[derive(Debug)]
pub(super) struct SharedOutput<T> {
    start: *mut T,
    len: usize,
    written: AtomicUsize,
}

// SAFETY: the pointer is only written through, and `store` asks its callers to write disjoint elements.
unsafe impl<T: Send> Sync for SharedOutput<T> {}

impl<T: Real> SharedOutput<T> {
    /// Counts elements that `store` has written.
    pub(super) fn count(&self, elements: usize) {
        self.written.fetch_add(elements, Ordering::Relaxed);
    }

    /// Writes `tile[pixel][channel]` (pixels `tile_pitch` apart) to `out[at + channel * channel_pitch + pixel * step]`.
    ///
    /// Returns the number of elements written.
    ///
    /// # Safety
    /// No element may be written twice, by this thread or another.
    pub(super) unsafe fn store(
        &self,
        kernels: &Kernels<T>,
        tile: &[T],
        tile_pitch: usize,
        to: &Place,
    ) -> usize {
        if to.pixels == 0 || to.channels == 0 {
            return 0;
        }
        let last = to.at + (to.channels - 1) * to.channel_pitch + (to.pixels - 1) * to.step;
        assert!(last < self.len, "the tile lies in the output");
        assert!(
            (to.pixels - 1) * tile_pitch + to.channels <= tile.len(),
            "the tile is complete"
        );
        if to.step == 1 {
            let shape = Transpose {
                rows: to.pixels,
                columns: to.channels,
                from_pitch: tile_pitch,
                to_pitch: to.channel_pitch,
                fill: to.pixels,
            };
            // SAFETY: the range was checked above and is the caller's alone.
            unsafe { kernels.transpose_to(tile, self.start.add(to.at), &shape) };
            return to.pixels * to.channels;
        }
        for channel in 0..to.channels {
            for pixel in 0..to.pixels {
                let value = tile[pixel * tile_pitch + channel];
                // SAFETY: at most `last`, checked above; the caller's alone.
                unsafe {
                    *self
                        .start
                        .add(to.at + channel * to.channel_pitch + pixel * to.step) = value
                };
            }
        }
        to.pixels * to.channels
    }
}

/// Where a tile goes in an output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) channels: usize,
    pub(super) channel_pitch: usize,
    pub(super) pixels: usize,
    /// Elements between neighbouring pixels.
    pub(super) step: usize,
}
