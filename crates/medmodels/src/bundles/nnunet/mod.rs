//! Trained models of nnU-Net version 2 (Isensee et al., Nature Methods 2021, <https://doi.org/10.1038/s41592-020-01008-z>).
//!
//! The folder is named after trainer, plans and configuration, and holds `plans.json`, `dataset.json` and a folder for each
//! fold with `checkpoint_final.pth`. Plans are read in the format since version 2.5 (`architecture`) and in the one before
//! (`UNet_class_name`), whose network is put together as nnU-Net itself does it. Which configuration of the plans the
//! weights are of stands in the checkpoint, and along which axes mirror images may be averaged.
//!
//! The logits of lower resolutions are part of the file whether they were trained or not; whether they were follows from
//! the trainer's name, as in nnU-Net, and decides about training on, not about predictions.

mod dataset;
mod network;
mod plans;

use std::path::{Path, PathBuf};

use medcore::LabelTable;

use super::folder::Folder;
use super::place::Place;
use super::value::Value;
use super::{Loaded, load};
use crate::config::ModelConfig;
use crate::error::{Error, Result};
use crate::weights::beside;
use dataset::Dataset;
pub use plans::{Intensities, NormalizationScheme, Plan, Resampling};

/// Which weights of a training are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Checkpoint {
    /// Those after the last epoch, `checkpoint_final.pth`: nnU-Net's own choice.
    #[default]
    Final,
    /// Those of the best epoch, `checkpoint_best.pth`.
    Best,
}

impl Checkpoint {
    /// The name of the file.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Final => "checkpoint_final.pth",
            Self::Best => "checkpoint_best.pth",
        }
    }
}

/// One training of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fold {
    /// Its number; none for the one that was trained on all cases.
    pub number: Option<u32>,
    /// Its weights.
    pub checkpoint: PathBuf,
}

/// What a checkpoint says of its training.
#[derive(Debug, Clone, PartialEq)]
struct Training {
    trainer: String,
    configuration: String,
    mirror_axes: Vec<usize>,
}

/// A trained model of nnU-Net.
///
/// Any trainer's class is taken. Of its name one thing is looked at: with `NoDeepSupervision` in it, in letters of any
/// size, logits of lower resolutions were not trained. A trainer that builds another network than the plans describe is
/// noticed by its weights, which must fit exactly; one that prepares scans in another way is not.
///
/// ```no_run
/// use medmodels::bundles::NnUnetFolder;
///
/// let folder = NnUnetFolder::open("Dataset002_Heart/nnUNetTrainer__nnUNetPlans__3d_fullres")?;
/// println!("{} folds of {}", folder.folds().len(), folder.model().architecture());
/// println!("{:?} mm, {:?}", folder.plan().spacing, folder.labels());
/// let network = folder.load(&folder.folds()[0])?.network;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct NnUnetFolder {
    root: PathBuf,
    training: Training,
    model: ModelConfig,
    plan: Plan,
    dataset: Dataset,
    folds: Vec<Fold>,
}

const PLANS: &str = "plans.json";
const DATASET: &str = "dataset.json";

impl NnUnetFolder {
    /// Whether a folder looks like one: plans and a data set are described in it.
    #[must_use]
    pub fn is_at(folder: impl AsRef<Path>) -> bool {
        let folder = folder.as_ref();
        folder.join(PLANS).is_file() && folder.join(DATASET).is_file()
    }

    /// Reads a folder, all folds that have weights of the last epoch.
    ///
    /// # Errors
    /// Names file, key and value of what is missing or not understood, and of what folds disagree in.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(folder, Checkpoint::Final)
    }

    /// As [`NnUnetFolder::open`], with other weights.
    ///
    /// # Errors
    /// As [`NnUnetFolder::open`].
    pub fn open_with(folder: impl AsRef<Path>, checkpoint: Checkpoint) -> Result<Self> {
        let folder = Folder::open(folder.as_ref())?;
        let plans = folder.document(PLANS)?;
        let dataset = Dataset::read(&folder.document(DATASET)?.place())?;
        let folds = folds(&folder, checkpoint)?;
        let training = agreed(&folds)?;
        let (plan, architecture) = Plan::read(
            &plans.place(),
            &training.configuration,
            dataset.channels.len(),
        )?;
        let inputs = network::Inputs {
            in_channels: match plan.previous_stage {
                None => dataset.channels.len(),
                // The labels of the stage before come as one channel each.
                Some(_) => dataset.channels.len() + dataset.foreground().len(),
            },
            out_channels: dataset.labels.output_count(),
            spatial_dims: plan.patch_size.len(),
            deep_supervision: !{ training.trainer.to_lowercase() }.contains("nodeepsupervision"),
        };
        let place = Place::new(&plans.path, architecture.key.as_str(), &architecture.value);
        let model = network::read(&place, architecture.format, &inputs)?;
        let axes = plan.patch_size.len();
        if let Some(axis) = training.mirror_axes.iter().find(|&&axis| axis >= axes) {
            return Err(Error::Described {
                path: folds[0].checkpoint.clone(),
                key: MIRROR_AXES.to_owned(),
                rule: format!("axes below {axes}"),
                value: axis.to_string(),
            });
        }
        Ok(Self {
            root: folder.root().to_owned(),
            training,
            model,
            plan,
            dataset,
            folds,
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The network.
    #[must_use]
    pub fn model(&self) -> &ModelConfig {
        &self.model
    }

    /// What happens to a scan before and after the network.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What label values mean, the regions in the order of the network's outputs.
    #[must_use]
    pub fn labels(&self) -> &LabelTable {
        &self.dataset.labels
    }

    /// The channels of a scan, in their order.
    #[must_use]
    pub fn channels(&self) -> &[String] {
        &self.dataset.channels
    }

    /// How files of the data set end, as `.nii.gz`.
    #[must_use]
    pub fn file_ending(&self) -> Option<&str> {
        self.dataset.file_ending.as_deref()
    }

    /// The trainer's class.
    #[must_use]
    pub fn trainer(&self) -> &str {
        &self.training.trainer
    }

    /// The configuration of the plans, `3d_fullres` and its like.
    #[must_use]
    pub fn configuration(&self) -> &str {
        &self.training.configuration
    }

    /// Axes of the window along which mirror images may be averaged; none where the training did not mirror.
    #[must_use]
    pub fn mirror_axes(&self) -> &[usize] {
        &self.training.mirror_axes
    }

    /// The trainings; at least one. nnU-Net averages the logits of all.
    #[must_use]
    pub fn folds(&self) -> &[Fold] {
        &self.folds
    }

    /// The network with the weights of a fold, which must fit exactly: the several names that the file has for each tensor
    /// must agree to the bit.
    ///
    /// # Errors
    /// As [`crate::weights::read`], and when a weight is missing, unexpected, misshapen or contradicted by another name.
    pub fn load(&self, fold: &Fold) -> Result<Loaded> {
        load(&self.model, &fold.checkpoint)
    }
}

/// The folds that have weights, in order; the one of all cases last.
fn folds(folder: &Folder, checkpoint: Checkpoint) -> Result<Vec<Fold>> {
    let mut folds = Vec::new();
    let mut others = Vec::new();
    for name in folder.names()? {
        let number = match name.strip_prefix("fold_") {
            Some("all") => None,
            // `fold_01` is none of nnU-Net's.
            Some(text) => match text.parse::<u32>() {
                Ok(number) if number.to_string() == text => Some(number),
                _ => continue,
            },
            None => continue,
        };
        let file = format!("{name}/{}", checkpoint.file());
        if folder.has(&file)? {
            let checkpoint = folder.path(&file)?;
            folds.push(Fold { number, checkpoint });
        } else {
            others.push(name);
        }
    }
    folds.sort_by_key(|fold| (fold.number.is_none(), fold.number));
    match folds.is_empty() {
        false => Ok(folds),
        true => Err(Error::Described {
            path: folder.root().to_owned(),
            key: format!("fold_*/{}", checkpoint.file()),
            rule: "there for a fold at least".to_owned(),
            value: format!("the folds {others:?} without it"),
        }),
    }
}

const MIRROR_AXES: &str = "inference_allowed_mirroring_axes";

/// What all folds say of their training.
fn agreed(folds: &[Fold]) -> Result<Training> {
    let mut first: Option<Training> = None;
    for fold in folds {
        let training = training(&fold.checkpoint)?;
        match &first {
            None => first = Some(training),
            Some(known) if *known == training => {}
            Some(known) => {
                return Err(Error::Described {
                    path: fold.checkpoint.clone(),
                    key: format!("trainer_name, init_args.configuration and {MIRROR_AXES}"),
                    rule: format!("those of the first fold, {known:?}"),
                    value: format!("{training:?}"),
                });
            }
        }
    }
    Ok(first.expect("folds are looked for until there is one"))
}

fn training(checkpoint: &Path) -> Result<Training> {
    let keys = ["trainer_name", "init_args.configuration", MIRROR_AXES];
    let [trainer, configuration, axes] = beside(checkpoint, keys)?;
    let text = |key: &str, value: Option<Value>| {
        let value = value.unwrap_or(Value::Null);
        Place::new(checkpoint, key, &value)
            .text()
            .map(str::to_owned)
    };
    let axes = axes.unwrap_or(Value::Null);
    let mirror_axes = match &axes {
        Value::Null => Vec::new(),
        axes => Place::new(checkpoint, keys[2], axes).each(Place::size)?,
    };
    Ok(Training {
        trainer: text(keys[0], trainer)?,
        configuration: text(keys[1], configuration)?,
        mirror_axes,
    })
}
