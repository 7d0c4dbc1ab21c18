//! Parametric maps onto their grids, with the real world values of their frames.

use crate::options::ReadOptions;
use std::path::Path;
use std::sync::Arc;

use super::super::dataset::Dataset;
use super::super::derived::Code;
use super::super::fault::Fault;
use super::super::file::{DicomFile, open_with};
use super::super::instance::{Instance, slices};
use super::super::pixels::{Modality, Quantity, RealWorldMapping};
use super::super::stack::Stack;
use super::super::tag::Tag;
use super::{CLASS_UID, MapValue, ParametricMap, QUANTITY};

impl<T: MapValue> ParametricMap<T> {
    /// Reads a map onto its grid; whole numbers become real world values, what no mapping covers NaN.
    ///
    /// # Errors
    /// Refuses what [`dicom::open`](super::super::open) and [`Stack::volume`] refuse, files that are no
    /// parametric map, frames without a real world value mapping or with different units, and tables.
    pub fn read(path: impl AsRef<Path>) -> crate::Result<Self> {
        Self::read_with(path, &ReadOptions::new())
    }

    /// As [`Self::read`], with options.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> crate::Result<Self> {
        let file = open_with(path, options)?;
        let fail = crate::Error::dicom(file.path());
        let stack = stack(&file).map_err(&fail)?;
        let (unit, quantity) = meaning(file.dataset()).map_err(&fail)?;
        let options = ReadOptions::new()
            .budget(Arc::clone(&file.budget))
            .quantity(Quantity::RealWorld {
                unit: Some(unit.value.to_string()),
            });
        let image = stack.volume::<T>(&options)?.image;
        let mut header = file.into_dataset();
        for tag in [
            Tag::PIXEL_DATA,
            Tag::FLOAT_PIXEL_DATA,
            Tag::DOUBLE_FLOAT_PIXEL_DATA,
            Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
        ] {
            header.remove(tag);
        }
        Ok(Self {
            image,
            quantity,
            unit,
            label: header.string(Tag::CONTENT_LABEL).unwrap_or_default(),
            description: header.text(Tag::CONTENT_DESCRIPTION).unwrap_or_default(),
            header,
            source: None,
        })
    }
}

/// The frames of a map, whose mappings start from stored values.
fn stack(file: &DicomFile) -> Result<Stack, Fault> {
    let dataset = file.dataset();
    let class_uid = dataset.string(Tag::SOP_CLASS_UID).unwrap_or_default();
    if class_uid != CLASS_UID {
        let rule = "that of a parametric map";
        return Err(Fault::attribute(Tag::SOP_CLASS_UID, rule, class_uid));
    }
    let slices = slices(file, &Instance::of(file)?)?;
    for frame in 0..slices.len() {
        let mappings = RealWorldMapping::items(dataset, frame);
        // A large one, shared by many frames, would be read for each of them.
        if mappings
            .iter()
            .any(|item| item.has_value(Tag::REAL_WORLD_VALUE_LUT_DATA))
        {
            let what = "a table of real world values".to_owned();
            return Err(Fault::Unsupported { what });
        }
        match file.modality(frame) {
            Ok(Modality::Identity) => {}
            Ok(Modality::Rescale {
                slope, intercept, ..
            }) if (slope, intercept) == (1.0, 0.0) => {}
            _ => {
                let what = "a parametric map whose stored values are rescaled first".to_owned();
                return Err(Fault::Unsupported { what });
            }
        }
    }
    let series_uid = dataset.string(Tag::SERIES_INSTANCE_UID);
    Ok(Stack {
        series_uid: series_uid.unwrap_or_default(),
        slices,
    })
}

/// Unit and quantity: the first, if there are several.
fn meaning(dataset: &Dataset) -> Result<(Code, Option<Code>), Fault> {
    let tag = Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE;
    let item = RealWorldMapping::items(dataset, 0).first();
    let item = item.ok_or(Fault::MissingAttribute { tag })?;
    let unit = item.required_item(Tag::MEASUREMENT_UNITS_CODE_SEQUENCE)?;
    let definitions = item.items(Tag::QUANTITY_DEFINITION_SEQUENCE).iter();
    let quantity = { definitions }
        .find(|item| is_quantity(item))
        .and_then(|item| item.item(Tag::CONCEPT_CODE_SEQUENCE));
    Ok((
        Code::of_item(unit)?,
        quantity.map(Code::of_item).transpose()?,
    ))
}

/// Whether an item of a definition names the quantity, and not how it was measured.
fn is_quantity(item: &Dataset) -> bool {
    let concept = item
        .item(Tag::CONCEPT_NAME_CODE_SEQUENCE)
        .map(Code::of_item);
    // The concept's codes of SNOMED CT and of its older designator.
    let known = [QUANTITY, Code::new("G-C1C6", "SRT", "Quantity")];
    matches!(concept, Some(Ok(concept)) if known.iter().any(|code| code.is(&concept)))
}
