//! Files of two parts that are the same.

use std::collections::BTreeMap;

use super::record::{DataCase, DataFile};
use crate::split::{Overlap, Place, Shared};

/// The first two cases of different parts of which one has no file of its own: each has the contents of a file of the
/// other, under another path.
///
/// All files of a case must be there, for some are alike by right: masks without a finding, descriptions of a scanner. One
/// file that holds cases of several parts is none of several.
pub(super) fn copy(cases: &[DataCase]) -> Option<Overlap> {
    let mut owners: BTreeMap<&str, Vec<&DataCase>> = BTreeMap::new();
    for case in cases {
        for file in &case.files {
            owners.entry(&file.sha256).or_default().push(case);
        }
    }
    cases.iter().find_map(|case| {
        // The file that fewest have.
        let rarest = { case.files.iter() }.min_by_key(|file| owners[&*file.sha256].len())?;
        let other = { owners[&*rarest.sha256].iter() }.find(|other| is_copy(case, other))?;
        Some(Overlap {
            shared: Shared::Files(rarest.sha256.clone()),
            first: place(case)?,
            second: place(other)?,
        })
    })
}

fn is_copy(case: &DataCase, other: &DataCase) -> bool {
    let apart = case.part.zip(other.part).is_some_and(|(a, b)| a != b);
    let is_there = |file: &DataFile| {
        let mut files = other.files.iter();
        files.any(|own| own.sha256 == file.sha256 && own.path != file.path)
    };
    apart && case.files.iter().all(is_there)
}

fn place(case: &DataCase) -> Option<Place> {
    Some(Place {
        part: case.part?,
        case: case.id.clone(),
        patient: case.patient.clone(),
    })
}
