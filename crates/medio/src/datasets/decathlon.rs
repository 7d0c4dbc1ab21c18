//! The Medical Segmentation Decathlon's layout (<http://medicaldecathlon.com>).

use std::path::Path;

use serde_json::Value;

use super::description::Description;
use super::{Case, Layout, SegmentationDataset, existing, folder_name};
use crate::error::Result;

pub(super) fn open(folder: &Path, description: &Description) -> Result<SegmentationDataset> {
    let channels = description.channels("modality")?;
    let mut named = Vec::new();
    for (key, name) in description.object("labels")? {
        let field = format!("labels.{key}");
        let value = key
            .parse()
            .map_err(|_| description.invalid(&field, "the key must be a label value"))?;
        let name = name
            .as_str()
            .ok_or_else(|| description.invalid(&field, "must be a name"))?;
        named.push((name.to_owned(), vec![value]));
    }
    let labels = description.table(named)?;
    let case = |field: &str, image: &Value, label: Option<&Value>| {
        let image = description.inside(&format!("{field}.image"), image)?;
        let name = image.file_name().unwrap_or_default().to_string_lossy();
        let id = name.strip_suffix(".gz").unwrap_or(&name);
        let id = id.strip_suffix(".nii").unwrap_or(id).to_owned();
        let label = label
            .map(|label| {
                let path = description.inside(&format!("{field}.label"), label)?;
                existing(path, &id, "label")
            })
            .transpose()?;
        let image = match &label {
            Some(_) => existing(image, &id, "image")?,
            None => image,
        };
        Ok(Case {
            images: vec![image],
            label,
            channels: channels.len(),
            id,
        })
    };
    let list = |key: &str| {
        let value = description.get(key)?;
        value
            .as_array()
            .ok_or_else(|| description.invalid(key, "must be a list"))
    };
    let mut cases = Vec::new();
    for (i, pair) in list("training")?.iter().enumerate() {
        let field = format!("training[{i}]");
        let (Some(image), Some(label)) = (pair.get("image"), pair.get("label")) else {
            return Err(description.invalid(field, "must have an image and a label"));
        };
        cases.push(case(&field, image, Some(label))?);
    }
    let mut test_cases = Vec::new();
    if description.has("test") {
        for (i, entry) in list("test")?.iter().enumerate() {
            let field = format!("test[{i}]");
            let image = entry.get("image").unwrap_or(entry);
            test_cases.push(case(&field, image, None)?);
        }
    }
    for cases in [&mut cases, &mut test_cases] {
        cases.sort_by(|a: &Case, b: &Case| a.id.cmp(&b.id));
        if let Some(pair) = cases.windows(2).find(|pair| pair[0].id == pair[1].id) {
            let problem = format!("has two cases called {:?}", pair[0].id);
            return Err(description.invalid("training or test", problem));
        }
    }
    Ok(SegmentationDataset {
        name: description
            .text("name")
            .map_or_else(|| folder_name(folder), str::to_owned),
        layout: Layout::Decathlon,
        channels,
        labels,
        cases,
        test_cases,
    })
}
