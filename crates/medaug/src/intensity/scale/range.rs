//! One range becomes another (MONAI `ScaleIntensityRange`).

use serde::{Deserialize, Serialize};

use crate::error::{Result, check, check_size};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;

const NAME: &str = "ScaleIntensityRange";

/// Two ranges, the ends of which correspond.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    pub from: [f64; 2],
    pub to: [f64; 2],
}

/// Maps `input` to `output` linearly, `input[0]` to `output[0]`; with `clip`, nothing leaves the output.
pub fn scale_range(voxels: &mut [f32], input: [f64; 2], output: [f64; 2], clip: bool) {
    let bounds = if clip {
        [input[0] as f32, input[1] as f32]
    } else {
        [f32::NEG_INFINITY, f32::INFINITY]
    };
    let interval = Interval {
        from: input,
        to: output,
    };
    map_range(voxels, interval, bounds);
}

/// Clips to `bounds`, then maps; an empty input only shifts.
pub(super) fn map_range(voxels: &mut [f32], interval: Interval, bounds: [f32; 2]) {
    let Interval { from, to } = interval;
    let shift = from[0] as f32;
    let width = if from[1] > from[0] {
        (from[1] - from[0]) as f32
    } else {
        1.0
    };
    let scale = if from[1] > from[0] {
        (to[1] - to[0]) as f32
    } else {
        1.0
    };
    let [low, high] = bounds;
    let start = to[0] as f32;
    for_each_chunk(voxels, |_, chunk| {
        for v in chunk {
            let raised = if *v < low { low } else { *v };
            let clipped = if raised > high { high } else { raised };
            *v = (clipped - shift) / width * scale + start;
        }
    });
}

pub(super) fn check_range(
    transform: &'static str,
    parameter: &'static str,
    [low, high]: [f64; 2],
) -> Result<()> {
    check(transform, parameter, low, "finite", f64::is_finite)?;
    check(
        transform,
        parameter,
        high,
        "finite and above its lower end",
        |v| v.is_finite() && v > low,
    )?;
    check_size(transform, parameter, low)?;
    check_size(transform, parameter, high)
}

pub(super) fn check_percentiles(transform: &'static str, [low, high]: [f64; 2]) -> Result<()> {
    let rule = "within 0 and 100, the lower first";
    check(transform, "percentiles", low, rule, |v| {
        (0.0..=100.0).contains(&v)
    })?;
    check(transform, "percentiles", high, rule, |v| {
        v <= 100.0 && v > low
    })
}

/// Maps one range to another; NaN stays NaN.
///
/// ```
/// use medaug::{Operation, Sample, ScaleIntensityRange};
/// use medcore::{Geometry, Image};
///
/// let ct = Image::new(Geometry::axis_aligned([1, 3], [1.0; 2])?, vec![-160.0, 240.0, 640.0])?;
/// let window = ScaleIntensityRange { input: [-160.0, 240.0], output: [-1.0, 1.0], clip: false };
/// let scaled = Operation::from(window).apply_to(Sample::new(ct))?;
/// assert_eq!(scaled.image().as_slice(), [-1.0, 1.0, 3.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleIntensityRange {
    /// Intensities that become the ends of the output.
    pub input: [f64; 2],
    /// What they become.
    #[serde(default = "unit")]
    pub output: [f64; 2],
    /// Whether what would leave the output is clipped to it.
    #[serde(default)]
    pub clip: bool,
}

fn unit() -> [f64; 2] {
    [0.0, 1.0]
}

impl ChannelOperation for ScaleIntensityRange {
    fn check(&self, _dimension: usize) -> Result<()> {
        check_range(NAME, "input", self.input)?;
        check_range(NAME, "output", self.output)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        scale_range(channel.voxels, self.input, self.output, self.clip);
        Ok(())
    }
}
