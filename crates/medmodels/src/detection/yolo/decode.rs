//! From what a detector says of each cell to boxes.

use mednn::candle_core::{DType, Tensor};
use mednn::model::Outputs;

use super::cells::{Grid, anchored_box, distances_box};
use super::head::{BINS, Head};
use super::network::Yolo;
use crate::detection::{Detected, DetectionRules, sigmoid};
use crate::error::{Error, Result};

/// One level of one image, channels first.
struct Level<'a, const D: usize> {
    values: &'a [f32],
    grid: Grid<D>,
}

impl<const D: usize> Level<'_, D> {
    fn at(&self, channel: usize, cell: usize) -> f64 {
        f64::from(self.values[channel * self.grid.len() + cell])
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
}

impl<const D: usize> Yolo<D> {
    /// The boxes of each image, the most likely first, without those that a better one of their class covers.
    ///
    /// # Errors
    /// Refuses outputs that are none of this network, numbers that are not finite and a threshold outside 0 to 1.
    pub fn detect(
        &self,
        outputs: &Outputs,
        rules: &DetectionRules,
    ) -> Result<Vec<Vec<Detected<D>>>> {
        let suppressed = |mut found: Vec<Detected<D>>| {
            found.sort_by(|a, b| b.score.total_cmp(&a.score));
            found.truncate(rules.most_before);
            rules.suppress(&found)
        };
        let candidates = self.candidates(outputs, rules.score_threshold)?;
        candidates.into_iter().map(suppressed).collect()
    }

    /// The box of every cell (and anchor) of each image whose most likely class is more likely than this, by levels, rows
    /// and columns.
    ///
    /// # Errors
    /// Refuses outputs that are none of this network, and numbers that are not finite.
    pub fn candidates(&self, outputs: &Outputs, above: f64) -> Result<Vec<Vec<Detected<D>>>> {
        let channels = self.head().channels(self.config());
        let levels = levels_of(outputs, channels, &self.config().strides())?;
        let batch = outputs.logits.dims()[0];
        let mut found = vec![Vec::new(); batch];
        for (number, (map, grid)) in levels.into_iter().enumerate() {
            let values = map.to_dtype(DType::F32).and_then(|map| map.flatten_all());
            let values = values.and_then(|map| map.to_vec1::<f32>());
            let values = values.map_err(mednn::Error::from)?;
            let each = (values.len() / batch).max(1);
            for (values, found) in values.chunks_exact(each).zip(&mut found) {
                let level = Level { values, grid };
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

    fn anchor_free(
        &self,
        level: &Level<'_, D>,
        above: f64,
        found: &mut Vec<Detected<D>>,
    ) -> Result<()> {
        for cell in 0..level.grid.len() {
            let (class, score) = level.class(2 * D * BINS, self.config().out_channels, cell);
            if score > above {
                let index = level.grid.index(cell);
                let corners = distances_box(index, |channel| level.at(channel, cell));
                found.push(Detected {
                    bounds: level.grid.voxels(corners)?,
                    class,
                    score,
                });
            }
        }
        Ok(())
    }

    fn anchored(
        &self,
        level: &Level<'_, D>,
        anchors: &[[f64; D]],
        above: f64,
        found: &mut Vec<Detected<D>>,
    ) -> Result<()> {
        let classes = self.config().out_channels;
        for (number, &anchor) in anchors.iter().enumerate() {
            let first = number * (2 * D + 1 + classes);
            for cell in 0..level.grid.len() {
                let (class, likely) = level.class(first + 2 * D + 1, classes, cell);
                let score = likely * sigmoid(level.at(first + 2 * D, cell));
                if score > above {
                    let index = level.grid.index(cell);
                    let logit = |channel| level.at(first + channel, cell);
                    found.push(Detected {
                        bounds: level.grid.voxels(anchored_box(index, anchor, logit))?,
                        class,
                        score,
                    });
                }
            }
        }
        Ok(())
    }
}

/// The map of each level with its cells.
///
/// # Errors
/// Refuses maps that are of another network.
pub(super) fn levels_of<'a, const D: usize>(
    outputs: &'a Outputs,
    channels: usize,
    strides: &[Vec<usize>],
) -> Result<Vec<(&'a Tensor, Grid<D>)>> {
    let maps: Vec<&Tensor> = outputs.scales().collect();
    let batch = maps[0].dims().first().copied().unwrap_or(0);
    let fits = |map: &&Tensor| {
        let dims = map.dims();
        dims.len() == D + 2 && dims[0] == batch && dims[1] == channels
    };
    // All levels are of one image.
    let extent = |map: &Tensor, stride: &[usize]| -> Vec<usize> {
        let cells = map.dims().iter().skip(2);
        cells
            .zip(stride)
            .map(|(cells, stride)| cells * stride)
            .collect()
    };
    let first = strides.first().map(|stride| extent(maps[0], stride));
    let whole = |(map, stride): (&&Tensor, &Vec<usize>)| Some(extent(map, stride)) == first;
    if maps.len() != strides.len() || !maps.iter().all(fits) || !maps.iter().zip(strides).all(whole)
    {
        let shapes: Vec<&[usize]> = maps.iter().map(|map| map.dims()).collect();
        return Err(Error::setting(
            super::config::NAME,
            "outputs",
            format!("{} maps of {channels} channels of one image", strides.len()),
            format!("{shapes:?}"),
        ));
    }
    let level = |(map, stride): (&'a Tensor, &Vec<usize>)| {
        let grid = Grid {
            cells: std::array::from_fn(|axis| map.dims()[2 + axis]),
            stride: std::array::from_fn(|axis| stride[axis] as f64),
        };
        (map, grid)
    };
    Ok(maps.into_iter().zip(strides).map(level).collect())
}
