//! Where windows begin that cover an axis.

/// First index of windows of `window` voxels every `step` voxels, the last one moved back to end with the axis
/// (MONAI `dense_patch_slices`, TorchIO `GridSampler`); one window at 0 on an axis that is not longer.
///
/// ```
/// use medcore::windows::starts_every;
///
/// assert_eq!(starts_every(10, 5, 3), [0, 3, 5]);
/// assert_eq!(starts_every(4, 5, 3), [0]);
/// ```
///
/// A step of 0 counts as 1.
#[must_use]
pub fn starts_every(length: usize, window: usize, step: usize) -> Vec<usize> {
    let last = length.saturating_sub(window);
    let mut starts: Vec<usize> = (0..last).step_by(step.max(1)).collect();
    starts.push(last);
    starts
}
