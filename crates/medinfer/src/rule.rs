//! From one value a class to one label a voxel.

use serde::{Deserialize, Serialize};

use medcore::LabelTable;

use crate::error::{Error, Result};

/// How labels are made from the logits of a voxel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LabelRule {
    /// Classes exclude each other (softmax): the first of the largest values.
    #[default]
    Argmax,
    /// Outputs are regions that may overlap (sigmoid): every region with a probability above one half writes
    /// its label, later ones over earlier ones (nnU-Net's `regions_class_order`); the rest is background.
    Regions(Vec<u8>),
}

impl LabelRule {
    /// The rule for a network trained on these labels: argmax over classes, or painting of regions where the
    /// table joins labels.
    ///
    /// # Errors
    /// Refuses regions without an order in which they are painted.
    pub fn of(labels: &LabelTable) -> Result<Self> {
        if !labels.has_regions() {
            return Ok(Self::Argmax);
        }
        let order = labels.regions_class_order().ok_or(Error::Setting {
            setting: "regions_class_order",
            rule: "given when a label joins several values",
            value: "nothing".to_owned(),
        })?;
        Ok(Self::Regions(
            order.iter().map(|&label| label as u8).collect(),
        ))
    }

    /// Says whether a network with so many outputs can be read by this rule.
    ///
    /// # Errors
    /// Refuses more than 256 classes, and regions unequal in number to the outputs.
    pub fn check(&self, classes: usize) -> Result<()> {
        let expected = match self {
            Self::Argmax if (1..=256).contains(&classes) => return Ok(()),
            Self::Argmax => "1 to 256".to_owned(),
            Self::Regions(labels) if labels.len() == classes => return Ok(()),
            Self::Regions(labels) => labels.len().to_string(),
        };
        Err(Error::Classes {
            expected,
            got: classes,
        })
    }

    /// Takes the values of class `class` for a run of voxels into account, class 0 first.
    ///
    /// `best` and `labels` hold what earlier classes left.
    pub(crate) fn offer(&self, class: usize, values: &[f32], best: &mut [f32], labels: &mut [u8]) {
        match self {
            Self::Argmax if class == 0 => {
                best.copy_from_slice(values);
                labels.fill(0);
            }
            Self::Argmax => {
                for ((&value, best), label) in values.iter().zip(best).zip(labels) {
                    let better = value > *best;
                    *best = if better { value } else { *best };
                    *label = if better { class as u8 } else { *label };
                }
            }
            Self::Regions(regions) => {
                if class == 0 {
                    labels.fill(0);
                }
                // sigmoid(x) > 0.5 is x > 0.
                for (&value, label) in values.iter().zip(labels) {
                    *label = if value > 0.0 { regions[class] } else { *label };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(rule: &LabelRule, classes: &[[f32; 4]]) -> [u8; 4] {
        rule.check(classes.len()).unwrap();
        let (mut best, mut labels) = ([0.0; 4], [9; 4]);
        for (class, values) in classes.iter().enumerate() {
            rule.offer(class, values, &mut best, &mut labels);
        }
        labels
    }

    #[test]
    fn the_first_of_equal_classes_wins() {
        let classes = [
            [0.0, -1.0, 5.0, 2.0],
            [1.0, -1.0, 5.0, 3.0],
            [0.5, -2.0, 5.0, 3.0],
        ];
        assert_eq!(labels(&LabelRule::Argmax, &classes), [1, 0, 0, 1]);
    }

    #[test]
    fn later_regions_are_written_over_earlier_ones() {
        // BraTS: whole tumour 2, core 1, enhancing 3.
        let rule = LabelRule::Regions(vec![2, 1, 3]);
        let classes = [
            [1.0, 1.0, 1.0, 0.0],
            [-1.0, 1.0, 1.0, 0.0],
            [-1.0, -1.0, 1.0, -0.5],
        ];
        assert_eq!(labels(&rule, &classes), [2, 1, 3, 0]);
    }

    #[test]
    fn a_network_with_another_number_of_outputs_is_refused() {
        assert!(LabelRule::Regions(vec![1, 2]).check(3).is_err());
        assert!(LabelRule::Argmax.check(257).is_err());
        assert!(LabelRule::Argmax.check(0).is_err());
    }
}
