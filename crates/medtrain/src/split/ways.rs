//! The ways to divide a cohort.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::balance::assign;
use super::cohort::Cohort;
use super::division::Split;
use super::holdout::{Balance, HeldOut, Scarce, Shares};
use super::parts::{Members, PartName, TrainingSet};
use super::record::CaseRecord;
use crate::error::{Error, Result};

/// The official lists of a data set: names of cases.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lists {
    /// Names of the cases to learn from.
    pub training: Vec<String>,
    /// Names of the cases to choose by.
    pub validation: Vec<String>,
    /// Names of the cases to judge by.
    pub test: Vec<String>,
}

/// What is done with cases that are in no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// They are refused.
    #[default]
    Refuse,
    /// They are left out.
    LeaveOut,
}

impl<C> Cohort<C> {
    /// All cases to learn from, with none left to judge by: the last training of settings chosen before.
    #[must_use]
    pub fn train_on_all(self) -> TrainingSet<C> {
        TrainingSet::of(Members::new(self.members))
    }

    /// Holds out shares of the patients, drawn by `key`.
    ///
    /// Shares of patients, of cases, and if asked for of the cases of each class are met as nearly as whole patients
    /// allow; a part with a share has one patient at least.
    ///
    /// # Errors
    /// Refuses shares that are none, fewer patients than parts unless [`Scarce::Overfit`] allows it, and a case without
    /// class where classes are balanced; [`Error::Leak`] for parts that share a UID or voxels.
    pub fn hold_out(self, shares: &Shares, key: Key) -> Result<Split<C>>
    where
        C: Clone,
    {
        let of = [shares.training(), shares.validation, shares.test];
        for (share, what) in of.into_iter().zip(["training", "validation", "test"]) {
            let needed = what == "training" && share <= 0.0;
            if needed || !(0.0..=1.0).contains(&share) {
                return Err(Error::InvalidShare { what, share });
            }
        }
        // What is most needed comes first where patients are few.
        let wanted = [PartName::Training, PartName::Test, PartName::Validation];
        let mut wanted: Vec<_> = wanted
            .into_iter()
            .filter(|&part| of[part as usize] > 0.0)
            .collect();
        let (patients, needed) = (self.patients().len(), wanted.len());
        if patients < needed && shares.scarce == Scarce::Refuse {
            return Err(Error::TooFewPatients { patients, needed });
        }
        let overfit = wanted.split_off(patients.min(needed));
        let total: f64 = wanted.iter().map(|&part| of[part as usize]).sum();
        let shares_of: Vec<f64> = wanted.iter().map(|&p| of[p as usize] / total).collect();
        let parts = self.divide(&shares_of, shares.balance, key)?;
        let mut split = [vec![], vec![], vec![]];
        for (member, place) in self.members.into_iter().zip(parts) {
            split[wanted[place] as usize].push(member);
        }
        for &part in &overfit {
            split[part as usize] = split[0].clone();
        }
        Split::with_overfit(split, overfit)
    }

    /// Divides the patients into folds and gives, for each of them, the split where it is held out.
    ///
    /// With [`Balance::Classes`] this is a stratified K-fold by group, else one by group.
    ///
    /// ```
    /// use medcore::random::Key;
    /// use medtrain::split::{Balance, Cohort, HeldOut};
    ///
    /// let cohort = Cohort::of_patients((0..10).map(|n| (format!("p{n}"), n)))?;
    /// let folds = cohort.folds(5, Balance::Cases, HeldOut::Validation, Key::new(1))?;
    /// assert!(folds.iter().all(|split| (split.training.len(), split.validation.len()) == (8, 2)));
    /// # Ok::<(), medtrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses fewer than two folds, fewer patients than folds, and a case without class where classes are balanced;
    /// [`Error::Leak`] for parts that share a UID or voxels.
    pub fn folds(
        &self,
        folds: usize,
        balance: Balance,
        held_out: HeldOut,
        key: Key,
    ) -> Result<Vec<Split<C>>>
    where
        C: Clone,
    {
        if folds < 2 {
            return Err(Error::TooFewFolds { folds });
        }
        let patients = self.patients().len();
        if patients < folds {
            return Err(Error::TooFewPatients {
                patients,
                needed: folds,
            });
        }
        let parts = self.divide(&vec![1.0 / folds as f64; folds], balance, key)?;
        let split = |fold| self.without(held_out, |place, _| parts[place] == fold);
        (0..folds).map(split).collect()
    }

    /// For each site, the split where it is the test: how a network does where it has never been.
    ///
    /// # Errors
    /// Refuses a case without a site, and a single site; [`Error::Leak`] for a patient of several sites.
    pub fn leave_one_site_out(&self) -> Result<Vec<(String, Split<C>)>>
    where
        C: Clone,
    {
        let mut sites = BTreeSet::new();
        for record in self.records() {
            match &record.site {
                Some(site) => sites.insert(site.clone()),
                None => {
                    return Err(Error::Unnamed {
                        case: record.id.clone(),
                        what: "site",
                    });
                }
            };
        }
        if sites.len() < 2 {
            return Err(Error::TooFewFolds { folds: sites.len() });
        }
        let split = |site: String| {
            let there = |_, record: &CaseRecord| record.site.as_ref() == Some(&site);
            let split = self.without(HeldOut::Test, there)?;
            Ok((site, split))
        };
        sites.into_iter().map(split).collect()
    }

    /// Divides by the official lists of a data set.
    ///
    /// # Errors
    /// Refuses a listed name that no case has, a name that is listed twice, and an unlisted case unless told to leave it
    /// out; [`Error::Leak`] for lists that share a patient, a UID or voxels.
    pub fn by_lists(self, lists: &Lists, unlisted: Unlisted) -> Result<Split<C>> {
        let of = [&lists.training, &lists.validation, &lists.test];
        let mut listed: HashMap<&str, usize> = HashMap::new();
        let ids: BTreeSet<&str> = self.records().map(|record| record.id.as_str()).collect();
        for (part, list) in of.into_iter().enumerate() {
            for name in list {
                let case = name.clone();
                if !ids.contains(name.as_str()) {
                    return Err(Error::UnknownCase { case });
                }
                if listed.insert(name, part).is_some() {
                    return Err(Error::SameName { case });
                }
            }
        }
        let mut parts = [vec![], vec![], vec![]];
        for member in self.members {
            match (listed.get(member.record.id.as_str()), unlisted) {
                (Some(&part), _) => parts[part].push(member),
                (None, Unlisted::LeaveOut) => {}
                (None, Unlisted::Refuse) => {
                    let case = member.record.id;
                    return Err(Error::UnlistedCase { case });
                }
            }
        }
        Split::new(parts)
    }

    /// The split where some cases are held out.
    fn without(
        &self,
        held_out: HeldOut,
        is_out: impl Fn(usize, &CaseRecord) -> bool,
    ) -> Result<Split<C>>
    where
        C: Clone,
    {
        let (mut training, mut out) = (vec![], vec![]);
        for (place, member) in self.members.iter().enumerate() {
            match is_out(place, &member.record) {
                true => out.push(member.clone()),
                false => training.push(member.clone()),
            }
        }
        Split::new(match held_out {
            HeldOut::Validation => [training, out, vec![]],
            HeldOut::Test => [training, vec![], out],
        })
    }

    /// The part of each case.
    fn divide(&self, shares: &[f64], balance: Balance, key: Key) -> Result<Vec<usize>> {
        let patients = self.patients();
        let numbers: HashMap<_, _> = patients.iter().zip(0..).collect();
        let mut classes: BTreeMap<u32, usize> = BTreeMap::new();
        if balance == Balance::Classes {
            for record in self.records() {
                let class = record.class.ok_or_else(|| Error::Unnamed {
                    case: record.id.clone(),
                    what: "class",
                })?;
                let next = classes.len();
                classes.entry(class).or_insert(next);
            }
        }
        // One column for patients, one for cases, one for each class.
        let mut rows = vec![vec![0.0; 2 + classes.len()]; patients.len()];
        for record in self.records() {
            let row: &mut Vec<f64> = &mut rows[numbers[&&record.patient]];
            row[0] = 1.0;
            row[1] += 1.0;
            if let Some(column) = record.class.and_then(|class| classes.get(&class)) {
                row[2 + column] += 1.0;
            }
        }
        for column in 0..2 + classes.len() {
            let total: f64 = rows.iter().map(|row| row[column]).sum();
            rows.iter_mut().for_each(|row| row[column] /= total);
        }
        let parts = assign(&rows, shares, key);
        let part = |record: &CaseRecord| parts[numbers[&&record.patient]];
        Ok(self.records().map(part).collect())
    }
}
