//! Who is who, before anyone is held out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use super::overlap::{Shared, names};
use super::parts::TrainingSet;
use super::pixels::PixelHash;
use super::record::{CaseRecord, Member, PatientKey};
use super::resemblance::Resemblance;
use crate::cache::CaseReader;
use crate::error::{Error, Result};

/// Cases of known patients, before they are divided.
///
/// ```
/// use medcore::random::Key;
/// use medtrain::split::{Balance, CaseRecord, Cohort, Member, Shares};
///
/// // Forty patients with two radiographs each, every fourth of them ill.
/// let members = (0..80).map(|n| {
///     let record = CaseRecord::new(format!("image {n}"), format!("patient {}", n / 2));
///     Member::new(record.with_class(u32::from(n / 2 % 4 == 0)), n)
/// });
/// let shares = Shares::new(0.1, 0.2).balanced(Balance::Classes);
/// let split = Cohort::new(members.collect())?.hold_out(&shares, Key::new(7))?;
/// let count = |class| split.test.records().filter(|r| r.class == Some(class)).count();
/// assert_eq!((count(0), count(1)), (12, 4));
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort<C> {
    pub(super) members: Vec<Member<C>>,
}

impl Cohort<usize> {
    /// Cases by their numbers, those of a [`CaseReader`](crate::CaseReader).
    ///
    /// # Errors
    /// As [`Cohort::new`].
    pub fn of_records(records: impl IntoIterator<Item = CaseRecord>) -> Result<Self> {
        let members = records.into_iter().enumerate();
        Self::new(members.map(|(n, record)| Member::new(record, n)).collect())
    }

    /// The same cases with the hash of their voxels and what they look like, each read once, on all threads of the
    /// caller's pool.
    ///
    /// # Errors
    /// Refuses a number that the reader does not have, and a case of another name; passes on what the reader refuses.
    pub fn with_pixels<const D: usize>(self, reader: &dyn CaseReader<D>) -> Result<Self> {
        let count = reader.count();
        let hashed = |Member { record, case }: Member<usize>| {
            if case >= count {
                return Err(Error::NoSuchCase {
                    number: case,
                    count,
                });
            }
            let found = reader.name(case);
            if found != record.id {
                return Err(Error::OtherCase {
                    number: case,
                    expected: record.id,
                    found,
                });
            }
            let sample = reader.read(case).map_err(|source| Error::Reading {
                case: found,
                source,
            })?;
            let record = record.with_pixels(PixelHash::of(sample.image()));
            let record = record.with_resemblance(Resemblance::of(sample.image()));
            Ok(Member { record, case })
        };
        let members = self.members.into_par_iter().map(hashed);
        Ok(Self {
            members: members.collect::<Result<_>>()?,
        })
    }
}

impl<C> Cohort<C> {
    /// Cases with their records.
    ///
    /// # Errors
    /// Refuses no case at all, two cases of one name, and empty names, patient keys and UIDs.
    pub fn new(members: Vec<Member<C>>) -> Result<Self> {
        if members.is_empty() {
            return Err(Error::Nothing { what: "cases" });
        }
        let mut ids = BTreeSet::new();
        for record in members.iter().map(|member| &member.record) {
            if let Some(what) = record.unnamed() {
                let case = record.id.clone();
                return Err(Error::Unnamed { case, what });
            }
            if !ids.insert(&record.id) {
                return Err(Error::SameName {
                    case: record.id.clone(),
                });
            }
        }
        Ok(Self { members })
    }

    /// Cases of which each is a patient of its own, by the name of the case.
    ///
    /// # Errors
    /// As [`Cohort::new`].
    pub fn of_patients(cases: impl IntoIterator<Item = (String, C)>) -> Result<Self> {
        let member =
            |(id, case): (String, C)| Member::new(CaseRecord::new(id.clone(), id.as_str()), case);
        Self::new(cases.into_iter().map(member).collect())
    }

    /// Number of cases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no case; there always is one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The records of its cases.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &CaseRecord> {
        self.members.iter().map(|member| &member.record)
    }

    /// The patients, each once, in the order of their keys.
    #[must_use]
    pub fn patients(&self) -> Vec<&PatientKey> {
        let keys: BTreeSet<_> = self.records().map(|record| &record.patient).collect();
        keys.into_iter().collect()
    }

    /// The same cases with more known of them: hashes of their voxels, say.
    ///
    /// # Errors
    /// The first refusal of `change`, and as [`Cohort::new`].
    pub fn try_map_records(
        self,
        mut change: impl FnMut(CaseRecord, &C) -> Result<CaseRecord>,
    ) -> Result<Self> {
        let members = self.members.into_iter().map(|Member { record, case }| {
            let record = change(record, &case)?;
            Ok(Member { record, case })
        });
        Self::new(members.collect::<Result<_>>()?)
    }

    /// The same cases, where those that share a study, a series, an instance or all voxels are of one patient.
    ///
    /// For archives where one person has several keys. The patient keeps the key that comes first in order.
    #[must_use]
    pub fn joined(mut self) -> Self {
        let mut numbers: BTreeMap<PatientKey, usize> = BTreeMap::new();
        for record in self.records() {
            numbers.insert(record.patient.clone(), 0);
        }
        let keys: Vec<PatientKey> = numbers.keys().cloned().collect();
        numbers
            .values_mut()
            .zip(0..)
            .for_each(|(number, n)| *number = n);
        let mut parents: Vec<usize> = (0..keys.len()).collect();
        let mut owners: HashMap<Shared, usize> = HashMap::new();
        for record in self.records() {
            let own = numbers[&record.patient];
            for shared in names(record) {
                let other = *owners.entry(shared).or_insert(own);
                let (a, b) = (root(&parents, own), root(&parents, other));
                parents[a.max(b)] = a.min(b);
            }
        }
        for member in &mut self.members {
            let number = numbers[&member.record.patient];
            member.record.patient = keys[root(&parents, number)].clone();
        }
        self
    }
}

/// The first member of a set of patients.
fn root(parents: &[usize], mut number: usize) -> usize {
    while parents[number] != number {
        number = parents[number];
    }
    number
}

impl<C> From<TrainingSet<C>> for Cohort<C> {
    /// Cases to learn from may be divided again.
    fn from(training: TrainingSet<C>) -> Self {
        Self {
            members: training.into_members().into_vec(),
        }
    }
}
