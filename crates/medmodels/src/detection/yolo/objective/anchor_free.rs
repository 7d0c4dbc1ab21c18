//! Targets and loss of a head without anchors: YOLOv8's.

use mednn::candle_core::Tensor;
use mednn::detection::{TaskAligned, Truth};
use mednn::loss::{
    BinaryCrossEntropy, BoxOverlap, Loss as _, box_overlap_loss, distribution_focal_loss,
};
use mednn::ops::{self, Reduced};

use super::super::cells::{Corners, Grid, bounds, distances_box, middle, spoken};
use super::super::config::NAME;
use super::super::head::BINS;
use super::YoloLoss;
use super::rows::{Level, answers, corners_tensor, stored, weighted_sum};
use crate::detection::rows::{constant, numbers, pick, scalar, total};
use crate::detection::sigmoid;
use crate::error::{Error, Result};

/// How a head without anchors is trained: YOLOv8's assignment and the weights of the three parts.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AnchorFreeLoss {
    /// At most so many cells learn an object: 10.
    pub candidates: usize,
    /// The exponents of probability and overlap in the assignment: 0.5 and 6.
    pub powers: [f64; 2],
    /// Objects count as long as so many cells of the finest level where the cells inside of them are looked for: 2, which
    /// is what ultralytics 8.4 does; 0 before.
    pub smallest: f64,
    /// How boxes are compared, in the assignment and in the loss.
    pub overlap: BoxOverlap,
    /// How much the overlap of boxes counts: 7.5.
    pub boxes: f64,
    /// How much the classes count: 0.5.
    pub classes: f64,
    /// How much the distributions of distances count: 1.5.
    pub distances: f64,
}

impl Default for AnchorFreeLoss {
    fn default() -> Self {
        Self {
            candidates: 10,
            powers: [0.5, 6.0],
            smallest: 2.0,
            overlap: BoxOverlap::Ciou,
            boxes: 7.5,
            classes: 0.5,
            distances: 1.5,
        }
    }
}

impl AnchorFreeLoss {
    /// The settings of YOLOv8.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many cells learn an object at most.
    #[must_use]
    pub fn with_candidates(mut self, candidates: usize) -> Self {
        self.candidates = candidates;
        self
    }

    /// Sets how many cells of the finest level objects are long at least where the cells inside of them are looked for.
    #[must_use]
    pub fn with_smallest(mut self, cells: f64) -> Self {
        self.smallest = cells;
        self
    }

    /// Sets how boxes are compared.
    #[must_use]
    pub fn with_overlap(mut self, overlap: BoxOverlap) -> Self {
        self.overlap = overlap;
        self
    }

    /// Sets how much boxes, classes and distributions count.
    #[must_use]
    pub fn with_weights(mut self, boxes: f64, classes: f64, distances: f64) -> Self {
        (self.boxes, self.classes, self.distances) = (boxes, classes, distances);
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let [score, overlap] = self.powers;
        let weights = [self.boxes, self.classes, self.distances];
        let settings = [score, overlap, self.smallest].into_iter().chain(weights);
        for value in settings {
            if !(value >= 0.0 && value.is_finite()) {
                let rule = "finite and not negative";
                return Err(Error::setting(NAME, "a setting of the loss", rule, value));
            }
        }
        Ok(())
    }
}

/// Which cells of a batch learn a box.
#[derive(Debug, Clone)]
pub(super) struct Distances<const D: usize> {
    /// The cells, numbered over levels and then images.
    rows: Vec<u32>,
    places: Vec<[usize; D]>,
    /// What they learn, in cells of their level.
    boxes: Vec<Corners<D>>,
    classes: Vec<u32>,
    scores: Vec<f64>,
    /// Cells of the batch.
    cells: usize,
}

impl<const D: usize> Distances<D> {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The cells that learn the objects of each image.
    ///
    /// Everything is measured in cells of the finest level, so that a voxel that is longer along one axis counts as such.
    pub(super) fn choose(
        loss: &AnchorFreeLoss,
        levels: &[Level<'_, D>],
        classes: usize,
        truths: &[Vec<Truth<D>>],
    ) -> Result<Self> {
        let rule = TaskAligned::new()
            .with_candidates(loss.candidates)
            .with_powers(loss.powers[0], loss.powers[1])
            .with_overlap(loss.overlap)
            .with_smallest([loss.smallest; D]);
        let places: Vec<(Grid<D>, [usize; D])> = { levels.iter() }
            .flat_map(|(_, grid)| (0..grid.len()).map(|cell| (*grid, grid.index(cell))))
            .collect();
        let said = numbers(&all_rows(levels)?)?;
        let channels = 2 * D * BINS + classes;
        let mut chosen = Self {
            rows: Vec::new(),
            places: Vec::new(),
            boxes: Vec::new(),
            classes: Vec::new(),
            scores: Vec::new(),
            cells: places.len() * truths.len(),
        };
        let scaled = |corners: Corners<D>, from: &[f64; D], to: &[f64; D]| -> Corners<D> {
            corners.map(|corner| std::array::from_fn(|a| corner[a] * from[a] / to[a]))
        };
        let finest = levels[0].1.stride;
        let each = (places.len() * channels).max(1);
        for (image, (said, truths)) in said.chunks_exact(each).zip(truths).enumerate() {
            let cells: Vec<_> = { places.iter().zip(said.chunks_exact(channels)) }
                .map(|((grid, place), row)| {
                    let proposed = distances_box(*place, |channel| row[channel]);
                    let [middle, _] = scaled([middle(*place); 2], &grid.stride, &finest);
                    Ok((middle, bounds(scaled(proposed, &grid.stride, &finest))?))
                })
                .collect::<Result<_>>()?;
            let objects: Vec<Truth<D>> = { truths.iter() }
                .map(|truth| {
                    let corners = levels[0].1.corners(&truth.bounds);
                    Ok(Truth::new(bounds(corners)?, truth.class))
                })
                .collect::<Result<_>>()?;
            let probability = |cell: usize, class: u32| {
                sigmoid(said[cell * channels + 2 * D * BINS + class as usize])
            };
            for aligned in rule.assign(&cells, &objects, probability)? {
                let (grid, place) = &places[aligned.cell];
                let truth = &truths[aligned.truth];
                chosen
                    .rows
                    .push((image * places.len() + aligned.cell) as u32);
                chosen.places.push(*place);
                chosen.boxes.push(grid.corners(&truth.bounds));
                chosen.classes.push(truth.class);
                chosen.scores.push(aligned.score);
            }
        }
        Ok(chosen)
    }

    /// How far the cells are from what they should say.
    pub(super) fn loss(
        &self,
        loss: &AnchorFreeLoss,
        levels: &[Level<'_, D>],
        classes: usize,
    ) -> Result<YoloLoss> {
        let rows = all_rows(levels)?;
        let channels = 2 * D * BINS + classes;
        let batch = rows.dims()[0] as f64;
        let cells = rows.dims()[0] * rows.dims()[1];
        if cells != self.cells {
            return Err(Error::setting(
                NAME,
                "targets",
                format!("of {cells} cells"),
                self.cells,
            ));
        }
        let rows = ops::reshape(&rows, &[cells, channels])?;
        let mut truth = vec![0.0; cells * classes];
        for ((&row, &class), &score) in self.rows.iter().zip(&self.classes).zip(&self.scores) {
            truth[row as usize * classes + class as usize] = score;
        }
        let weight = self.scores.iter().sum::<f64>().max(1.0);
        let truth = constant(truth, &[cells, classes], &rows)?;
        let logits = ops::narrow(&rows, 1, 2 * D * BINS, classes)?;
        // The mean over all cells and classes.
        let surprise = BinaryCrossEntropy::new().forward(&logits, &truth)?;
        let share = loss.classes * (cells * classes) as f64 / weight;
        let classes = ops::scale(&surprise, share)?;
        let mut parts = YoloLoss {
            total: classes.clone(),
            boxes: 0.0,
            classes: scalar(&classes)?,
            distances: 0.0,
            objectness: 0.0,
            matched: self.len(),
        };
        if !self.rows.is_empty() {
            let (overlap, distances) = self.box_losses(loss, &rows)?;
            let overlap = ops::scale(&overlap, loss.boxes / weight)?;
            let distances = ops::scale(&distances, loss.distances / weight)?;
            parts.boxes = scalar(&overlap)?;
            parts.distances = scalar(&distances)?;
            parts.total = ops::add(&parts.total, &ops::add(&overlap, &distances)?)?;
        }
        parts.total = ops::scale(&parts.total, batch)?;
        Ok(parts)
    }

    /// Sums over the cells that learn a box: what its overlap lacks, and the surprise at its distances.
    fn box_losses(&self, loss: &AnchorFreeLoss, rows: &Tensor) -> Result<(Tensor, Tensor)> {
        let count = self.len();
        let picked = ops::narrow(&pick(rows, &self.rows)?, 1, 0, 2 * D * BINS)?;
        let logits = ops::reshape(&picked, &[count, 2 * D, BINS])?;
        let bins = (0..BINS).map(|bin| bin as f64).collect();
        let bins = constant(bins, &[BINS], rows)?;
        let moments = ops::multiply(&ops::softmax(&logits, 2)?, &bins)?;
        let expected = stored::<D>(&ops::sum(&moments, &[2], Reduced::Dropped)?, 2)?;
        let signs = [[-1.0; D], [1.0; D]].concat();
        let signs = constant(signs, &[2 * D], rows)?;
        let middles: Vec<Corners<D>> = { self.places.iter() }
            .map(|place| [middle(*place); 2])
            .collect();
        let middles = corners_tensor(&middles, rows)?;
        let boxes = ops::add(&ops::multiply(&expected, &signs)?, &middles)?;
        let truth = corners_tensor(&self.boxes, rows)?;
        let lacking = box_overlap_loss(loss.overlap, &boxes, &truth)?;
        let weights = constant(self.scores.clone(), &[count], rows)?;
        let lacking = weighted_sum(&lacking, &weights)?;
        let distances: Vec<f64> = { self.places.iter().zip(&self.boxes) }
            .flat_map(|(place, [low, high])| {
                let middle = middle(*place);
                let side = move |side: usize| {
                    let axis = spoken::<D>(side % D);
                    if side < D {
                        middle[axis] - low[axis]
                    } else {
                        high[axis] - middle[axis]
                    }
                };
                (0..2 * D).map(side)
            })
            .collect();
        let distances = constant(distances, &[count, 2 * D], rows)?;
        let surprise = distribution_focal_loss(&logits, &distances)?;
        let weights = ops::reshape(&weights, &[count, 1])?;
        let surprise = total(&ops::multiply(&surprise, &weights)?)?;
        Ok((lacking, ops::scale(&surprise, 1.0 / (2 * D) as f64)?))
    }
}

/// What is said of all cells of all levels, `[batch, cells, channels]`.
fn all_rows<const D: usize>(levels: &[Level<'_, D>]) -> mednn::Result<Tensor> {
    let rows = levels.iter().map(|level| answers(level, 1));
    let rows: Vec<Tensor> = rows.collect::<mednn::Result<_>>()?;
    let rows: Vec<&Tensor> = rows.iter().collect();
    ops::concat(&rows)
}
