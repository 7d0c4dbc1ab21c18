//! Where intensities come from, and what follows for their scale.

use serde::{Deserialize, Serialize};

use super::{Fingerprint, GridRule, Preprocess};
use crate::error::{Error, Result};
use crate::intensity::Intensity;

/// Where the intensities of a channel come from, which decides how they are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Modality {
    /// Hounsfield units: clipped to the foreground's percentiles and scaled by its mean and deviation.
    Ct,
    /// A unit that means nothing from scan to scan: each image by its own mean and deviation.
    Mr,
    /// Scaled from the image's own range to 0..1.
    UnitRange,
    /// Colours from 0 to 255, brought to 0..1.
    Rgb,
    /// Already as the network wants it.
    Plain,
}

impl Modality {
    /// The modality of a channel by its name, as nnU-Net reads `channel_names`: `CT`, `noNorm`,
    /// `rescale_to_0_1` and `rgb_to_0_1` in any case of letters; everything else is scaled by its own mean and
    /// deviation.
    #[must_use]
    pub fn of_channel(name: impl AsRef<str>) -> Self {
        match name.as_ref().to_lowercase().as_str() {
            "ct" => Self::Ct,
            "nonorm" => Self::Plain,
            "rescale_to_0_1" => Self::UnitRange,
            "rgb_to_0_1" => Self::Rgb,
            _ => Self::Mr,
        }
    }
}

impl Fingerprint {
    /// nnU-Net's preprocessing for these cases: its order and interpolation, the target spacing, and a scheme
    /// for the modality of each channel.
    ///
    /// Images that lose more than a quarter of their voxels to the crop are normalised inside the body, [`Intensity::BodyZScore`].
    ///
    /// # Errors
    /// Refuses another number of modalities than channels, and CT without any foreground to learn from.
    pub fn propose(&self, modalities: &[Modality]) -> Result<Preprocess> {
        let preprocess = Preprocess {
            spacing: Some(self.target_spacing()),
            grid: GridRule::NnUnet,
            intensity: self.schemes(modalities)?,
            ..Preprocess::nnunet()
        };
        preprocess.check()?;
        Ok(preprocess)
    }

    /// The scheme of each channel.
    pub(super) fn schemes(&self, modalities: &[Modality]) -> Result<Vec<Intensity>> {
        const MASK_BELOW: f64 = 0.75;
        if modalities.len() != self.intensities.len() {
            return Err(Error::EntryCount {
                transform: "Fingerprint",
                parameter: "modalities",
                expected: self.intensities.len(),
                got: modalities.len(),
            });
        }
        let scheme = |(channel, &modality): (usize, &Modality)| {
            Ok(match modality {
                Modality::Ct => {
                    let known = self.intensities[channel].ok_or_else(|| Error::Fingerprint {
                        reason: format!("channel {channel} has no foreground to scale CT by"),
                    })?;
                    Intensity::ClipZScore {
                        low: known.percentile_00_5,
                        high: known.percentile_99_5,
                        mean: known.mean,
                        std: known.std.max(1e-8),
                    }
                }
                Modality::Mr if self.median_kept_share < MASK_BELOW => Intensity::BodyZScore,
                Modality::Mr => Intensity::ZScore { masked: false },
                Modality::UnitRange => Intensity::MinMax,
                Modality::Rgb => Intensity::Window {
                    low: 0.0,
                    high: 255.0,
                },
                Modality::Plain => Intensity::Keep,
            })
        };
        modalities.iter().enumerate().map(scheme).collect()
    }
}
