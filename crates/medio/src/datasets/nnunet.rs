//! nnU-Net's raw layout, version 2; version 1's `modality` is understood too.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::description::Description;
use super::{Case, LabelTable, Layout, SegmentationDataset, existing, folder_name, stems};
use crate::error::{Error, Result};

pub(super) fn open(folder: &Path, description: &Description) -> Result<SegmentationDataset> {
    let key = match description.has("channel_names") {
        false if description.has("modality") => "modality",
        _ => "channel_names",
    };
    let channels = description.channels(key)?;
    let labels = labels(description)?;
    let ending = description.text("file_ending").unwrap_or(".nii.gz");
    if ![".nii", ".nii.gz"].contains(&ending) {
        let problem = format!("must be .nii or .nii.gz, got {ending:?}");
        return Err(description.invalid("file_ending", problem));
    }
    let cases = if description.has("dataset") {
        listed(description, channels.len())?
    } else {
        found(folder, ending, &channels)?
    };
    if let Ok(Value::Number(declared)) = description.get("numTraining")
        && declared.as_u64() != Some(cases.len() as u64)
    {
        let problem = format!("is {declared}, but there are {} cases", cases.len());
        return Err(description.invalid("numTraining", problem));
    }
    let tests = folder.join("imagesTs");
    let test_cases = match tests.is_dir() {
        true => images(&tests, ending, &channels, &BTreeSet::new())?,
        false => Vec::new(),
    };
    Ok(SegmentationDataset {
        name: description
            .text("name")
            .map_or_else(|| folder_name(folder), str::to_owned),
        layout: Layout::NnunetRaw,
        channels,
        labels,
        cases,
        test_cases,
    })
}

/// `"liver": 1`, regions `"whole": [1, 2, 3]` and `"ignore": 4`; version 1 has `"1": "liver"`.
fn labels(description: &Description) -> Result<LabelTable> {
    let mut named = Vec::new();
    for (key, value) in description.labels()? {
        let field = format!("labels.{key}");
        let number = |v: &Value| v.as_u64().and_then(|v| u32::try_from(v).ok());
        let bad = || {
            let problem = format!("must be a label value or a list of them, got {value}");
            description.invalid(&field, problem)
        };
        match value {
            Value::Array(values) => {
                let values: Option<Vec<u32>> = values.iter().map(number).collect();
                named.push((key.clone(), values.ok_or_else(bad)?));
            }
            Value::String(name) => {
                let value = key.parse().map_err(|_| bad())?;
                named.push((name.clone(), vec![value]));
            }
            _ => named.push((key.clone(), vec![number(value).ok_or_else(bad)?])),
        }
    }
    let table = description.table(named)?;
    let Ok(order) = description.get("regions_class_order") else {
        return match table.has_regions() {
            true => Err(description.invalid(
                "regions_class_order",
                "is missing, but some labels are regions",
            )),
            false => Ok(table),
        };
    };
    let order: Option<Vec<u32>> = order.as_array().and_then(|order| {
        let number = |v: &Value| v.as_u64().and_then(|v| u32::try_from(v).ok());
        order.iter().map(number).collect()
    });
    order
        .ok_or_else(|| description.invalid("regions_class_order", "must be a list of labels"))
        .and_then(|order| {
            let with = table.with_regions_class_order(order);
            with.map_err(|e| description.invalid("regions_class_order", e.to_string()))
        })
}

/// Cases that the description lists itself (`dataset.json`'s optional key `dataset`).
fn listed(description: &Description, channels: usize) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (id, files) in description.object("dataset")? {
        let field = format!("dataset.{id}");
        let (Some(images), Some(label)) = (
            files.get("images").and_then(Value::as_array),
            files.get("label"),
        ) else {
            return Err(description.invalid(field, "must have images and a label"));
        };
        if images.len() != channels {
            return Err(Error::ChannelCount {
                case: id.clone(),
                expected: channels,
                got: images.len(),
            });
        }
        let images = images.iter().map(|image| {
            let path = description.inside(&format!("{field}.images"), image)?;
            existing(path, id, "image")
        });
        let label = description.inside(&format!("{field}.label"), label)?;
        cases.push(Case {
            id: id.clone(),
            images: images.collect::<Result<_>>()?,
            label: Some(existing(label, id, "label")?),
            channels,
        });
    }
    Ok(cases)
}

/// Cases by the names of the files: every image needs its label and every label its channels.
fn found(folder: &Path, ending: &str, channels: &[String]) -> Result<Vec<Case>> {
    let labelled = folder.join("labelsTr");
    let ids = stems(&labelled, ending)?.into_iter().collect();
    let mut cases = images(&folder.join("imagesTr"), ending, channels, &ids)?;
    for case in &mut cases {
        let path = labelled.join(format!("{}{ending}", case.id));
        case.label = Some(existing(path, &case.id, "label")?);
    }
    Ok(cases)
}

/// The cases of a folder of channels, and those of `expected` that must be among them.
fn images(
    folder: &Path,
    ending: &str,
    channels: &[String],
    expected: &BTreeSet<String>,
) -> Result<Vec<Case>> {
    let mut ids = expected.clone();
    for stem in stems(folder, ending)? {
        let channel = stem
            .len()
            .checked_sub(5)
            .and_then(|at| stem.split_at_checked(at));
        let number = channel.and_then(|(id, suffix)| {
            let number: usize = suffix.strip_prefix('_')?.parse().ok()?;
            Some((id, number)).filter(|(id, _)| !id.is_empty())
        });
        match number {
            Some((id, number)) if number < channels.len() => {
                ids.insert(id.to_owned());
            }
            Some((id, number)) => {
                return Err(Error::ChannelCount {
                    case: id.to_owned(),
                    expected: channels.len(),
                    got: number + 1,
                });
            }
            None => {
                return Err(Error::MissingFile {
                    role: format!("image named like {stem}_0000{ending} (a channel's number)"),
                    path: folder.join(format!("{stem}_0000{ending}")),
                    case: stem,
                });
            }
        }
    }
    let case = |id: String| {
        let paths = channels.iter().enumerate().map(|(number, name)| {
            let path = folder.join(format!("{id}_{number:04}{ending}"));
            existing(path, &id, format!("channel {number} ({name})"))
        });
        Ok(Case {
            images: paths.collect::<Result<_>>()?,
            label: None,
            channels: channels.len(),
            id,
        })
    };
    ids.into_iter().map(case).collect()
}
