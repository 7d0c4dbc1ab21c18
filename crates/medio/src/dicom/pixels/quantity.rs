//! Which values pixels are asked for, and their units.

use super::super::dataset::{Dataset, Value};
use super::super::fault::Fault;
use super::super::functional_group::group_or_top;
use super::super::private::Private;
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::convert::Map;
use super::modality::Modality;
use super::real_world::RealWorldMapping;

/// Which values pixels are asked for.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub enum Quantity {
    /// Values of the modality: Hounsfield units, activities, doses (PS3.3 section C.11.1).
    #[default]
    Modality,
    /// Values as they are stored.
    Stored,
    /// Values of the real world (PS3.3 section C.7.6.16.2.11). Stored values that no mapping covers are NaN,
    /// and an error for whole numbers.
    RealWorld {
        /// The unit, a code of UCUM such as `mm2/s`; needed where a file offers several.
        unit: Option<String>,
    },
    /// The floating-point values of Philips MR scanners, which are comparable between slices and series:
    /// modality values divided by rescale slope and private scale slope.
    PhilipsFloat,
}

/// `Scale Slope` of Philips MR scanners.
const PHILIPS_SCALE: Private = Private {
    creator: "Philips MR Imaging DD 001",
    group: 0x2005,
    element: 0x0e,
    vr: Vr::FL,
};
/// `CTImageStorage`, `EnhancedCTImageStorage`
const CT_CLASSES: [&str; 2] = ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"];

/// The mappings in the unit that is asked for, or in the only one there is.
fn mappings(
    dataset: &Dataset,
    frame: usize,
    unit: Option<&str>,
) -> Result<Vec<RealWorldMapping>, Fault> {
    let tag = Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE;
    let all = RealWorldMapping::all(dataset, frame)?;
    let Some(first) = all.first() else {
        return Err(Fault::MissingAttribute { tag });
    };
    let wanted = match unit {
        Some(unit) => Some(unit.to_owned()),
        None => first.unit.clone(),
    };
    let names = || {
        let names: Vec<&str> = all
            .iter()
            .map(|m| m.unit.as_deref().unwrap_or(""))
            .collect();
        names.join(", ")
    };
    let fits = |mapping: &&RealWorldMapping| mapping.unit == wanted;
    let chosen: Vec<RealWorldMapping> = all.iter().filter(fits).cloned().collect();
    if unit.is_none() && chosen.len() < all.len() {
        return Err(Fault::attribute(tag, "asked for by its unit", names()));
    }
    if chosen.is_empty() {
        return Err(Fault::attribute(tag, "in the unit asked for", names()));
    }
    Ok(chosen)
}

/// The map from stored values to those asked for.
pub(super) fn map(
    dataset: &Dataset,
    frame: usize,
    signed: bool,
    quantity: &Quantity,
) -> Result<Map, Fault> {
    match quantity {
        Quantity::Stored => Ok(Map::Identity),
        Quantity::Modality => Ok(Modality::of(dataset, frame, signed)?.map()),
        Quantity::RealWorld { unit } => Ok(Map::Pieces(mappings(dataset, frame, unit.as_deref())?)),
        Quantity::PhilipsFloat => {
            let own = dataset.items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
            let own = own.get(frame).and_then(|groups| {
                let sequence = groups.private("Philips MR Imaging DD 005", 0x2005, 0x0f)?;
                match sequence.value() {
                    Value::Items(items) => PHILIPS_SCALE.float(items.first()?),
                    _ => None,
                }
            });
            let missing = Fault::MissingAttribute {
                tag: Tag::new(0x2005, 0x100e),
            };
            let scale = own.or_else(|| PHILIPS_SCALE.float(dataset));
            let scale = scale.filter(|scale| *scale > 0.0).ok_or(missing)?;
            let (slope, intercept) = match Modality::of(dataset, frame, signed)? {
                Modality::Identity => (1.0, 0.0),
                Modality::Rescale {
                    slope, intercept, ..
                } => (slope, intercept),
                Modality::Table { .. } => {
                    let what = "a modality table beside Philips' scale".to_owned();
                    return Err(Fault::Unsupported { what });
                }
            };
            Ok(Map::Linear(1.0 / scale, intercept / (slope * scale)))
        }
    }
}

/// The unit of the values asked for, if the file says it.
pub(super) fn unit(
    dataset: &Dataset,
    frame: usize,
    signed: bool,
    quantity: &Quantity,
) -> Result<Option<String>, Fault> {
    match quantity {
        Quantity::Stored | Quantity::PhilipsFloat => Ok(None),
        Quantity::RealWorld { unit } => {
            let chosen = mappings(dataset, frame, unit.as_deref())?;
            Ok(chosen.into_iter().find_map(|mapping| mapping.unit))
        }
        Quantity::Modality => {
            let modality = Modality::of(dataset, frame, signed)?;
            if let Some(unit) = modality.unit() {
                return Ok(Some(unit.to_owned()));
            }
            if let Some(unit) = dataset.string(Tag::UNITS) {
                return Ok(Some(unit));
            }
            // CT images leave the type out where it is Hounsfield units (PS3.3 section C.8.2.1).
            let class = dataset.string(Tag::SOP_CLASS_UID).unwrap_or_default();
            let group = group_or_top(dataset, frame, Tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
            let rescaled = group.has_value(Tag::RESCALE_INTERCEPT);
            let hounsfield = CT_CLASSES.contains(&class.as_str()) && rescaled;
            Ok(hounsfield.then(|| "HU".to_owned()))
        }
    }
}
