//! Cross-entropy and Dice of a segmentation in one pass over the logits, and their gradient in another.
//!
//! The forward pass turns the logits of a block of voxels into probabilities in cache and keeps only sums; the backward pass
//! does so again and writes the gradient of all terms straight into one buffer.

use crate::cpu::buffer::{self, Columns};
use crate::cpu::real::Real;
use crate::cpu::reduce::{BLOCK, Sums as LaneSums};

/// Voxels in one task: a whole number of blocks.
const TASK: usize = 16 * BLOCK;

/// What the classes of a voxel have to do with each other.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Classes<'a> {
    /// Exactly one holds: softmax over the channels, channel `c` is label `c`.
    Exclusive,
    /// Each for itself: a sigmoid on every channel, which stands for a region made of several labels.
    Regions(&'a [Vec<u32>]),
}

impl Classes<'_> {
    #[inline(always)]
    fn holds(&self, class: usize, label: u32) -> bool {
        match self {
            Self::Exclusive => label as usize == class,
            Self::Regions(regions) => regions[class].contains(&label),
        }
    }
}

/// Logits and labels.
#[derive(Debug, Clone, Copy)]
pub struct Segmentation<'a, T, L> {
    /// Batch, classes (channels) and voxels of the logits.
    pub columns: Columns,
    /// `[batch, classes, voxels]`.
    pub logits: &'a [T],
    /// `[batch, voxels]`.
    pub labels: &'a [L],
    /// The label of voxels that count nowhere.
    pub ignore: Option<u32>,
    /// How channels relate to labels.
    pub classes: Classes<'a>,
}

/// An integer type of labels.
pub trait LabelValue: Copy + Send + Sync {
    /// The label.
    fn label(self) -> u32;
}

impl LabelValue for u8 {
    #[inline(always)]
    fn label(self) -> u32 {
        u32::from(self)
    }
}

impl LabelValue for u32 {
    #[inline(always)]
    fn label(self) -> u32 {
        self
    }
}

/// Sums over the voxels of one class of one batch item, `p` its probability and `g` 1 where it is true, else 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Overlap {
    /// Sum of `p g`.
    pub intersection: f64,
    /// Sum of `p`.
    pub probability: f64,
    /// Sum of `p^2`.
    pub probability_squared: f64,
    /// Sum of `g`.
    pub truth: f64,
    /// Sum of `-log p` where the class is true, and for regions of `-log(1 - p)` where it is not.
    pub surprise: f64,
    /// Sum of `-log p` everywhere.
    pub surprise_everywhere: f64,
}

impl Overlap {
    fn add(&mut self, sums: [f64; 6]) {
        self.intersection += sums[0];
        self.probability += sums[1];
        self.probability_squared += sums[2];
        self.truth += sums[3];
        self.surprise += sums[4];
        self.surprise_everywhere += sums[5];
    }

    /// The sums of both.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        self.add([
            other.intersection,
            other.probability,
            other.probability_squared,
            other.truth,
            other.surprise,
            other.surprise_everywhere,
        ]);
        self
    }
}

/// The sums of a whole segmentation.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    /// `[batch * classes]`.
    pub overlaps: Vec<Overlap>,
    /// Voxels that count.
    pub counted: usize,
}

/// A label that is neither a class nor ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLabel {
    /// Batch item.
    pub batch: usize,
    /// Voxel in storage order.
    pub voxel: usize,
    /// The label.
    pub label: u32,
}

/// How the loss depends on the sums, one entry for each class of each batch item: its derivatives.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Slopes {
    /// With respect to [`Overlap::intersection`].
    pub intersection: f64,
    /// With respect to [`Overlap::probability`].
    pub probability: f64,
    /// With respect to [`Overlap::probability_squared`].
    pub probability_squared: f64,
    /// With respect to [`Overlap::surprise`].
    pub surprise: f64,
    /// With respect to [`Overlap::surprise_everywhere`].
    pub surprise_everywhere: f64,
}

/// Probabilities and truth of a block of voxels.
struct Block<T> {
    len: usize,
    /// The label of each voxel.
    labels: [u32; BLOCK],
    /// 1 where the voxel counts.
    counts: [T; BLOCK],
    /// Logarithm of the sum of exponentials, for [`Classes::Exclusive`].
    normaliser: [T; BLOCK],
    /// `[class][voxel]`, room for [`BLOCK`] voxels each.
    probabilities: Vec<T>,
}

impl<T: Real> Block<T> {
    fn new(classes: usize) -> Self {
        Self {
            len: 0,
            labels: [0; BLOCK],
            counts: [T::ZERO; BLOCK],
            normaliser: [T::ZERO; BLOCK],
            probabilities: vec![T::ZERO; classes * BLOCK],
        }
    }

    #[inline(always)]
    fn probabilities(&self, class: usize) -> &[T] {
        &self.probabilities[class * BLOCK..][..self.len]
    }
}

impl<T: Real, L: LabelValue> Segmentation<'_, T, L> {
    #[inline(always)]
    fn logits_of(&self, batch: usize, class: usize, start: usize, len: usize) -> &[T] {
        let offset = self.columns.offset(batch, class, start);
        &self.logits[offset..offset + len]
    }

    /// Loads labels and turns logits into probabilities.
    #[inline(always)]
    fn load(&self, block: &mut Block<T>, batch: usize, start: usize, len: usize) {
        block.len = len;
        let labels = &self.labels[batch * self.columns.inner + start..][..len];
        let ignore = self.ignore;
        let counts = &mut block.counts[..len];
        for ((label, counts), &value) in block.labels[..len].iter_mut().zip(counts).zip(labels) {
            *label = value.label();
            *counts = T::ONE.keep_if(Some(*label) != ignore);
        }
        match self.classes {
            Classes::Exclusive => self.load_softmax(block, batch, start),
            Classes::Regions(_) => {
                for class in 0..self.columns.count {
                    let logits = self.logits_of(batch, class, start, len);
                    for (p, &x) in block.probabilities[class * BLOCK..][..len]
                        .iter_mut()
                        .zip(logits)
                    {
                        *p = x.sigmoid();
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn load_softmax(&self, block: &mut Block<T>, batch: usize, start: usize) {
        let len = block.len;
        let mut largest = [T::NEG_INFINITY; BLOCK];
        let mut sum = [T::ZERO; BLOCK];
        let (largest, sum) = (&mut largest[..len], &mut sum[..len]);
        for class in 0..self.columns.count {
            for (m, &x) in largest
                .iter_mut()
                .zip(self.logits_of(batch, class, start, len))
            {
                *m = x.larger(*m);
            }
        }
        for class in 0..self.columns.count {
            let logits = self.logits_of(batch, class, start, len);
            let probabilities = &mut block.probabilities[class * BLOCK..][..len];
            for (((p, s), &m), &x) in probabilities
                .iter_mut()
                .zip(sum.iter_mut())
                .zip(largest.iter())
                .zip(logits)
            {
                let e = (x - m).exp();
                *p = e;
                *s += e;
            }
        }
        for ((n, s), &m) in block
            .normaliser
            .iter_mut()
            .zip(sum.iter_mut())
            .zip(largest.iter())
        {
            *n = m + s.ln();
            *s = T::ONE / *s;
        }
        for class in 0..self.columns.count {
            for (p, &s) in block.probabilities[class * BLOCK..][..len]
                .iter_mut()
                .zip(sum.iter())
            {
                *p = *p * s;
            }
        }
    }

    /// Adds the sums of one class of a block.
    #[inline(always)]
    fn add_block(&self, block: &Block<T>, class: usize, logits: &[T], sums: &mut LaneSums<T, 6>) {
        let mut truth = [T::ZERO; BLOCK];
        self.truth(block, class, &mut truth);
        let len = block.len;
        let probabilities = block.probabilities(class);
        let (truth, counts) = (&truth[..len], &block.counts[..len]);
        let (normaliser, logits) = (&block.normaliser[..len], &logits[..len]);
        match self.classes {
            Classes::Exclusive => sums.add(
                len,
                #[inline(always)]
                move |i| {
                    let surprise = normaliser[i] - logits[i];
                    let surprises = (surprise.keep_if(truth[i] != T::ZERO), surprise);
                    voxel_terms(probabilities[i], truth[i], counts[i], surprises)
                },
            ),
            // -log p of a sigmoid is softplus(-x), and -log(1 - p) is softplus(x).
            Classes::Regions(_) => sums.add(
                len,
                #[inline(always)]
                move |i| {
                    let (x, g) = (logits[i], truth[i]);
                    let wrong = softplus(x);
                    let surprise = (wrong - g * x).keep_if(counts[i] != T::ZERO);
                    voxel_terms(probabilities[i], g, counts[i], (surprise, wrong - x))
                },
            ),
        }
    }

    /// 1 where the class is true and the voxel counts.
    #[inline(always)]
    fn truth(&self, block: &Block<T>, class: usize, truth: &mut [T; BLOCK]) {
        let (labels, counts) = (&block.labels[..block.len], &block.counts[..block.len]);
        let truth = truth[..block.len].iter_mut().zip(labels).zip(counts);
        match self.classes {
            Classes::Exclusive => {
                for ((g, &label), &counts) in truth {
                    *g = counts.keep_if(label == class as u32);
                }
            }
            Classes::Regions(_) => {
                for ((g, &label), &counts) in truth {
                    *g = counts.keep_if(self.classes.holds(class, label));
                }
            }
        }
    }

    /// The sums, each batch item and class for itself.
    ///
    /// # Errors
    /// The first label that is neither a class nor ignored, if classes are exclusive.
    pub fn sums(&self) -> Result<Sums, BadLabel> {
        let classes = self.columns.count;
        let parts = self.columns.map_blocks(TASK, |batch, range| {
            let mut overlaps = vec![Overlap::default(); classes];
            let mut counted = 0;
            let mut block = Block::new(classes);
            let mut sums = LaneSums::new();
            T::vectorize(
                #[inline(always)]
                || {
                    for start in range.clone().step_by(BLOCK) {
                        let len = BLOCK.min(range.end - start);
                        self.load(&mut block, batch, start, len);
                        for class in 0..classes {
                            let logits = self.logits_of(batch, class, start, len);
                            self.add_block(&block, class, logits, &mut sums);
                            overlaps[class].add(sums.take());
                        }
                        for &label in &block.labels[..len] {
                            counted += usize::from(Some(label) != self.ignore);
                        }
                    }
                },
            );
            (overlaps, counted, self.bad_label(batch, range))
        });
        let tasks = self.columns.inner.div_ceil(TASK);
        let mut sums = Sums {
            overlaps: vec![Overlap::default(); self.columns.outer * classes],
            counted: 0,
        };
        for (task, (overlaps, counted, bad)) in parts.into_iter().enumerate() {
            if let Some(bad) = bad {
                return Err(bad);
            }
            sums.counted += counted;
            let first = task / tasks * classes;
            for (sum, part) in sums.overlaps[first..first + classes]
                .iter_mut()
                .zip(&overlaps)
            {
                *sum = sum.merge(part);
            }
        }
        Ok(sums)
    }

    fn bad_label(&self, batch: usize, range: std::ops::Range<usize>) -> Option<BadLabel> {
        if !matches!(self.classes, Classes::Exclusive) {
            return None;
        }
        let labels = &self.labels[batch * self.columns.inner..][range.clone()];
        let bad = |label: u32| label as usize >= self.columns.count && Some(label) != self.ignore;
        let i = labels.iter().position(|&label| bad(label.label()))?;
        Some(BadLabel {
            batch,
            voxel: range.start + i,
            label: labels[i].label(),
        })
    }

    /// The gradient for the logits, `[batch, classes, voxels]`, of a loss with these slopes, `[batch * classes]`.
    #[must_use]
    pub fn gradient(&self, slopes: &[Slopes]) -> Vec<T> {
        let classes = self.columns.count;
        buffer::build_columns(self.columns, TASK, |batch, start, out: &mut [&mut [T]]| {
            let slopes = &slopes[batch * classes..(batch + 1) * classes];
            let end = start + out.first().map_or(0, |o| o.len());
            let mut block = Block::new(classes);
            T::vectorize(
                #[inline(always)]
                || {
                    for from in (start..end).step_by(BLOCK) {
                        let len = BLOCK.min(end - from);
                        self.load(&mut block, batch, from, len);
                        let place = from - start..from - start + len;
                        match self.classes {
                            Classes::Exclusive => {
                                self.gradient_of_softmax(&block, slopes, out, place);
                            }
                            Classes::Regions(_) => {
                                self.gradient_of_sigmoid(&block, slopes, out, place);
                            }
                        }
                    }
                },
            );
        })
    }

    #[inline(always)]
    fn gradient_of_softmax(
        &self,
        block: &Block<T>,
        slopes: &[Slopes],
        out: &mut [&mut [T]],
        place: std::ops::Range<usize>,
    ) {
        // With d_c the derivative by p_c and u_c that by log p_c, the gradient is p_c (d_c - sum_k p_k d_k) + u_c - p_c sum_k u_k.
        let mut truth = [T::ZERO; BLOCK];
        let mut carried = [T::ZERO; BLOCK];
        for (class, slope) in slopes.iter().enumerate() {
            self.truth(block, class, &mut truth);
            let s = TypedSlopes::new(slope);
            let out = &mut out[class][place.clone()];
            let values = out
                .iter_mut()
                .zip(block.probabilities(class))
                .zip(&truth)
                .zip(&block.counts);
            for ((((o, &p), &g), &counts), carried) in values.zip(carried.iter_mut()) {
                let by_probability = s.by_probability(p, g, counts);
                let by_logarithm = -(s.surprise * g + s.surprise_everywhere * counts);
                *o = p * by_probability + by_logarithm;
                *carried += *o;
            }
        }
        for class in 0..slopes.len() {
            let out = &mut out[class][place.clone()];
            for ((o, &p), &carried) in out.iter_mut().zip(block.probabilities(class)).zip(&carried)
            {
                *o = *o - p * carried;
            }
        }
    }

    #[inline(always)]
    fn gradient_of_sigmoid(
        &self,
        block: &Block<T>,
        slopes: &[Slopes],
        out: &mut [&mut [T]],
        place: std::ops::Range<usize>,
    ) {
        let mut truth = [T::ZERO; BLOCK];
        for (class, slope) in slopes.iter().enumerate() {
            self.truth(block, class, &mut truth);
            let s = TypedSlopes::new(slope);
            let out = &mut out[class][place.clone()];
            let values = out
                .iter_mut()
                .zip(block.probabilities(class))
                .zip(&truth)
                .zip(&block.counts);
            for (((o, &p), &g), &counts) in values {
                let by_probability = s.by_probability(p, g, counts);
                let wrong =
                    s.surprise * (p * counts - g) + s.surprise_everywhere * counts * (p - T::ONE);
                *o = p * (T::ONE - p) * by_probability + wrong;
            }
        }
    }
}

/// What one voxel adds to the six sums of [`Overlap`]; the second of the surprises is masked here.
#[inline(always)]
fn voxel_terms<T: Real>(p: T, g: T, counts: T, (surprise, everywhere): (T, T)) -> [T; 6] {
    let p = p * counts;
    [
        p * g,
        p,
        p * p,
        g,
        surprise,
        everywhere.keep_if(counts != T::ZERO),
    ]
}

/// [`Slopes`] in the type of the loop.
#[derive(Clone, Copy)]
struct TypedSlopes<T> {
    intersection: T,
    probability: T,
    probability_squared: T,
    surprise: T,
    surprise_everywhere: T,
}

impl<T: Real> TypedSlopes<T> {
    #[inline(always)]
    fn new(slopes: &Slopes) -> Self {
        Self {
            intersection: T::from_f64(slopes.intersection),
            probability: T::from_f64(slopes.probability),
            probability_squared: T::from_f64(2.0 * slopes.probability_squared),
            surprise: T::from_f64(slopes.surprise),
            surprise_everywhere: T::from_f64(slopes.surprise_everywhere),
        }
    }

    #[inline(always)]
    fn by_probability(&self, p: T, g: T, counts: T) -> T {
        self.intersection * g + (self.probability + self.probability_squared * p) * counts
    }
}

/// `log(1 + exp(x))` without overflow.
#[inline(always)]
fn softplus<T: Real>(x: T) -> T {
    let positive = if x < T::ZERO { T::ZERO } else { x };
    positive + (T::ONE + (-x.abs()).exp()).ln()
}
