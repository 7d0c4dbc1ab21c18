//! Slices of a volume as a radiologist looks at them.
//!
//! A slice is cut along a storage axis, so no voxel is interpolated across slices. Within it the two other
//! axes are turned and mirrored into the usual display: seen from the feet (axial) or from the front
//! (coronal), so that the patient's right is on the left of the picture, or from the left side (sagittal,
//! anterior on the left of the picture); superior or anterior is up. Pixels are square in millimetres.

use medcore::{Geometry, Image, Lps, Point};

use crate::error::{Error, Result};
use crate::picture::{MAX_SIDE, Picture};
use crate::window::Window;

/// An anatomical plane; in an oblique scan the storage plane closest to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    /// Across the body.
    Axial,
    /// Parallel to the front.
    Coronal,
    /// Parallel to the side.
    Sagittal,
}

impl Plane {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// Its name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }

    /// Where the left and the right edge of the picture lie in the patient: R(ight), L(eft), A(nterior), P(osterior).
    #[must_use]
    pub const fn sides(self) -> [&'static str; 2] {
        match self {
            Self::Axial | Self::Coronal => ["R", "L"],
            Self::Sagittal => ["A", "P"],
        }
    }

    /// The storage axis that runs most nearly along its normal.
    #[must_use]
    pub fn axis(self, geometry: &Geometry<3>) -> usize {
        let anatomy = anatomical_axes(geometry);
        let world = match self {
            Self::Sagittal => 0,
            Self::Coronal => 1,
            Self::Axial => 2,
        };
        (0..3).find(|&axis| anatomy[axis] == world).unwrap_or(0)
    }
}

/// For every storage axis the world axis (0 x, 1 y, 2 z) it stands for: the assignment of the three with
/// the largest sum of cosines.
fn anatomical_axes(geometry: &Geometry<3>) -> [usize; 3] {
    const ORDERS: [[usize; 3]; 6] = [
        [2, 1, 0],
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
    ];
    let direction = geometry.direction();
    let score = |order: &[usize; 3]| (0..3).map(|a| direction[a][order[a]].abs()).sum::<f64>();
    ORDERS
        .into_iter()
        .reduce(|best, order| {
            if score(&order) > score(&best) + 1e-9 {
                order
            } else {
                best
            }
        })
        .unwrap_or(ORDERS[0])
}

/// Which slice of a volume to show, and how large.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceView {
    axis: usize,
    slice: usize,
    pixel_mm: Option<f64>,
}

impl SliceView {
    /// Slice `slice` of storage axis `axis`.
    #[must_use]
    pub fn new(axis: usize, slice: usize) -> Self {
        Self {
            axis,
            slice,
            pixel_mm: None,
        }
    }

    /// The slice of `plane` nearest to `place`; the first or the last one if it lies outside.
    #[must_use]
    pub fn through(geometry: &Geometry<3>, plane: Plane, place: Point<Lps>) -> Self {
        let axis = plane.axis(geometry);
        let index = geometry.world_to_index(place)[axis].round();
        let last = geometry.shape()[axis] - 1;
        Self::new(axis, (index.max(0.0) as usize).min(last))
    }

    /// The middle slice of `plane`.
    #[must_use]
    pub fn middle(geometry: &Geometry<3>, plane: Plane) -> Self {
        let axis = plane.axis(geometry);
        Self::new(axis, geometry.shape()[axis] / 2)
    }

    /// The same slice with pixels of a size; without it they are as small as the smaller voxel edge.
    #[must_use]
    pub fn with_pixel_mm(self, pixel_mm: f64) -> Self {
        Self {
            pixel_mm: Some(pixel_mm),
            ..self
        }
    }

    /// The storage axis across the slice.
    #[must_use]
    pub fn axis(&self) -> usize {
        self.axis
    }

    /// The number of the slice along that axis.
    #[must_use]
    pub fn slice(&self) -> usize {
        self.slice
    }

    /// How the view lies in a volume.
    pub(crate) fn layout(&self, geometry: &Geometry<3>) -> Result<Layout> {
        let shape = geometry.shape();
        if self.axis > 2 {
            return Err(Error::NoSuchAxis { axis: self.axis });
        }
        if self.slice >= shape[self.axis] {
            return Err(Error::NoSuchSlice {
                axis: self.axis,
                slice: self.slice,
                slices: shape[self.axis],
            });
        }
        let anatomy = anatomical_axes(geometry);
        let (a, b) = match self.axis {
            0 => (1, 2),
            1 => (0, 2),
            _ => (0, 1),
        };
        // Columns run along x if it is there, else along y; rows along z if it is there, else along y.
        let (row_axis, column_axis) = if anatomy[a] > anatomy[b] {
            (a, b)
        } else {
            (b, a)
        };
        let direction = geometry.direction();
        // To the right of the picture: to the patient's left (axial, coronal) or to the back (sagittal).
        let flip_columns = direction[column_axis][anatomy[column_axis]] < 0.0;
        // Down the picture: to the back (axial) or to the feet.
        let down = direction[row_axis][anatomy[row_axis]];
        let flip_rows = if anatomy[row_axis] == 2 {
            down > 0.0
        } else {
            down < 0.0
        };
        let spacing = geometry.spacing();
        let pixel_mm = self
            .pixel_mm
            .unwrap_or(spacing[row_axis].min(spacing[column_axis]));
        if !(pixel_mm.is_finite() && pixel_mm > 0.0) {
            return Err(Error::InvalidPixelSize { pixel_mm });
        }
        let side = |axis: usize, flip: bool| {
            let pixels = (shape[axis] as f64 * spacing[axis] / pixel_mm)
                .round()
                .max(1.0);
            Side {
                axis,
                flip,
                voxels: shape[axis],
                pixels: pixels.min(1e9) as usize,
            }
        };
        let layout = Layout {
            view: *self,
            rows: side(row_axis, flip_rows),
            columns: side(column_axis, flip_columns),
        };
        let (width, height) = (layout.columns.pixels, layout.rows.pixels);
        if width > MAX_SIDE || height > MAX_SIDE {
            return Err(Error::InvalidPictureSize {
                width,
                height,
                limit: MAX_SIDE,
            });
        }
        Ok(layout)
    }
}

/// One side of a picture on a storage axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    axis: usize,
    flip: bool,
    voxels: usize,
    pub(crate) pixels: usize,
}

impl Side {
    /// The index, in voxels, of the centre of a pixel.
    fn index(&self, pixel: usize) -> f64 {
        let index = (pixel as f64 + 0.5) * self.voxels as f64 / self.pixels as f64 - 0.5;
        let last = self.voxels as f64 - 1.0;
        let index = if self.flip { last - index } else { index };
        index.clamp(0.0, last)
    }
}

/// A view on a volume of known shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    view: SliceView,
    pub(crate) rows: Side,
    pub(crate) columns: Side,
}

impl Layout {
    fn offset(&self, shape: [usize; 3], row: usize, column: usize) -> usize {
        let mut index = [0; 3];
        index[self.view.axis] = self.view.slice;
        index[self.rows.axis] = row;
        index[self.columns.axis] = column;
        (index[0] * shape[1] + index[1]) * shape[2] + index[2]
    }

    /// The voxel nearest to every pixel, row by row.
    pub(crate) fn nearest<T: Copy>(&self, shape: [usize; 3], voxels: &[T]) -> Vec<T> {
        let columns: Vec<usize> = (0..self.columns.pixels)
            .map(|pixel| self.columns.index(pixel).round() as usize)
            .collect();
        (0..self.rows.pixels)
            .flat_map(|pixel| {
                let row = self.rows.index(pixel).round() as usize;
                (columns.iter()).map(move |&column| voxels[self.offset(shape, row, column)])
            })
            .collect()
    }
}

/// Draws a slice in grey; between voxels the intensity is interpolated linearly.
///
/// Of an image with several channels the first one is shown.
///
/// # Errors
/// Refuses a slice that is not there and pictures that are too large.
pub fn render_slice<T: Copy + Into<f64>>(
    image: &Image<T, 3>,
    view: &SliceView,
    window: &Window,
) -> Result<Picture> {
    let layout = view.layout(image.geometry())?;
    let (shape, voxels) = (image.shape(), image.channel(0));
    let mut picture = Picture::new(layout.columns.pixels, layout.rows.pixels, [0; 3])?;
    let knots = |side: &Side, pixel: usize| {
        let index = side.index(pixel);
        let low = index.floor();
        (
            low as usize,
            (low as usize + 1).min(side.voxels - 1),
            index - low,
        )
    };
    for y in 0..layout.rows.pixels {
        let (top, bottom, down) = knots(&layout.rows, y);
        for x in 0..layout.columns.pixels {
            let (left, right, across) = knots(&layout.columns, x);
            let at = |row, column| -> f64 { voxels[layout.offset(shape, row, column)].into() };
            let upper = at(top, left) * (1.0 - across) + at(top, right) * across;
            let lower = at(bottom, left) * (1.0 - across) + at(bottom, right) * across;
            let grey = window.grey(upper * (1.0 - down) + lower * down);
            picture.set(x, y, [grey; 3]);
        }
    }
    Ok(picture)
}
