//! Several pictures on one sheet, with captions and legends.

use crate::colour::{Rgb, class_colour};
use crate::error::Result;
use crate::picture::Picture;

/// Paper, ink and size of the letters.
pub(crate) const PAPER: Rgb = [18, 18, 20];
pub(crate) const INK: Rgb = [235, 235, 235];
pub(crate) const LETTERS: usize = 2;
const GAP: usize = 8;

/// The picture with a line of text above it.
///
/// # Errors
/// Refuses results too large to draw.
pub fn captioned(picture: &Picture, caption: &str) -> Result<Picture> {
    let line = Picture::text_height(LETTERS) + GAP;
    let width = picture.width().max(Picture::text_width(caption, LETTERS));
    let mut sheet = Picture::new(width, picture.height() + line, PAPER)?;
    sheet.text(0, GAP / 2, caption, INK, LETTERS);
    sheet.paste(picture, 0, line);
    Ok(sheet)
}

/// Pictures in rows of `columns` on dark paper; rows are as high and columns as wide as their largest
/// picture, which lie at the upper left of their cells.
///
/// ```
/// use medviz::{Picture, montage};
///
/// let tile = Picture::new(10, 6, [255, 0, 0])?;
/// let sheet = montage(&[tile.clone(), tile.clone(), tile], 2)?;
/// assert_eq!((sheet.width(), sheet.height()), (8 + 10 + 8 + 10 + 8, 8 + 6 + 8 + 6 + 8));
/// # Ok::<(), medviz::Error>(())
/// ```
///
/// # Errors
/// Refuses an empty list and results too large to draw.
pub fn montage(pictures: &[Picture], columns: usize) -> Result<Picture> {
    let columns = columns.clamp(1, pictures.len().max(1));
    let rows = pictures.len().div_ceil(columns);
    let mut widths = vec![0; columns];
    let mut heights = vec![0; rows];
    for (i, picture) in pictures.iter().enumerate() {
        widths[i % columns] = picture.width().max(widths[i % columns]);
        heights[i / columns] = picture.height().max(heights[i / columns]);
    }
    let total = |sizes: &[usize]| {
        if sizes.is_empty() {
            0
        } else {
            sizes.iter().sum::<usize>() + GAP * (sizes.len() + 1)
        }
    };
    let mut sheet = Picture::new(
        if pictures.is_empty() {
            0
        } else {
            total(&widths)
        },
        total(&heights),
        PAPER,
    )?;
    for (i, picture) in pictures.iter().enumerate() {
        let before = |sizes: &[usize]| sizes.iter().map(|size| size + GAP).sum::<usize>() + GAP;
        sheet.paste(
            picture,
            before(&widths[..i % columns]),
            before(&heights[..i / columns]),
        );
    }
    Ok(sheet)
}

/// A legend of classes in lines no wider than `width` where that is possible.
///
/// # Errors
/// Refuses results too large to draw.
pub fn legend<S: AsRef<str>>(classes: &[(u32, S)], width: usize) -> Result<Picture> {
    let entries: Vec<(Rgb, &str)> = (classes.iter())
        .map(|(class, name)| (class_colour(*class), name.as_ref()))
        .collect();
    coloured_legend(&entries, width)
}

/// A legend of any colours.
pub(crate) fn coloured_legend(entries: &[(Rgb, &str)], width: usize) -> Result<Picture> {
    let patch = 7 * LETTERS;
    let line = Picture::text_height(LETTERS) + GAP / 2;
    let size = |name: &str| patch + GAP + Picture::text_width(name, LETTERS) + 3 * GAP;
    let mut places = Vec::new();
    let (mut x, mut y, mut widest) = (0, 0, 1);
    for (colour, name) in entries {
        if x > 0 && x + size(name) - 3 * GAP > width {
            (x, y) = (0, y + line);
        }
        places.push((x, y, *colour, *name));
        x += size(name);
        widest = widest.max(x - 3 * GAP);
    }
    let mut sheet = Picture::new(widest, y + line, PAPER)?;
    for (x, y, colour, name) in places {
        sheet.fill(x, y, patch, patch, colour);
        sheet.text(x + patch + GAP, y, name, INK, LETTERS);
    }
    Ok(sheet)
}
