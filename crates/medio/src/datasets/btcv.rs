//! BTCV ("Synapse") multi-organ CT: `img/img0001.nii.gz` beside `label/label0001.nii.gz`.
//!
//! The labels are those of the challenge (<https://www.synapse.org/Synapse:syn3193805>, MICCAI 2015).

use std::path::{Path, PathBuf};

use super::{Case, LabelTable, Layout, SegmentationDataset, existing, folder_name, stems};
use crate::error::{Error, Result};

const ORGANS: [&str; 13] = [
    "spleen",
    "right kidney",
    "left kidney",
    "gallbladder",
    "esophagus",
    "liver",
    "stomach",
    "aorta",
    "inferior vena cava",
    "portal vein and splenic vein",
    "pancreas",
    "right adrenal gland",
    "left adrenal gland",
];

/// The folder with `img` and `label`: the one given or the published archive's `RawData/Training`.
pub(super) fn root(folder: &Path) -> Option<PathBuf> {
    ["", "Training", "RawData/Training"]
        .map(|below| folder.join(below))
        .into_iter()
        .find(|root| root.join("img").is_dir() && root.join("label").is_dir())
}

pub(super) fn open(folder: &Path, root: &Path) -> Result<SegmentationDataset> {
    let numbered = (1_u32..)
        .zip(ORGANS)
        .map(|(value, organ)| (organ, vec![value]));
    let labels = LabelTable::new(numbered).map_err(Error::LabelTable)?;
    let mut cases = Vec::new();
    let ids = ids(&root.join("img"))?;
    for (id, image) in &ids {
        let ending = image.ending;
        let label = root.join("label").join(format!("label{id}{ending}"));
        cases.push(Case {
            label: Some(existing(label, id, "label")?),
            ..image.case(id)
        });
    }
    for stem in stems(&root.join("label"), ".nii.gz")? {
        let id = stem.strip_prefix("label").unwrap_or(&stem);
        if !ids.iter().any(|(known, _)| known == id) {
            let path = root.join("img").join(format!("img{id}.nii.gz"));
            existing(path, id, "image")?;
        }
    }
    let tests = root.parent().map(|parent| parent.join("Testing/img"));
    let mut test_cases = Vec::new();
    if let Some(tests) = tests.filter(|tests| tests.is_dir()) {
        test_cases = self::ids(&tests)?
            .iter()
            .map(|(id, image)| image.case(id))
            .collect();
    }
    Ok(SegmentationDataset {
        name: folder_name(folder),
        layout: Layout::Btcv,
        channels: vec!["CT".to_owned()],
        labels,
        cases,
        test_cases,
    })
}

struct Found {
    path: PathBuf,
    ending: &'static str,
}

impl Found {
    fn case(&self, id: &str) -> Case {
        Case {
            id: id.to_owned(),
            images: vec![self.path.clone()],
            label: None,
            channels: 1,
        }
    }
}

/// The numbers of the images of a folder, in order.
fn ids(folder: &Path) -> Result<Vec<(String, Found)>> {
    let mut ids = Vec::new();
    for ending in [".nii.gz", ".nii"] {
        for stem in stems(folder, ending)? {
            let path = folder.join(format!("{stem}{ending}"));
            let Some(id) = stem.strip_prefix("img").filter(|id| !id.is_empty()) else {
                return Err(Error::MissingFile {
                    case: stem.clone(),
                    role: "image named like img0001.nii.gz, not".to_owned(),
                    path,
                });
            };
            ids.push((id.to_owned(), Found { path, ending }));
        }
    }
    ids.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(ids)
}
