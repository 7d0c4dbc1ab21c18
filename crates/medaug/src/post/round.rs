//! Whole numbers (MONAI `AsDiscrete(rounding="torchrounding")`).

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;

/// Rounds every value to the nearest whole number, halves to the even one. NaN and infinite values stay.
///
/// ```
/// use medaug::{Operation, Round, Sample};
/// use medcore::{Geometry, Image};
///
/// let scores = Image::new(Geometry::axis_aligned([1, 4], [1.0; 2])?, vec![0.5, 0.51, 1.5, -0.7])?;
/// let whole = Operation::from(Round {}).apply_to(Sample::new(scores))?;
/// assert_eq!(whole.image().as_slice(), [0.0, 1.0, 2.0, -1.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {}

impl ChannelOperation for Round {
    fn check(&self, _dimension: usize) -> Result<()> {
        Ok(())
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        for_each_chunk(channel.voxels, |_, chunk| {
            chunk.iter_mut().for_each(|v| *v = v.round_ties_even());
        });
        Ok(())
    }
}
