//! Ghosts along the phase-encoding axis of MRI (TorchIO `Ghosting`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::lines::LineFilter;
use crate::draw::{Channels, Draw, check_count, draw_count};
use crate::error::{Result, check, check_axes};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Weakens every `number`-th plane of k-space, so that weak copies of the image appear beside it.
///
/// Without noise added; a NaN spreads along its line and to the line beside it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ghosting {
    /// How many planes there are from one weakened plane to the next, which is the number of ghosts; 0 changes
    /// nothing.
    pub number: usize,
    /// Axis along which the ghosts lie.
    pub axis: usize,
    /// By how much the planes are weakened: 1 leaves nothing of them.
    pub intensity: f64,
    /// Part of k-space about its middle that stays as it is; `None` for the middle plane alone.
    #[serde(default)]
    pub restore: Option<f64>,
}

/// Adds ghosts to one channel.
///
/// # Panics
/// If `voxels` is not as long as `shape` says, or has no such axis.
pub fn ghosting<const D: usize>(voxels: &mut [f32], shape: [usize; D], parameters: Ghosting) {
    assert_eq!(voxels.len(), shape.iter().product::<usize>());
    let Ghosting {
        number,
        axis,
        intensity,
        restore,
    } = parameters;
    let len = shape[axis];
    if number == 0 || intensity == 0.0 {
        return;
    }
    let middle = len / 2;
    let kept = match restore {
        None => middle..middle + 1,
        Some(part) => {
            let half = (part * len as f64).round_ties_even() as usize / 2;
            middle.saturating_sub(half)..middle + half
        }
    };
    let factor = |plane: usize| {
        if plane.is_multiple_of(number) && !kept.contains(&plane) {
            1.0 - intensity
        } else {
            1.0
        }
    };
    LineFilter::new(len, factor).apply(voxels, shape, axis);
}

const INTENSITY: &str = "finite and at least 0";
const PART: &str = "within 0 and 1";

fn is_intensity(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

fn is_part(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

impl ChannelOperation for Ghosting {
    fn check(&self, dimension: usize) -> Result<()> {
        const NAME: &str = "Ghosting";
        check_axes(NAME, "axis", &[self.axis], dimension)?;
        check(NAME, "intensity", self.intensity, INTENSITY, is_intensity)?;
        match self.restore {
            None => Ok(()),
            Some(part) => check(NAME, "restore", part, PART, is_part),
        }
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        ghosting(channel.voxels, channel.shape, *self);
        Ok(())
    }
}

/// Adds ghosts along a drawn axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomGhosting {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest number of ghosts.
    pub count: [usize; 2],
    /// Axes of which one is drawn; all if there are none.
    pub axes: Vec<usize>,
    /// By how much planes are weakened.
    pub intensity: Draw,
    /// Part of k-space about its middle that stays as it is; `None` for the middle plane alone.
    pub restore: Option<Draw>,
    /// Whether the channels share the ghosts.
    pub channels: Channels,
}

impl Default for RandomGhosting {
    /// TorchIO's parameters, for a tenth of the samples.
    fn default() -> Self {
        Self {
            probability: 0.1,
            count: [4, 10],
            axes: vec![],
            intensity: Draw::Uniform {
                low: 0.5,
                high: 1.0,
            },
            restore: None,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomGhosting {
    random_twin!(RandomGhosting => Ghosting);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_count(Self::NAME, self.count, 10_000)?;
        check_axes(Self::NAME, "axes", &self.axes, dimension)?;
        self.intensity
            .check(Self::NAME, "intensity", INTENSITY, is_intensity)?;
        match self.restore {
            None => Ok(()),
            Some(part) => part.check(Self::NAME, "restore", PART, is_part),
        }
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> Ghosting {
        let number = draw_count(self.count, random);
        let axis = match self.axes.as_slice() {
            [] => random.below(dimension),
            axes => axes[random.below(axes.len())],
        };
        Ghosting {
            number,
            axis,
            intensity: self.intensity.draw(random),
            restore: self.restore.map(|part| part.draw(random)),
        }
    }
}
