//! Truth and prediction side by side.

use medcore::{GeometryTolerance, Image, LabelMap, LabelTable};

use crate::colour::Rgb;
use crate::error::Result;
use crate::overlay::{OverlayStyle, overlay};
use crate::picture::Picture;
use crate::sheet::{INK, LETTERS, PAPER, captioned, coloured_legend, legend, montage};
use crate::slice::{Plane, SliceView, render_slice};
use crate::window::Window;

/// How a comparison is drawn.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// Grey values of the image.
    pub window: Window,
    /// Width of one panel in pixels, approximately.
    pub panel: usize,
    /// Planes shown, one row each.
    pub planes: Vec<Plane>,
    /// Class numbers and names, for the legend.
    pub classes: Vec<(u32, String)>,
    /// A line above all.
    pub title: Option<String>,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            window: Window::ABDOMEN,
            panel: 360,
            planes: vec![Plane::Axial, Plane::Coronal],
            classes: Vec::new(),
            title: None,
        }
    }
}

impl Comparison {
    /// The same with a legend for the classes of a table.
    #[must_use]
    pub fn with_labels(self, table: &LabelTable) -> Self {
        let class = |(value, name): (u8, &str)| (u32::from(value), name.to_owned());
        Self {
            classes: table.classes().map(class).collect(),
            ..self
        }
    }
}

// None of them is the colour of a class.
const MISSED: Rgb = [170, 255, 0];
const EXTRA: Rgb = [255, 0, 255];
const CONFUSED: Rgb = [0, 255, 255];

/// Draws image, truth, prediction and their differences, one row for each plane, through the slice where
/// the truth shows most classes (of those the one with most labelled voxels).
///
/// # Errors
/// Refuses volumes that do not lie on the same grid, and pictures too large to draw.
pub fn comparison<T: Copy + Into<f64>>(
    image: &Image<T, 3>,
    truth: &LabelMap<u8, 3>,
    prediction: &LabelMap<u8, 3>,
    options: &Comparison,
) -> Result<Picture> {
    let geometry = image.geometry();
    let tolerance = GeometryTolerance::default();
    geometry.check_same_as(truth.geometry(), &tolerance)?;
    geometry.check_same_as(prediction.geometry(), &tolerance)?;
    let errors = differences(truth, prediction)?;
    // One scale for all planes, so that a millimetre is as long in every panel.
    let (shape, spacing) = (geometry.shape(), geometry.spacing());
    let extents: Vec<f64> = (options.planes.iter())
        .map(|plane| {
            let across = plane.axis(geometry);
            (0..3)
                .filter(|&axis| axis != across)
                .map(|axis| shape[axis] as f64 * spacing[axis])
                .fold(0.0, f64::max)
        })
        .collect();
    let pixel_mm = extents.iter().copied().fold(1.0, f64::max) / options.panel.max(1) as f64;
    let mut panels = Vec::new();
    for &plane in &options.planes {
        let axis = plane.axis(geometry);
        let view = SliceView::new(axis, busiest_slice(truth, axis)).with_pixel_mm(pixel_mm);
        let mut plain = render_slice(image, &view, &options.window)?;
        mark_sides(&mut plain, plane);
        let caption = format!("{} {}/{}", plane.name(), view.slice() + 1, shape[axis]);
        panels.push(captioned(&plain, &caption)?);
        for (labels, caption, style) in [
            (truth, "truth", OverlayStyle::default()),
            (prediction, "prediction", OverlayStyle::default()),
            (
                &errors,
                "differences",
                OverlayStyle {
                    fill: 0.75,
                    contour: 0.75,
                    colour: |kind| [[0; 3], MISSED, EXTRA, CONFUSED][(kind as usize).min(3)],
                },
            ),
        ] {
            let mut panel = plain.clone();
            overlay(&mut panel, labels, &view, &style)?;
            panels.push(captioned(&panel, caption)?);
        }
    }
    let panels = montage(&panels, 4)?;
    let width = panels.width().saturating_sub(16);
    let mut rows = Vec::new();
    rows.push(panels);
    if !options.classes.is_empty() {
        rows.push(indented(&legend(&options.classes, width)?)?);
    }
    let kinds = [
        (MISSED, "truth alone (missed)"),
        (EXTRA, "prediction alone (extra)"),
        (CONFUSED, "another organ"),
    ];
    rows.push(indented(&coloured_legend(&kinds, width)?)?);
    if let Some(title) = &options.title {
        let line = Picture::new(1, 1, PAPER)?;
        rows.insert(0, indented(&captioned(&line, title)?)?);
    }
    stacked(&rows)
}

/// Writes at the edges which side of the patient they are.
fn mark_sides(picture: &mut Picture, plane: Plane) {
    let [left, right] = plane.sides();
    let y = (picture.height() / 2).saturating_sub(Picture::text_height(LETTERS) / 2);
    let end = picture
        .width()
        .saturating_sub(Picture::text_width(right, LETTERS) + LETTERS);
    picture.text(LETTERS, y, left, INK, LETTERS);
    picture.text(end, y, right, INK, LETTERS);
}

/// The slice along `axis` that shows most classes, and of those most labelled voxels.
fn busiest_slice(labels: &LabelMap<u8, 3>, axis: usize) -> usize {
    let shape = labels.shape();
    let mut seen = vec![([false; 256], 0u64); shape[axis]];
    for (at, &label) in labels.as_slice().iter().enumerate() {
        if label > 0 {
            let index = [
                at / (shape[1] * shape[2]),
                at / shape[2] % shape[1],
                at % shape[2],
            ];
            let (classes, voxels) = &mut seen[index[axis]];
            classes[label as usize] = true;
            *voxels += 1;
        }
    }
    let score = |(classes, voxels): &([bool; 256], u64)| {
        (classes.iter().filter(|&&present| present).count(), *voxels)
    };
    // The first of equals; the middle when nothing is labelled.
    let best = seen.iter().map(score).max().unwrap_or((0, 0));
    if best.0 == 0 {
        return shape[axis] / 2;
    }
    seen.iter()
        .position(|slice| score(slice) == best)
        .unwrap_or(0)
}

/// 1 where an organ was missed, 2 where one was found that is not there, 3 where it is another one.
fn differences(truth: &LabelMap<u8, 3>, prediction: &LabelMap<u8, 3>) -> Result<LabelMap<u8, 3>> {
    let kinds: Vec<u8> = (truth.as_slice().iter())
        .zip(prediction.as_slice())
        .map(|(&truth, &prediction)| match (truth, prediction) {
            (t, p) if t == p => 0,
            (_, 0) => 1,
            (0, _) => 2,
            _ => 3,
        })
        .collect();
    Ok(LabelMap::new(*truth.geometry(), kinds)?)
}

/// The picture with the margin that montages have on the left.
fn indented(picture: &Picture) -> Result<Picture> {
    let mut sheet = Picture::new(picture.width() + 8, picture.height(), PAPER)?;
    sheet.paste(picture, 8, 0);
    Ok(sheet)
}

fn stacked(rows: &[Picture]) -> Result<Picture> {
    let width = rows.iter().map(Picture::width).max().unwrap_or(0);
    let height: usize = rows.iter().map(Picture::height).sum();
    let mut sheet = Picture::new(width, height + 4, PAPER)?;
    let mut y = 0;
    for row in rows {
        sheet.paste(row, 0, y);
        y += row.height();
    }
    Ok(sheet)
}
