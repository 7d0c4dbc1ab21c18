//! The sum of all tissue along the rays, and the picture of it.

use medcore::{Geometry, Image, LabelMap, buffer};

use crate::error::Result;

/// Side of the square film in millimetres.
pub(super) const FILM_MM: f32 = 350.0;

/// A radiograph and its truth, on one grid.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Radiograph {
    /// Grey values as a viewer shows them: bone bright, air dark. The patient's left is on the right.
    pub image: Image<u8, 2>,
    /// 1 where an opacity covers a lung with more than a third of its greatest thickness.
    pub opacity: LabelMap<u8, 2>,
}

/// Millimetres of tissue along the ray of each pixel.
#[derive(Debug, Clone)]
pub(super) struct Film {
    pub side: usize,
    pub tissue: Vec<f32>,
}

impl Film {
    pub(super) fn new(side: usize) -> Result<Self> {
        let tissue = buffer::zeroed::<f32>(side * side, "radiograph")?;
        Ok(Self { side, tissue })
    }

    /// Extent of a pixel.
    pub(super) fn pixel_mm(&self) -> f32 {
        FILM_MM / self.side as f32
    }

    pub(super) fn geometry(&self) -> Result<Geometry<2>> {
        let mm = f64::from(self.pixel_mm());
        Ok(Geometry::axis_aligned([self.side; 2], [mm; 2])?)
    }

    /// The film's place of a pixel's centre; the middle of the film is the origin.
    pub(super) fn place(&self, row: usize, column: usize) -> [f32; 2] {
        let mm = self.pixel_mm();
        [column, row].map(|i| (i as f32 + 0.5) * mm - 0.5 * FILM_MM)
    }

    /// Adds `thickness` to the pixels whose places lie within the ranges.
    pub(super) fn add(
        &mut self,
        xs: (f32, f32),
        ys: (f32, f32),
        thickness: impl Fn([f32; 2]) -> f32,
    ) {
        let (columns, rows) = (self.pixels(xs), self.pixels(ys));
        for row in rows {
            for column in columns.clone() {
                let place = self.place(row, column);
                self.tissue[row * self.side + column] += thickness(place);
            }
        }
    }

    /// The pixels whose centres may lie within a range.
    fn pixels(&self, (low, high): (f32, f32)) -> std::ops::Range<usize> {
        let index = |mm: f32| ((mm + 0.5 * FILM_MM) / self.pixel_mm()).max(0.0) as usize;
        index(low).min(self.side)..(index(high) + 1).min(self.side)
    }
}

/// 0 below `-width`, 1 above `width`, smooth between.
pub(super) fn step(distance: f32, width: f32) -> f32 {
    let t = (0.5 + 0.5 * distance / width).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
