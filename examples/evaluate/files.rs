//! Files of two folders that belong together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// Endings of files that hold an image or its header, longer ones first.
const ENDINGS: [&str; 23] = [
    ".seg.nrrd",
    ".nii.gz",
    ".hdr.gz",
    ".nii",
    ".hdr",
    ".nrrd",
    ".nhdr",
    ".mha",
    ".mhd",
    ".mgz",
    ".mgh",
    ".npy",
    ".npz",
    ".png",
    ".tiff",
    ".tif",
    ".jpeg",
    ".jpg",
    ".bmp",
    ".dicom",
    ".dcm",
    ".ima",
    ".mnc",
];

/// The images of a folder by their names without extension; a folder inside is a DICOM series.
///
/// Two files of one name are a problem, and neither is taken.
pub(crate) fn images(
    folder: &Path,
    problems: &mut Vec<String>,
) -> Result<BTreeMap<String, PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in entries {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            problems.push(format!("{}: its name is no text", path.display()));
            continue;
        };
        let lower = name.to_ascii_lowercase();
        let ending = ENDINGS.iter().find(|ending| lower.ends_with(**ending));
        let case = match ending {
            _ if name.starts_with('.') => continue,
            _ if path.is_dir() => name.to_owned(),
            Some(ending) => name[..name.len() - ending.len()].to_owned(),
            None => continue,
        };
        found.entry(case).or_default().push(path);
    }
    ensure!(
        !found.is_empty(),
        "{} holds no image of a format that is read",
        folder.display()
    );
    let mut single = BTreeMap::new();
    for (case, mut paths) in found {
        paths.sort();
        match &paths[..] {
            [path] => {
                single.insert(case, path.clone());
            }
            several => problems.push(format!(
                "{case}: {} is there {} times, with the endings of {several:?}",
                folder.display(),
                several.len()
            )),
        }
    }
    Ok(single)
}

/// A case with both of its files.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) case: String,
    pub(crate) truth: PathBuf,
    pub(crate) prediction: PathBuf,
}

/// The cases of both folders, by name; each case that only one of them has is a problem.
pub(crate) fn pairs(
    truth: &Path,
    prediction: &Path,
    problems: &mut Vec<String>,
) -> Result<Vec<Pair>> {
    let truths = images(truth, problems)?;
    let mut predictions = images(prediction, problems)?;
    let mut pairs = Vec::new();
    for (case, truth) in truths {
        match predictions.remove(&case) {
            Some(prediction) => pairs.push(Pair {
                case,
                truth,
                prediction,
            }),
            None => problems.push(format!("{case}: no prediction in {}", prediction.display())),
        }
    }
    for case in predictions.keys() {
        problems.push(format!("{case}: no truth in {}", truth.display()));
    }
    Ok(pairs)
}
