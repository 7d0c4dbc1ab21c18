//! A folder of published files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use mednn::model::Model;
use mednn::params::{LoadReport, Params};
use sha2::{Digest, Sha256};

use super::Manifest;
use crate::config::{ModelConfig, create};
use crate::error::{Error, Result};
use crate::registry::Request;
use crate::weights::{self, Weights};

/// A folder of published files, each under the name its publisher gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    folder: PathBuf,
}

/// A network with published weights.
#[non_exhaustive]
pub struct Pretrained {
    /// Its settings.
    pub config: ModelConfig,
    /// The network.
    pub network: Box<dyn Model>,
    /// What of the file went into it, what was adapted and what is new.
    pub report: LoadReport,
}

impl std::fmt::Debug for Pretrained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pretrained")
            .field("config", &self.config)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// The variable that names the user's folder.
    pub const VARIABLE: &'static str = "MEDMODELS_HOME";

    /// A folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { folder }
    }

    /// The folder of this user: `$MEDMODELS_HOME`, else `medmodels` in `$XDG_CACHE_HOME`, else in `~/.cache`; none where no
    /// variable says so.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let cache = || Some(PathBuf::from(set("XDG_CACHE_HOME")?));
        let home = || Some(PathBuf::from(set("HOME")?).join(".cache"));
        let own = set(Self::VARIABLE).map(PathBuf::from);
        let folder = own.or_else(|| Some(cache().or_else(home)?.join("medmodels")))?;
        Some(Self::new(folder))
    }

    /// Where the file of a manifest belongs.
    #[must_use]
    pub fn path(&self, manifest: &Manifest) -> PathBuf {
        self.folder.join(&manifest.file)
    }

    /// The weights of a manifest, after the file's hash was found right.
    ///
    /// # Errors
    /// When the manifest cannot be used, when its file is not there (the error says where it is published and where it
    /// belongs), when it has another hash, and as [`weights::read`].
    pub fn weights(&self, manifest: &Manifest) -> Result<Weights> {
        manifest.check()?;
        let path = self.path(manifest);
        if !path.is_file() {
            return Err(Error::NoWeights {
                tag: manifest.tag.clone(),
                path,
                source_url: manifest.source.clone(),
                licence: manifest.licence.clone(),
            });
        }
        let found = sha256(&path)?;
        if !found.starts_with(&manifest.sha256) {
            return Err(Error::OtherHash {
                path,
                expected: manifest.sha256.clone(),
                found,
            });
        }
        weights::read(&path)
    }

    /// The network of a manifest with its weights, fitted to a request; what is new in it is drawn with the seed.
    ///
    /// The weights go in strictly where the request asks for what was published, else by
    /// [`ModelConfig::transfer_policy`].
    ///
    /// # Errors
    /// As [`Store::weights`], [`Entry::config`](crate::registry::Entry::config) and [`create`].
    pub fn network(&self, manifest: &Manifest, request: &Request, seed: u64) -> Result<Pretrained> {
        let weights = self.weights(manifest)?;
        let published = Request::new()
            .with_in_channels(manifest.in_channels)
            .with_out_channels(manifest.out_channels);
        let config = manifest.entry()?.config(&request.or(published))?;
        let as_published = (config.in_channels(), config.out_channels())
            == (manifest.in_channels, manifest.out_channels);
        let (params, policy) = if as_published {
            (Params::new(seed).zeroed(), config.load_policy())
        } else {
            (Params::new(seed), config.transfer_policy())
        };
        let network = create(&config, &params)?;
        let report = weights.load_into(&params, &policy)?;
        Ok(Pretrained {
            config,
            network,
            report,
        })
    }
}

/// The SHA-256 of a file in hexadecimal digits.
pub(super) fn sha256(path: &Path) -> Result<String> {
    let failed = |cause| Error::Io {
        path: path.to_owned(),
        cause,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    Ok(hexadecimal(&hash.finalize()))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
