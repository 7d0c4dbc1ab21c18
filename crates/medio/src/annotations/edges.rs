//! Coordinates of pixel edges, which most annotation formats use: pixel `i` covers `[i, i + 1)`.
//!
//! The workspace's index coordinates lie half a pixel lower: there pixel `i` covers `[i - 0.5, i + 0.5)`.

use medcore::BoundingBox;

use super::number::shortest;

/// An edge coordinate as an index coordinate.
pub(super) fn to_index(edge: f64) -> f64 {
    edge - 0.5
}

/// An index coordinate as an edge coordinate, in the fewest digits.
pub(super) fn from_index(index: f64) -> f64 {
    let [edge] = shortest([index + 0.5], [index], |[edge]| [to_index(edge)]);
    edge
}

/// A point `x, y` of a file in storage order.
pub(super) fn point([x, y]: [f64; 2]) -> [f64; 2] {
    [to_index(y), to_index(x)]
}

/// The `x, y` of a point in storage order.
pub(super) fn xy([row, column]: [f64; 2]) -> [f64; 2] {
    [from_index(column), from_index(row)]
}

/// A box from two corners `x1, y1, x2, y2`, the first one the lower.
pub(super) fn from_corners([x1, y1, x2, y2]: [f64; 4]) -> medcore::Result<BoundingBox<2>> {
    BoundingBox::new(point([x1, y1]), point([x2, y2]))
}

/// `x1, y1, x2, y2` of a box.
pub(super) fn corners(bounds: &BoundingBox<2>) -> [f64; 4] {
    let ([x1, y1], [x2, y2]) = (xy(bounds.min()), xy(bounds.max()));
    [x1, y1, x2, y2]
}

/// A box from its lower corner and extent, `x, y, width, height`.
pub(super) fn from_xywh([x, y, width, height]: [f64; 4]) -> medcore::Result<BoundingBox<2>> {
    from_corners([x, y, x + width, y + height])
}

/// `x, y, width, height` of a box.
pub(super) fn xywh(bounds: &BoundingBox<2>) -> [f64; 4] {
    let axis = |a: usize| {
        let ends = (bounds.min().get(a).copied(), bounds.max().get(a).copied());
        let (low, high) = (ends.0.unwrap_or(0.0), ends.1.unwrap_or(0.0));
        shortest([low + 0.5, high - low], [low, high], |[start, extent]| {
            [to_index(start), to_index(start + extent)]
        })
    };
    let ([y, height], [x, width]) = (axis(0), axis(1));
    [x, y, width, height]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_of_whole_pixels_covers_their_faces() {
        // Columns 2 to 4 and row 7, as a COCO box: x 2, y 7, three wide, one high.
        let bounds = from_xywh([2.0, 7.0, 3.0, 1.0]).unwrap();
        assert_eq!((bounds.min(), bounds.max()), ([6.5, 1.5], [7.5, 4.5]));
        assert_eq!(corners(&bounds), [2.0, 7.0, 5.0, 8.0]);
    }

    #[test]
    fn extents_come_back_in_the_digits_of_the_file() {
        for numbers in [
            [10.13, 0.1, 20.57, 30.333],
            [0.0, 5.05, 0.01, 99.99],
            [1.0; 4],
        ] {
            assert_eq!(xywh(&from_xywh(numbers).unwrap()), numbers);
        }
    }
}
