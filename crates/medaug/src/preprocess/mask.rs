//! A class for what lies outside the body.

use medcore::LabelMap;

/// Gives background outside the body a class of its own.
pub(super) fn label_outside(labels: &mut LabelMap<u8, 3>, body: &[bool], class: u8) {
    for (label, inside) in labels.as_mut_slice().iter_mut().zip(body) {
        if *label == 0 && !inside {
            *label = class;
        }
    }
}

#[cfg(test)]
mod tests {
    use medcore::Geometry;

    use super::*;

    #[test]
    fn only_background_outside_is_renamed() {
        let grid = Geometry::axis_aligned([1, 1, 4], [1.0; 3]).unwrap();
        let mut labels = LabelMap::new(grid, vec![0, 0, 3, 0]).unwrap();
        label_outside(&mut labels, &[true, false, false, false], 9);
        assert_eq!(labels.as_slice(), [0, 9, 3, 9]);
    }
}
