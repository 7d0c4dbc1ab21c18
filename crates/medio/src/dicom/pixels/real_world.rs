//! From stored values to quantities of the real world (PS3.3 section C.7.6.16.2.11).

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::functional_group::functional_groups;
use super::super::tag::Tag;

/// How a range of stored values maps to real-world ones.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RealWorldMapping {
    /// `LUTLabel`
    pub label: Option<String>,
    /// The unit, a code of UCUM such as `mm2/s`, if one is named.
    pub unit: Option<String>,
    /// The first and the last stored value that are mapped.
    pub range: [f64; 2],
    /// How they are mapped.
    pub function: RealWorldFunction,
}

/// How stored values map to real-world ones.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RealWorldFunction {
    /// `slope * stored + intercept`
    Linear {
        /// Factor.
        slope: f64,
        /// Summand.
        intercept: f64,
    },
    /// A value for each whole number of the range.
    Table(Vec<f64>),
}

fn end(item: &Dataset, whole: Tag, double: Tag) -> Result<f64, Fault> {
    let value = match item.float(double)? {
        Some(value) => Some(value),
        None => item.float(whole)?,
    };
    { value.filter(|value| value.is_finite()) }.ok_or(Fault::MissingAttribute { tag: whole })
}

impl RealWorldMapping {
    fn of(item: &Dataset) -> Result<Self, Fault> {
        let code = item.item(Tag::MEASUREMENT_UNITS_CODE_SEQUENCE);
        let unit = code.and_then(|code| {
            let short = code.string(Tag::CODE_VALUE);
            short.or_else(|| code.text(Tag::LONG_CODE_VALUE))
        });
        let first = end(
            item,
            Tag::REAL_WORLD_VALUE_FIRST_VALUE_MAPPED,
            Tag::DOUBLE_FLOAT_REAL_WORLD_VALUE_FIRST_VALUE_MAPPED,
        )?;
        let last = end(
            item,
            Tag::REAL_WORLD_VALUE_LAST_VALUE_MAPPED,
            Tag::DOUBLE_FLOAT_REAL_WORLD_VALUE_LAST_VALUE_MAPPED,
        )?;
        let table = item.floats(Tag::REAL_WORLD_VALUE_LUT_DATA)?;
        let slope = item.float(Tag::REAL_WORLD_VALUE_SLOPE)?;
        let function = match (slope, table.is_empty()) {
            (Some(slope), _) => {
                let tag = Tag::REAL_WORLD_VALUE_INTERCEPT;
                let intercept = item.required_float(tag)?;
                // Numbers in binary may be none.
                for (tag, value) in [(Tag::REAL_WORLD_VALUE_SLOPE, slope), (tag, intercept)] {
                    if !value.is_finite() {
                        return Err(Fault::attribute(tag, "finite", value));
                    }
                }
                if slope == 0.0 {
                    let tag = Tag::REAL_WORLD_VALUE_SLOPE;
                    return Err(Fault::attribute(tag, "other than 0", slope));
                }
                RealWorldFunction::Linear { slope, intercept }
            }
            (None, false) => {
                let entries = u32::try_from(table.len()).map_or(f64::INFINITY, f64::from);
                if entries != last - first + 1.0 {
                    let got = format_args!("{entries} for {first} to {last}");
                    let rule = "one for each value mapped";
                    return Err(Fault::attribute(Tag::REAL_WORLD_VALUE_LUT_DATA, rule, got));
                }
                RealWorldFunction::Table(table)
            }
            (None, true) => {
                let tag = Tag::REAL_WORLD_VALUE_SLOPE;
                return Err(Fault::MissingAttribute { tag });
            }
        };
        Ok(Self {
            label: item.string(Tag::LUT_LABEL),
            unit,
            range: [first, last],
            function,
        })
    }

    /// The items that describe the mappings of a frame; its own go before those of all frames.
    pub(in super::super) fn items(dataset: &Dataset, frame: usize) -> &[Dataset] {
        let tag = Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE;
        match functional_groups(dataset, frame, tag) {
            [] => dataset.items(tag),
            items => items,
        }
    }

    /// The mappings of a frame.
    pub(super) fn all(dataset: &Dataset, frame: usize) -> Result<Vec<Self>, Fault> {
        let items = Self::items(dataset, frame).iter();
        items.map(Self::of).collect()
    }

    /// The value that a stored one maps to; none outside the range.
    #[must_use]
    pub fn value(&self, stored: f64) -> Option<f64> {
        let [first, last] = self.range;
        if !(first..=last).contains(&stored) {
            return None;
        }
        match &self.function {
            RealWorldFunction::Linear { slope, intercept } => Some(slope * stored + intercept),
            RealWorldFunction::Table(table) => table.get((stored - first) as usize).copied(),
        }
    }
}

/// The value by the first mapping whose range holds a stored value, NaN if none does.
pub(super) fn value(mappings: &[RealWorldMapping], stored: f64) -> f64 {
    let found = mappings.iter().find_map(|mapping| mapping.value(stored));
    found.unwrap_or(f64::NAN)
}
