//! torchmetrics' Hausdorff distance, with its mistake.
//!
//! Its distance map is written as if a row were as long as the plane is high, and read as it is
//! (Lightning-AI/torchmetrics issue 3300). Nothing is wrong for squares; in wide planes a point gets the
//! distance of another one; tall planes end in an exception, and so do volumes.

use medcore::distance;

use super::crop::Crop;
use super::pair::{PREDICTION, REFERENCE};
use crate::error::Result;

/// The largest distance in millimetres that torchmetrics 1.9 reads, neither mask empty; `None` where it ends
/// in an exception. `image` is the whole image's shape, on which the mistake depends.
pub(super) fn hausdorff<const D: usize>(
    crop: &Crop<D>,
    image: [usize; D],
    spacing: [f64; D],
) -> Result<Option<f64>> {
    // It puts a border of one pixel around the image, as the box has one.
    let (&[height, width], &[top, left], &[down, across]) = (
        &image.map(|n| n + 2)[..],
        &crop.region.start()[..],
        &spacing[..],
    ) else {
        return Ok(None);
    };
    if height > width {
        return Ok(None);
    }
    let surface = crop.eroded()?;
    let row = surface.shape[D - 1];
    let place = |at: usize| (top + at / row) * width + left + at % row;
    let mut largest = 0.0_f32;
    for (from, to) in [(REFERENCE, PREDICTION), (PREDICTION, REFERENCE)] {
        let points = |side: u8| &surface.positions[usize::from(side == PREDICTION)];
        let mut is_target = vec![false; height * width];
        points(to)
            .iter()
            .for_each(|&at| is_target[place(at)] = true);
        let shape = [height, width];
        let squared = distance::squared_to_feature(&is_target, shape, [down, across], |&v| v)?;
        for at in points(from).iter().map(|&at| place(at)) {
            // Written last to this place: the lowest pixel (i, j) off the surface with i * height + j = at.
            let rows = (0..=(at / height).min(height - 1)).rev();
            let pixels = rows.map(|i| (i, at - i * height));
            let written = { pixels.take_while(|(_, j)| *j < width) }
                .map(|(i, j)| i * width + j)
                .find(|&pixel| !is_target[pixel]);
            largest = written.map_or(largest, |pixel| largest.max(squared[pixel]));
        }
    }
    Ok(Some(f64::from(largest).sqrt()))
}
