//! From stored values to those of the modality: Hounsfield units and the like (PS3.3 section C.11.1).

use super::super::dataset::Dataset;
use super::super::dose;
use super::super::fault::Fault;
use super::super::functional_group::group_or_top;
use super::super::tag::Tag;
use super::convert::Map;
use super::lut::LookupTable;

/// The modality's transform of a frame.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Modality {
    /// Values are as stored.
    Identity,
    /// `slope * stored + intercept`
    Rescale {
        /// Factor.
        slope: f64,
        /// Summand.
        intercept: f64,
        /// Unit of the result, for instance `HU`, if the file says it.
        unit: Option<String>,
    },
    /// A table from stored values.
    Table {
        /// The table.
        table: LookupTable,
        /// Unit of the result, if the file says it.
        unit: Option<String>,
    },
}

impl Modality {
    /// The transform of a frame: a table goes before slope and intercept; doses have a factor of their own.
    pub(super) fn of(dataset: &Dataset, frame: usize, signed: bool) -> Result<Self, Fault> {
        if let Some(item) = dataset.item(Tag::MODALITY_LUT_SEQUENCE) {
            return Ok(Self::Table {
                table: LookupTable::of(item, signed)?,
                unit: item.string(Tag::MODALITY_LUT_TYPE),
            });
        }
        if let Some((slope, unit)) = dose::scaling(dataset)? {
            return Ok(Self::Rescale {
                slope,
                intercept: 0.0,
                unit,
            });
        }
        let group = group_or_top(dataset, frame, Tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
        let slope = group.float(Tag::RESCALE_SLOPE)?;
        let intercept = group.float(Tag::RESCALE_INTERCEPT)?;
        if slope.is_none() && intercept.is_none() {
            return Ok(Self::Identity);
        }
        let slope = slope.unwrap_or(1.0);
        if slope == 0.0 {
            return Err(Fault::attribute(Tag::RESCALE_SLOPE, "other than 0", slope));
        }
        Ok(Self::Rescale {
            slope,
            intercept: intercept.unwrap_or(0.0),
            unit: group.string(Tag::RESCALE_TYPE),
        })
    }

    /// The unit that its attributes name.
    pub(super) fn unit(&self) -> Option<&str> {
        match self {
            Self::Identity => None,
            Self::Rescale { unit, .. } | Self::Table { unit, .. } => unit.as_deref(),
        }
    }

    pub(super) fn map(&self) -> Map {
        match self {
            Self::Identity => Map::Identity,
            Self::Rescale {
                slope, intercept, ..
            } => {
                let whole = intercept.fract() == 0.0 && intercept.abs() < 1e9;
                match (*slope == 1.0, whole) {
                    (true, true) if *intercept == 0.0 => Map::Identity,
                    (true, true) => Map::Offset(*intercept as i32),
                    _ => Map::Linear(*slope, *intercept),
                }
            }
            Self::Table { table, .. } => Map::Table(table.clone()),
        }
    }
}
