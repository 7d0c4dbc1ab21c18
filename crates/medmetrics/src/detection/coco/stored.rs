//! Results that are read back: their numbers must fit their settings.

use serde::Deserialize;

use super::result::{CocoResult, Tensor};
use super::settings::Coco;
use crate::error::{Error, Result};

/// A result whose numbers have not been compared with its settings.
#[derive(Deserialize)]
pub(super) struct Stored {
    settings: Coco,
    classes: Vec<u32>,
    tensor: Tensor,
}

impl TryFrom<Stored> for CocoResult {
    type Error = Error;
    fn try_from(stored: Stored) -> Result<Self> {
        let Stored {
            settings,
            classes,
            tensor,
        } = stored;
        settings.check()?;
        if let Some(before) = classes.windows(2).position(|pair| pair[1] <= pair[0]) {
            return Err(Error::InvalidValue {
                what: "the classes of a result",
                rule: "ascending",
                index: before + 1,
                value: classes[before + 1].into(),
            });
        }
        check(&tensor, &settings, classes.len())?;
        Ok(Self::new(settings, classes, tensor))
    }
}

/// Says whether there is a number for all that was asked.
fn check(tensor: &Tensor, settings: &Coco, classes: usize) -> Result<()> {
    let expected = Tensor::new(settings, classes);
    let curves = expected.curves().checked_mul(expected.ranges * classes);
    let numbers = curves.and_then(|curves| curves.checked_mul(expected.recalls));
    let numbers = numbers.unwrap_or(usize::MAX);
    let lengths = [
        ("the classes of the numbers", tensor.classes, classes),
        ("the ranges of the numbers", tensor.ranges, expected.ranges),
        ("the limits of the numbers", tensor.limits, expected.limits),
        (
            "the thresholds of the numbers",
            tensor.thresholds,
            expected.thresholds,
        ),
        (
            "the recalls of the numbers",
            tensor.recalls,
            expected.recalls,
        ),
        ("a list of precisions", tensor.precision.len(), numbers),
        (
            "a list of recalls",
            tensor.recall.len(),
            numbers / expected.recalls,
        ),
        (
            "a list of positives",
            tensor.positives.len(),
            classes * expected.ranges,
        ),
    ];
    match lengths.into_iter().find(|(_, got, want)| got != want) {
        None => Ok(()),
        Some((what, got, expected)) => Err(Error::Length {
            what,
            got,
            against: "what the settings ask for",
            expected,
        }),
    }
}
