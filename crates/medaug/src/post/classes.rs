//! Which classes of a label map a step is done for, and whether they count as one object.

use medcore::LabelMap;
use medcore::components::{Component, Components, Connectivity};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// Whether classes are looked at one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every class is an object of its own (MONAI's `independent`).
    #[default]
    Each,
    /// All classes asked for are one object.
    Together,
}

/// A set of classes.
#[derive(Debug, Clone)]
pub(super) struct ClassSet([bool; 256]);

impl ClassSet {
    pub(super) fn new(classes: &[u8]) -> Self {
        let mut set = [false; 256];
        for &class in classes {
            set[usize::from(class)] = true;
        }
        Self(set)
    }

    pub(super) fn has(&self, class: u8) -> bool {
        self.0[usize::from(class)]
    }

    /// Which voxels belong to it.
    pub(super) fn mask(&self, labels: &[u8]) -> Vec<bool> {
        labels.iter().map(|&label| self.has(label)).collect()
    }
}

/// The classes asked for; all that are there but background if none are.
pub(super) fn chosen<const D: usize>(asked: &[u8], labels: &LabelMap<u8, D>) -> Vec<u8> {
    if !asked.is_empty() {
        return asked.to_vec();
    }
    let counts = labels.counts();
    (1..=u8::MAX)
        .filter(|&class| counts.get(usize::from(class)).is_some_and(|&n| n > 0))
        .collect()
}

/// The objects that classes are: one set for each, or one for all.
pub(super) fn objects<const D: usize>(
    asked: &[u8],
    scope: Scope,
    labels: &LabelMap<u8, D>,
) -> Vec<ClassSet> {
    let classes = chosen(asked, labels);
    match scope {
        Scope::Each => classes.iter().map(|&c| ClassSet::new(&[c])).collect(),
        Scope::Together => vec![ClassSet::new(&classes)],
    }
}

/// Makes those connected parts of an object background that `keep` does not want.
pub(super) fn keep_parts<const D: usize>(
    labels: &mut LabelMap<u8, D>,
    object: &ClassSet,
    connectivity: Connectivity,
    keep: impl FnOnce(&[Component<D>]) -> Vec<bool>,
) -> Result<()> {
    let shape = labels.shape();
    let found = Components::new(labels.as_slice(), shape, connectivity, |&l| object.has(l))?;
    let kept = keep(found.components());
    if kept.iter().all(|&kept| kept) {
        return Ok(());
    }
    let voxels = labels.as_mut_slice();
    found.for_each_run(|part, range| {
        if !kept[part] {
            voxels[range].fill(0);
        }
    });
    Ok(())
}
