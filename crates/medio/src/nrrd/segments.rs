//! What 3D Slicer writes of segments into the key/value pairs of a `.seg.nrrd`.

use std::collections::BTreeMap;

use crate::entries::Entries;

/// One segment of a segmentation: a name for the voxels of one value in one layer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Segment {
    /// Its identifier in the file, `Segment_1` or a UID.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The value of its voxels.
    pub label_value: u32,
    /// The channel of its voxels; segments that overlap lie in different ones.
    pub layer: usize,
    /// Red, green and blue from 0 to 1.
    pub color: Option<[f64; 3]>,
    /// Terminology and other tags as stored.
    pub tags: Option<String>,
}

/// The segments in the order of their numbers.
pub(super) fn of(key_values: &Entries) -> Vec<Segment> {
    let mut found: BTreeMap<usize, BTreeMap<&str, &str>> = BTreeMap::new();
    for (key, value) in key_values.iter() {
        let numbered = key
            .strip_prefix("Segment")
            .and_then(|rest| rest.split_once('_'))
            .and_then(|(number, field)| Some((number.parse().ok()?, field)));
        if let Some((number, field)) = numbered {
            found.entry(number).or_default().insert(field, value);
        }
    }
    let segment = |(number, fields): (usize, BTreeMap<&str, &str>)| {
        let text = |field: &str| fields.get(field).map(|value| value.trim().to_owned());
        let id = text("ID").unwrap_or_else(|| format!("Segment_{number}"));
        let number_of = |field: &str| fields.get(field).map(|value| value.trim().parse());
        Segment {
            name: text("Name").unwrap_or_else(|| id.clone()),
            id,
            // Files of before layers were known hold a binary volume a segment.
            label_value: match number_of("LabelValue") {
                Some(Ok(value)) => value,
                _ => 1,
            },
            layer: match fields.get("Layer").map(|value| value.trim().parse()) {
                Some(Ok(layer)) => layer,
                _ => number,
            },
            color: fields.get("Color").and_then(|value| color(value)),
            tags: text("Tags"),
        }
    };
    found.into_iter().map(segment).collect()
}

fn color(text: &str) -> Option<[f64; 3]> {
    let parts: Vec<f64> = text
        .split_whitespace()
        .take(4)
        .map(|word| word.parse().ok().filter(|v| (0.0..=1.0).contains(v)))
        .collect::<Option<_>>()?;
    parts.try_into().ok()
}
