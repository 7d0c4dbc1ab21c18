//! Channels repeated (MONAI `RepeatChannel`): a gray image for a network of three colours.

use medcore::Image;
use serde::{Deserialize, Serialize};

use crate::error::{Result, check};
use crate::operation::SampleOperation;
use crate::sample::{Contents, Sample};

/// Repeats all channels, one copy of the image after the other.
///
/// MONAI repeats each channel at once, `a a b b`; for the one channel that it is made for both are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepeatChannel {
    /// Copies in all.
    pub count: usize,
}

impl<const D: usize> SampleOperation<D> for RepeatChannel {
    fn check(&self) -> Result<()> {
        check(
            "RepeatChannel",
            "count",
            self.count as f64,
            "within 1 and 1000",
            |n| (1.0..=1000.0).contains(&n),
        )
    }

    fn after(&self, before: Contents) -> Contents {
        let channels = before.channels.map(|n| n.saturating_mul(self.count));
        before.with_channels(channels)
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let image = sample.image();
        let channels = image.channels() * self.count;
        let repeated = image.as_slice().repeat(self.count);
        let repeated = Image::with_channels(channels, *image.geometry(), repeated)?;
        sample.with_image(repeated)
    }
}
