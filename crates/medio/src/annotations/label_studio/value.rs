//! The geometry of a region: percent of the image into index coordinates and back.

use medcore::BoundingBox;

use super::super::edges;
use super::super::number::{real, shortest};
use super::super::shape::{RotatedBox, turned};

/// An image that percents are of.
#[derive(Clone, Copy)]
pub(super) struct Percent {
    height: f64,
    width: f64,
}

impl Percent {
    pub(super) fn of([height, width]: [usize; 2]) -> Self {
        Self {
            height: real(height),
            width: real(width),
        }
    }

    pub(super) fn point(self, [x, y]: [f64; 2]) -> [f64; 2] {
        edges::point([x / 100.0 * self.width, y / 100.0 * self.height])
    }

    pub(super) fn xy(self, [row, column]: [f64; 2]) -> [f64; 2] {
        let axis = |index: f64, side: f64| {
            let [percent] = shortest([(index + 0.5) / side * 100.0], [index], |[percent]| {
                [edges::to_index(percent / 100.0 * side)]
            });
            percent
        };
        [axis(column, self.width), axis(row, self.height)]
    }

    pub(super) fn bounds(self, [x, y, w, h]: [f64; 4]) -> medcore::Result<BoundingBox<2>> {
        let ([left, right], [top, bottom]) = (ends([x, w], self.width), ends([y, h], self.height));
        BoundingBox::new([top, left], [bottom, right])
    }

    pub(super) fn xywh(self, bounds: &BoundingBox<2>) -> [f64; 4] {
        let axis = |low: f64, high: f64, side: f64| {
            let estimates = [(low + 0.5) / side * 100.0, (high - low) / side * 100.0];
            shortest(estimates, [low, high], |numbers| ends(numbers, side))
        };
        let ([top, left], [bottom, right]) = (bounds.min(), bounds.max());
        let ([x, w], [y, h]) = (
            axis(left, right, self.width),
            axis(top, bottom, self.height),
        );
        [x, y, w, h]
    }

    /// A box that turns about its upper left corner.
    pub(super) fn rotated(self, [x, y, w, h]: [f64; 4], degrees: f64) -> RotatedBox {
        let [row, column] = self.point([x, y]);
        let extent = self.extent([w, h]);
        let [down, right] = turned([extent[0] / 2.0, extent[1] / 2.0], degrees);
        RotatedBox {
            center: [row + down, column + right],
            extent,
            degrees,
        }
    }

    pub(super) fn rotated_xywh(self, of: &RotatedBox) -> [f64; 4] {
        let [down, right] = turned([of.extent[0] / 2.0, of.extent[1] / 2.0], of.degrees);
        let corner = [of.center[0] - down, of.center[1] - right];
        let ([x, y], [w, h]) = (self.xy(corner), self.size(of.extent));
        [x, y, w, h]
    }

    /// Width and height in percent as height and width in pixels.
    pub(super) fn extent(self, [w, h]: [f64; 2]) -> [f64; 2] {
        [h / 100.0 * self.height, w / 100.0 * self.width]
    }

    /// The other way around.
    pub(super) fn size(self, [height, width]: [f64; 2]) -> [f64; 2] {
        let axis = |pixels: f64, side: f64| {
            let [percent] = shortest([pixels / side * 100.0], [pixels], |[percent]| {
                [percent / 100.0 * side]
            });
            percent
        };
        [axis(width, self.width), axis(height, self.height)]
    }
}

/// Both ends of a stretch that is given by its beginning and extent.
fn ends([start, extent]: [f64; 2], side: f64) -> [f64; 2] {
    [
        edges::to_index(start / 100.0 * side),
        edges::to_index((start + extent) / 100.0 * side),
    ]
}
