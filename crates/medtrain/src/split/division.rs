//! Three parts that share no patient.

use std::sync::Arc;

use medcore::random::Key;

use super::cohort::Cohort;
use super::holdout::Shares;
use super::overlap::{self, Overlap, OverlapCheck};
use super::parts::{Members, PartName, TestSet, TrainingSet, ValidationSet};
use super::record::{CaseRecord, Member};
use crate::cache::{CachedCase, CaseCache};
use crate::error::{Error, Result};

/// Cases in three parts that share no patient, no UID and no voxels, unless it says so ([`Split::overfits`]). Voxels are
/// compared by their hashes, and [`Split::unchecked`] names the cases that have none.
///
/// It is made by the methods of a [`Cohort`], which look for what the parts share and refuse it by name. Parts without
/// cases are allowed but for training.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Split<C> {
    /// Cases to learn from.
    pub training: TrainingSet<C>,
    /// Cases to choose a network and its settings by.
    pub validation: ValidationSet<C>,
    /// Cases to judge by at the end.
    pub test: TestSet<C>,
    overfit: Vec<PartName>,
}

impl<C> Split<C> {
    /// The parts in the order of [`PartName::ALL`].
    ///
    /// # Errors
    /// [`Error::Leak`] with the first two cases that are in different parts and share something.
    pub(super) fn new(parts: [Vec<Member<C>>; 3]) -> Result<Self> {
        Self::with_overfit(parts, vec![])
    }

    /// As [`Split::new`], but the cases of some parts are cases of training.
    pub(super) fn with_overfit(parts: [Vec<Member<C>>; 3], overfit: Vec<PartName>) -> Result<Self> {
        let [training, validation, test] = parts.map(Members::new);
        if training.is_empty() {
            return Err(Error::Nothing {
                what: "training cases",
            });
        }
        let split = Self {
            training: TrainingSet::of(training),
            validation: ValidationSet::of(validation),
            test: TestSet::of(test),
            overfit,
        };
        match split.overlaps().into_iter().find(Overlap::is_leak) {
            None => Ok(split),
            Some(overlap) => Err(Error::Leak {
                overlap: Box::new(overlap),
            }),
        }
    }

    /// Whether the cases of a part are cases of training: what is measured on them says only that learning works.
    #[must_use]
    pub fn overfits(&self, part: PartName) -> bool {
        self.overfit.contains(&part)
    }

    /// The records of all cases with their parts; parts that are training again are left out.
    pub fn records(&self) -> impl Iterator<Item = (PartName, &CaseRecord)> {
        let training = self.training.members().records();
        let validation = self.validation.members().records();
        let training = training.map(|record| (PartName::Training, record));
        let validation = validation.map(|record| (PartName::Validation, record));
        let test = self.test.records().map(|record| (PartName::Test, record));
        let all = training.chain(validation).chain(test);
        all.filter(|(part, _)| !self.overfits(*part))
    }

    /// What cases share: after a split was made these are duplicates within a part, which count twice.
    #[must_use]
    pub fn overlaps(&self) -> Vec<Overlap> {
        let mut check = OverlapCheck::new();
        let found = self
            .records()
            .flat_map(|(part, record)| check.add(part, record));
        found.collect()
    }

    /// The cases whose voxels were compared with nobody's, for want of [`Cohort::with_pixels`]: a copy of one of them under the
    /// name of another case and patient is not found.
    pub fn unchecked(&self) -> impl Iterator<Item = (PartName, &CaseRecord)> {
        self.records().filter(|(_, record)| record.pixels.is_none())
    }

    /// Refuses duplicates within a part, too.
    ///
    /// # Errors
    /// [`Error::Leak`] with the first two cases that are the same.
    pub fn require_unique(&self) -> Result<()> {
        match self.overlaps().into_iter().next() {
            None => Ok(()),
            Some(overlap) => Err(Error::Leak {
                overlap: Box::new(overlap),
            }),
        }
    }

    /// Cases of different patients, in any parts, whose [`Resemblance`](super::Resemblance) differs in at most so many of 256
    /// bits; those without one are passed over.
    ///
    /// Each is compared with each: of a hundred thousand cases this takes minutes.
    #[must_use]
    pub fn resembling(&self, bits: u32) -> Vec<Overlap> {
        overlap::resembling(&self.records().collect::<Vec<_>>(), bits)
    }

    /// The same test, and another validation: training and validation together, divided anew by patient.
    ///
    /// For data sets whose own validation part is too small to choose by.
    ///
    /// # Errors
    /// As [`Cohort::hold_out`]; refuses `shares` with a share of test.
    pub fn with_validation(self, shares: &Shares, key: Key) -> Result<Self>
    where
        C: Clone,
    {
        if shares.test != 0.0 {
            return Err(Error::InvalidShare {
                what: "test, which stays as it is,",
                share: shares.test,
            });
        }
        let mut known = self.training.into_members().into_vec();
        if !self.overfit.contains(&PartName::Validation) {
            known.extend(self.validation.into_members().into_vec());
        }
        let inner = Cohort::new(known)?.hold_out(shares, key)?;
        let mut overfit = inner.overfit;
        overfit.extend(self.overfit.iter().filter(|p| **p == PartName::Test));
        Ok(Self {
            training: inner.training,
            validation: inner.validation,
            test: self.test,
            overfit,
        })
    }
}

impl Split<usize> {
    /// The cases of a cache that the numbers stand for.
    ///
    /// # Errors
    /// Refuses a number that the cache does not have, and a case of another name.
    pub fn in_cache<const D: usize>(
        self,
        cache: &Arc<CaseCache<D>>,
    ) -> Result<Split<CachedCase<D>>> {
        let case = |record: &CaseRecord, number| CachedCase::new(cache, number, &record.id);
        Ok(Split {
            training: self.training.try_map(case)?,
            validation: self.validation.try_map(case)?,
            test: self.test.try_map(case)?,
            overfit: self.overfit,
        })
    }
}
