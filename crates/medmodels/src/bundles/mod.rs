//! Folders that other programs leave behind a training, read as data: nnU-Net's and MONAI's.
//!
//! What such a folder says is Python's: names of classes, arguments, sometimes expressions. None of it is executed. A
//! name stands for the network of ours that is equal to it, an argument for a setting, and what is not known (a class, an
//! argument, an expression that is more than a literal) is an error that names the file, the key and the value; so is a
//! file that leads out of the folder, or one that is too large.
//!
//! * [`NnUnetFolder`]: a trained model of nnU-Net version 2, `nnUNetTrainer__nnUNetPlans__3d_fullres` and its like;
//! * [`MonaiBundle`]: a folder with `configs/metadata.json` and `configs/inference.json` (or `.yaml`), as in MONAI's model
//!   zoo.
//!
//! ```
//! use medmodels::bundles::MonaiBundle;
//!
//! let folder = tempfile::tempdir()?;
//! std::fs::create_dir(folder.path().join("configs"))?;
//! let write = |name, json| std::fs::write(folder.path().join("configs").join(name), json);
//! write("metadata.json", r#"{"version": "0.1.0", "monai_version": "1.3.0", "task": "spleen"}"#)?;
//! write("inference.json", r#"{
//!     "axes": 3,
//!     "network_def": {
//!         "_target_": "UNet", "spatial_dims": "@axes", "in_channels": 1, "out_channels": 2,
//!         "channels": [16, 32, 64, 128, 256], "strides": [2, 2, 2, 2], "num_res_units": 2, "norm": "batch"
//!     },
//!     "network": "$@network_def.to(@device)"
//! }"#)?;
//!
//! let bundle = MonaiBundle::open(folder.path())?;
//! assert_eq!(bundle.metadata().task.as_deref(), Some("spleen"));
//! assert_eq!(bundle.model()?.divisor(), [16, 16, 16]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod folder;
mod layer;
pub mod monai;
pub mod nnunet;
mod place;
mod value;
mod yaml;

pub use monai::MonaiBundle;
pub use nnunet::NnUnetFolder;
pub use value::Value;

use std::path::Path;

use mednn::model::Model;
use mednn::params::{LoadReport, Params};

use crate::config::ModelConfig;
use crate::error::Result;

/// A network with its weights.
pub struct Loaded {
    /// The network.
    pub network: Box<dyn Model>,
    /// What of the file went where.
    pub report: LoadReport,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded")
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// A network of so many parameters is built whatever the file holds, so that what is missing can be named.
const FEW: u64 = 1 << 28;

/// The network of a description with the weights of a file, which must fit it exactly.
fn load(config: &ModelConfig, weights: &Path) -> Result<Loaded> {
    // The file first: it bounds how large a network is worth building, whatever the description says.
    let weights = crate::weights::read(weights)?;
    let elements = { weights.tensors.values() }.map(|tensor| tensor.elem_count() as u64);
    let most = elements.sum::<u64>().max(FEW);
    let params = Params::new(0).zeroed().with_most_parameters(most);
    let network = crate::create(config, &params)?;
    let report = weights.load_into(&params, &config.load_policy())?;
    Ok(Loaded { network, report })
}
