//! Tables of agreement.

use super::Table;
use crate::agreement::{BlandAltmanEstimate, PanelAgreement};
use crate::error::Result;
use crate::estimate::Estimate;

impl BlandAltmanEstimate {
    /// Bias and limits of agreement, one a row, with so many decimals in Markdown.
    ///
    /// # Errors
    /// Refuses NaN, which finite measurements do not make.
    pub fn table(&self, digits: usize) -> Result<Table> {
        let rows = [
            ("bias", &self.bias),
            ("lower limit of agreement", &self.lower),
            ("upper limit of agreement", &self.upper),
        ];
        Table::of_estimates(rows.map(|(name, e)| (name, e.clone())), digits)
    }
}

impl PanelAgreement {
    /// The model with each reader, each pair of readers, both means and how they compare; readers are counted
    /// from 1.
    ///
    /// # Errors
    /// Refuses NaN, which finite ratings do not make.
    pub fn table(&self) -> Result<Table> {
        let row = |name: String, estimate: &Estimate| (name, estimate.clone());
        let with_readers = (self.with_readers.iter().enumerate())
            .map(|(i, e)| row(format!("model with reader {}", i + 1), e));
        let among_readers = (self.among_readers.iter())
            .map(|(i, j, e)| row(format!("reader {} with reader {}", i + 1, j + 1), e));
        let means = [
            ("mean of the model", &self.model),
            ("mean of the readers", &self.panel),
            ("difference of the means", &self.difference),
            ("Williams' index", &self.williams_index),
        ];
        let means = means.map(|(name, e)| row(name.to_owned(), e));
        Table::of_estimates(with_readers.chain(among_readers).chain(means), 3)
    }
}
