//! What is kept of the views beside their mean, where it is asked how far they lie apart.

use medcore::Image;
use rayon::prelude::*;

use super::running::{RUN, Running, counts, moved, zeros_like};
use super::uncertainty::VoxelUncertainty;
use crate::classify::{LabelKind, entropy_part};
use crate::error::Result;
use crate::rule::LabelRule;

/// Squares of distances, mean entropies and volumes of the views so far, and what the view at hand says so
/// far.
pub(super) struct Spread<'a, const D: usize> {
    rule: &'a LabelRule,
    kind: LabelKind,
    /// Sums of squared distances from the mean, `[classes, ...image]`.
    squares: Image<f32, D>,
    /// Mean over the views of their entropy.
    entropies: Vec<f32>,
    volumes: Vec<Vec<f64>>,
    view: View,
}

/// The view at hand, whose classes come one after the other.
struct View {
    entropy: Vec<f32>,
    best: Vec<f32>,
    labels: Vec<u8>,
    /// Voxels of each class so far.
    counts: Vec<u64>,
}

impl<'a, const D: usize> Spread<'a, D> {
    /// Nothing yet of outputs like these.
    pub(super) fn new(outputs: &Image<f32, D>, rule: &'a LabelRule) -> Result<Self> {
        let voxels = outputs.geometry().len();
        Ok(Self {
            rule,
            kind: match rule {
                LabelRule::Argmax => LabelKind::Exclusive,
                LabelRule::Regions(_) => LabelKind::Independent,
            },
            squares: zeros_like(outputs)?,
            entropies: vec![0.0; voxels],
            volumes: Vec::new(),
            view: View {
                entropy: vec![0.0; voxels],
                best: vec![0.0; voxels],
                labels: vec![0; voxels],
                counts: vec![0; outputs.channels()],
            },
        })
    }

    /// Sums of squared distances of one class.
    pub(super) fn squares(&mut self, class: usize) -> &mut [f32] {
        let voxels = self.entropies.len();
        &mut self.squares.as_mut_slice()[class * voxels..][..voxels]
    }

    /// Takes up the probabilities of one class in the view at hand, class 0 first.
    pub(super) fn add(&mut self, class: usize, values: &[f32]) {
        let (kind, rule, view) = (self.kind, self.rule, &mut self.view);
        let entropy = view.entropy.par_chunks_mut(RUN);
        entropy
            .zip(values.par_chunks(RUN))
            .for_each(|(sums, values)| {
                for (sum, &p) in sums.iter_mut().zip(values) {
                    *sum += entropy_part(f64::from(p), kind) as f32;
                }
            });
        match rule {
            LabelRule::Argmax => {
                let parts = view.best.par_chunks_mut(RUN).zip(values.par_chunks(RUN));
                parts
                    .zip(view.labels.par_chunks_mut(RUN))
                    .for_each(|((best, values), labels)| rule.offer(class, values, best, labels));
            }
            LabelRule::Regions(_) => {
                view.counts[class] = values.par_iter().filter(|&&p| p > 0.5).count() as u64;
            }
        }
    }

    /// Ends a view that covers voxels so far; all of them wholly where nothing is said.
    pub(super) fn end(&mut self, running: &Running<D>, coverage: Option<&[f32]>) {
        let view = &mut self.view;
        let means = self.entropies.par_iter_mut().zip(&mut view.entropy);
        means
            .zip(running.counts())
            .enumerate()
            .for_each(|(voxel, ((mean, entropy), &count))| {
                if coverage.is_none_or(|coverage| counts(coverage[voxel])) {
                    *mean = moved(*mean, *entropy, count);
                }
                *entropy = 0.0;
            });
        if let LabelRule::Argmax = self.rule {
            for &label in &view.labels {
                view.counts[usize::from(label)] += 1;
            }
        }
        let volume = running.mean().geometry().voxel_volume();
        let volumes = view.counts.iter_mut().map(|count| {
            let voxels = std::mem::take(count);
            voxels as f64 * volume
        });
        self.volumes.push(volumes.collect());
    }

    /// What the views have in common and in what they differ.
    pub(super) fn finish(self, running: Running<D>) -> Result<VoxelUncertainty<D>> {
        let (mut variance, kind) = (self.squares, self.kind);
        let grid = *running.mean().geometry();
        let voxels = grid.len();
        for squares in variance.as_mut_slice().chunks_exact_mut(voxels) {
            let parts = squares.par_iter_mut().zip(running.counts());
            parts.for_each(|(square, &count)| *square /= count as f32);
        }
        let mean = running.into_mean();
        let classes = mean.channels();
        let of_voxel = |voxel: usize| {
            let parts = (0..classes).map(|class| mean.as_slice()[class * voxels + voxel]);
            let parts = parts.map(|p| entropy_part(f64::from(p), kind));
            parts.sum::<f64>() as f32
        };
        let entropy: Vec<f32> = (0..voxels).into_par_iter().map(of_voxel).collect();
        let within = self.entropies.into_par_iter();
        // Never negative but for rounding: entropy is concave.
        let between = within
            .zip(&entropy)
            .map(|(within, h)| (h - within).max(0.0));
        Ok(VoxelUncertainty {
            answers: self.volumes.len(),
            mutual_information: Image::new(grid, between.collect::<Vec<_>>())?,
            entropy: Image::new(grid, entropy)?,
            variance,
            mean,
            volumes: self.volumes,
        })
    }
}
