//! Bundles of MONAI (<https://docs.monai.io/en/stable/mb_specification.html>), as in its model zoo.
//!
//! A configuration is JSON or YAML with classes under `_target_`, references (`@name`, `@list#0`), macros (`%name`,
//! `%file.json::name`) and Python behind a `$`. References and macros are put in; of Python literals are read, arithmetic of
//! numbers, and calls as what they would call. What is more stays text, and is refused where something depends on it.
//!
//! Arguments of networks have MONAI's defaults of version 1.6. What another version computed otherwise is chosen by
//! `monai_version` of the metadata: patch merging of SwinUNETR before version 1.5. A bundle whose metadata was brought to a
//! later version without training anew says so nowhere; [`swin_unetr`](crate::swin_unetr) can be set by hand.

mod arguments;
mod classifiers;
mod detector;
mod expression;
mod metadata;
mod network;
mod pipeline;
mod resolve;
mod segmenters;

use std::path::{Path, PathBuf};

use super::folder::{Document, Folder};
use super::place::Place;
use super::value::Value;
use super::{Loaded, load};
use crate::config::ModelConfig;
use crate::error::{Error, Result};
pub use metadata::{Extent, Metadata, TensorFormat};
use network::Version;
pub use pipeline::{Blend, Inferer, Step, Transform};
use resolve::Resolver;

/// Where metadata and the usual configuration are.
const METADATA: &str = "configs/metadata.json";
const CONFIGS: [&str; 3] = ["inference.json", "inference.yaml", "inference.yml"];
/// Keys under which a configuration has its network.
const NETWORKS: [&str; 3] = ["network_def", "network", "net"];
/// Files that have a bundle's weights, the best first.
const WEIGHTS: [&str; 3] = [
    "models/model.pt",
    "models/model.ts",
    "models/model.safetensors",
];
/// Files that have its licence.
const LICENCES: [&str; 3] = ["LICENSE", "LICENSE.txt", "docs/LICENSE"];

/// A bundle: what it says, and where its weights are.
///
/// ```no_run
/// use medmodels::bundles::MonaiBundle;
///
/// let bundle = MonaiBundle::open("spleen_ct_segmentation")?;
/// println!("{:?}, for MONAI {:?}", bundle.metadata().task, bundle.metadata().monai_version);
/// println!("{:?} after {:?}", bundle.inferer()?, bundle.preprocessing()?);
/// let network = bundle.load()?.network;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MonaiBundle {
    folder: Folder,
    metadata: Metadata,
    version: Option<Version>,
    config: Document,
}

impl MonaiBundle {
    /// Whether a folder looks like one: metadata is in it.
    #[must_use]
    pub fn is_at(folder: impl AsRef<Path>) -> bool {
        folder.as_ref().join(METADATA).is_file()
    }

    /// Reads metadata and `configs/inference.json`, or else `inference.yaml`.
    ///
    /// # Errors
    /// Names file, key and value of what is missing or malformed.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let is_there = |name: &&&str| folder.join("configs").join(name).is_file();
        // Where there is none, the first is the one that is missing.
        let config = CONFIGS.iter().find(is_there).unwrap_or(&CONFIGS[0]);
        Self::open_with(folder, config)
    }

    /// As [`MonaiBundle::open`], with another file of `configs`.
    ///
    /// # Errors
    /// As [`MonaiBundle::open`].
    pub fn open_with(folder: impl AsRef<Path>, config: &str) -> Result<Self> {
        let folder = Folder::open(folder.as_ref())?;
        let document = folder.document(METADATA)?;
        let metadata = document.place();
        let version = metadata.get("monai_version")?;
        let version = version.map(|place| Version::read(&place)).transpose()?;
        let metadata = Metadata::read(&metadata)?;
        let config = folder.document(&format!("configs/{config}"))?;
        Ok(Self {
            folder,
            metadata,
            version,
            config,
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.root()
    }

    /// What the bundle says of itself.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The file with its licence; none if it has none.
    ///
    /// # Errors
    /// When it is a link that leads out of the folder.
    pub fn licence(&self) -> Result<Option<PathBuf>> {
        self.first_of(&LICENCES)
    }

    /// The first of some files that is there.
    fn first_of(&self, files: &[&str]) -> Result<Option<PathBuf>> {
        for file in files {
            if self.folder.has(file)? {
                return self.folder.path(file).map(Some);
            }
        }
        Ok(None)
    }

    /// What stands under a key of the configuration, references and macros put in; none where there is no such key.
    ///
    /// # Errors
    /// Refuses a reference to nothing or in a circle, a macro of a file that is not in the folder, and what grows too large.
    pub fn part(&self, key: &str) -> Result<Option<Value>> {
        Resolver::new(&self.folder, &self.config).part(key)
    }

    /// The network.
    ///
    /// # Errors
    /// Names a class that is none of ours, an argument that is unknown or not to be had here, and an expression that is more
    /// than a literal.
    pub fn model(&self) -> Result<ModelConfig> {
        let file = self.config.place();
        for key in NETWORKS {
            let Some(part) = self.part(key)? else {
                continue;
            };
            let place = Place::new(&self.config.path, key, &part);
            let Value::Object(_) = part else {
                return Err(place.refuse("a network of MONAI's with its arguments"));
            };
            // Without a version it is of the present.
            let version = self.version.unwrap_or(Version(u32::MAX, 0));
            let model = network::read(&place, &version)?;
            return match model {
                ModelConfig::RetinaNet(config) => {
                    let key = "anchor_generator";
                    let anchors = self.part(key)?.unwrap_or(Value::Null);
                    let place = Place::new(&self.config.path, key, &anchors);
                    let config = detector::with_anchors(config, &place)?;
                    { config.check() }.map_err(|e| place.refuse_as("anchors that fit", e))?;
                    Ok(config.into())
                }
                other => Ok(other),
            };
        }
        Err(file.refuse_as(format!("with one of {NETWORKS:?}"), "none"))
    }

    /// What happens to an image before the network; none where the configuration does not say.
    ///
    /// # Errors
    /// Refuses what is no list of transforms.
    pub fn preprocessing(&self) -> Result<Vec<Transform>> {
        self.transforms("preprocessing")
    }

    /// What happens to what the network gives.
    ///
    /// # Errors
    /// As [`MonaiBundle::preprocessing`].
    pub fn postprocessing(&self) -> Result<Vec<Transform>> {
        self.transforms("postprocessing")
    }

    fn transforms(&self, key: &str) -> Result<Vec<Transform>> {
        match self.part(key)? {
            Some(part) => pipeline::transforms(&Place::new(&self.config.path, key, &part)),
            None => Ok(Vec::new()),
        }
    }

    /// How the network sees an image; none where the configuration does not say.
    ///
    /// # Errors
    /// Names an argument that is unknown or out of range.
    pub fn inferer(&self) -> Result<Option<Inferer>> {
        let part = self.part("inferer")?;
        let inferer = |part| pipeline::inferer(&Place::new(&self.config.path, "inferer", part));
        part.as_ref().map(inferer).transpose()
    }

    /// The file with its weights: `models/model.pt`, `model.ts` or `model.safetensors`.
    ///
    /// # Errors
    /// When none of them is there.
    pub fn weights(&self) -> Result<PathBuf> {
        let absent = || Error::Described {
            path: self.folder.root().to_owned(),
            key: "models".to_owned(),
            rule: format!("a folder with one of {WEIGHTS:?}"),
            value: "none".to_owned(),
        };
        self.first_of(&WEIGHTS)?.ok_or_else(absent)
    }

    /// The network with its weights, which must fit it exactly.
    ///
    /// # Errors
    /// As [`MonaiBundle::model`], [`MonaiBundle::weights`] and [`crate::weights::read`], and when a weight is missing,
    /// unexpected or misshapen.
    pub fn load(&self) -> Result<Loaded> {
        load(&self.model()?, &self.weights()?)
    }
}
