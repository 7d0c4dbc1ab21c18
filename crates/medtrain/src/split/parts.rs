//! The three parts of a split as three types.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::record::{CaseRecord, Member};

/// Which part of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartName {
    /// Learnt from.
    Training,
    /// Looked at while a network and its settings are chosen.
    Validation,
    /// Judged by at the end.
    Test,
}

impl PartName {
    /// All of them, in this order.
    pub const ALL: [Self; 3] = [Self::Training, Self::Validation, Self::Test];
}

impl fmt::Display for PartName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Training => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

/// The cases of one part, to read; only splits make them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members<C> {
    members: Vec<Member<C>>,
}

impl<C> Members<C> {
    pub(super) fn new(members: Vec<Member<C>>) -> Self {
        Self { members }
    }

    pub(super) fn into_vec(self) -> Vec<Member<C>> {
        self.members
    }

    /// Number of cases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no case.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The cases with their records, one after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Member<C>> {
        self.members.iter()
    }

    /// The cases as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[Member<C>] {
        &self.members
    }

    /// The records alone.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &CaseRecord> {
        self.members.iter().map(|member| &member.record)
    }

    /// The cases alone.
    pub fn cases(&self) -> impl ExactSizeIterator<Item = &C> {
        self.members.iter().map(|member| &member.case)
    }

    fn try_map<U, E>(
        self,
        mut change: impl FnMut(&CaseRecord, C) -> Result<U, E>,
    ) -> Result<Members<U>, E> {
        let members = self.members.into_iter().map(|Member { record, case }| {
            let case = change(&record, case)?;
            Ok(Member { record, case })
        });
        Ok(Members::new(members.collect::<Result<_, E>>()?))
    }
}

impl<'a, C> IntoIterator for &'a Members<C> {
    type Item = &'a Member<C>;
    type IntoIter = std::slice::Iter<'a, Member<C>>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.iter()
    }
}

/// Cases to learn from: what sources of training batches take, and only splits make.
///
/// A test set is another type:
///
/// ```compile_fail,E0308
/// use medtrain::split::{Split, TrainingSet};
///
/// fn learn(_: TrainingSet<u8>) {}
/// fn run(split: Split<u8>) {
///     learn(split.test); // expected `TrainingSet<u8>`, found `TestSet<u8>`
/// }
/// ```
///
/// nor does a vector become one but by way of a [`Cohort`](super::Cohort), which knows who is who:
///
/// ```compile_fail,E0308
/// use medtrain::split::{Member, TrainingSet};
///
/// fn smuggle(members: Vec<Member<u8>>) -> TrainingSet<u8> {
///     members
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingSet<C>(Members<C>);

/// Cases that a network and its settings are chosen by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationSet<C>(Members<C>);

macro_rules! readable {
    ($set:ident) => {
        impl<C> $set<C> {
            pub(super) fn of(members: Members<C>) -> Self {
                Self(members)
            }

            pub(super) fn into_members(self) -> Members<C> {
                self.0
            }

            /// The cases.
            #[must_use]
            pub fn members(&self) -> &Members<C> {
                &self.0
            }

            /// Number of cases.
            #[must_use]
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether there is no case.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }

            /// The same part with what `change` makes of each case: read, prepared.
            ///
            /// # Errors
            /// The first refusal of `change`.
            pub fn try_map<U, E>(
                self,
                change: impl FnMut(&CaseRecord, C) -> Result<U, E>,
            ) -> Result<$set<U>, E> {
                Ok($set(self.0.try_map(change)?))
            }
        }

        impl<'a, C> IntoIterator for &'a $set<C> {
            type Item = &'a Member<C>;
            type IntoIter = std::slice::Iter<'a, Member<C>>;

            fn into_iter(self) -> Self::IntoIter {
                self.0.iter()
            }
        }
    };
}

readable!(TrainingSet);
readable!(ValidationSet);

/// Cases to judge by at the end; it remembers how often, and what for, it was opened.
///
/// Every look at it that changes what is done next makes its result better than the truth, so the one way from it to its
/// cases leaves a line, in all clones of it and in those that are made of it by a cache. It is a reminder and no lock: who
/// has the cases from elsewhere, or divides them once more, can look at them without it.
///
/// ```
/// use medcore::random::Key;
/// use medtrain::split::{Cohort, Shares};
///
/// let cohort = Cohort::of_patients((0..10).map(|n| (format!("p{n}"), n)))?;
/// let mut split = cohort.hold_out(&Shares::new(0.0, 0.2), Key::new(1))?;
/// assert_eq!(split.test.len(), 2);
/// for member in split.test.open("final evaluation") {
///     println!("{} {}", member.record.id, member.case);
/// }
/// assert_eq!(split.test.openings(), ["final evaluation"]);
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TestSet<C> {
    members: Members<C>,
    openings: Arc<Mutex<Vec<String>>>,
}

impl<C: PartialEq> PartialEq for TestSet<C> {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members && self.openings() == other.openings()
    }
}

impl<C: Eq> Eq for TestSet<C> {}

impl<C> TestSet<C> {
    pub(super) fn of(members: Members<C>) -> Self {
        Self {
            members,
            openings: Arc::default(),
        }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        // A thread that panicked has added its line or has not.
        self.openings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cases; writes down that they were looked at, and for what purpose.
    pub fn open(&mut self, purpose: impl Into<String>) -> &Members<C> {
        self.lines().push(purpose.into());
        &self.members
    }

    /// What it and its clones were opened for, one line a time: to be reported with the result.
    #[must_use]
    pub fn openings(&self) -> Vec<String> {
        self.lines().clone()
    }

    /// What is known of its cases beside their voxels, which is no look at them.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &CaseRecord> {
        self.members.records()
    }

    /// Number of cases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no case.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The same part with the cases as a cache has them, which is no look at them either.
    pub(crate) fn try_map<U, E>(
        self,
        change: impl FnMut(&CaseRecord, C) -> Result<U, E>,
    ) -> Result<TestSet<U>, E> {
        Ok(TestSet {
            members: self.members.try_map(change)?,
            openings: self.openings,
        })
    }
}
