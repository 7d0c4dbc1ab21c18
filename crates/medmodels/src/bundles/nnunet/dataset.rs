//! `dataset.json`: what goes in and what comes out.

use std::collections::BTreeSet;

use medcore::LabelTable;

use crate::bundles::place::Place;
use crate::bundles::value::Value;
use crate::error::Result;

/// No scan has more channels.
const MOST_CHANNELS: usize = 256;

/// A data set as its model needs it.
#[derive(Debug, Clone)]
pub(super) struct Dataset {
    pub(super) channels: Vec<String>,
    pub(super) labels: LabelTable,
    pub(super) file_ending: Option<String>,
}

impl Dataset {
    pub(super) fn read(file: &Place<'_>) -> Result<Self> {
        let channels = match file.get("channel_names")? {
            Some(channels) => channels,
            // Version 1's name, which version 2 takes too.
            None => match file.get("modality")? {
                Some(channels) => channels,
                None => return Err(file.need("channel_names").expect_err("it is absent")),
            },
        };
        let ending = file.get("file_ending")?;
        let ending = ending.map(|ending| ending.text().map(str::to_owned));
        Ok(Self {
            channels: channel_names(&channels)?,
            labels: labels(file)?,
            file_ending: ending.transpose()?,
        })
    }

    /// All values that are neither background nor ignored.
    pub(super) fn foreground(&self) -> BTreeSet<u32> {
        let entries = self.labels.entries().iter();
        entries.flat_map(|entry| entry.values.clone()).collect()
    }
}

/// Names under the keys 0 and on.
fn channel_names(place: &Place<'_>) -> Result<Vec<String>> {
    let entries = place.entries()?;
    if entries.len() > MOST_CHANNELS {
        return Err(place.refuse(format!("at most {MOST_CHANNELS} channels")));
    }
    let mut names = vec![None; entries.len()];
    for (key, name) in &entries {
        let number = key.parse::<usize>().ok();
        let number = number.filter(|number| number.to_string() == *key);
        let slot = number.and_then(|number| names.get_mut(number));
        let slot = slot.filter(|slot| slot.is_none());
        let rule = || name.refuse(format!("under a key of 0 to {}", entries.len() - 1));
        *slot.ok_or_else(rule)? = Some(name.text()?.to_owned());
    }
    match names.into_iter().flatten().collect::<Vec<_>>() {
        names if names.is_empty() => Err(place.refuse("one channel at least")),
        names => Ok(names),
    }
}

/// Classes and regions in the order of the file, in which the outputs of the network are.
fn labels(file: &Place<'_>) -> Result<LabelTable> {
    let place = file.need("labels")?;
    let mut entries = Vec::new();
    let mut ignore = None;
    for (name, value) in place.entries()? {
        let label = |place: &Place<'_>| place.size().map(|value| value as u32);
        let values = match value.value() {
            Value::List(_) => value.each(label)?,
            _ => vec![label(&value)?],
        };
        match name {
            "ignore" => match values[..] {
                [one] => ignore = Some(one),
                _ => return Err(value.refuse("one value")),
            },
            _ if !values.is_empty() && values.iter().all(|&value| value == 0) => {}
            _ => entries.push((name, values)),
        }
    }
    let bad = |error: medcore::Error| place.refuse_as("a table of labels", error);
    let mut table = LabelTable::new(entries).map_err(bad)?;
    if let Some(ignore) = ignore {
        table = table.with_ignore(ignore).map_err(bad)?;
    }
    if table.has_regions() {
        let order = file.need("regions_class_order")?;
        let values = order.each(|place| place.size().map(|value| value as u32))?;
        table = { table.with_regions_class_order(values) }
            .map_err(|error| order.refuse_as("an order of the labels", error))?;
    } else if table.class_count() != table.entries().len() + 1 {
        let rule = "values without a gap, from 0 for the background";
        return Err(place.refuse(rule));
    }
    Ok(table)
}
