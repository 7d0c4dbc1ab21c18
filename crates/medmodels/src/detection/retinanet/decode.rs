//! Where the anchors lie, and from what the network says of them to boxes.

use medcore::BoundingBox;
use mednn::candle_core::Tensor;
use mednn::detection::BoxCoder;
use mednn::model::Outputs;
use mednn::ops;

use super::config::{NAME, RetinaNetConfig};
use super::network::RetinaNet;
use crate::detection::rows::numbers;
use crate::detection::{Detected, DetectionRules, sigmoid};
use crate::error::{Error, Result};

/// What the network says of a level: classes and boxes, and the anchors.
pub(super) struct Level<'a, const D: usize> {
    pub(super) classes: &'a Tensor,
    pub(super) boxes: &'a Tensor,
    /// By places in storage order, then shapes.
    pub(super) anchors: Vec<BoundingBox<D>>,
    /// Places of the level.
    pub(super) places: usize,
}

/// The levels of an image of these extents.
///
/// # Errors
/// Refuses outputs of another network.
pub(super) fn levels_of<'a, const D: usize>(
    config: &RetinaNetConfig,
    outputs: &'a Outputs,
    extent: [usize; D],
) -> Result<Vec<Level<'a, D>>> {
    let maps: Vec<&Tensor> = outputs.scales().collect();
    let levels = config.anchors.len();
    let (of_classes, of_boxes) = maps.split_at(levels.min(maps.len()));
    let batch = maps[0].dims().first().copied().unwrap_or(0);
    let fits = |map: &Tensor, channels: usize| {
        let dims = map.dims();
        dims.len() == D + 2 && dims[0] == batch && dims[1] == config.each() * channels
    };
    let pair = |(classes, boxes): (&&Tensor, &&Tensor)| {
        fits(classes, config.out_channels)
            && fits(boxes, 2 * D)
            && classes.dims()[2..] == boxes.dims()[2..]
    };
    let whole = maps.len() == 2 * levels && of_classes.iter().zip(of_boxes).all(pair);
    let divides = |map: &&Tensor| {
        let cells = map.dims().iter().skip(2).zip(extent);
        cells
            .clone()
            .all(|(&cells, extent)| cells > 0 && extent % cells == 0)
    };
    if !whole || !maps.iter().all(divides) {
        let shapes: Vec<&[usize]> = maps.iter().map(|map| map.dims()).collect();
        let rule = format!("{levels} levels of classes and of boxes of an image of {extent:?}");
        return Err(Error::setting(NAME, "outputs", rule, format!("{shapes:?}")));
    }
    let level = |((&classes, &boxes), shapes): ((&&'a Tensor, &&'a Tensor), &Vec<Vec<f64>>)| {
        let cells: [usize; D] = std::array::from_fn(|axis| classes.dims()[2 + axis]);
        Ok(Level {
            classes,
            boxes,
            anchors: anchors(cells, extent, shapes)?,
            places: cells.iter().product(),
        })
    };
    { of_classes.iter().zip(of_boxes).zip(&config.anchors) }
        .map(level)
        .collect()
}

/// The anchors of a level, by places and shapes, as MONAI lays them: around the middle of a cell, rounded down to a whole
/// voxel's lower edge, with halves rounded to whole voxels.
fn anchors<const D: usize>(
    cells: [usize; D],
    extent: [usize; D],
    shapes: &[Vec<f64>],
) -> Result<Vec<BoundingBox<D>>> {
    let stride: [usize; D] = std::array::from_fn(|axis| extent[axis] / cells[axis]);
    let mut all = Vec::with_capacity(cells.iter().product::<usize>() * shapes.len());
    for place in 0..cells.iter().product() {
        let mut left = place;
        let mut middle = [0.0; D];
        for axis in (0..D).rev() {
            let index = left % cells[axis];
            left /= cells[axis];
            // Voxel 0 starts at -0.5.
            middle[axis] = (index * stride[axis] + stride[axis] / 2) as f64 - 0.5;
        }
        for shape in shapes {
            let corner = |sign: f64| -> [f64; D] {
                std::array::from_fn(|axis| {
                    middle[axis] + sign * (shape[axis] / 2.0).round_ties_even()
                })
            };
            let bounds = BoundingBox::new(corner(-1.0), corner(1.0));
            all.push(bounds.map_err(mednn::Error::from)?);
        }
    }
    Ok(all)
}

impl<const D: usize> RetinaNet<D> {
    /// The anchors of each level of an image of these extents, by places in storage order, then shapes.
    ///
    /// # Errors
    /// Refuses outputs that are none of this network of such an image.
    pub fn anchors(
        &self,
        outputs: &Outputs,
        extent: [usize; D],
    ) -> Result<Vec<Vec<BoundingBox<D>>>> {
        let levels = levels_of(self.config(), outputs, extent)?;
        Ok(levels.into_iter().map(|level| level.anchors).collect())
    }

    /// The boxes of each image of these extents, the most likely first, without those that a better one of their class
    /// covers, as MONAI's `BoxSelector` finds them: of each level the likeliest pairs of box and class above the threshold
    /// are looked at, boxes are cut at the border, and those thinner than a voxel dropped.
    ///
    /// # Errors
    /// Refuses outputs that are none of this network of such an image, numbers that are not finite and a threshold outside 0
    /// to 1.
    pub fn detect(
        &self,
        outputs: &Outputs,
        extent: [usize; D],
        coder: &BoxCoder,
        rules: &DetectionRules,
    ) -> Result<Vec<Vec<Detected<D>>>> {
        let levels = levels_of(self.config(), outputs, extent)?;
        let batch = outputs.logits.dims()[0];
        let limits = Limits {
            coder,
            rules,
            extent,
        };
        let mut found = vec![Vec::new(); batch];
        for level in &levels {
            let logits = numbers(&level.rows(level.classes)?)?;
            let codes = numbers(&level.rows(level.boxes)?)?;
            let (of_classes, of_boxes) = (logits.len() / batch, codes.len() / batch);
            for (image, found) in found.iter_mut().enumerate() {
                let logits = &logits[image * of_classes..(image + 1) * of_classes];
                let codes = &codes[image * of_boxes..(image + 1) * of_boxes];
                self.likely(level, (logits, codes), &limits, found)?;
            }
        }
        found
            .into_iter()
            .map(|found| rules.suppress(&found))
            .collect()
    }
}

impl<const D: usize> RetinaNet<D> {
    /// The likeliest pairs of box and class of a level of an image.
    fn likely(
        &self,
        level: &Level<'_, D>,
        (logits, codes): (&[f64], &[f64]),
        limits: &Limits<'_, D>,
        found: &mut Vec<Detected<D>>,
    ) -> Result<()> {
        let classes = self.config().out_channels;
        let mut pairs: Vec<(usize, f64)> = { logits.iter().enumerate() }
            .map(|(pair, &logit)| (pair, sigmoid(logit)))
            .filter(|(_, score)| *score > limits.rules.score_threshold)
            .collect();
        pairs.sort_by(|a, b| b.1.total_cmp(&a.1));
        pairs.truncate(limits.rules.most_before);
        for (pair, score) in pairs {
            let anchor = pair / classes;
            let code =
                |first: usize| std::array::from_fn(|axis| codes[anchor * 2 * D + first + axis]);
            let bounds = limits
                .coder
                .decode([code(0), code(D)], &level.anchors[anchor])?;
            let (min, max) = (bounds.min(), bounds.max());
            let cut = |at: f64, axis: usize| at.clamp(-0.5, limits.extent[axis] as f64 - 0.5);
            let min: [f64; D] = std::array::from_fn(|axis| cut(min[axis], axis));
            let max: [f64; D] = std::array::from_fn(|axis| cut(max[axis], axis));
            if (0..D).all(|axis| max[axis] - min[axis] >= 1.0) {
                found.push(Detected {
                    bounds: BoundingBox::new(min, max).map_err(mednn::Error::from)?,
                    class: (pair % classes) as u32,
                    score,
                });
            }
        }
        Ok(())
    }
}

/// What bounds the boxes that are reported.
struct Limits<'a, const D: usize> {
    coder: &'a BoxCoder,
    rules: &'a DetectionRules,
    extent: [usize; D],
}

impl<const D: usize> Level<'_, D> {
    /// What a map says of the anchors, `[batch, anchors, numbers of each]`.
    pub(super) fn rows(&self, map: &Tensor) -> mednn::Result<Tensor> {
        let (batch, channels) = (map.dims()[0], map.dims()[1]);
        let each = channels * self.places / self.anchors.len();
        let flat = ops::reshape(map, &[batch, channels, self.places])?;
        let rows = ops::permute(&flat, &[0, 2, 1])?;
        ops::reshape(&rows, &[batch, self.anchors.len(), each])
    }
}
