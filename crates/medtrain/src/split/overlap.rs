//! What two cases share that should have nothing in common.

use std::collections::HashMap;
use std::fmt;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::parts::PartName;
use super::pixels::PixelHash;
use super::record::{CaseRecord, PatientKey, trimmed};

/// What two cases share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shared {
    /// The patient.
    Patient(PatientKey),
    /// A study, by its instance UID.
    Study(String),
    /// A series, by its instance UID.
    Series(String),
    /// An image, by its SOP instance UID.
    Instance(String),
    /// All voxels.
    Pixels(PixelHash),
    /// The contents of their files, by the SHA-256 of one of them.
    Files(String),
    /// What they look like, up to so many of 256 bits ([`Resemblance`](super::Resemblance)).
    Appearance {
        /// The bits that differ.
        bits: u32,
    },
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Patient(key) => write!(f, "patient {key}"),
            Self::Study(uid) => write!(f, "study {uid}"),
            Self::Series(uid) => write!(f, "series {uid}"),
            Self::Instance(uid) => write!(f, "instance {uid}"),
            Self::Pixels(hash) => write!(f, "all voxels (SHA-256 {hash})"),
            Self::Files(sha256) => write!(f, "the contents of their files (SHA-256 {sha256})"),
            Self::Appearance { bits } => write!(f, "their looks but for {bits} of 256 bits"),
        }
    }
}

/// A case and the part it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The part.
    pub part: PartName,
    /// The case.
    pub case: String,
    /// Whose it is said to be.
    pub patient: PatientKey,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            part,
            case,
            patient,
        } = self;
        write!(f, "case {case} of patient {patient} in {part}")
    }
}

/// Two cases that share what they should not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// What they share.
    pub shared: Shared,
    /// The case that was met first.
    pub first: Place,
    /// The other case.
    pub second: Place,
}

impl Overlap {
    /// Whether the two are in different parts: what is judged by has been learnt from.
    #[must_use]
    pub fn is_leak(&self) -> bool {
        self.first.part != self.second.part
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            shared,
            first,
            second,
        } = self;
        write!(f, "{first} and {second} share {shared}")
    }
}

/// Finds what cases share while they are named one after the other.
///
/// Every split is checked by itself; this is for what only becomes known later, or lies outside a split: the patients of
/// a challenge's hidden test, say, or an archive that a network was pretrained on.
///
/// ```
/// use medtrain::split::{CaseRecord, OverlapCheck, PartName, Shared};
///
/// let mut check = OverlapCheck::new();
/// let [ap, lateral] = ["ap", "lateral"].map(|id| CaseRecord::new(id, id).with_study("1.2.3"));
/// assert!(check.add(PartName::Training, &ap).is_empty());
/// let found = check.add(PartName::Test, &lateral);
/// assert_eq!(found[0].shared, Shared::Study("1.2.3".to_owned()));
/// assert_eq!(
///     found[0].to_string(),
///     "case ap of patient ap in training and case lateral of patient lateral in test share study 1.2.3",
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct OverlapCheck {
    /// The first case of each part under each name.
    seen: HashMap<Shared, Vec<Place>>,
}

impl OverlapCheck {
    /// A check that has seen no case.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Compares a case with all that were added before, and gives what it shares with the first of each part.
    ///
    /// Within a part, images of one patient, study or series are as they should be, and only those of the same instance or
    /// the same voxels are given: duplicates.
    pub fn add(&mut self, part: PartName, record: &CaseRecord) -> Vec<Overlap> {
        let place = Place {
            part,
            case: record.id.clone(),
            patient: record.patient.clone(),
        };
        let mut found = vec![];
        for shared in names(record) {
            let duplicate = matches!(shared, Shared::Instance(_) | Shared::Pixels(_));
            let places = self.seen.entry(shared.clone()).or_default();
            let mut first = true;
            for other in &*places {
                first &= other.part != part;
                if other.part == part && !duplicate {
                    continue;
                }
                found.push(Overlap {
                    shared: shared.clone(),
                    first: other.clone(),
                    second: place.clone(),
                });
            }
            if first {
                places.push(place.clone());
            }
        }
        found
    }
}

/// All that other cases may share with this one; UIDs without what fills them, wherever they were read.
pub(super) fn names(record: &CaseRecord) -> impl Iterator<Item = Shared> {
    let uids = |of: fn(String) -> Shared, uids: &[String]| {
        uids.iter().map(|uid| of(trimmed(uid))).collect::<Vec<_>>()
    };
    std::iter::once(Shared::Patient(record.patient.clone()))
        .chain(uids(Shared::Study, &record.studies))
        .chain(uids(Shared::Series, &record.series))
        .chain(uids(Shared::Instance, &record.instances))
        .chain(record.pixels.map(Shared::Pixels))
}

/// Cases of different patients that look alike up to `bits` of 256, compared each with each on all threads.
pub(super) fn resembling(cases: &[(PartName, &CaseRecord)], bits: u32) -> Vec<Overlap> {
    let place = |&(part, record): &(PartName, &CaseRecord)| Place {
        part,
        case: record.id.clone(),
        patient: record.patient.clone(),
    };
    let of = |(number, first): (usize, &(PartName, &CaseRecord))| {
        let others = cases[number + 1..].iter().filter_map(|second| {
            let distance = first.1.resemblance?.distance(&second.1.resemblance?);
            let suspicious = distance <= bits && first.1.patient != second.1.patient;
            suspicious.then(|| Overlap {
                shared: Shared::Appearance { bits: distance },
                first: place(first),
                second: place(second),
            })
        });
        others.collect::<Vec<_>>()
    };
    let found: Vec<Vec<Overlap>> = cases.par_iter().enumerate().map(of).collect();
    found.concat()
}
