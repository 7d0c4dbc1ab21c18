//! An RGB canvas, and PNG.

use std::path::Path;

use crate::colour::Rgb;
use crate::error::{Error, Result};
use crate::font;

/// Largest side of a picture.
pub(crate) const MAX_SIDE: usize = 32_768;

/// A picture of 8-bit RGB pixels, top row first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
}

impl Picture {
    /// A picture of one colour.
    ///
    /// # Errors
    /// Refuses empty pictures and sides above 32768 pixels.
    pub fn new(width: usize, height: usize, colour: Rgb) -> Result<Self> {
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(Error::InvalidPictureSize {
                width,
                height,
                limit: MAX_SIDE,
            });
        }
        Ok(Self {
            width,
            height,
            pixels: vec![colour; width * height],
        })
    }

    /// Number of columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// All pixels, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[Rgb] {
        &self.pixels
    }

    /// The pixel at a column and a row, `None` outside.
    #[must_use]
    pub fn pixel(&self, column: usize, row: usize) -> Option<Rgb> {
        (column < self.width && row < self.height).then(|| self.pixels[row * self.width + column])
    }

    /// Sets a pixel; outside the picture nothing happens.
    pub fn set(&mut self, column: usize, row: usize, colour: Rgb) {
        if column < self.width && row < self.height {
            self.pixels[row * self.width + column] = colour;
        }
    }

    /// Mixes a colour into a pixel, `opacity` 0 (nothing) to 1 (the colour alone).
    pub fn mix(&mut self, column: usize, row: usize, colour: Rgb, opacity: f32) {
        if let Some(old) = self.pixel(column, row) {
            let opacity = opacity.clamp(0.0, 1.0);
            let mixed = [0, 1, 2].map(|i| {
                let (old, new) = (f32::from(old[i]), f32::from(colour[i]));
                (old + (new - old) * opacity).round() as u8
            });
            self.set(column, row, mixed);
        }
    }

    /// Fills the part of a rectangle that lies in the picture.
    pub fn fill(&mut self, column: usize, row: usize, width: usize, height: usize, colour: Rgb) {
        for y in row.min(self.height)..row.saturating_add(height).min(self.height) {
            for x in column.min(self.width)..column.saturating_add(width).min(self.width) {
                self.set(x, y, colour);
            }
        }
    }

    /// Copies another picture to a place; what would lie outside is cut off.
    pub fn paste(&mut self, other: &Self, column: usize, row: usize) {
        for y in 0..other.height {
            for x in 0..other.width {
                self.set(column + x, row + y, other.pixels[y * other.width + x]);
            }
        }
    }

    /// Writes a line of text with its upper left corner at a place; `scale` 1 makes letters 7 pixels high.
    pub fn text(&mut self, column: usize, row: usize, text: &str, colour: Rgb, scale: usize) {
        for (i, letter) in text.chars().enumerate() {
            for y in 0..font::HEIGHT {
                for x in 0..font::WIDTH {
                    if font::is_set(letter, y, x) {
                        let left = column + (i * font::ADVANCE + x) * scale;
                        self.fill(left, row + y * scale, scale, scale, colour);
                    }
                }
            }
        }
    }

    /// Width in pixels of a line of text.
    #[must_use]
    pub fn text_width(text: &str, scale: usize) -> usize {
        let letters = text.chars().count();
        (letters * font::ADVANCE).saturating_sub(1) * scale
    }

    /// Height in pixels of a line of text, descenders included.
    #[must_use]
    pub fn text_height(scale: usize) -> usize {
        font::HEIGHT * scale
    }

    /// The picture as a PNG file, the same bytes for the same picture.
    ///
    /// # Errors
    /// None in practice; the encoder's own are passed on.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(bytes)
    }

    /// Writes the picture as a PNG file, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_png(&self, path: impl AsRef<Path>) -> Result<()> {
        Ok(medcore::atomic::write_bytes(
            path.as_ref(),
            &self.to_png()?,
        )?)
    }
}
