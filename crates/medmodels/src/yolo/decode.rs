//! From what a detector says of each cell to boxes.

use medcore::BoundingBox;
use mednn::candle_core::{DType, Tensor};
use mednn::detection::{NmsConfig, batched_nms};
use mednn::model::Outputs;

use super::head::{BINS, Head};
use super::network::Yolo;
use crate::error::{Error, Result};

/// A box that a detector found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Detected {
    /// Where, in pixels of the network's input: `[y, x]`, pixel 0 from -0.5 to 0.5.
    pub bounds: BoundingBox<2>,
    /// The most likely class.
    pub class: u32,
    /// How likely it is, 0 to 1.
    pub score: f64,
}

/// Which boxes a detector reports.
///
/// ```
/// use medmodels::yolo::DetectionRules;
///
/// // Everything that a curve over thresholds needs.
/// let rules = DetectionRules::new().score_threshold(0.001).most(1000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectionRules {
    score_threshold: f64,
    iou_threshold: f64,
    most: usize,
    most_before: usize,
}

impl Default for DetectionRules {
    fn default() -> Self {
        Self {
            score_threshold: 0.25,
            iou_threshold: 0.7,
            most: 300,
            most_before: 30_000,
        }
    }
}

impl DetectionRules {
    /// Scores above 0.25, no two boxes of a class that overlap by more than 0.7, 300 boxes at most.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the score a box must be above.
    #[must_use]
    pub fn score_threshold(mut self, score: f64) -> Self {
        self.score_threshold = score;
        self
    }

    /// Sets the intersection over union above which the worse of two boxes of a class is dropped.
    #[must_use]
    pub fn iou_threshold(mut self, iou: f64) -> Self {
        self.iou_threshold = iou;
        self
    }

    /// Sets how many boxes an image has at most.
    #[must_use]
    pub fn most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }
}

/// One level of one image, channels first.
struct Level<'a> {
    values: &'a [f32],
    height: usize,
    width: usize,
    /// Pixels of a cell.
    stride: f64,
}

impl Level<'_> {
    fn at(&self, channel: usize, cell: usize) -> f64 {
        f64::from(self.values[channel * self.height * self.width + cell])
    }

    /// The most likely of the classes from a channel on, and its probability.
    fn class(&self, from: usize, classes: usize, cell: usize) -> (u32, f64) {
        let mut best = (0, f64::NEG_INFINITY);
        for class in 0..classes {
            let logit = self.at(from + class, cell);
            if logit > best.1 {
                best = (class as u32, logit);
            }
        }
        (best.0, sigmoid(best.1))
    }

    /// The expected distance of a side in cells.
    fn distance(&self, side: usize, cell: usize) -> f64 {
        let logit = |bin: usize| self.at(side * BINS + bin, cell);
        let most = (0..BINS).map(logit).fold(f64::NEG_INFINITY, f64::max);
        let weights = (0..BINS).map(|bin| (logit(bin) - most).exp());
        let (sum, moment) = weights
            .enumerate()
            .fold((0.0, 0.0), |(sum, moment), (bin, weight)| {
                (sum + weight, moment + weight * bin as f64)
            });
        moment / sum
    }
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

impl Yolo {
    /// The boxes of each image, the most likely first, without those that a better one of their class covers.
    ///
    /// # Errors
    /// Refuses outputs that are none of this network, numbers that are not finite and a threshold outside 0 to 1.
    pub fn detect(&self, outputs: &Outputs, rules: &DetectionRules) -> Result<Vec<Vec<Detected>>> {
        let nms = NmsConfig::new(rules.iou_threshold).with_most(rules.most);
        let suppressed = |mut found: Vec<Detected>| {
            found.sort_by(|a, b| b.score.total_cmp(&a.score));
            found.truncate(rules.most_before);
            let bounds: Vec<BoundingBox<2>> = found.iter().map(|d| d.bounds).collect();
            let scores: Vec<f64> = found.iter().map(|d| d.score).collect();
            let classes: Vec<u32> = found.iter().map(|d| d.class).collect();
            let kept = batched_nms(&bounds, &scores, &classes, &nms)?;
            Ok(kept.into_iter().map(|i| found[i]).collect())
        };
        let candidates = self.candidates(outputs, rules.score_threshold)?;
        candidates.into_iter().map(suppressed).collect()
    }

    /// The box of every cell (and anchor) of each image whose most likely class is more likely than this, by levels, rows
    /// and columns.
    ///
    /// # Errors
    /// Refuses outputs that are none of this network, and numbers that are not finite.
    pub fn candidates(&self, outputs: &Outputs, above: f64) -> Result<Vec<Vec<Detected>>> {
        let strides = self.config().strides();
        let maps: Vec<&Tensor> = outputs.scales().collect();
        let (batch, channels) = (maps[0].dims()[0], self.head().channels(self.config()));
        let fits = |map: &&Tensor| matches!(map.dims(), [items, found, _, _] if *items == batch && *found == channels);
        if maps.len() != strides.len() || !maps.iter().all(fits) {
            let shapes: Vec<&[usize]> = maps.iter().map(|map| map.dims()).collect();
            return Err(Error::setting(
                super::config::NAME,
                "outputs",
                format!("{} maps of {channels} channels", strides.len()),
                format!("{shapes:?}"),
            ));
        }
        let mut found = vec![Vec::new(); batch];
        for (number, (map, stride)) in maps.into_iter().zip(strides).enumerate() {
            let [_, _, height, width] = map.dims()[..] else {
                continue;
            };
            let values = map.to_dtype(DType::F32).and_then(|map| map.flatten_all());
            let values = values.and_then(|map| map.to_vec1::<f32>());
            let values = values.map_err(mednn::Error::from)?;
            let each = (channels * height * width).max(1);
            for (values, found) in values.chunks_exact(each).zip(&mut found) {
                let level = Level {
                    values,
                    height,
                    width,
                    stride: stride as f64,
                };
                match self.head() {
                    Head::AnchorFree(_) => self.anchor_free(&level, above, found)?,
                    Head::Anchors(head) => {
                        let anchors = head.anchors(number)?;
                        self.anchored(&level, &anchors, above, found)?;
                    }
                }
            }
        }
        Ok(found)
    }

    fn anchor_free(&self, level: &Level<'_>, above: f64, found: &mut Vec<Detected>) -> Result<()> {
        for cell in 0..level.height * level.width {
            let (class, score) = level.class(4 * BINS, self.config().out_channels, cell);
            if score > above {
                let [left, top, right, bottom] =
                    std::array::from_fn(|side| level.distance(side, cell));
                let middle = [
                    (cell / level.width) as f64 + 0.5,
                    (cell % level.width) as f64 + 0.5,
                ];
                let min = [middle[0] - top, middle[1] - left];
                let max = [middle[0] + bottom, middle[1] + right];
                found.push(detected(min, max, level.stride, class, score)?);
            }
        }
        Ok(())
    }

    fn anchored(
        &self,
        level: &Level<'_>,
        anchors: &[[f64; 2]],
        above: f64,
        found: &mut Vec<Detected>,
    ) -> Result<()> {
        let classes = self.config().out_channels;
        for (number, [width, height]) in anchors.iter().enumerate() {
            let first = number * (5 + classes);
            for cell in 0..level.height * level.width {
                let (class, likely) = level.class(first + 5, classes, cell);
                let score = likely * sigmoid(level.at(first + 4, cell));
                if score > above {
                    let twice = |channel| 2.0 * sigmoid(level.at(first + channel, cell));
                    let x = twice(0) - 0.5 + (cell % level.width) as f64;
                    let y = twice(1) - 0.5 + (cell / level.width) as f64;
                    let half = [
                        twice(3).powi(2) * height / 2.0,
                        twice(2).powi(2) * width / 2.0,
                    ];
                    let min = [y - half[0], x - half[1]];
                    let max = [y + half[0], x + half[1]];
                    found.push(detected(min, max, level.stride, class, score)?);
                }
            }
        }
        Ok(())
    }
}

/// A box in cells, whose corners count from the image's edge, in pixels.
fn detected(min: [f64; 2], max: [f64; 2], stride: f64, class: u32, score: f64) -> Result<Detected> {
    let pixels = |corner: [f64; 2]| corner.map(|cells| cells * stride - 0.5);
    let bounds = BoundingBox::new(pixels(min), pixels(max)).map_err(mednn::Error::from)?;
    Ok(Detected {
        bounds,
        class,
        score,
    })
}
