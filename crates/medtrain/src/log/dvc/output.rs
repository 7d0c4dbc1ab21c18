//! Data by the hash that DVC keeps of them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::yaml::{self, Plain};
use crate::error::{Error, Result};

/// A file or folder that DVC tracks.
///
/// ```
/// use medtrain::log::dvc::DvcOutput;
///
/// let folder = tempfile::tempdir()?;
/// std::fs::write(folder.path().join("a.csv"), "alpha")?;
/// let tracked = folder.path().join("a.csv.dvc");
/// std::fs::write(&tracked, "outs:\n- md5: 2c1743a391305fbf367df8e4f069f9f9\n  size: 5\n  path: a.csv\n")?;
///
/// let outputs = DvcOutput::read(&tracked)?;
/// outputs[0].verify(folder.path())?;
/// std::fs::write(folder.path().join("a.csv"), "ALPHA")?;
/// assert!(outputs[0].verify(folder.path()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DvcOutput {
    /// Where it is, from the folder of the file that names it.
    pub path: PathBuf,
    /// Its MD5 as DVC has it, with `.dir` behind that of a folder.
    pub md5: String,
    /// Bytes in it.
    pub size: Option<u64>,
    /// Files in it, if it is a folder.
    pub files: Option<u64>,
}

impl DvcOutput {
    /// What a `.dvc` file tracks.
    ///
    /// # Errors
    /// When the file cannot be read or is none of DVC 3.
    pub fn read(path: &Path) -> Result<Vec<Self>> {
        let file = yaml::read(path, Plain::Text)?;
        outputs(&file["outs"]).map_err(|reason| bad(path, reason))
    }

    /// What a stage in a `dvc.lock` has read, and what it has made.
    ///
    /// # Errors
    /// When the file cannot be read, is none of DVC 3, or has no such stage.
    pub fn of_stage(path: &Path, stage: &str) -> Result<(Vec<Self>, Vec<Self>)> {
        let file = yaml::read(path, Plain::Text)?;
        let found = &file["stages"][stage];
        if !found.is_object() {
            return Err(bad(path, format!("it has no stage {stage:?}")));
        }
        let of = |key| outputs(&found[key]).map_err(|reason| bad(path, reason));
        Ok((of("deps")?, of("outs")?))
    }
}

fn bad(path: &Path, reason: String) -> Error {
    Error::BadDvcFile {
        path: path.to_owned(),
        reason,
    }
}

/// A list of outputs; no list is an empty one.
fn outputs(list: &Value) -> std::result::Result<Vec<DvcOutput>, String> {
    match list {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => list.iter().map(output).collect(),
        other => Err(format!("a list of outputs is {other}")),
    }
}

fn output(of: &Value) -> std::result::Result<DvcOutput, String> {
    let text = |key: &str| of[key].as_str();
    let path = text("path").ok_or_else(|| format!("an output has no path: {of}"))?;
    let md5 = text("md5").ok_or_else(|| format!("{path} has no md5"))?;
    let digits = md5.strip_suffix(".dir").unwrap_or(md5);
    let is_hash = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    // Before DVC 3, text files were hashed with other ends of lines.
    if !is_hash || !matches!(text("hash"), None | Some("md5")) {
        return Err(format!(
            "{path} is not named by an MD5 of DVC 3, but by {md5:?}"
        ));
    }
    let count = |key| text(key).and_then(|number| number.parse().ok());
    Ok(DvcOutput {
        path: path.into(),
        md5: md5.to_ascii_lowercase(),
        size: count("size"),
        files: count("nfiles"),
    })
}
