//! Parametric maps onto their grids, with the real world values of their frames.

use std::path::Path;
use std::sync::Arc;

use medcore::Image;

use super::super::dataset::Dataset;
use super::super::derived::Code;
use super::super::fault::Fault;
use super::super::file::{DicomFile, open_with};
use super::super::instance::{Instance, slices};
use super::super::pixels::{Modality, functional_group};
use super::super::stack::Stack;
use super::super::tag::Tag;
use super::{MapValue, ParametricMap};
use crate::options::ReadOptions;

/// `value = slope * stored + intercept`, and what it means.
#[derive(Debug, Clone, PartialEq)]
struct Mapping {
    slope: f64,
    intercept: f64,
    unit: Code,
    quantity: Option<Code>,
}

impl Mapping {
    /// The mapping of a frame: the first, if there are several.
    fn of(dataset: &Dataset, frame: usize) -> Result<Self, Fault> {
        let tag = Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE;
        let group = functional_group(dataset, frame, tag);
        let item = group.or_else(|| dataset.item(tag));
        let item = item.ok_or(Fault::MissingAttribute { tag })?;
        if item.has_value(Tag::REAL_WORLD_VALUE_LUT_DATA) {
            let what = "a table of real world values".to_owned();
            return Err(Fault::Unsupported { what });
        }
        let number = |tag| item.float(tag)?.ok_or(Fault::MissingAttribute { tag });
        let (slope, intercept) = (
            number(Tag::REAL_WORLD_VALUE_SLOPE)?,
            number(Tag::REAL_WORLD_VALUE_INTERCEPT)?,
        );
        for (tag, value) in [
            (Tag::REAL_WORLD_VALUE_SLOPE, slope),
            (Tag::REAL_WORLD_VALUE_INTERCEPT, intercept),
        ] {
            // Numbers in binary may be none.
            if !value.is_finite() {
                return Err(Fault::attribute(tag, "finite", value));
            }
        }
        if slope == 0.0 {
            let tag = Tag::REAL_WORLD_VALUE_SLOPE;
            return Err(Fault::attribute(tag, "other than 0", slope));
        }
        let tag = Tag::MEASUREMENT_UNITS_CODE_SEQUENCE;
        let unit = item.item(tag).ok_or(Fault::MissingAttribute { tag })?;
        let quantities = item.items(Tag::QUANTITY_DEFINITION_SEQUENCE).iter();
        let mut quantities = quantities.filter(|item| is_quantity(item));
        let quantity = quantities.next();
        let quantity = quantity.and_then(|item| item.item(Tag::CONCEPT_CODE_SEQUENCE));
        Ok(Self {
            slope,
            intercept,
            unit: Code::of_item(unit)?,
            quantity: quantity.map(Code::of_item).transpose()?,
        })
    }
}

/// Whether an item of a definition names the quantity, and not how it was measured.
fn is_quantity(item: &Dataset) -> bool {
    let concept = item
        .item(Tag::CONCEPT_NAME_CODE_SEQUENCE)
        .map(Code::of_item);
    // The concept's codes of SNOMED CT and of its older designator.
    let known = [
        Code::sct("246205007", "Quantity"),
        Code::new("G-C1C6", "SRT", "Quantity"),
    ];
    matches!(concept, Some(Ok(concept)) if known.iter().any(|code| code.is(&concept)))
}

impl Mapping {
    fn is_identity(&self) -> bool {
        self.slope == 1.0 && self.intercept == 0.0
    }
}

impl<T: MapValue> ParametricMap<T> {
    /// Reads a map onto its grid; whole numbers become real world values.
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
        let (stack, mappings) = described(&file).map_err(&fail)?;
        let budget = ReadOptions::new().budget(Arc::clone(&file.budget));
        let volume = stack.volume::<T>(&budget)?;
        let geometry = *volume.image.geometry();
        let [_, rows, columns] = geometry.shape();
        let mut values = volume.image.into_vec();
        let planes = values.chunks_exact_mut(rows.saturating_mul(columns).max(1));
        for (source, plane) in volume.planes.iter().zip(planes) {
            let mapping = source.as_ref().and_then(|plane| mappings.get(plane.frame));
            let Some(mapping) = mapping.filter(|mapping| !mapping.is_identity()) else {
                continue;
            };
            for value in plane {
                let stored: f64 = (*value).into();
                *value = T::of(stored.mul_add(mapping.slope, mapping.intercept));
            }
        }
        let image = Image::new(geometry, values);
        let image = image
            .map_err(Fault::core("parametric map"))
            .map_err(&fail)?;
        let tag = Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE;
        let first = mappings.into_iter().next();
        let first = first.ok_or_else(|| fail(Fault::MissingAttribute { tag }))?;
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
            quantity: first.quantity,
            unit: first.unit,
            label: header.string(Tag::CONTENT_LABEL).unwrap_or_default(),
            description: header.text(Tag::CONTENT_DESCRIPTION).unwrap_or_default(),
            header,
            source: None,
        })
    }
}

/// The frames as a stack, and the mapping of each.
fn described(file: &DicomFile) -> Result<(Stack, Vec<Mapping>), Fault> {
    let dataset = file.dataset();
    let class_uid = dataset.string(Tag::SOP_CLASS_UID).unwrap_or_default();
    if class_uid != "1.2.840.10008.5.1.4.1.1.30" {
        let rule = "that of a parametric map";
        return Err(Fault::attribute(Tag::SOP_CLASS_UID, rule, class_uid));
    }
    let instance = Instance::of(file)?;
    let slices = slices(file, &instance)?;
    let mut mappings: Vec<Mapping> = Vec::with_capacity(slices.len());
    for frame in 0..slices.len() {
        let mapping = Mapping::of(dataset, frame)?;
        if let Some(first) = mappings.first()
            && !(first.unit.is(&mapping.unit))
        {
            let rule = "the same unit for all frames";
            let tag = Tag::MEASUREMENT_UNITS_CODE_SEQUENCE;
            return Err(Fault::attribute(tag, rule, mapping.unit.value));
        }
        // The mapping starts from stored values.
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
        mappings.push(mapping);
    }
    let series_uid = dataset.string(Tag::SERIES_INSTANCE_UID);
    let stack = Stack {
        series_uid: series_uid.unwrap_or_default(),
        slices,
    };
    Ok((stack, mappings))
}
