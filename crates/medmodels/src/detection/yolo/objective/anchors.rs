//! Targets and loss of a head with anchors: YOLOv5's.

use mednn::candle_core::Tensor;
use mednn::detection::{AnchorMatching, Truth, box_overlap};
use mednn::loss::{BinaryCrossEntropy, BoxOverlap, Loss as _, box_overlap_loss};
use mednn::ops::{self, Activation};

use super::super::cells::{Corners, Grid, anchored_box, bounds};
use super::super::config::NAME;
use super::YoloLoss;
use super::rows::{Level, answers, corners_tensor, stored};
use crate::detection::rows::{constant, numbers, pick, scalar, total};
use crate::error::{Error, Result};

/// How a head with anchors is trained: YOLOv5's rule of matching and the weights of the three parts.
///
/// As in YOLOv5 the weights are those of three levels, 80 classes and pictures 640 pixels wide; the loss scales them to the
/// levels, classes and extents at hand. In 3D the extent is the geometric mean of the three.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AnchorLoss {
    /// An anchor learns objects whose sides are less than so many times longer or shorter than its own: 4.
    pub ratio: f64,
    /// How boxes are compared.
    pub overlap: BoxOverlap,
    /// How much the overlap of boxes counts: 0.05.
    pub boxes: f64,
    /// How much the classes count: 0.5; with one class they do not.
    pub classes: f64,
    /// How much it counts whether something is there: 1.
    pub objectness: f64,
    /// The probability that true and false classes are moved towards one half by, together: 0.
    pub label_smoothing: f64,
}

impl Default for AnchorLoss {
    fn default() -> Self {
        Self {
            ratio: 4.0,
            overlap: BoxOverlap::Ciou,
            boxes: 0.05,
            classes: 0.5,
            objectness: 1.0,
            label_smoothing: 0.0,
        }
    }
}

impl AnchorLoss {
    /// The settings of YOLOv5 for training from scratch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many times longer or shorter than an anchor an object may be.
    #[must_use]
    pub fn with_ratio(mut self, ratio: f64) -> Self {
        self.ratio = ratio;
        self
    }

    /// Sets how boxes are compared.
    #[must_use]
    pub fn with_overlap(mut self, overlap: BoxOverlap) -> Self {
        self.overlap = overlap;
        self
    }

    /// Sets how much boxes, classes and objectness count.
    #[must_use]
    pub fn with_weights(mut self, boxes: f64, classes: f64, objectness: f64) -> Self {
        (self.boxes, self.classes, self.objectness) = (boxes, classes, objectness);
        self
    }

    /// Sets how far true and false classes are moved towards one half, together.
    #[must_use]
    pub fn with_label_smoothing(mut self, label_smoothing: f64) -> Self {
        self.label_smoothing = label_smoothing;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let refuse = |setting, rule: &str, value| Err(Error::setting(NAME, setting, rule, value));
        if !(self.ratio > 1.0 && self.ratio.is_finite()) {
            return refuse("ratio", "finite and above 1", self.ratio);
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            let rule = "at least 0 and below 1";
            return refuse("label_smoothing", rule, self.label_smoothing);
        }
        for weight in [self.boxes, self.classes, self.objectness] {
            if !(weight >= 0.0 && weight.is_finite()) {
                return refuse("a weight of the loss", "finite and not negative", weight);
            }
        }
        Ok(())
    }
}

/// Which anchors of which cells of a level learn a box.
#[derive(Debug, Clone)]
pub(super) struct Matched<const D: usize> {
    /// The anchors of cells, numbered over cells, then anchors, then images.
    rows: Vec<u32>,
    anchors: Vec<[f64; D]>,
    /// What they learn, in cells, from the edge of the own cell.
    boxes: Vec<Corners<D>>,
    classes: Vec<u32>,
    /// Whether something is there, for all anchors of all cells: how well the box found fits.
    objectness: Vec<f64>,
}

impl<const D: usize> Matched<D> {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The anchors that learn the objects of each image.
    ///
    /// Where several objects want one anchor of a cell each is learned, and the best overlap says how much is there.
    pub(super) fn choose(
        loss: &AnchorLoss,
        map: &Tensor,
        grid: &Grid<D>,
        anchors: &[[f64; D]],
        truths: &[Vec<Truth<D>>],
    ) -> Result<Self> {
        let rows = answers(&(map, *grid), anchors.len())?;
        let channels = rows.dims()[2];
        let said = numbers(&rows)?;
        let mut matched = Self {
            rows: Vec::new(),
            anchors: Vec::new(),
            boxes: Vec::new(),
            classes: Vec::new(),
            objectness: vec![0.0; said.len() / channels],
        };
        let rule = AnchorMatching::new().with_ratio(loss.ratio);
        for (image, truths) in truths.iter().enumerate() {
            let objects = { truths.iter() }
                .map(|truth| bounds(grid.corners(&truth.bounds)))
                .collect::<Result<Vec<_>>>()?;
            for found in rule.matches(&objects, anchors, grid.cells) {
                let cell = grid.cell(found.cell);
                let row = (image * anchors.len() + found.anchor) * grid.len() + cell;
                let anchor = anchors[found.anchor];
                let said = &said[row * channels..(row + 1) * channels];
                let proposed = anchored_box(found.cell, anchor, |channel| said[channel]);
                let fits = box_overlap(loss.overlap, &bounds(proposed)?, &objects[found.truth]);
                matched.objectness[row] = matched.objectness[row].max(fits);
                matched.rows.push(row as u32);
                matched.anchors.push(anchor);
                let corners = grid.corners(&truths[found.truth].bounds);
                matched.boxes.push(corners.map(|corner| {
                    std::array::from_fn(|axis| corner[axis] - found.cell[axis] as f64)
                }));
                matched.classes.push(truths[found.truth].class);
            }
        }
        Ok(matched)
    }

    /// What the boxes of a level lack, and the surprise at their classes, both as means over what is matched.
    fn box_losses(&self, loss: &AnchorLoss, rows: &Tensor) -> Result<(Tensor, Option<Tensor>)> {
        let picked = pick(rows, &self.rows)?;
        let channels = rows.dims()[1];
        let share = ops::activation(&ops::narrow(&picked, 1, 0, 2 * D)?, Activation::Sigmoid)?;
        let share = ops::scale(&stored::<D>(&share, 2)?, 2.0)?;
        let half = constant(vec![0.5], &[1], rows)?;
        let middles = ops::subtract(&ops::narrow(&share, 1, 0, D)?, &half)?;
        let sizes = ops::narrow(&share, 1, D, D)?;
        let anchors: Vec<f64> = { self.anchors.iter().flatten() }
            .map(|extent| extent / 2.0)
            .collect();
        let anchors = constant(anchors, &[self.len(), D], rows)?;
        let halves = ops::multiply(&ops::multiply(&sizes, &sizes)?, &anchors)?;
        let boxes = ops::concat(&[
            &ops::subtract(&middles, &halves)?,
            &ops::add(&middles, &halves)?,
        ])?;
        let truth = corners_tensor(&self.boxes, rows)?;
        let lacking = total(&box_overlap_loss(loss.overlap, &boxes, &truth)?)?;
        let lacking = ops::scale(&lacking, 1.0 / self.len() as f64)?;
        let classes = channels - 2 * D - 1;
        if classes == 1 {
            return Ok((lacking, None));
        }
        let mut truth = vec![loss.label_smoothing / 2.0; self.len() * classes];
        for (row, &class) in truth.chunks_exact_mut(classes).zip(&self.classes) {
            row[class as usize] = 1.0 - loss.label_smoothing / 2.0;
        }
        let truth = constant(truth, &[self.len(), classes], rows)?;
        let logits = ops::narrow(&picked, 1, 2 * D + 1, classes)?;
        let surprise = BinaryCrossEntropy::new().forward(&logits, &truth)?;
        Ok((lacking, Some(surprise)))
    }
}

/// How much the objectness of each level counts, the finest first; coarse levels have few cells, and learn them soon.
fn balance(levels: usize) -> &'static [f64] {
    if levels <= 3 {
        &[4.0, 1.0, 0.4]
    } else {
        &[4.0, 1.0, 0.25, 0.06, 0.02]
    }
}

/// How far the anchors of all levels are from what they should say.
pub(super) fn loss<const D: usize>(
    loss: &AnchorLoss,
    levels: &[Level<'_, D>],
    anchors: &[Vec<[f64; D]>],
    matched: &[Matched<D>],
) -> Result<YoloLoss> {
    let batch = levels[0].0.dims()[0] as f64;
    let mut sums: [Option<Tensor>; 3] = [None, None, None];
    let mut classes = 1;
    let add = |sum: &mut Option<Tensor>, part: Tensor| -> Result<()> {
        *sum = Some(match sum.take() {
            Some(sum) => ops::add(&sum, &part)?,
            None => part,
        });
        Ok(())
    };
    let each = levels.iter().zip(anchors).zip(matched);
    for (((level, anchors), matched), &balance) in each.zip(balance(levels.len())) {
        let rows = answers(level, anchors.len())?;
        let (count, channels) = (rows.dims()[0] * rows.dims()[1], rows.dims()[2]);
        if count != matched.objectness.len() {
            let rule = format!("of {count} anchors of cells");
            return Err(Error::setting(
                NAME,
                "targets",
                rule,
                matched.objectness.len(),
            ));
        }
        classes = channels - 2 * D - 1;
        let rows = ops::reshape(&rows, &[count, channels])?;
        let truth = constant(matched.objectness.clone(), &[count, 1], &rows)?;
        let logits = ops::narrow(&rows, 1, 2 * D, 1)?;
        let surprise = BinaryCrossEntropy::new().forward(&logits, &truth)?;
        add(&mut sums[2], ops::scale(&surprise, balance)?)?;
        if matched.len() > 0 {
            let (boxes, classes) = matched.box_losses(loss, &rows)?;
            add(&mut sums[0], boxes)?;
            if let Some(classes) = classes {
                add(&mut sums[1], classes)?;
            }
        }
    }
    let per_level = 3.0 / levels.len() as f64;
    let (_, grid) = &levels[0];
    let extents =
        { grid.cells.iter().zip(grid.stride) }.map(|(&cells, voxels)| cells as f64 * voxels);
    let width = extents.product::<f64>().powf(1.0 / D as f64);
    let weights = [
        loss.boxes * per_level,
        loss.classes * classes as f64 / 80.0 * per_level,
        loss.objectness * (width / 640.0).powi(2) * per_level,
    ];
    let mut values = [0.0; 3];
    let mut sum = None;
    for ((part, weight), value) in sums.into_iter().zip(weights).zip(&mut values) {
        if let Some(part) = part {
            let part = ops::scale(&part, weight)?;
            *value = scalar(&part)?;
            add(&mut sum, part)?;
        }
    }
    let sum = sum.expect("every level says whether something is there");
    Ok(YoloLoss {
        total: ops::scale(&sum, batch)?,
        boxes: values[0],
        classes: values[1],
        distances: 0.0,
        objectness: values[2],
        matched: matched.iter().map(Matched::len).sum(),
    })
}
