//! The sums of focal losses: surprise that counts less the better a voxel is predicted already (Lin et al. 2017,
//! <https://arxiv.org/abs/1708.02002>).

use super::{Block, Classes, LabelValue, Overlap, Segmentation, Slopes, weighted};
use crate::cpu::real::Real;
use crate::cpu::reduce::{BLOCK, Sums as LaneSums};

/// `q^gamma`, a type for each common exponent so that loops are compiled for it.
trait Power<T>: Copy {
    /// The power of a number in `[0, 1]`.
    fn of(self, q: T) -> T;
    /// Its derivative.
    fn slope(self, q: T) -> T;
}

/// Exponent 0: plain cross-entropy.
#[derive(Clone, Copy)]
struct Zeroth;

/// Exponent 2, the usual one.
#[derive(Clone, Copy)]
struct Square;

/// Any other positive exponent.
#[derive(Clone, Copy)]
struct General<T> {
    gamma: T,
    /// The least number that has a logarithm here.
    least: T,
}

impl<T: Real> Power<T> for Zeroth {
    #[inline(always)]
    fn of(self, _: T) -> T {
        T::ONE
    }

    #[inline(always)]
    fn slope(self, _: T) -> T {
        T::ZERO
    }
}

impl<T: Real> Power<T> for Square {
    #[inline(always)]
    fn of(self, q: T) -> T {
        q * q
    }

    #[inline(always)]
    fn slope(self, q: T) -> T {
        q + q
    }
}

impl<T: Real> General<T> {
    fn new(gamma: f64) -> Self {
        Self {
            gamma: T::from_f64(gamma),
            least: T::from_f64(f64::from(f32::MIN_POSITIVE)),
        }
    }
}

impl<T: Real> Power<T> for General<T> {
    #[inline(always)]
    fn of(self, q: T) -> T {
        (self.gamma * q.larger(self.least).ln()).exp()
    }

    #[inline(always)]
    fn slope(self, q: T) -> T {
        self.gamma * ((self.gamma - T::ONE) * q.larger(self.least).ln()).exp()
    }
}

/// Runs generic code for an exponent: `for_power!(gamma, T, f => expression)`.
macro_rules! for_power {
    ($gamma:expr, $t:ty, $f:ident => $body:expr) => {
        if $gamma == 0.0 {
            let $f = Zeroth;
            $body
        } else if $gamma == 2.0 {
            let $f = Square;
            $body
        } else {
            let $f = General::<$t>::new($gamma);
            $body
        }
    };
}

/// `-log p` and `-log(1 - p)` for the sigmoid of a logit, without overflow.
#[inline(always)]
fn surprises<T: Real>(x: T) -> [T; 2] {
    let tail = (T::ONE + (-x.abs()).exp()).ln();
    let (hit, miss) = if x < T::ZERO {
        (-x, T::ZERO)
    } else {
        (T::ZERO, x)
    };
    [hit + tail, miss + tail]
}

/// What one voxel adds to hits and misses; given its probability, truth, whether it counts, the logarithm of the sum of
/// exponentials and the logit.
#[inline(always)]
fn voxel_terms<T: Real>(
    exclusive: bool,
    power: impl Power<T>,
    [p, g, counts, normaliser, x]: [T; 5],
) -> [T; 2] {
    let q = T::ONE - p;
    if exclusive {
        return [weighted(g, power.of(q) * (normaliser - x)), T::ZERO];
    }
    let [hit, miss] = surprises(x);
    [
        weighted(g, power.of(q) * hit),
        weighted(counts - g, power.of(p) * miss),
    ]
}

impl<T: Real, L: LabelValue> Segmentation<'_, T, L> {
    /// Adds the focal sums of all classes of a block.
    #[inline(always)]
    pub(super) fn add_focal(&self, block: &Block<T>, gamma: f64, overlaps: &mut [Overlap]) {
        let mut sums = LaneSums::new();
        for_power!(gamma, T, power => {
            for (class, overlap) in overlaps.iter_mut().enumerate() {
                self.add_focal_class(block, class, power, &mut sums);
                let [hits, misses] = sums.take();
                overlap.hits += hits;
                overlap.misses += misses;
            }
        });
    }

    #[inline(always)]
    fn add_focal_class(
        &self,
        block: &Block<T>,
        class: usize,
        power: impl Power<T>,
        sums: &mut LaneSums<T, 2>,
    ) {
        let len = block.len;
        let logits = &self.logits_of(block.batch, class, block.start, len)[..len];
        let mut truth = [T::ZERO; BLOCK];
        self.truth(block, class, &mut truth);
        let (truth, counts) = (&truth[..len], &block.counts[..len]);
        let (probabilities, normaliser) = (block.probabilities(class), &block.normaliser[..len]);
        let exclusive = matches!(self.classes, Classes::Exclusive);
        sums.add(
            len,
            #[inline(always)]
            move |i| {
                let voxel = [
                    probabilities[i],
                    truth[i],
                    counts[i],
                    normaliser[i],
                    logits[i],
                ];
                voxel_terms(exclusive, power, voxel)
            },
        );
    }

    /// Adds the derivatives by `log p` of one class.
    #[inline(always)]
    pub(super) fn add_focal_by_logarithm(
        &self,
        block: &Block<T>,
        (class, truth): (usize, &[T; BLOCK]),
        (gamma, slope): (f64, &Slopes),
        out: &mut [T],
    ) {
        let hits = T::from_f64(slope.hits);
        let logits = self.logits_of(block.batch, class, block.start, block.len);
        for_power!(gamma, T, power => {
            let values = out
                .iter_mut()
                .zip(block.probabilities(class))
                .zip(truth)
                .zip(&block.normaliser)
                .zip(logits);
            for ((((o, &p), &g), &normaliser), &x) in values {
                let q = T::ONE - p;
                let slope = power.slope(q) * p * (normaliser - x) + power.of(q);
                *o = *o - weighted(g, hits * slope);
            }
        });
    }

    /// Adds the derivatives by the logit of one class.
    #[inline(always)]
    pub(super) fn add_focal_by_logit(
        &self,
        block: &Block<T>,
        (class, truth): (usize, &[T; BLOCK]),
        (gamma, slope): (f64, &Slopes),
        out: &mut [T],
    ) {
        let (hits, misses) = (T::from_f64(slope.hits), T::from_f64(slope.misses));
        let gamma_of_type = T::from_f64(gamma);
        let logits = self.logits_of(block.batch, class, block.start, block.len);
        for_power!(gamma, T, power => {
            let values = out
                .iter_mut()
                .zip(block.probabilities(class))
                .zip(truth)
                .zip(&block.counts)
                .zip(logits);
            for ((((o, &p), &g), &counts), &x) in values {
                let q = T::ONE - p;
                let [hit, miss] = surprises(x);
                let hit = -(gamma_of_type * p * hit + q) * power.of(q);
                let miss = (gamma_of_type * q * miss + p) * power.of(p);
                *o += weighted(g, hits * hit) + weighted(counts - g, misses * miss);
            }
        });
    }
}
