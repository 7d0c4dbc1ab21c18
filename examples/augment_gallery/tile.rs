//! Samples as pictures, in the order of their voxels: as a network sees them.

use anyhow::Result;
use medaug::{Layer, Sample, TurnedBox};
use medcore::LabelMap;
use medviz::{Picture, class_colour};

const BOX: [u8; 3] = [255, 220, 60];
const TURNED: [u8; 3] = [255, 120, 200];
const POINT: [u8; 3] = [80, 230, 255];

/// Draws a sample.
pub(crate) trait Draw {
    /// The picture.
    fn draw(&self) -> Result<Picture>;
}

impl Draw for Sample<2> {
    fn draw(&self) -> Result<Picture> {
        let plane = Plane {
            rows: 0,
            columns: 1,
            fixed: None,
        };
        plane.draw(self)
    }
}

impl Draw for Sample<3> {
    /// The middle axial slice, and the middle coronal one beside it.
    fn draw(&self) -> Result<Picture> {
        let shape = self.shape();
        let plane = |rows, fixed: usize| Plane {
            rows,
            columns: 2,
            fixed: Some((fixed, shape[fixed] / 2)),
        };
        let axial = plane(1, 0).draw(self)?;
        let coronal = plane(0, 1).draw(self)?;
        let (width, gap) = (axial.width(), 4);
        let height = axial.height().max(coronal.height());
        let mut both = Picture::new(width + gap + coronal.width(), height, [18, 18, 20])?;
        both.paste(&axial, 0, 0);
        both.paste(&coronal, width + gap, 0);
        Ok(both)
    }
}

/// Two axes of an image, and the index along a third.
struct Plane {
    rows: usize,
    columns: usize,
    fixed: Option<(usize, usize)>,
}

impl Plane {
    fn draw<const D: usize>(&self, sample: &Sample<D>) -> Result<Picture> {
        let shape = sample.shape();
        let mut picture = Picture::new(shape[self.columns], shape[self.rows], [0; 3])?;
        let image = sample.image();
        let channel = |wanted: usize| image.channel(wanted.min(image.channels() - 1));
        let colours = [channel(0), channel(1), channel(2)];
        for row in 0..picture.height() {
            for column in 0..picture.width() {
                let at = self.offset(shape, row, column);
                let colour =
                    colours.map(|values| (values[at].clamp(0.0, 1.0) * 255.0).round() as u8);
                picture.set(column, row, colour);
            }
        }
        if let Some(labels) = sample.labels() {
            self.outline(&mut picture, labels);
        }
        self.marks(&mut picture, sample);
        let mut picture = enlarged(&picture)?;
        self.added(&mut picture, sample);
        Ok(picture)
    }

    fn offset<const D: usize>(&self, shape: [usize; D], row: usize, column: usize) -> usize {
        let mut index = [0; D];
        if let Some((axis, at)) = self.fixed {
            index[axis] = at;
        }
        index[self.rows] = row;
        index[self.columns] = column;
        (0..D).fold(0, |at, axis| at * shape[axis] + index[axis])
    }

    /// Pixels whose neighbour to the right or below is of another class.
    fn outline<const D: usize>(&self, picture: &mut Picture, labels: &LabelMap<u8, D>) {
        let (shape, voxels) = (labels.shape(), labels.as_slice());
        let (height, width) = (picture.height(), picture.width());
        let class = |row: usize, column: usize| {
            voxels[self.offset(shape, row.min(height - 1), column.min(width - 1))]
        };
        for row in 0..height {
            for column in 0..width {
                let here = class(row, column);
                let others = [class(row, column + 1), class(row + 1, column)];
                if let Some(other) = others.into_iter().find(|&other| other != here) {
                    picture.mix(column, row, class_colour(here.max(other).into()), 0.8);
                }
            }
        }
    }

    /// In the last corner, at half the size: the last channel where there are more than three, or the first channel of a
    /// layer that the subject does not have.
    fn added<const D: usize>(&self, picture: &mut Picture, sample: &Sample<D>) {
        let image = sample.image();
        let layers = sample.layers().iter();
        let layer =
            layers
                .filter(|(name, _)| *name != "second")
                .find_map(|(_, layer)| match layer {
                    Layer::Image(image) => Some(image.channel(0)),
                    _ => None,
                });
        let more = (image.channels() > 3).then(|| image.channel(image.channels() - 1));
        let Some(values) = layer.or(more) else {
            return;
        };
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (height, width) = (picture.height(), picture.width());
        for row in 0..height / 2 {
            for column in 0..width / 2 {
                let at = self.offset(sample.shape(), row, column);
                let Some(value) = values.get(at) else {
                    continue;
                };
                let share = (value - low) / (high - low).max(f32::MIN_POSITIVE);
                let gray = (share * 255.0).round() as u8;
                picture.set(width / 2 + column, height / 2 + row, [gray; 3]);
            }
        }
    }

    /// The section of a turned box through its middle.
    fn outline_turned<const D: usize>(&self, picture: &mut Picture, turned: &TurnedBox<D>) {
        const STEPS: i32 = 200;
        let (centre, edges) = (turned.centre(), turned.half_edges());
        let (down, across) = (edges[self.rows], edges[self.columns]);
        let mut dot = |along: f64, side: f64| {
            let at =
                |axis: usize| (centre[axis] + along * down[axis] + side * across[axis]).round();
            let (row, column) = (at(self.rows), at(self.columns));
            if row >= 0.0 && column >= 0.0 {
                picture.set(column as usize, row as usize, TURNED);
            }
        };
        for step in 0..=STEPS {
            let along = f64::from(2 * step - STEPS) / f64::from(STEPS);
            for side in [-1.0, 1.0] {
                dot(along, side);
                dot(side, along);
            }
        }
    }

    fn marks<const D: usize>(&self, picture: &mut Picture, sample: &Sample<D>) {
        let pixel = |v: f64| v.round().max(0.0) as usize;
        for item in sample.boxes().into_iter().flat_map(|boxes| boxes.items()) {
            if let Some(turned) = item.turned {
                self.outline_turned(picture, &turned);
                continue;
            }
            let (low, high) = (item.bounds.min(), item.bounds.max());
            let (top, bottom) = (pixel(low[self.rows]), pixel(high[self.rows]));
            let (left, right) = (pixel(low[self.columns]), pixel(high[self.columns]));
            for column in left..=right {
                picture.set(column, top, BOX);
                picture.set(column, bottom, BOX);
            }
            for row in top..=bottom {
                picture.set(left, row, BOX);
                picture.set(right, row, BOX);
            }
        }
        for point in sample.points().into_iter().flat_map(|points| &points.items) {
            if point.is_inside(sample.shape()) {
                let (row, column) = (pixel(point.at[self.rows]), pixel(point.at[self.columns]));
                picture.fill(column.saturating_sub(2), row, 5, 1, POINT);
                picture.fill(column, row.saturating_sub(2), 1, 5, POINT);
            }
        }
    }
}

/// Every pixel as a square of two by two.
fn enlarged(picture: &Picture) -> Result<Picture> {
    let mut large = Picture::new(2 * picture.width(), 2 * picture.height(), [0; 3])?;
    for row in 0..large.height() {
        for column in 0..large.width() {
            if let Some(colour) = picture.pixel(column / 2, row / 2) {
                large.set(column, row, colour);
            }
        }
    }
    Ok(large)
}
