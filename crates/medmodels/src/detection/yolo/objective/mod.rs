//! What a detector is trained to say: targets for its cells, and how far it is from them.
//!
//! Targets are chosen by looking at what the network says, and have no gradient; the loss compares the network with them.

mod anchor_free;
mod anchors;
mod rows;

use mednn::candle_core::Tensor;
use mednn::detection::Truth;
use mednn::loss::Loss;
use mednn::model::Outputs;

use self::anchor_free::Distances;
use self::anchors::Matched;
use super::config::NAME;
use super::decode::levels_of;
use super::head::Head;
use super::network::Yolo;
use crate::detection::{as_loss, check_truths};
use crate::error::{Error, Result};

pub use self::anchor_free::AnchorFreeLoss;
pub use self::anchors::AnchorLoss;

/// How a detector is trained, bound to its cells.
///
/// As a [`Loss`] it takes what [`stack_truths`](crate::detection::stack_truths) makes as target.
///
/// ```
/// use medcore::BoundingBox;
/// use medmodels::detection::Truth;
/// use medmodels::yolo::{AnchorFreeLoss, Yolo, YoloConfig};
/// use mednn::candle_core::{DType, Device, Tensor};
/// use mednn::{Context, Inputs, Model as _, Params};
///
/// let config = YoloConfig::v8n(1, 2).with_factors(0.1, 0.0625);
/// let network = Yolo::<2>::new(&config, &Params::new(1))?;
/// let objective = network.anchor_free_objective(&AnchorFreeLoss::new())?;
///
/// let image = Tensor::zeros((1, 1, 64, 64), DType::F32, &Device::Cpu).map_err(mednn::Error::from)?;
/// let outputs = network.forward(&Inputs::new(image), &Context::train(medcore::random::Key::new(1)))?;
/// let nodule = Truth::new(BoundingBox::new([10.0, 20.0], [34.0, 40.0]).map_err(mednn::Error::from)?, 1);
/// let loss = objective.loss(&outputs, &[vec![nodule]])?;
/// assert_eq!(loss.total.dims(), [0_usize; 0]);
/// assert!(loss.matched > 0);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct YoloObjective<const D: usize> {
    channels: usize,
    classes: usize,
    strides: Vec<Vec<usize>>,
    kind: Kind<D>,
}

#[derive(Debug, Clone)]
enum Kind<const D: usize> {
    AnchorFree(AnchorFreeLoss),
    /// With the extents of the anchors of each level, in cells.
    Anchors(AnchorLoss, Vec<Vec<[f64; D]>>),
}

/// What the cells of a batch should say.
#[derive(Debug, Clone)]
pub struct YoloTargets<const D: usize>(Chosen<D>);

#[derive(Debug, Clone)]
enum Chosen<const D: usize> {
    AnchorFree(Distances<D>),
    Anchors(Vec<Matched<D>>),
}

impl<const D: usize> YoloTargets<D> {
    /// How many cells (and anchors) of the batch learn an object.
    #[must_use]
    pub fn matched(&self) -> usize {
        match &self.0 {
            Chosen::AnchorFree(distances) => distances.len(),
            Chosen::Anchors(levels) => levels.iter().map(Matched::len).sum(),
        }
    }
}

/// How far a detector is from what it should say.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct YoloLoss {
    /// The weighted sum of the parts, times the batch, `[]`, on the tape.
    pub total: Tensor,
    /// The overlap of boxes, weighted.
    pub boxes: f64,
    /// The classes, weighted.
    pub classes: f64,
    /// The distributions of distances, weighted; 0 with anchors.
    pub distances: f64,
    /// Whether something is there, weighted; 0 without anchors.
    pub objectness: f64,
    /// How many cells (and anchors) learned an object.
    pub matched: usize,
}

impl<const D: usize> Yolo<D> {
    /// How a network with an anchor-free head is trained.
    ///
    /// # Errors
    /// Refuses a network with anchors, and settings out of range.
    pub fn anchor_free_objective(&self, loss: &AnchorFreeLoss) -> Result<YoloObjective<D>> {
        loss.check()?;
        match self.head() {
            Head::AnchorFree(_) => Ok(self.objective(Kind::AnchorFree(*loss))),
            Head::Anchors(_) => Err(Error::setting(NAME, "head", "without anchors", "V5Anchors")),
        }
    }

    /// How a network with anchors is trained.
    ///
    /// # Errors
    /// Refuses a network without anchors, and settings out of range.
    pub fn anchor_objective(&self, loss: &AnchorLoss) -> Result<YoloObjective<D>> {
        loss.check()?;
        let Head::Anchors(head) = self.head() else {
            let head = format!("{:?}", self.config().head);
            return Err(Error::setting(NAME, "head", "V5Anchors", head));
        };
        let levels = 0..self.config().strides().len();
        let anchors = levels.map(|level| head.anchors(level));
        let anchors = anchors.collect::<mednn::Result<_>>()?;
        Ok(self.objective(Kind::Anchors(*loss, anchors)))
    }

    fn objective(&self, kind: Kind<D>) -> YoloObjective<D> {
        YoloObjective {
            channels: self.head().channels(self.config()),
            classes: self.config().out_channels,
            strides: self.config().strides(),
            kind,
        }
    }
}

impl<const D: usize> YoloObjective<D> {
    /// What the cells should say of the objects of each image, given what they say now.
    ///
    /// # Errors
    /// Refuses outputs that are none of the network, another number of lists than of images, classes it does not know, and
    /// numbers that are not finite.
    pub fn targets(&self, outputs: &Outputs, truths: &[Vec<Truth<D>>]) -> Result<YoloTargets<D>> {
        let levels = levels_of(outputs, self.channels, &self.strides)?;
        check_truths(NAME, truths, outputs.logits.dims()[0], self.classes)?;
        Ok(YoloTargets(match &self.kind {
            Kind::AnchorFree(loss) => {
                Chosen::AnchorFree(Distances::choose(loss, &levels, self.classes, truths)?)
            }
            Kind::Anchors(loss, anchors) => {
                let each = levels.iter().zip(anchors);
                let each = each.map(|((map, grid), anchors)| {
                    Matched::choose(loss, map, grid, anchors, truths)
                });
                Chosen::Anchors(each.collect::<Result<_>>()?)
            }
        }))
    }

    /// How far the network is from targets chosen before.
    ///
    /// # Errors
    /// Refuses outputs that are none of the network, and targets of another network or batch.
    pub fn loss_against(&self, outputs: &Outputs, targets: &YoloTargets<D>) -> Result<YoloLoss> {
        let levels = levels_of(outputs, self.channels, &self.strides)?;
        match (&self.kind, &targets.0) {
            (Kind::AnchorFree(loss), Chosen::AnchorFree(distances)) => {
                distances.loss(loss, &levels, self.classes)
            }
            (Kind::Anchors(loss, anchors), Chosen::Anchors(matched)) => {
                anchors::loss(loss, &levels, anchors, matched)
            }
            _ => Err(Error::setting(
                NAME,
                "targets",
                "those of the network's head",
                "those of another",
            )),
        }
    }

    /// How far the network is from the objects of each image.
    ///
    /// # Errors
    /// As [`YoloObjective::targets`].
    pub fn loss(&self, outputs: &Outputs, truths: &[Vec<Truth<D>>]) -> Result<YoloLoss> {
        self.loss_against(outputs, &self.targets(outputs, truths)?)
    }
}

impl<const D: usize> Loss for YoloObjective<D> {
    /// Refuses: the loss is one of all levels.
    fn forward(&self, logits: &Tensor, target: &Tensor) -> mednn::Result<Tensor> {
        self.of_outputs(&Outputs::new(logits.clone()), target)
    }

    fn of_outputs(&self, outputs: &Outputs, target: &Tensor) -> mednn::Result<Tensor> {
        as_loss(NAME, target, |truths| Ok(self.loss(outputs, truths)?.total))
    }
}
