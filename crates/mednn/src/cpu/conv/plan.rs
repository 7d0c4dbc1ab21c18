//! Forward convolution and the gradient of its input as one operation: a gather from a source at fixed offsets.
//!
//! The gradient of a convolution of stride s falls into s residues an axis ([`Phase`]): outputs of one residue see the same
//! taps, so each phase is a convolution of stride 1 whose results lie s apart.
//! A stride of 1 has one phase, whose taps are the kernel mirrored; a transposed convolution without overlap (kernel = stride)
//! has phases of one tap.

use super::problem::{Problem, volume};

/// One tap of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tap {
    /// Position in the kernel, counted in storage order.
    pub(super) index: usize,
    /// Where it reads, relative to `source_step` times the output position.
    pub(super) offset: [isize; 3],
}

/// The targets `origin + target_step * j` for `j` below `count`, which share their taps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phase {
    pub(super) origin: [usize; 3],
    pub(super) count: [usize; 3],
    pub(super) taps: Vec<Tap>,
}

/// `target[origin + target_step * j] = sum over taps of source[source_step * j + offset] * weight`, zero outside the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) batch: usize,
    pub(super) groups: usize,
    /// Channels a group of the source.
    pub(super) source_channels: usize,
    /// Channels a group of the target.
    pub(super) target_channels: usize,
    pub(super) source: [usize; 3],
    pub(super) target: [usize; 3],
    pub(super) source_step: [usize; 3],
    pub(super) target_step: [usize; 3],
    /// Phases by origin; those that differ along the last axis alone follow one another.
    pub(super) phases: Vec<Phase>,
    /// Phases that together fill the rows of the target.
    pub(super) row_phases: usize,
    /// Smallest and largest offset of any tap, by axis.
    pub(super) window: [(isize, isize); 3],
}

impl Plan {
    /// The forward pass.
    pub(super) fn forward(problem: &Problem) -> Self {
        let window = problem.window();
        let axes = [0, 1, 2].map(|a| {
            (0..window.kernel[a])
                .map(|k| {
                    (
                        k,
                        (k * window.dilation[a]) as isize - window.padding[a].0 as isize,
                    )
                })
                .collect::<Vec<_>>()
        });
        let phase = Phase {
            origin: [0; 3],
            count: problem.output(),
            taps: product(window.kernel, &axes),
        };
        Self {
            batch: problem.batch(),
            groups: problem.groups(),
            source_channels: problem.in_channels() / problem.groups(),
            target_channels: problem.out_channels() / problem.groups(),
            source: problem.input(),
            target: problem.output(),
            source_step: window.stride,
            target_step: [1; 3],
            phases: vec![phase],
            row_phases: 1,
            window: [(0, 0); 3],
        }
        .finish()
    }

    /// The gradient of the input, gathered from the gradient of the output.
    pub(super) fn input_gradient(problem: &Problem) -> Self {
        let window = problem.window();
        // For each axis and residue: (tap, offset) where residue + padding - tap * dilation is a multiple of the stride.
        let residue_taps = |a: usize, residue: usize| {
            let stride = window.stride[a] as isize;
            (0..window.kernel[a])
                .filter_map(|k| {
                    let reach = (residue + window.padding[a].0) as isize
                        - (k * window.dilation[a]) as isize;
                    (reach.rem_euclid(stride) == 0).then(|| (k, reach.div_euclid(stride)))
                })
                .collect::<Vec<_>>()
        };
        let residues = [0, 1, 2].map(|a| window.stride[a].min(problem.input()[a]));
        let mut phases = Vec::new();
        for d in 0..residues[0] {
            for h in 0..residues[1] {
                for w in 0..residues[2] {
                    let origin = [d, h, w];
                    let axes = [0, 1, 2].map(|a| residue_taps(a, origin[a]));
                    let count = [0, 1, 2]
                        .map(|a| (problem.input()[a] - origin[a]).div_ceil(window.stride[a]));
                    phases.push(Phase {
                        origin,
                        count,
                        taps: product(window.kernel, &axes),
                    });
                }
            }
        }
        Self {
            batch: problem.batch(),
            groups: problem.groups(),
            source_channels: problem.out_channels() / problem.groups(),
            target_channels: problem.in_channels() / problem.groups(),
            source: problem.output(),
            target: problem.input(),
            source_step: [1; 3],
            target_step: window.stride,
            phases,
            row_phases: residues[2],
            window: [(0, 0); 3],
        }
        .finish()
    }

    /// Whether every channel of the target is made of one channel of the source, its outputs next to one another.
    pub(super) fn is_channelwise(&self) -> bool {
        self.source_channels == 1 && self.target_channels == 1 && self.phases.len() == 1
    }

    /// Largest number of outputs of any phase, by axis.
    pub(super) fn count(&self) -> [usize; 3] {
        [0, 1, 2].map(|a| {
            self.phases
                .iter()
                .map(|phase| phase.count[a])
                .max()
                .unwrap_or(0)
        })
    }

    /// Source elements along `axis` that `count` outputs see.
    pub(super) fn extent(&self, axis: usize, count: usize) -> usize {
        (count - 1) * self.source_step[axis]
            + (self.window[axis].1 - self.window[axis].0) as usize
            + 1
    }

    /// Taps of all phases.
    pub(super) fn taps(&self) -> usize {
        self.phases.iter().map(|phase| phase.taps.len()).sum()
    }

    fn finish(mut self) -> Self {
        for axis in 0..3 {
            let offsets = || {
                self.phases
                    .iter()
                    .flat_map(|phase| &phase.taps)
                    .map(|tap| tap.offset[axis])
            };
            self.window[axis] = (offsets().min().unwrap_or(0), offsets().max().unwrap_or(0));
        }
        self.merge_axes();
        self
    }

    /// Makes one long axis of axes along which nothing but a copy happens: a 1x1x1 kernel needs no rows.
    fn merge_axes(&mut self) {
        let plain = |axis: usize| {
            self.window[axis] == (0, 0)
                && self.source_step[axis] == 1
                && self.target_step[axis] == 1
                && self.source[axis] == self.target[axis]
        };
        let [depth, height, width] = self.source;
        let merged = match (plain(0), plain(1), plain(2)) {
            (true, true, true) => [1, 1, depth * height * width],
            (false, true, true) => [depth, 1, height * width],
            _ => return,
        };
        debug_assert_eq!(volume(merged), volume(self.source));
        for phase in &mut self.phases {
            phase.count = [
                if merged[0] == 1 { 1 } else { phase.count[0] },
                1,
                merged[2],
            ];
        }
        self.target = [
            if merged[0] == 1 { 1 } else { self.target[0] },
            1,
            merged[2],
        ];
        self.source = merged;
    }
}

/// Every combination of the taps of three axes.
fn product(kernel: [usize; 3], axes: &[Vec<(usize, isize)>; 3]) -> Vec<Tap> {
    let mut taps = Vec::with_capacity(axes.iter().map(Vec::len).product());
    for &(d, offset_d) in &axes[0] {
        for &(h, offset_h) in &axes[1] {
            for &(w, offset_w) in &axes[2] {
                let index = (d * kernel[1] + h) * kernel[2] + w;
                taps.push(Tap {
                    index,
                    offset: [offset_d, offset_h, offset_w],
                });
            }
        }
    }
    taps
}
