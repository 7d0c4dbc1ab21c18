//! What the values of a label map mean.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A structure and the values of its voxels: one for a class, several for a region that joins classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelEntry {
    /// Its name.
    pub name: String,
    /// Values in the label map, ascending.
    pub values: Vec<u32>,
}

/// Names for the values of a label map; 0 is background and has no entry.
///
/// A region (nnU-Net's `"whole tumour": [1, 2, 3]`) has several values, and regions may overlap; the
/// ignore label marks voxels that nobody annotated. Label maps stay plain integer maps.
///
/// ```
/// use medcore::LabelTable;
///
/// let organs = LabelTable::new([("liver", vec![1]), ("left kidney", vec![2])])?;
/// assert_eq!(organs.name_of(2), Some("left kidney"));
/// assert_eq!(organs.class_count(), 3); // with background
/// # Ok::<(), medcore::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct LabelTable {
    entries: Vec<LabelEntry>,
    regions_class_order: Option<Vec<u32>>,
    ignore: Option<u32>,
}

/// The table as it is stored, before its rules are checked.
#[derive(Serialize, Deserialize)]
struct Plain {
    entries: Vec<LabelEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    regions_class_order: Option<Vec<u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ignore: Option<u32>,
}

impl LabelTable {
    /// The largest value a table may name: label maps of datasets are read as `u8`.
    pub const MAX_VALUE: u32 = 255;

    /// A table from names and values, background left out.
    ///
    /// # Errors
    /// Refuses empty or repeated names, entries without values, the value 0 or one above
    /// [`LabelTable::MAX_VALUE`], two classes of one value, and two entries of the same values.
    pub fn new<N: Into<String>>(entries: impl IntoIterator<Item = (N, Vec<u32>)>) -> Result<Self> {
        let entries = entries.into_iter().map(|(name, mut values)| {
            values.sort_unstable();
            let name = name.into();
            LabelEntry { name, values }
        });
        Self::checked(Plain {
            entries: entries.collect(),
            regions_class_order: None,
            ignore: None,
        })
    }

    /// The same table with a value for voxels that nobody annotated; it must be the largest one.
    ///
    /// # Errors
    /// Refuses a value that does not follow all others.
    pub fn with_ignore(self, value: u32) -> Result<Self> {
        Self::checked(Plain {
            ignore: Some(value),
            ..self.into()
        })
    }

    /// The same table with the order in which regions are painted into an integer map, later ones over
    /// earlier ones (nnU-Net's `regions_class_order`).
    ///
    /// # Errors
    /// Refuses an order whose length is not the number of entries, and a value that its entry does not have.
    pub fn with_regions_class_order(self, order: Vec<u32>) -> Result<Self> {
        Self::checked(Plain {
            regions_class_order: Some(order),
            ..self.into()
        })
    }

    fn checked(plain: Plain) -> Result<Self> {
        let Plain {
            entries,
            regions_class_order,
            ignore,
        } = plain;
        let refuse = |problem| Err(Error::InvalidLabelTable { problem });
        let mut largest = 0;
        for (i, entry) in entries.iter().enumerate() {
            let name = &entry.name;
            if name.trim().is_empty() {
                return refuse(format!("entry {i} has no name"));
            }
            let bad = |&v: &u32| v == 0 || v > Self::MAX_VALUE;
            match entry.values.iter().copied().find(bad) {
                Some(value) => {
                    return refuse(format!("{name:?} has value {value}, allowed are 1 to 255"));
                }
                None if entry.values.is_empty() => return refuse(format!("{name:?} has no value")),
                None => {}
            }
            if entry.values.windows(2).any(|pair| pair[0] >= pair[1]) {
                return refuse(format!("{name:?} repeats or disorders its values"));
            }
            for other in &entries[..i] {
                if other.name == *name {
                    return refuse(format!("{name:?} is there twice"));
                }
                if other.values == entry.values {
                    let values = &entry.values;
                    return refuse(format!("{:?} and {name:?} share {values:?}", other.name));
                }
            }
            largest = largest.max(entry.values.last().copied().unwrap_or(0));
        }
        if let Some(order) = &regions_class_order
            && order.len() != entries.len()
        {
            let (got, want) = (order.len(), entries.len());
            return refuse(format!(
                "regions_class_order has {got} entries, there are {want} labels"
            ));
        }
        let painted = regions_class_order.iter().flatten().zip(&entries);
        for (value, LabelEntry { name, values }) in painted {
            if !values.contains(value) {
                return refuse(format!(
                    "regions_class_order paints {name:?} as {value}, which is none of its values {values:?}"
                ));
            }
        }
        if let Some(value) = ignore
            && (value <= largest || value > Self::MAX_VALUE)
        {
            return refuse(format!(
                "the ignore label {value} must follow the largest label {largest}"
            ));
        }
        Ok(Self {
            entries,
            regions_class_order,
            ignore,
        })
    }

    /// The structures in order; background and ignore are not among them.
    #[must_use]
    pub fn entries(&self) -> &[LabelEntry] {
        &self.entries
    }

    /// The value of voxels that nobody annotated.
    #[must_use]
    pub fn ignore(&self) -> Option<u32> {
        self.ignore
    }

    /// The order in which regions are painted, if the dataset gives one.
    #[must_use]
    pub fn regions_class_order(&self) -> Option<&[u32]> {
        self.regions_class_order.as_deref()
    }

    /// The classes that are one value each: the value and its name, in order.
    pub fn classes(&self) -> impl Iterator<Item = (u8, &str)> {
        self.entries
            .iter()
            .filter_map(|entry| match entry.values[..] {
                [value] => Some((value as u8, entry.name.as_str())),
                _ => None,
            })
    }

    /// The structures as the channels of a network with a sigmoid each: the values that belong to each.
    #[must_use]
    pub fn regions(&self) -> Vec<Vec<u32>> {
        let values = |entry: &LabelEntry| entry.values.clone();
        self.entries.iter().map(values).collect()
    }

    /// Outputs of a network for this table: one for each class, background included, or one for each region.
    #[must_use]
    pub fn output_count(&self) -> usize {
        if self.has_regions() {
            self.entries.len()
        } else {
            self.class_count()
        }
    }

    /// Whether an entry joins several values.
    #[must_use]
    pub fn has_regions(&self) -> bool {
        self.entries.iter().any(|entry| entry.values.len() > 1)
    }

    /// One more than the largest value of an entry: the classes of a network that predicts integer maps,
    /// background included and ignore not.
    #[must_use]
    pub fn class_count(&self) -> usize {
        let last = |entry: &LabelEntry| entry.values.last().copied();
        let largest = self.entries.iter().filter_map(last).max();
        largest.map_or(1, |value| value as usize + 1)
    }

    /// The name of the class that has exactly this value.
    #[must_use]
    pub fn name_of(&self, value: u32) -> Option<&str> {
        let exact = |entry: &&LabelEntry| entry.values == [value];
        self.entries
            .iter()
            .find(exact)
            .map(|entry| entry.name.as_str())
    }

    /// Every value that a label map may hold, background and ignore included, ascending.
    #[must_use]
    pub fn values(&self) -> Vec<u32> {
        let named = self
            .entries
            .iter()
            .flat_map(|entry| entry.values.iter().copied());
        let mut values: Vec<u32> = std::iter::once(0).chain(named).chain(self.ignore).collect();
        values.sort_unstable();
        values.dedup();
        values
    }
}

impl TryFrom<Plain> for LabelTable {
    type Error = Error;
    fn try_from(plain: Plain) -> Result<Self> {
        Self::checked(plain)
    }
}

impl From<LabelTable> for Plain {
    fn from(table: LabelTable) -> Self {
        Self {
            entries: table.entries,
            regions_class_order: table.regions_class_order,
            ignore: table.ignore,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_and_ignore_are_values_but_not_classes() {
        let table = LabelTable::new([
            ("whole", vec![1, 2, 3]),
            ("core", vec![2, 3]),
            ("enhancing", vec![3]),
        ])
        .unwrap()
        .with_ignore(4)
        .unwrap()
        .with_regions_class_order(vec![1, 2, 3])
        .unwrap();
        assert_eq!(table.values(), [0, 1, 2, 3, 4]);
        assert_eq!(table.class_count(), 4);
        assert!(table.has_regions());
        assert_eq!(table.name_of(3), Some("enhancing"));
        assert_eq!(table.name_of(1), None);
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(LabelTable::new([("a", vec![0])]).is_err());
        assert!(LabelTable::new([("a", vec![256])]).is_err());
        assert!(LabelTable::new([("a", vec![])]).is_err());
        assert!(LabelTable::new([(" ", vec![1])]).is_err());
        assert!(LabelTable::new([("a", vec![1, 1])]).is_err());
        assert!(LabelTable::new([("a", vec![1]), ("a", vec![2])]).is_err());
        assert!(LabelTable::new([("a", vec![1]), ("b", vec![1])]).is_err());
        let table = LabelTable::new([("a", vec![1]), ("b", vec![3])]).unwrap();
        assert!(table.clone().with_ignore(2).is_err());
        assert!(table.with_regions_class_order(vec![1]).is_err());
    }

    #[test]
    fn a_stored_table_is_checked_when_it_is_read() {
        let table = LabelTable::new([("a", vec![1]), ("b", vec![2])]).unwrap();
        let text = serde_json::to_string(&table.clone().with_ignore(3).unwrap()).unwrap();
        assert_eq!(
            serde_json::from_str::<LabelTable>(&text).unwrap().ignore(),
            Some(3)
        );
        let broken = text.replace("\"ignore\":3", "\"ignore\":1");
        assert!(serde_json::from_str::<LabelTable>(&broken).is_err());
    }
}
