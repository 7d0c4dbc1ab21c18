//! Regions that overlap: each channel is a union of labels and has its own sigmoid.

use candle_core::Tensor;

use super::overlap::Ratio as _;
use super::segmentation::{Setup, run};
use super::{Channels, Dice, Loss};
use crate::error::{Error, Result};

/// Dice on sigmoid probabilities plus binary cross-entropy for channels that stand for unions of labels
/// (nnU-Net's `DC_and_BCE_loss`; whole tumour, tumour core and enhancing tumour, say).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RegionDiceCrossEntropy {
    /// The Dice term; its channels and its label to ignore hold for both terms.
    pub dice: Dice,
    /// The weight of the Dice term.
    pub dice_weight: f64,
    /// The weight of the cross-entropy term.
    pub cross_entropy_weight: f64,
}

impl RegionDiceCrossEntropy {
    /// nnU-Net's loss: every region counts, none is background.
    ///
    /// # Errors
    /// Refuses no region at all.
    pub fn nnunet(regions: impl Into<Vec<Vec<u32>>>, batch: bool) -> Result<Self> {
        Self::new(regions, Dice::nnunet(batch).with_background(true))
    }

    /// MONAI's `DiceCELoss(sigmoid=True)` on one-hot regions; with one region its cross-entropy is binary too.
    ///
    /// # Errors
    /// Refuses no region at all.
    pub fn monai(regions: impl Into<Vec<Vec<u32>>>) -> Result<Self> {
        Self::new(regions, Dice::monai())
    }

    fn new(regions: impl Into<Vec<Vec<u32>>>, dice: Dice) -> Result<Self> {
        let regions = regions.into();
        if regions.is_empty() {
            return Err(Error::Setting {
                op: "region_dice_cross_entropy",
                setting: "the number of regions",
                rule: "at least 1",
                value: "0".to_owned(),
            });
        }
        Ok(Self {
            dice: dice.with_channels(Channels::Regions(regions)),
            dice_weight: 1.0,
            cross_entropy_weight: 1.0,
        })
    }

    /// Sets the label of voxels that count in neither term.
    #[must_use]
    pub fn with_ignore_label(mut self, label: u32) -> Self {
        self.dice.measure.ignore_label = Some(label);
        self
    }

    /// Sets the weights of the terms.
    #[must_use]
    pub fn with_weights(mut self, dice: f64, cross_entropy: f64) -> Self {
        self.dice_weight = dice;
        self.cross_entropy_weight = cross_entropy;
        self
    }
}

impl Loss for RegionDiceCrossEntropy {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        const OP: &str = "region_dice_cross_entropy";
        self.dice.measure.ratio.check(OP, target)?;
        let ignore = self.dice.measure.ignore_label;
        let setup = Setup::new(OP, &self.dice.channels, ignore);
        run(&setup, (logits, target), |sums, slopes| {
            let mut value = self.dice.evaluate(sums, self.dice_weight, slopes);
            // nnU-Net averages over voxels that count and, unlike the mean, sums over regions when a label is ignored.
            let count = match ignore {
                None => (sums.batch * sums.voxels * sums.classes) as f64,
                Some(_) => (sums.counted as f64).max(1e-8),
            };
            let share = self.cross_entropy_weight / count;
            for (overlap, slope) in sums.overlaps.iter().zip(slopes) {
                value += share * overlap.surprise;
                slope.surprise += share;
            }
            value
        })
    }
}
