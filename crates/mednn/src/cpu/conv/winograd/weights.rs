//! Weights as the products of tiles need them.

use rayon::prelude::*;

use super::{COMPONENTS, Taps};
use crate::cpu::conv::kernel::{Element, Kernels};
use crate::cpu::conv::pack::pieces;
use crate::cpu::conv::plan::Plan;
use crate::cpu::conv::scratch::{Aligned, with_scratch};
use crate::cpu::conv::transpose::Transpose;
use crate::cpu::conv::vector::Pack;
use crate::cpu::conv::weights::{Block, RESIDENT, blocks, start_of};
use crate::cpu::real::Real;
use crate::cpu::simd::vectorize;

/// Where the weights of a channel of the source and one of the target stand; the taps follow one another.
#[derive(Debug, Clone, Copy)]
pub(in crate::cpu::conv) struct WeightLayout {
    target_pitch: usize,
    source_pitch: usize,
    taps: usize,
}

/// Weights as `[block][chunk of source channels][component][source channel][depth tap][lane]`.
#[derive(Debug, Clone)]
pub(in crate::cpu::conv) struct TransformedWeights<T> {
    pub(super) blocks: Vec<Block>,
    /// Source channels of a chunk, at most.
    pub(super) together: usize,
    depths: usize,
    packed: Vec<Aligned<T>>,
    start: Vec<Vec<T>>,
    lanes: usize,
    zeros: Vec<T>,
}

impl WeightLayout {
    /// Of a forward pass: `[target][source][tap]`.
    pub(in crate::cpu::conv) fn forward(plan: &Plan) -> Self {
        let taps = plan.taps();
        Self {
            target_pitch: plan.source_channels * taps,
            source_pitch: taps,
            taps,
        }
    }

    /// Of the gradient of the input: `[source][target][tap]`.
    pub(in crate::cpu::conv) fn input_gradient(plan: &Plan) -> Self {
        let taps = plan.taps();
        Self {
            target_pitch: taps,
            source_pitch: plan.target_channels * taps,
            taps,
        }
    }
}

impl<T: Element> TransformedWeights<T> {
    pub(in crate::cpu::conv) fn new(
        kernels: &Kernels<T>,
        plan: &Plan,
        taps: &Taps,
        (weights, layout): (&[T], WeightLayout),
        bias: Option<&[T]>,
    ) -> Self {
        let blocks = blocks(kernels, plan.target_channels);
        let depths = taps.depths.len();
        let row = depths * kernels.block() * size_of::<T>();
        let together = (RESIDENT / row).clamp(1, plan.source_channels);
        let (packed, start) = (blocks.par_iter())
            .map(|block| {
                let width = block.vectors * kernels.lanes();
                let mut packed = Aligned::zeros(COMPONENTS * plan.source_channels * depths * width);
                let chunks = pieces(0, plan.source_channels, together);
                for (first, channels) in chunks {
                    let to = &mut packed[COMPONENTS * first * depths * width..]
                        [..COMPONENTS * channels * depths * width];
                    with_scratch([layout.taps * width], |[lanes]| {
                        for channel in 0..channels {
                            let at = block.start * layout.target_pitch
                                + (first + channel) * layout.source_pitch;
                            let shape = Transpose {
                                rows: block.channels,
                                columns: layout.taps,
                                from_pitch: layout.target_pitch,
                                to_pitch: width,
                                fill: width,
                            };
                            kernels.transpose(&weights[at..], lanes, &shape);
                            let to = &mut to[channel * depths * width..];
                            let pitch = channels * depths * width;
                            vectorize(
                                #[inline(always)]
                                || transform_channel(lanes, taps, width, to, pitch),
                            );
                        }
                    });
                }
                let start = start_of(bias, block.start, block.channels, width);
                (packed, start)
            })
            .unzip();
        Self {
            blocks,
            together,
            depths,
            packed,
            start,
            lanes: kernels.lanes(),
            zeros: vec![T::ZERO; kernels.block()],
        }
    }

    /// Elements in all.
    pub(super) fn len(&self) -> usize {
        self.packed.iter().map(|packed| packed.len()).sum()
    }

    /// The weights of a component of a chunk, given as (first source channel, channels): `[channel][depth tap][lane]`.
    pub(super) fn of(&self, block: usize, chunk: (usize, usize), component: usize) -> &[T] {
        let row = self.depths * self.blocks[block].vectors * self.lanes;
        let (first, channels) = chunk;
        let at = (COMPONENTS * first + component * channels) * row;
        &self.packed[block][at..][..channels * row]
    }

    /// What the outputs of a block start from.
    pub(super) fn start(&self, block: usize) -> &[T] {
        &self.start[block]
    }

    /// What the sums of every component start from.
    pub(super) fn zeros(&self) -> &[T] {
        &self.zeros
    }
}

/// One channel of the source: `to[component * pitch + depth * width + lane]` from `lanes[tap][lane]`.
#[inline(always)]
fn transform_channel<T: Real>(lanes: &[T], taps: &Taps, width: usize, to: &mut [T], pitch: usize) {
    for (depth, (_, places)) in taps.depths.iter().enumerate() {
        let to = &mut to[depth * width..];
        if width.is_multiple_of(16) {
            transform::<T, 16>(lanes, places, width, to, pitch);
        } else {
            transform::<T, 4>(lanes, places, width, to, pitch);
        }
    }
}

/// `G g G'` for every lane, lanes a multiple of `N`.
#[inline(always)]
fn transform<T: Real, const N: usize>(
    taps: &[T],
    places: &[[usize; 3]; 3],
    width: usize,
    to: &mut [T],
    pitch: usize,
) {
    for lane in (0..width).step_by(N) {
        let g = |row: usize, column: usize| {
            Pack::<T, N>::load(&taps[places[row][column] * width + lane..])
        };
        // Down the columns, then along the rows.
        let a = four([g(0, 0), g(1, 0), g(2, 0)]);
        let b = four([g(0, 1), g(1, 1), g(2, 1)]);
        let c = four([g(0, 2), g(1, 2), g(2, 2)]);
        for row in 0..4 {
            let along = four([a[row], b[row], c[row]]);
            for (column, value) in along.into_iter().enumerate() {
                value.store(&mut to[(row * 4 + column) * pitch + lane..]);
            }
        }
    }
}

/// Three taps of a line times the rows (1, 0, 0), (1/2, 1/2, 1/2), (1/2, -1/2, 1/2) and (0, 0, 1) of `G`.
#[inline(always)]
fn four<T: Real, const N: usize>([a, b, c]: [Pack<T, N>; 3]) -> [Pack<T, N>; 4] {
    let (outer, middle) = (a.plus(c).half(), b.half());
    [a, outer.plus(middle), outer.minus(middle), c]
}
