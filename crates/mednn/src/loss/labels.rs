//! The loss that the labels of a data set ask for.

use medcore::LabelTable;

use super::{DiceCrossEntropy, Loss, RegionDiceCrossEntropy};
use crate::error::Result;

/// nnU-Net's loss for these labels: Dice and cross-entropy over classes, or over regions where the table joins
/// labels; voxels with the table's ignore label count in neither.
///
/// `batch` sums overlaps over the batch before Dice is taken (nnU-Net's `batch_dice`).
///
/// ```
/// use medcore::LabelTable;
/// use mednn::loss::{self, Loss};
///
/// let organs = LabelTable::new([("liver", vec![1]), ("spleen", vec![2])])?;
/// let loss: Box<dyn Loss> = loss::nnunet(&organs, false)?;
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// Refuses a table without entries.
pub fn nnunet(labels: &LabelTable, batch: bool) -> Result<Box<dyn Loss>> {
    let ignore = labels.ignore();
    if labels.has_regions() || labels.entries().is_empty() {
        let loss = RegionDiceCrossEntropy::nnunet(labels.regions(), batch)?;
        return Ok(match ignore {
            Some(label) => Box::new(loss.with_ignore_label(label)),
            None => Box::new(loss),
        });
    }
    let loss = DiceCrossEntropy::nnunet(batch);
    Ok(match ignore {
        Some(label) => Box::new(loss.with_ignore_label(label)),
        None => Box::new(loss),
    })
}
