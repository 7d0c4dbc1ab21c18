//! Pixels of several frames and their shape.

/// Pixels of all frames.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelArray<T> {
    pub(super) shape: [usize; 4],
    pub(super) pixels: Vec<T>,
}

impl<T> PixelArray<T> {
    /// `[frames, channels, rows, columns]`
    #[must_use]
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// All pixels in the order of [`Self::shape`].
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.pixels
    }

    /// The pixels of one frame, `[channels, rows, columns]`.
    ///
    /// # Panics
    /// Panics when there is no such frame.
    #[must_use]
    pub fn frame(&self, frame: usize) -> &[T] {
        let [frames, channels, rows, columns] = self.shape;
        assert!(frame < frames, "frame {frame} of {frames}");
        let size = channels * rows * columns;
        self.pixels
            .get(frame * size..(frame + 1) * size)
            .unwrap_or(&[])
    }

    /// The pixels in the order of [`Self::shape`].
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.pixels
    }
}
