//! A folder that somebody else wrote: files are looked for inside of it alone, and read up to a size.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::value::Value;
use super::yaml;
use crate::error::{Error, Result};

/// Descriptions are short; longer ones are refused.
const LONGEST: u64 = 8 << 20;

/// A folder and the files in it.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
    /// The same without links.
    real: PathBuf,
}

impl Folder {
    /// The folder behind a path.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let io = |cause| Error::Io {
            path: root.to_owned(),
            cause,
        };
        let real = root.canonicalize().map_err(io)?;
        // A file has no entries.
        std::fs::read_dir(&real).map_err(io)?;
        Ok(Self {
            root: root.to_owned(),
            real,
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The place of a file inside the folder; it need not exist. Links that lead outside are refused.
    pub(crate) fn path(&self, relative: &str) -> Result<PathBuf> {
        let path = self.root.join(relative);
        let normal = |part: Component<'_>| matches!(part, Component::Normal(_));
        let outside = |value: String| Error::Described {
            path: self.root.clone(),
            key: relative.to_owned(),
            rule: "inside the folder".to_owned(),
            value,
        };
        if relative.is_empty() || !Path::new(relative).components().all(normal) {
            return Err(outside(format!("{relative:?}")));
        }
        match path.canonicalize() {
            Ok(real) if !real.starts_with(&self.real) => {
                Err(outside(format!("a link to {}", real.display())))
            }
            _ => Ok(path),
        }
    }

    /// Whether a file is there.
    pub(crate) fn has(&self, relative: &str) -> Result<bool> {
        Ok(self.path(relative)?.is_file())
    }

    /// The names of what lies in it, sorted.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let io = |cause| Error::Io {
            path: self.root.clone(),
            cause,
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.root).map_err(io)? {
            names.push(
                entry
                    .map_err(io)?
                    .file_name()
                    .to_string_lossy()
                    .into_owned(),
            );
        }
        names.sort();
        Ok(names)
    }

    /// A JSON file, or a YAML file by its name.
    pub(crate) fn document(&self, relative: &str) -> Result<Document> {
        let path = self.path(relative)?;
        let io = |cause| Error::Io {
            path: path.clone(),
            cause,
        };
        let refuse = |rule: &str, value: String| Error::Described {
            path: path.clone(),
            key: "the file".to_owned(),
            rule: rule.to_owned(),
            value,
        };
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(io)?;
        if !file.metadata().map_err(io)?.is_file() {
            return Err(refuse("a file", "something else".to_owned()));
        }
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > LONGEST {
            let rule = format!("at most {LONGEST} bytes long");
            return Err(refuse(&rule, "a longer one".to_owned()));
        }
        let value = match is_yaml(relative) {
            true => {
                let text = std::str::from_utf8(&bytes);
                let text = text.map_err(|error| refuse("YAML", error.to_string()))?;
                yaml::read(text).map_err(|problem| refuse("YAML", problem))?
            }
            false => {
                let value = serde_json::from_slice(&bytes);
                value.map_err(|error| refuse("JSON", error.to_string()))?
            }
        };
        Ok(Document { path, value })
    }
}

fn is_yaml(name: &str) -> bool {
    name.ends_with(".yaml") || name.ends_with(".yml")
}

/// Whether a name is one of a file that is read as a description.
pub(crate) fn is_description(name: &str) -> bool {
    name.ends_with(".json") || is_yaml(name)
}

/// A file and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) path: PathBuf,
    pub(crate) value: Value,
}
