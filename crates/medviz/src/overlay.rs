//! Label maps over pictures: a tint inside, a line around.

use medcore::{Label, LabelMap};

use crate::colour::{Rgb, class_colour};
use crate::error::{Error, Result};
use crate::picture::Picture;
use crate::slice::SliceView;

/// How labels are drawn.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct OverlayStyle {
    /// Opacity of the inside, 0 to 1.
    pub fill: f32,
    /// Opacity of the outline, 0 to 1.
    pub contour: f32,
    /// Colour of a class; class 0 is never drawn.
    pub colour: fn(u32) -> Rgb,
}

impl Default for OverlayStyle {
    fn default() -> Self {
        Self {
            fill: 0.35,
            contour: 1.0,
            colour: class_colour,
        }
    }
}

impl OverlayStyle {
    /// Outlines alone, so that the image stays visible.
    #[must_use]
    pub fn contours() -> Self {
        Self {
            fill: 0.0,
            ..Self::default()
        }
    }
}

/// Draws a slice of a label map over the picture of the same slice.
///
/// # Errors
/// Refuses a slice that is not there, and a picture of another size than the view's.
pub fn overlay<L: Label>(
    picture: &mut Picture,
    labels: &LabelMap<L, 3>,
    view: &SliceView,
    style: &OverlayStyle,
) -> Result<()> {
    let layout = view.layout(labels.geometry())?;
    let (width, height) = (layout.columns.pixels, layout.rows.pixels);
    if (picture.width(), picture.height()) != (width, height) {
        return Err(Error::ViewMismatch {
            expected: (width, height),
            got: (picture.width(), picture.height()),
        });
    }
    let classes: Vec<u32> = (layout
        .nearest(labels.shape(), labels.as_slice())
        .into_iter())
    .map(Into::into)
    .collect();
    for y in 0..height {
        for x in 0..width {
            let class = classes[y * width + x];
            if class == 0 {
                continue;
            }
            // The outline is drawn inside the organ; the edge of the picture is not a boundary.
            let other = |x: usize, y: usize| classes[y * width + x] != class;
            let boundary = (x > 0 && other(x - 1, y))
                || (x + 1 < width && other(x + 1, y))
                || (y > 0 && other(x, y - 1))
                || (y + 1 < height && other(x, y + 1));
            let opacity = if boundary {
                style.contour.max(style.fill)
            } else {
                style.fill
            };
            picture.mix(x, y, (style.colour)(class), opacity);
        }
    }
    Ok(())
}
