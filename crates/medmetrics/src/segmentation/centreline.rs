//! Centreline Dice: whether tubes are joined as they should be, whatever their width (Shit et al., "clDice",
//! CVPR 2021).

use medcore::skeleton::{Thinning, skeleton};
use serde::{Deserialize, Serialize};

use super::crop::Crop;
use super::pair::{PREDICTION, REFERENCE};
use crate::error::Result;

/// How centre lines are found; the measure depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Skeletoniser {
    /// Thinning by Lee, Kashyap and Chu (1994), [`Thinning::Lee`]: every component has a centre line.
    #[default]
    Lee,
    /// scikit-image 0.26 with `method="lee"`, [`Thinning::ScikitImage`], which loses some small components;
    /// the measure is undefined where nothing of a mask is left.
    ScikitImage,
}

/// How two masks and their centre lines meet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Centrelines {
    /// Share of the prediction's centre line that lies in the reference.
    pub precision: f64,
    /// Share of the reference's centre line that lies in the prediction.
    pub sensitivity: f64,
}

impl Centrelines {
    /// The harmonic mean of both; 0 if neither line meets the other mask.
    #[must_use]
    pub fn dice(&self) -> f64 {
        match self.precision + self.sensitivity {
            0.0 => 0.0,
            sum => 2.0 * self.precision * self.sensitivity / sum,
        }
    }
}

impl Skeletoniser {
    /// Its name in [`crate::Estimate::convention`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lee => "lee",
            Self::ScikitImage => "scikit-image",
        }
    }

    /// How the masks and their centre lines meet, neither mask empty; `None` if a centre line is. `image` is
    /// the whole image's shape.
    pub(crate) fn centrelines<const D: usize>(
        self,
        crop: &Crop<D>,
        image: [usize; D],
    ) -> Result<Option<Centrelines>> {
        let share = |of: u8, inside: u8| -> Result<Option<f64>> {
            let line = self.line(crop, image, of)?;
            let on = || line.iter().zip(&crop.bits).filter(|&(&on, _)| on);
            let met = on().filter(|&(_, &bits)| bits & inside != 0).count();
            let whole = on().count();
            Ok((whole > 0).then(|| met as f64 / whole as f64))
        };
        let (precision, sensitivity) =
            (share(PREDICTION, REFERENCE)?, share(REFERENCE, PREDICTION)?);
        Ok(precision
            .zip(sensitivity)
            .map(|(precision, sensitivity)| Centrelines {
                precision,
                sensitivity,
            }))
    }

    fn line<const D: usize>(
        self,
        crop: &Crop<D>,
        image: [usize; D],
        side: u8,
    ) -> Result<Vec<bool>> {
        let mask = crop.mask(side);
        let thinning = match self {
            Self::Lee => Thinning::Lee,
            Self::ScikitImage => Thinning::ScikitImage,
        };
        match (&crop.shape[..], &image[..]) {
            // A volume of one plane is thinned as a plane; the border would make it a volume of three.
            (&[_, height, width], &[1, _, _]) => {
                let plane: usize = height * width;
                let middle = skeleton(&mask[plane..2 * plane], [height, width], thinning)?;
                let mut line = vec![false; mask.len()];
                line[plane..2 * plane].copy_from_slice(&middle);
                Ok(line)
            }
            _ => Ok(skeleton(&mask, crop.shape, thinning)?),
        }
    }
}
