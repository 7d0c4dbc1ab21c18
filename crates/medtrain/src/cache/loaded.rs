//! Cases that are in memory already, to be read as others are.

use std::path::PathBuf;

use medaug::Sample;

use super::CaseReader;
use crate::error::BoxError;

/// A [`CaseReader`] of named samples in memory; they have no files, so a cache keeps them on no disk.
#[derive(Debug, Clone)]
pub struct LoadedCases<const D: usize> {
    cases: Vec<(String, Sample<D>)>,
}

impl<const D: usize> LoadedCases<D> {
    /// Samples with their names, numbered as they come.
    #[must_use]
    pub fn new(cases: impl IntoIterator<Item = (String, Sample<D>)>) -> Self {
        let cases = cases.into_iter();
        Self {
            cases: cases.map(|(name, s)| (name, s.into_shared())).collect(),
        }
    }
}

impl<const D: usize> CaseReader<D> for LoadedCases<D> {
    fn count(&self) -> usize {
        self.cases.len()
    }

    fn name(&self, number: usize) -> String {
        self.cases[number].0.clone()
    }

    fn files(&self, _: usize) -> Vec<PathBuf> {
        vec![]
    }

    fn read(&self, number: usize) -> Result<Sample<D>, BoxError> {
        Ok(self.cases[number].1.clone())
    }
}
