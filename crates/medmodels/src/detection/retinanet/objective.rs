//! What the detector is trained to say of its anchors.

use medcore::random::Key;
use mednn::candle_core::Tensor;
use mednn::detection::{Atss, BoxCoder, HardNegatives, Truth};
use mednn::loss::{BinaryCrossEntropy, Loss, smooth_l1};
use mednn::model::Outputs;
use mednn::ops;

use super::config::{NAME, RetinaNetConfig};
use super::decode::{Level, levels_of};
use super::network::RetinaNet;
use crate::detection::rows::{constant, numbers, pick, scalar};
use crate::detection::{as_loss, check_truths};
use crate::error::{Error, Result};

/// How the detector is trained: which anchors learn what, and how much it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RetinaNetTraining {
    /// Which anchors learn an object.
    pub atss: Atss,
    /// How boxes are told relative to anchors.
    pub coder: BoxCoder,
    /// Which anchors learn what is in them; all where this is not set.
    pub sampler: Option<HardNegatives>,
    /// How much the classes count: 1.
    pub classes: f64,
    /// How much the boxes count: 1.
    pub boxes: f64,
    /// Where the difference of boxes counts no longer by its square: 1/9.
    pub beta: f64,
    /// Decides which anchors are drawn, together with what the network says.
    pub seed: u64,
}

impl Default for RetinaNetTraining {
    fn default() -> Self {
        Self {
            atss: Atss::new(),
            coder: BoxCoder::new(),
            sampler: None,
            classes: 1.0,
            boxes: 1.0,
            beta: 1.0 / 9.0,
            seed: 0,
        }
    }
}

impl RetinaNetTraining {
    /// The settings of MONAI's detector, with ATSS.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets which anchors learn an object.
    #[must_use]
    pub fn with_atss(mut self, atss: Atss) -> Self {
        self.atss = atss;
        self
    }

    /// Sets which anchors learn what is in them.
    #[must_use]
    pub fn with_sampler(mut self, sampler: Option<HardNegatives>) -> Self {
        self.sampler = sampler;
        self
    }

    /// Sets how much classes and boxes count.
    #[must_use]
    pub fn with_weights(mut self, classes: f64, boxes: f64) -> Self {
        (self.classes, self.boxes) = (classes, boxes);
        self
    }

    /// Sets the seed of the drawing of anchors.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// How a detector is trained on images of one extent.
///
/// As a [`Loss`] it takes what [`stack_truths`](crate::detection::stack_truths) makes as target.
#[derive(Debug, Clone)]
pub struct RetinaNetObjective<const D: usize> {
    config: RetinaNetConfig,
    extent: [usize; D],
    training: RetinaNetTraining,
}

/// What the anchors of a batch should say.
#[derive(Debug, Clone)]
pub struct RetinaNetTargets {
    /// The anchors that learn what is in them, numbered over levels and then images, with the class of those with an object.
    classes: Vec<(u32, Option<u32>)>,
    /// The anchors that learn a box, and its code.
    boxes: Vec<u32>,
    codes: Vec<f64>,
    anchors: usize,
}

impl RetinaNetTargets {
    /// How many anchors of the batch learn an object.
    #[must_use]
    pub fn matched(&self) -> usize {
        self.boxes.len()
    }

    /// How many anchors of the batch learn what is in them.
    #[must_use]
    pub fn chosen(&self) -> usize {
        self.classes.len()
    }
}

/// How far the detector is from what it should say.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RetinaNetLoss {
    /// The weighted sum of both parts, `[]`, on the tape.
    pub total: Tensor,
    /// The classes, weighted.
    pub classes: f64,
    /// The boxes, weighted.
    pub boxes: f64,
    /// How many anchors learned an object.
    pub matched: usize,
}

impl<const D: usize> RetinaNet<D> {
    /// How this network is trained on images of this extent.
    ///
    /// # Errors
    /// Refuses settings out of range.
    pub fn objective(
        &self,
        extent: [usize; D],
        training: &RetinaNetTraining,
    ) -> Result<RetinaNetObjective<D>> {
        training.sampler.map_or(Ok(()), |sampler| sampler.check())?;
        for weight in [training.classes, training.boxes, training.beta] {
            if !(weight >= 0.0 && weight.is_finite()) {
                let rule = "finite and not negative";
                return Err(Error::setting(NAME, "a weight of the loss", rule, weight));
            }
        }
        Ok(RetinaNetObjective {
            config: self.config().clone(),
            extent,
            training: *training,
        })
    }
}

/// What is said of the anchors of all levels, `[batch, anchors, numbers of each]`.
fn all_rows<'a, const D: usize>(
    levels: &[Level<'a, D>],
    map: impl Fn(&Level<'a, D>) -> &'a Tensor,
) -> mednn::Result<Tensor> {
    let rows = levels.iter().map(|level| level.rows(map(level)));
    let rows: Vec<Tensor> = rows.collect::<mednn::Result<_>>()?;
    let rows: Vec<&Tensor> = rows.iter().collect();
    ops::concat(&rows)
}

impl<const D: usize> RetinaNetObjective<D> {
    /// What the anchors should say of the objects of each image; what they say now decides which of the background learn.
    ///
    /// # Errors
    /// Refuses outputs that are none of the network, another number of lists than of images, classes it does not know, boxes
    /// without extent, and numbers that are not finite.
    pub fn targets(&self, outputs: &Outputs, truths: &[Vec<Truth<D>>]) -> Result<RetinaNetTargets> {
        let levels = levels_of(&self.config, outputs, self.extent)?;
        let classes = self.config.out_channels;
        check_truths(NAME, truths, outputs.logits.dims()[0], classes)?;
        let said = numbers(&all_rows(&levels, |level| level.classes)?)?;
        let anchors: Vec<_> = levels.into_iter().map(|level| level.anchors).collect();
        let count: usize = anchors.iter().map(Vec::len).sum();
        let mut targets = RetinaNetTargets {
            classes: Vec::new(),
            boxes: Vec::new(),
            codes: Vec::new(),
            anchors: count * truths.len(),
        };
        // Other scores, other draws, and yet the same ones after a run was taken up again.
        let sum = said.iter().sum::<f64>().to_bits();
        let key = Key::new(self.training.seed).fork("scores", sum);
        let each = (count * classes).max(1);
        for (image, (said, truths)) in said.chunks_exact(each).zip(truths).enumerate() {
            let bounds: Vec<_> = truths.iter().map(|truth| truth.bounds).collect();
            let given = self
                .training
                .atss
                .assign(&bounds, &anchors, self.config.each());
            let first = image * count;
            for (number, anchor) in anchors.iter().flatten().enumerate() {
                if let Some(truth) = given[number] {
                    let code = self.training.coder.encode(&bounds[truth], anchor)?;
                    targets.boxes.push((first + number) as u32);
                    targets.codes.extend(code.into_iter().flatten());
                }
            }
            let class = |number: usize| given[number].map(|truth| truths[truth].class);
            let chosen: Vec<usize> = match &self.training.sampler {
                None => (0..count).collect(),
                Some(sampler) => {
                    let best = |of: &[f64]| of.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let scores: Vec<f64> = said.chunks_exact(classes).map(best).collect();
                    let with_object: Vec<bool> = given.iter().map(Option::is_some).collect();
                    let mut random = key.sample(image as u32).stream("anchors");
                    let (mut of_objects, of_background) =
                        sampler.choose(&with_object, &scores, &mut random)?;
                    of_objects.extend(of_background);
                    of_objects
                }
            };
            let row = |number: usize| ((first + number) as u32, class(number));
            targets.classes.extend(chosen.into_iter().map(row));
        }
        Ok(targets)
    }

    /// How far the network is from targets chosen before.
    ///
    /// # Errors
    /// Refuses outputs that are none of the network, and targets of another network or batch.
    pub fn loss_against(
        &self,
        outputs: &Outputs,
        targets: &RetinaNetTargets,
    ) -> Result<RetinaNetLoss> {
        let levels = levels_of(&self.config, outputs, self.extent)?;
        let of_classes = all_rows(&levels, |level| level.classes)?;
        let count = of_classes.dims()[0] * of_classes.dims()[1];
        if count != targets.anchors {
            let rule = format!("of {count} anchors");
            return Err(Error::setting(NAME, "targets", rule, targets.anchors));
        }
        let classes = self.config.out_channels;
        let rows: Vec<u32> = targets.classes.iter().map(|(row, _)| *row).collect();
        let logits = pick(&ops::reshape(&of_classes, &[count, classes])?, &rows)?;
        let mut truth = vec![0.0; rows.len() * classes];
        for (truth, (_, class)) in truth.chunks_exact_mut(classes).zip(&targets.classes) {
            if let Some(class) = class {
                truth[*class as usize] = 1.0;
            }
        }
        let truth = constant(truth, &[rows.len(), classes], &logits)?;
        let surprise = BinaryCrossEntropy::new().forward(&logits, &truth)?;
        let mut total = ops::scale(&surprise, self.training.classes)?;
        let mut loss = RetinaNetLoss {
            classes: scalar(&total)?,
            boxes: 0.0,
            matched: targets.matched(),
            total: total.clone(),
        };
        if !targets.boxes.is_empty() {
            let of_boxes = all_rows(&levels, |level| level.boxes)?;
            let codes = pick(&ops::reshape(&of_boxes, &[count, 2 * D])?, &targets.boxes)?;
            let truth = constant(targets.codes.clone(), codes.dims(), &codes)?;
            let apart = smooth_l1(&codes, &truth, self.training.beta)?;
            let apart = ops::scale(&apart, self.training.boxes)?;
            loss.boxes = scalar(&apart)?;
            total = ops::add(&total, &apart)?;
        }
        loss.total = total;
        Ok(loss)
    }

    /// How far the network is from the objects of each image.
    ///
    /// # Errors
    /// As [`RetinaNetObjective::targets`].
    pub fn loss(&self, outputs: &Outputs, truths: &[Vec<Truth<D>>]) -> Result<RetinaNetLoss> {
        self.loss_against(outputs, &self.targets(outputs, truths)?)
    }
}

impl<const D: usize> Loss for RetinaNetObjective<D> {
    /// Refuses: the loss is one of all levels.
    fn forward(&self, logits: &Tensor, target: &Tensor) -> mednn::Result<Tensor> {
        self.of_outputs(&Outputs::new(logits.clone()), target)
    }

    fn of_outputs(&self, outputs: &Outputs, target: &Tensor) -> mednn::Result<Tensor> {
        as_loss(NAME, target, |truths| Ok(self.loss(outputs, truths)?.total))
    }
}
