//! Sums over the classes of a segmentation in one pass over the logits, and the gradient of any function of them in another.
//!
//! Cross-entropy, Dice and its relatives, focal loss and their combinations are such functions.
//! The forward pass turns the logits of a block of voxels into probabilities in cache and keeps only sums; the backward pass
//! does so again and writes the gradient of all terms straight into one buffer.

mod focal;
mod gradient;

use crate::cpu::buffer::Columns;
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
    /// Each for itself: a sigmoid on every channel, channel `c` is label `c`; a single channel is label 1.
    Independent,
    /// Each for itself: a sigmoid on every channel, which stands for a region made of several labels.
    Regions(&'a [Vec<u32>]),
}

/// What is true of each voxel.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Target<'a, T, L> {
    /// One label for each voxel, `[batch, voxels]`.
    Labels(&'a [L]),
    /// The share of each class, `[batch, classes, voxels]`.
    Shares(&'a [T]),
}

/// Which sums are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// All but the focal ones.
    pub overlaps: bool,
    /// [`Overlap::hits`] and [`Overlap::misses`], with this exponent.
    pub focusing: Option<f64>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            overlaps: true,
            focusing: None,
        }
    }
}

/// Logits and what is true.
#[derive(Debug, Clone, Copy)]
pub struct Segmentation<'a, T, L> {
    /// Batch, classes (channels) and voxels of the logits.
    pub columns: Columns,
    /// `[batch, classes, voxels]`.
    pub logits: &'a [T],
    /// What is true.
    pub target: Target<'a, T, L>,
    /// The label of voxels that count nowhere.
    pub ignore: Option<u32>,
    /// How channels relate to labels.
    pub classes: Classes<'a>,
    /// Which sums are wanted.
    pub terms: Terms,
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

/// Sums over the voxels of one class of one batch item, `p` its probability and `g` 1 where it is true, else 0, or its share.
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
    /// Sum of `-g log p`, and for channels with a sigmoid of `-(1 - g) log(1 - p)` too.
    pub surprise: f64,
    /// Sum of `-log p` everywhere.
    pub surprise_everywhere: f64,
    /// Sum of `-g (1 - p)^gamma log p`.
    pub hits: f64,
    /// Sum of `-(1 - g) p^gamma log(1 - p)`, for channels with a sigmoid.
    pub misses: f64,
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
        self.hits += other.hits;
        self.misses += other.misses;
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
    /// What labels must be below.
    pub limit: usize,
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
    /// With respect to [`Overlap::hits`].
    pub hits: f64,
    /// With respect to [`Overlap::misses`].
    pub misses: f64,
}

impl Slopes {
    /// The derivatives of a multiple of the loss.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self {
            intersection: factor * self.intersection,
            probability: factor * self.probability,
            probability_squared: factor * self.probability_squared,
            surprise: factor * self.surprise,
            surprise_everywhere: factor * self.surprise_everywhere,
            hits: factor * self.hits,
            misses: factor * self.misses,
        }
    }

    /// Adds the derivatives of another loss.
    pub fn add(&mut self, other: &Self) {
        self.intersection += other.intersection;
        self.probability += other.probability;
        self.probability_squared += other.probability_squared;
        self.surprise += other.surprise;
        self.surprise_everywhere += other.surprise_everywhere;
        self.hits += other.hits;
        self.misses += other.misses;
    }
}

/// Probabilities and truth of a block of voxels.
struct Block<T> {
    batch: usize,
    start: usize,
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
            batch: 0,
            start: 0,
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
        (block.batch, block.start, block.len) = (batch, start, len);
        match self.target {
            Target::Labels(labels) => {
                let labels = &labels[batch * self.columns.inner + start..][..len];
                let (ignore, counts) = (self.ignore, &mut block.counts[..len]);
                let voxels = block.labels[..len].iter_mut().zip(counts).zip(labels);
                for ((label, counts), &value) in voxels {
                    *label = value.label();
                    *counts = T::ONE.keep_if(Some(*label) != ignore);
                }
            }
            Target::Shares(_) => block.counts[..len].fill(T::ONE),
        }
        match self.classes {
            Classes::Exclusive => self.load_softmax(block),
            Classes::Independent | Classes::Regions(_) => {
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
    fn load_softmax(&self, block: &mut Block<T>) {
        let (batch, start, len) = (block.batch, block.start, block.len);
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
    fn add_block(&self, block: &Block<T>, class: usize, sums: &mut LaneSums<T, 6>) {
        let len = block.len;
        let logits = &self.logits_of(block.batch, class, block.start, len)[..len];
        let mut truth = [T::ZERO; BLOCK];
        self.truth(block, class, &mut truth);
        let (truth, counts) = (&truth[..len], &block.counts[..len]);
        let (probabilities, normaliser) = (block.probabilities(class), &block.normaliser[..len]);
        match self.classes {
            Classes::Exclusive => sums.add(
                len,
                #[inline(always)]
                move |i| {
                    let surprise = normaliser[i] - logits[i];
                    let surprises = (weighted(truth[i], surprise), surprise);
                    voxel_terms(probabilities[i], truth[i], counts[i], surprises)
                },
            ),
            // -log p of a sigmoid is softplus(-x), and -log(1 - p) is softplus(x).
            Classes::Independent | Classes::Regions(_) => sums.add(
                len,
                #[inline(always)]
                move |i| {
                    let (x, g) = (logits[i], truth[i]);
                    let wrong = softplus(x);
                    let surprises = (weighted(counts[i], wrong - g * x), wrong - x);
                    voxel_terms(probabilities[i], g, counts[i], surprises)
                },
            ),
        }
    }

    /// 1 where the class is true and the voxel counts, or its share.
    #[inline(always)]
    fn truth(&self, block: &Block<T>, class: usize, truth: &mut [T; BLOCK]) {
        if let Target::Shares(shares) = self.target {
            let offset = self.columns.offset(block.batch, class, block.start);
            truth[..block.len].copy_from_slice(&shares[offset..offset + block.len]);
            return;
        }
        let (labels, counts) = (&block.labels[..block.len], &block.counts[..block.len]);
        let voxels = truth[..block.len].iter_mut().zip(labels).zip(counts);
        if let Classes::Regions(regions) = self.classes {
            for ((g, &label), &counts) in voxels {
                *g = counts.keep_if(regions[class].contains(&label));
            }
        } else {
            let own = class as u32 + self.first_label();
            for ((g, &label), &counts) in voxels {
                *g = counts.keep_if(label == own);
            }
        }
    }

    /// The label of channel 0: a single channel with a sigmoid stands for label 1.
    fn first_label(&self) -> u32 {
        u32::from(matches!(self.classes, Classes::Independent) && self.columns.count == 1)
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
                        if self.terms.overlaps {
                            for class in 0..classes {
                                self.add_block(&block, class, &mut sums);
                                overlaps[class].add(sums.take());
                            }
                        }
                        if let Some(gamma) = self.terms.focusing {
                            self.add_focal(&block, gamma, &mut overlaps);
                        }
                        for &counts in &block.counts[..len] {
                            counted += usize::from(counts != T::ZERO);
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
        let Target::Labels(labels) = self.target else {
            return None;
        };
        if matches!(self.classes, Classes::Regions(_)) {
            return None;
        }
        let limit = self.columns.count + self.first_label() as usize;
        let labels = &labels[batch * self.columns.inner..][range.clone()];
        let bad = |label: u32| label as usize >= limit && Some(label) != self.ignore;
        let i = labels.iter().position(|&label| bad(label.label()))?;
        Some(BadLabel {
            batch,
            voxel: range.start + i,
            label: labels[i].label(),
            limit,
        })
    }
}

/// What one voxel adds to the first six sums of [`Overlap`]; the second of the surprises is masked here.
#[inline(always)]
fn voxel_terms<T: Real>(p: T, g: T, counts: T, (surprise, everywhere): (T, T)) -> [T; 6] {
    let p = p * counts;
    [p * g, p, p * p, g, surprise, weighted(counts, everywhere)]
}

/// The product, and 0 where the weight is, even if the value is infinite.
#[inline(always)]
fn weighted<T: Real>(weight: T, value: T) -> T {
    (weight * value).keep_if(weight != T::ZERO)
}

/// `log(1 + exp(x))` without overflow.
#[inline(always)]
fn softplus<T: Real>(x: T) -> T {
    let positive = if x < T::ZERO { T::ZERO } else { x };
    positive + (T::ONE + (-x.abs()).exp()).ln()
}
