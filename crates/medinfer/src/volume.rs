//! Logits or probabilities of a whole image, for those who ask for them.

use medcore::{Geometry, Image};

use crate::blend::{Finished, Sink, for_each_row};
use crate::error::Result;

/// What is kept of the logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Logits,
    Softmax,
    Sigmoid,
}

/// Collects all classes of all voxels.
pub(crate) struct VolumeSink<const D: usize> {
    kept: Kept,
    image: Image<f32, D>,
}

/// Values of a box of the image, `[classes, ...shape]`.
#[derive(Debug)]
pub(crate) struct Piece<const D: usize> {
    start: [usize; D],
    shape: [usize; D],
    values: Vec<f32>,
}

impl<const D: usize> VolumeSink<D> {
    pub(crate) fn new(kept: Kept, classes: usize, grid: Geometry<D>) -> Result<Self> {
        Ok(Self {
            kept,
            image: Image::zeros(classes, grid)?,
        })
    }

    pub(crate) fn into_image(self) -> Image<f32, D> {
        self.image
    }
}

impl<const D: usize> Sink<D> for VolumeSink<D> {
    type Piece = Piece<D>;

    fn cut(&self, block: &Finished<'_, D>) -> Piece<D> {
        let mut values = block.logits.clone();
        match self.kept {
            Kept::Logits => {}
            Kept::Softmax => softmax(&mut values, block.classes),
            Kept::Sigmoid => {
                for value in &mut values {
                    *value = 1.0 / (1.0 + libm::expf(-*value));
                }
            }
        }
        Piece {
            start: block.segments.map(|segment| segment.start),
            shape: block.held(),
            values,
        }
    }

    fn place(&mut self, piece: Piece<D>) {
        let grid = self.image.shape();
        let width = piece.shape[D - 1];
        let voxels: usize = grid.iter().product();
        let own: usize = piece.shape.iter().product();
        let out = self.image.as_mut_slice();
        for (class, values) in out
            .chunks_exact_mut(voxels)
            .zip(piece.values.chunks_exact(own))
        {
            let mut rows = values.chunks_exact(width);
            for_each_row(piece.shape, |row| {
                let to = (0..D).fold(0, |at, axis| {
                    at * grid[axis] + piece.start[axis] + row[axis]
                });
                let from = rows.next().expect("as many rows as the shape has");
                class[to..to + width].copy_from_slice(from);
            });
        }
    }
}

/// Softmax over classes, `[classes, voxels]`, largest value subtracted first.
fn softmax(values: &mut [f32], classes: usize) {
    let voxels = values.len() / classes;
    let mut largest = values[..voxels].to_vec();
    for class in values.chunks_exact(voxels) {
        for (largest, value) in largest.iter_mut().zip(class) {
            *largest = largest.max(*value);
        }
    }
    let mut sums = vec![0.0f32; voxels];
    for class in values.chunks_exact_mut(voxels) {
        for ((value, sum), largest) in class.iter_mut().zip(&mut sums).zip(&largest) {
            *value = libm::expf(*value - largest);
            *sum += *value;
        }
    }
    for class in values.chunks_exact_mut(voxels) {
        for (value, sum) in class.iter_mut().zip(&sums) {
            *value /= sum;
        }
    }
}
