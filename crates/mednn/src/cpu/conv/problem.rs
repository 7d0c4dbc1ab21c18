//! What is convolved with what: sizes, checked once.

use crate::cpu::simd::Level;
use crate::error::{Error, Result};

/// How a kernel walks over the three spatial axes, in storage order (depth, height, width).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Taps along each axis.
    pub kernel: [usize; 3],
    /// Voxels between neighbouring outputs.
    pub stride: [usize; 3],
    /// Zeros before and after each axis of the input.
    pub padding: [(usize, usize); 3],
    /// Voxels between neighbouring taps.
    pub dilation: [usize; 3],
}

impl Window {
    /// A window with stride and dilation 1 and no padding.
    #[must_use]
    pub fn new(kernel: [usize; 3]) -> Self {
        Self {
            kernel,
            stride: [1; 3],
            padding: [(0, 0); 3],
            dilation: [1; 3],
        }
    }

    /// Taps in all.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }
}

/// The sizes of one convolution; 2D is depth 1.
///
/// Arrays are contiguous: input `[batch, in_channels, depth, height, width]`,
/// weights `[out_channels, in_channels / groups, kernel depth, height, width]`, output as the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Problem {
    batch: usize,
    in_channels: usize,
    out_channels: usize,
    groups: usize,
    input: [usize; 3],
    output: [usize; 3],
    window: Window,
    level: Level,
}

const OP: &str = "convolution";

impl Problem {
    /// Checks the sizes of a convolution of `batch` inputs; `channels` are those of the input and of the output.
    ///
    /// # Errors
    /// [`Error::Setting`] for a zero size, channels that the groups do not divide, a window that does not fit into the padded
    /// input, and sizes whose product overflows.
    pub fn new(
        batch: usize,
        channels: [usize; 2],
        groups: usize,
        input: [usize; 3],
        window: Window,
    ) -> Result<Self> {
        let [in_channels, out_channels] = channels;
        let positive = |setting: &'static str, values: &[usize]| {
            if values.contains(&0) {
                return Err(refuse(setting, "positive", format!("{values:?}")));
            }
            Ok(())
        };
        positive("batch", &[batch])?;
        positive("groups", &[groups])?;
        positive("channels", &channels)?;
        positive("input size", &input)?;
        positive("kernel", &window.kernel)?;
        positive("stride", &window.stride)?;
        positive("dilation", &window.dilation)?;
        if !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
            let value =
                format!("{groups} for {in_channels} input and {out_channels} output channels");
            return Err(refuse("groups", "a divisor of the channels", value));
        }
        let mut output = [0; 3];
        for axis in 0..3 {
            let (before, after) = window.padding[axis];
            let fits = || {
                let reach = window.dilation[axis].checked_mul(window.kernel[axis] - 1)?;
                let padded = input[axis].checked_add(before)?.checked_add(after)?;
                padded.checked_sub(reach.checked_add(1)?)
            };
            let Some(room) = fits() else {
                return Err(refuse(
                    "kernel",
                    "no larger than the padded input",
                    format!("{window:?} on {input:?}"),
                ));
            };
            output[axis] = room / window.stride[axis] + 1;
        }
        let small = |sizes: &[usize]| {
            sizes
                .iter()
                .try_fold(1_usize, |product, &size| product.checked_mul(size))
                .is_some_and(|n| n < 1 << 48)
        };
        let [d, h, w] = output;
        let [kd, kh, kw] = window.kernel;
        let padded = [0, 1, 2].map(|a| input[a] + window.padding[a].0 + window.padding[a].1);
        if !small(&[batch, out_channels, d, h, w])
            || !small(&[batch, in_channels, padded[0], padded[1], padded[2]])
            || !small(&[out_channels, in_channels, kd, kh, kw])
        {
            return Err(refuse(
                "sizes",
                "below 2^48 elements a tensor",
                format!("{window:?} on {input:?}"),
            ));
        }
        Ok(Self {
            batch,
            in_channels,
            out_channels,
            groups,
            input,
            output,
            window,
            level: Level::native(),
        })
    }

    /// Uses at most the vector instructions of `level`; by default the widest this machine has.
    #[must_use]
    pub fn with_level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// The widest vector instructions to be used.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Independent inputs.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Channels of the input.
    #[must_use]
    pub fn in_channels(&self) -> usize {
        self.in_channels
    }

    /// Channels of the output.
    #[must_use]
    pub fn out_channels(&self) -> usize {
        self.out_channels
    }

    /// Groups of channels convolved separately.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Spatial size of the input.
    #[must_use]
    pub fn input(&self) -> [usize; 3] {
        self.input
    }

    /// Spatial size of the output.
    #[must_use]
    pub fn output(&self) -> [usize; 3] {
        self.output
    }

    /// The window.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Elements of the input.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.batch * self.in_channels * volume(self.input)
    }

    /// Elements of the weights.
    #[must_use]
    pub fn weight_len(&self) -> usize {
        self.out_channels * (self.in_channels / self.groups) * self.window.taps()
    }

    /// Elements of the output.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.batch * self.out_channels * volume(self.output)
    }

    /// Floating point operations of a forward pass, a multiplication and an addition counted as two.
    #[must_use]
    pub fn flops(&self) -> f64 {
        2.0 * self.output_len() as f64
            * ((self.in_channels / self.groups) * self.window.taps()) as f64
    }

    /// Refuses a slice of another length.
    pub(super) fn check(tensor: &'static str, got: usize, expected: usize) -> Result<()> {
        if got == expected {
            return Ok(());
        }
        Err(Error::Shape {
            op: OP,
            tensor,
            expected: vec![expected],
            got: vec![got],
        })
    }
}

/// Elements of a spatial size.
pub(super) fn volume(size: [usize; 3]) -> usize {
    size[0] * size[1] * size[2]
}

fn refuse(setting: &'static str, rule: &'static str, value: String) -> Error {
    Error::Setting {
        op: OP,
        setting,
        rule,
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_sizes_follow_stride_dilation_and_padding() {
        let window = Window {
            kernel: [3, 3, 5],
            stride: [1, 2, 3],
            padding: [(1, 1), (0, 1), (2, 0)],
            dilation: [1, 1, 2],
        };
        let problem = Problem::new(2, [4, 6], 2, [7, 8, 17], window).unwrap();
        assert_eq!(problem.output(), [7, 4, 4]);
        assert_eq!(problem.weight_len(), 6 * 2 * 45);
        assert_eq!(problem.output_len(), 2 * 6 * 7 * 4 * 4);
    }

    #[test]
    fn impossible_sizes_are_errors() {
        let window = Window::new([3, 3, 3]);
        let refused = |batch, channels, groups, input, window| {
            assert!(matches!(
                Problem::new(batch, channels, groups, input, window),
                Err(Error::Setting { .. })
            ));
        };
        refused(0, [1, 1], 1, [5; 3], window);
        refused(1, [3, 4], 2, [5; 3], window);
        refused(1, [1, 1], 1, [2, 5, 5], window);
        refused(1, [1, 1], 1, [5, 0, 5], window);
        refused(
            1,
            [1, 1],
            1,
            [5; 3],
            Window {
                stride: [1, 0, 1],
                ..window
            },
        );
        refused(
            1,
            [1, 1],
            1,
            [5; 3],
            Window {
                dilation: [usize::MAX, 1, 1],
                ..window
            },
        );
        refused(
            1,
            [1, 1],
            1,
            [5; 3],
            Window {
                padding: [(usize::MAX, 1), (0, 0), (0, 0)],
                ..window
            },
        );
        refused(
            1,
            [1, 1],
            1,
            [5; 3],
            Window {
                padding: [(usize::MAX / 2, 0), (0, 0), (0, 0)],
                ..window
            },
        );
    }
}
