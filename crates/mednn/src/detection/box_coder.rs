//! Boxes relative to anchors, the numbers a network says (Girshick et al., CVPR 2014, <https://arxiv.org/abs/1311.2524>,
//! appendix C); MONAI's `BoxCoder`.

use medcore::BoundingBox;

use super::middle;
use crate::error::{Error, Result};

/// Weights of offsets and sizes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BoxCoder {
    /// The offset of the middle, in sides of the anchor, is multiplied by this: 1.
    pub offset: f64,
    /// The logarithm of the quotient of the sides is multiplied by this: 1.
    pub size: f64,
}

impl Default for BoxCoder {
    fn default() -> Self {
        Self {
            offset: 1.0,
            size: 1.0,
        }
    }
}

/// No box is decoded to sides longer than so many sides of the anchor.
const MOST: f64 = 1000.0 / 16.0;

impl BoxCoder {
    /// Weights of 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the weights of offsets and sizes.
    #[must_use]
    pub fn with_weights(mut self, offset: f64, size: f64) -> Self {
        (self.offset, self.size) = (offset, size);
        self
    }

    /// Offset of the middle and logarithm of the size, `[offsets, sizes]` in storage order.
    ///
    /// ```
    /// use medcore::BoundingBox;
    /// use mednn::detection::BoxCoder;
    ///
    /// let anchor = BoundingBox::new([0.0, 0.0], [4.0, 8.0])?;
    /// let truth = BoundingBox::new([2.0, 0.0], [6.0, 8.0])?;
    /// let code = BoxCoder::new().encode(&truth, &anchor)?;
    /// assert_eq!(code, [[0.5, 0.0], [0.0, 0.0]]);
    /// assert_eq!(BoxCoder::new().decode(code, &anchor)?, truth);
    /// # Ok::<(), mednn::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses boxes without extent along an axis.
    pub fn encode<const D: usize>(
        &self,
        truth: &BoundingBox<D>,
        anchor: &BoundingBox<D>,
    ) -> Result<[[f64; D]; 2]> {
        let (sides, own) = (truth.extent(), anchor.extent());
        if let Some(side) = sides.iter().chain(&own).find(|side| **side <= 0.0) {
            return Err(Error::Setting {
                op: "box_coder",
                setting: "a side of a box",
                rule: "above 0",
                value: side.to_string(),
            });
        }
        let (at, from) = (middle(truth), middle(anchor));
        Ok([
            std::array::from_fn(|axis| self.offset * (at[axis] - from[axis]) / own[axis]),
            std::array::from_fn(|axis| self.size * (sides[axis] / own[axis]).ln()),
        ])
    }

    /// The box of a code; sides are at most 62.5 times those of the anchor.
    ///
    /// # Errors
    /// Refuses codes that are not finite.
    pub fn decode<const D: usize>(
        &self,
        [offset, size]: [[f64; D]; 2],
        anchor: &BoundingBox<D>,
    ) -> Result<BoundingBox<D>> {
        let (from, own) = (middle(anchor), anchor.extent());
        let corner = |sign: f64| -> [f64; D] {
            std::array::from_fn(|axis| {
                let longest = (size[axis] / self.size).min(MOST.ln());
                let half = longest.exp() * own[axis] / 2.0;
                from[axis] + offset[axis] / self.offset * own[axis] + sign * half
            })
        };
        Ok(BoundingBox::new(corner(-1.0), corner(1.0))?)
    }
}
