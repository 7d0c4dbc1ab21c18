//! Learning from a network that is trained already.

use mednn::candle_core::Tensor;
use mednn::loss::{Loss, distillation};
use mednn::tape::Pass;
use mednn::{Context, Model};

use super::hint::Hint;
use super::{Batch, Learnt, Moment, Objective};
use crate::digest;
use crate::error::{Error, Result};

/// Labels and a teacher: `(1 - a) loss + a T^2 KL(teacher | student)`, both softened by the temperature `T`
/// (Hinton et al. 2015, <https://arxiv.org/abs/1503.02531>), and [`Hint`]s of what goes on inside the teacher.
///
/// The teacher answers as in evaluation and is never changed. It is no part of checkpoints; a run is resumed only with the same
/// teacher, which is told by the SHA-256 of the file it would be saved as ([`Params::save_safetensors`](mednn::Params)).
///
/// ```
/// use medtrain::mednn::layers::{Conv, ConvConfig};
/// use medtrain::mednn::loss::CrossEntropy;
/// # use medtrain::mednn::{self, Context, Inputs, Model, Outputs, Params};
/// use medtrain::objective::Distillation;
/// use medtrain::{Objective, TrainConfig, Trainer};
/// # struct Net(Conv<2>, Params);
/// # impl Model for Net {
/// #     fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
/// #         Ok(Outputs::new(self.0.forward(inputs.image()?, context)?))
/// #     }
/// #     fn params(&self) -> &Params {
/// #         &self.1
/// #     }
/// # }
/// # let params = Params::new(7);
/// # let teacher = Net(Conv::new(&ConvConfig::same(1, 2, [3, 3]), &params.root())?, params);
///
/// let loss = CrossEntropy::new();
/// let objective = Distillation::new(&teacher, &loss)?.with_temperature(2.0)?.with_share(0.7)?;
/// assert_eq!(objective.identity()["distillation"]["temperature"], 2.0);
/// // Trainer::of_objective(&student, objective, &mut optimizer, TrainConfig::new(folder, 100))
/// # Ok::<(), medtrain::Error>(())
/// ```
pub struct Distillation<'a> {
    teacher: &'a dyn Model,
    /// Of its file.
    hash: String,
    loss: &'a dyn Loss,
    temperature: f64,
    share: f64,
    hints: Vec<Hint>,
}

impl std::fmt::Debug for Distillation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Distillation")
            .field("temperature", &self.temperature)
            .field("share", &self.share)
            .field("hints", &self.hints)
            .finish_non_exhaustive()
    }
}

impl<'a> Distillation<'a> {
    /// Half from the labels by `loss`, half from `teacher` at temperature 4.
    ///
    /// # Errors
    /// When the values of the teacher cannot be read.
    pub fn new(teacher: &'a dyn Model, loss: &'a dyn Loss) -> Result<Self> {
        let params = teacher.params();
        let value = |name: String| Ok((name.clone(), params.tensor(&name)?));
        let values = params.names().into_iter().map(value);
        Ok(Self {
            hash: digest::of_values(&values.collect::<Result<_>>()?)?,
            teacher,
            loss,
            temperature: 4.0,
            share: 0.5,
            hints: Vec::new(),
        })
    }

    /// Sets the temperature; the higher, the more the classes a teacher thinks unlikely count.
    ///
    /// # Errors
    /// Refuses one that is not positive and finite.
    pub fn with_temperature(mut self, temperature: f64) -> Result<Self> {
        let holds = temperature > 0.0 && temperature.is_finite();
        Error::require(holds, "the temperature", "positive and finite", temperature)?;
        self.temperature = temperature;
        Ok(self)
    }

    /// Sets the share of the teacher; the labels have the rest, and no say at 1.
    ///
    /// # Errors
    /// Refuses one outside 0 to 1.
    pub fn with_share(mut self, share: f64) -> Result<Self> {
        let holds = (0.0..=1.0).contains(&share);
        Error::require(holds, "the teacher's share", "from 0 to 1", share)?;
        self.share = share;
        Ok(self)
    }

    /// Adds something inside the teacher that the student is to have too.
    #[must_use]
    pub fn with_hint(mut self, hint: Hint) -> Self {
        self.hints.push(hint);
        self
    }

    fn loss(&self, student: &Pass, teacher: &mednn::Outputs, targets: &Tensor) -> Result<Tensor> {
        let outputs = student.outputs();
        let alike = distillation(&outputs.logits, &teacher.logits, self.temperature)?;
        let mut loss = (alike * self.share)?;
        if self.share < 1.0 {
            let alone = self.loss.of_outputs(outputs, targets)?;
            loss = (loss + (alone * (1.0 - self.share))?)?;
        }
        for hint in &self.hints {
            loss = (loss + hint.distance(outputs, teacher)?)?;
        }
        Ok(loss)
    }
}

impl Objective for Distillation<'_> {
    fn learn(&self, model: &dyn Model, batch: &Batch, at: &Moment) -> Result<Learnt> {
        let wanted = self.hints.iter().map(|hint| hint.teacher.as_str());
        let answering = Context::evaluate().with_features(wanted);
        let teacher = self.teacher.forward(&batch.inputs, &answering)?;
        let wanted = self.hints.iter().map(|hint| hint.student.as_str());
        let learning = at.context.clone().with_features(wanted);
        let student = Pass::run(model, &batch.inputs, &learning)?;
        let loss = self.loss(&student, &teacher, &batch.targets)?;
        drop(teacher);
        Learnt::from_pass(student, loss)
    }

    fn identity(&self) -> serde_json::Value {
        serde_json::json!({ "distillation": {
            "teacher": self.hash,
            "temperature": self.temperature,
            "share": self.share,
            "hints": self.hints,
        }})
    }
}
