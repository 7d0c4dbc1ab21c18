//! Linear maps whose weights were brought into the order of the register tiles once.
//!
//! A tile is 14 rows of the input by two vectors of outputs (AVX-512). The input is packed once for all outputs, the weights
//! once for all inputs; a sum over many inputs waits in the cache while the next part of the weights comes by. Sums are cut
//! at fixed places, so that results depend neither on the number of threads nor on other rows.
#![expect(unsafe_code, reason = "tasks write disjoint rectangles of one output")]

use rayon::prelude::*;

use crate::cpu::conv::kernel::{Correlate, Kernels};
use crate::cpu::conv::output::{self, SharedOutput};
use crate::cpu::conv::pack::pieces;
use crate::cpu::conv::scratch::{Aligned, with_scratch};
use crate::cpu::conv::transpose::Transpose;
use crate::cpu::conv::{Element, Finish, Residual};
use crate::cpu::simd::Level;

/// Inputs summed before the next tile of rows, so that their weights stay in the cache.
const INPUTS: usize = 512;
/// Panels of outputs, and tiles of rows, of a task at most.
const PANELS: usize = 4;
const TILES: usize = 16;
/// Tasks a thread, so that one that is held up does not hold up all.
const TASKS_PER_THREAD: usize = 6;

/// The weights of a linear map for the widest vector instructions of this machine.
#[derive(Debug, Clone)]
pub struct PackedLinear<T: Element> {
    inputs: usize,
    outputs: usize,
    level: Level,
    /// `[panel][input][lane]`, zero in lanes without an output.
    weights: Aligned<T>,
    /// `[panel][lane]`.
    bias: Vec<T>,
}

impl<T: Element> PackedLinear<T> {
    /// Packs weights, `[outputs, inputs]`, and a bias for each output.
    ///
    /// # Panics
    /// If a slice is not as long as the sizes say.
    #[must_use]
    pub fn new([inputs, outputs]: [usize; 2], weights: &[T], bias: Option<&[T]>) -> Self {
        assert_eq!(weights.len(), inputs * outputs, "a weight for each pair");
        let level = Level::native();
        let kernels = T::kernels(level);
        let width = kernels.block();
        let panels = outputs.div_ceil(width);
        let mut packed = Aligned::zeros(panels * inputs * width);
        packed
            .par_chunks_mut((inputs * width).max(1))
            .enumerate()
            .for_each(|(panel, packed)| {
                let first = panel * width;
                let shape = Transpose {
                    rows: width.min(outputs - first),
                    columns: inputs,
                    from_pitch: inputs,
                    to_pitch: width,
                    fill: width,
                };
                kernels.transpose(&weights[first * inputs..], packed, &shape);
            });
        let mut starts = vec![T::ZERO; panels * width];
        if let Some(bias) = bias {
            assert_eq!(bias.len(), outputs, "a bias for each output");
            starts[..outputs].copy_from_slice(bias);
        }
        Self {
            inputs,
            outputs,
            level,
            weights: packed,
            bias: starts,
        }
    }

    /// `input weight^T + bias`, finished: `[rows, outputs]` of `[rows, inputs]`.
    ///
    /// # Panics
    /// If a slice is not as long as the sizes say.
    #[must_use]
    pub fn forward(&self, rows: usize, input: &[T], finish: &Finish<'_, T>) -> Vec<T> {
        assert_eq!(input.len(), rows * self.inputs, "rows of the input");
        if let Some(residual) = finish.residual.as_ref().map(Residual::values) {
            assert_eq!(residual.len(), rows * self.outputs, "rows of the residual");
        }
        let kernels = T::kernels(self.level);
        let tiles: Vec<_> = pieces(0, rows, kernels.pixels()).collect();
        let packed = self.pack(kernels, &tiles, input);
        let pass = Pass {
            linear: self,
            kernels,
            tiles: &tiles,
            input: &packed,
        };
        output::build(rows * self.outputs, finish, |out| pass.run(out))
    }

    /// The rows of each tile beside one another, `[tile][input][row]`.
    fn pack(&self, kernels: &Kernels<T>, tiles: &[(usize, usize)], input: &[T]) -> Aligned<T> {
        let width = kernels.pixels();
        let mut packed = Aligned::zeros(tiles.len() * self.inputs * width);
        packed
            .par_chunks_mut((self.inputs * width).max(1))
            .zip(tiles)
            .for_each(|(packed, &(first, rows))| {
                let shape = Transpose {
                    rows,
                    columns: self.inputs,
                    from_pitch: self.inputs,
                    to_pitch: width,
                    fill: rows,
                };
                let rows = &input[first * self.inputs..][..rows * self.inputs];
                kernels.transpose(rows, packed, &shape);
            });
        packed
    }
}

/// All that a pass reads.
struct Pass<'a, T: Element> {
    linear: &'a PackedLinear<T>,
    kernels: &'a Kernels<T>,
    /// First row and number of rows.
    tiles: &'a [(usize, usize)],
    /// `[tile][input][row]`.
    input: &'a [T],
}

impl<T: Element> Pass<'_, T> {
    fn run(&self, out: &SharedOutput<'_, T>) {
        let panels = self.linear.outputs.div_ceil(self.kernels.block());
        let wanted = match rayon::current_num_threads() {
            1 => 1,
            threads => threads * TASKS_PER_THREAD,
        };
        let [mut of_tiles, mut of_panels] = [TILES, PANELS];
        let tasks = |tiles: usize, panels_each: usize| {
            self.tiles.len().div_ceil(tiles) * panels.div_ceil(panels_each)
        };
        while tasks(of_tiles, of_panels) < wanted && of_tiles.max(of_panels) > 1 {
            if of_panels > 1 {
                of_panels /= 2;
            } else {
                of_tiles /= 2;
            }
        }
        let columns = panels.div_ceil(of_panels);
        (0..tasks(of_tiles, of_panels))
            .into_par_iter()
            .for_each(|task| {
                let first = task / columns * of_tiles;
                let tiles = first..(first + of_tiles).min(self.tiles.len());
                let first = task % columns * of_panels;
                self.task(tiles, first..(first + of_panels).min(panels), out);
            });
    }

    /// Computes the outputs of some panels for the rows of some tiles.
    fn task(
        &self,
        tiles: std::ops::Range<usize>,
        panels: std::ops::Range<usize>,
        out: &SharedOutput<'_, T>,
    ) {
        let PackedLinear {
            inputs, outputs, ..
        } = *self.linear;
        let width = self.kernels.block();
        let tile = self.kernels.pixels() * width;
        let lengths = [panels.len() * tiles.len() * tile, panels.len() * width];
        with_scratch(lengths, |[sums, row]| {
            for (panel, sums) in panels
                .clone()
                .zip(sums.chunks_exact_mut(tiles.len() * tile))
            {
                let start = &self.linear.bias[panel * width..][..width];
                sums.chunks_exact_mut(width)
                    .for_each(|sums| sums.copy_from_slice(start));
                let weights = &self.linear.weights[panel * inputs * width..][..inputs * width];
                for (weights, first) in weights.chunks(INPUTS * width).zip((0..).step_by(INPUTS)) {
                    for (index, sums) in tiles.clone().zip(sums.chunks_exact_mut(tile)) {
                        self.add(index, first, weights, sums);
                    }
                }
            }
            let first = panels.start * width;
            let columns = (panels.end * width).min(outputs) - first;
            let mut written = 0;
            for (place, index) in tiles.clone().enumerate() {
                let (first_row, rows) = self.tiles[index];
                for i in 0..rows {
                    for (panel, row) in row.chunks_exact_mut(width).enumerate() {
                        let at = (panel * tiles.len() + place) * tile + i * width;
                        row.copy_from_slice(&sums[at..][..width]);
                    }
                    let at = (first_row + i) * outputs + first;
                    // SAFETY: every row belongs to one tile and every column to one panel, hence to one task, which comes by
                    // once.
                    written += unsafe { out.write(at, &row[..columns]) };
                }
            }
            out.count(written);
        });
    }

    /// Adds the products of some inputs, `first` on, with their weights to the sums of a tile.
    fn add(&self, index: usize, first: usize, weights: &[T], sums: &mut [T]) {
        let [rows, width] = [self.kernels.pixels(), self.kernels.block()];
        let tile = Correlate {
            scalars: &self.input[(index * self.linear.inputs + first) * rows..],
            scalar_pitch: [0, rows],
            source: weights,
            vector_pitch: [0, width],
            count: [1, weights.len() / width],
            vectors: width / self.kernels.lanes(),
            width: self.tiles[index].1,
        };
        self.kernels.correlate(&tile, sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::activation::Activation;
    use crate::cpu::linear::Linear;

    fn numbers(len: usize, seed: usize) -> Vec<f32> {
        (0..len)
            .map(|i| ((i * 37 + seed * 11) % 23) as f32 - 11.0)
            .collect()
    }

    #[test]
    fn whole_numbers_are_summed_exactly_for_sizes_beside_those_of_tiles() {
        for (rows, inputs, outputs) in [
            (1, 1, 1),
            (13, 7, 31),
            (15, 600, 33),
            (250, 3, 130),
            (29, 1025, 64),
        ] {
            let (input, weights) = (numbers(rows * inputs, 1), numbers(inputs * outputs, 2));
            let (bias, residual) = (numbers(outputs, 3), numbers(rows * outputs, 4));
            let linear = Linear {
                rows,
                inputs,
                outputs,
            };
            let mut expected = linear.forward(&input, &weights, Some(&bias));
            let packed = PackedLinear::new([inputs, outputs], &weights, Some(&bias));
            assert_eq!(packed.forward(rows, &input, &Finish::default()), expected);
            for (value, residual) in expected.iter_mut().zip(&residual) {
                *value = (*value + residual).max(0.0);
            }
            let finish = Finish {
                activation: Activation::Relu,
                residual: Some(Residual::BeforeActivation(&residual)),
            };
            assert_eq!(packed.forward(rows, &input, &finish), expected);
        }
    }

    #[test]
    fn no_rows_and_no_inputs_are_no_reason_to_fail() {
        let packed = PackedLinear::new([2, 3], &[1.0_f32; 6], None);
        assert!(packed.forward(0, &[], &Finish::default()).is_empty());
        let packed = PackedLinear::new([0, 2], &[], Some(&[1.0_f32, 2.0]));
        assert_eq!(
            packed.forward(2, &[], &Finish::default()),
            [1.0, 2.0, 1.0, 2.0]
        );
    }

    #[test]
    fn bits_are_the_same_on_any_number_of_threads() {
        let (input, weights) = (numbers(100 * 700, 5), numbers(700 * 96, 6));
        let input: Vec<f32> = input.iter().map(|v| v * 0.1).collect();
        let packed = PackedLinear::new([700, 96], &weights, None);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| packed.forward(100, &input, &Finish::default()))
        };
        assert_eq!(run(1), run(3));
    }
}
