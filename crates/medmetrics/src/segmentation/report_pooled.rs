//! What a report says of all instances together, and of all structures together.

use super::measure::UNASKED;
use super::panoptic::{PanopticQuality, PanopticScores};
use super::report::Report;
use super::report_estimate::mean_over_units;
use super::summary::Summary;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::Bootstrap;

impl Report {
    /// Panoptic quality of one structure over the instances of all cases together.
    ///
    /// The mean of the cases' own values is [`Report::estimate`] of [`super::Measure::PanopticQuality`].
    ///
    /// ```
    /// use medcore::{Geometry, LabelMap};
    /// use medmetrics::segmentation::{Extras, InstanceRule};
    /// use medmetrics::{Evaluation, Report};
    ///
    /// let grid = Geometry::<2>::axis_aligned([1, 7], [1.0, 1.0])?;
    /// let map = |labels: [u8; 7]| LabelMap::new(grid, labels.to_vec());
    /// let extras = Extras { instances: Some(InstanceRule::default()), ..Extras::default() };
    /// let mut report = Report::new(Evaluation::of_organs(["lesion"]).with_extras(extras));
    /// let reference = map([1, 1, 1, 1, 0, 1, 1])?;
    /// for (name, prediction) in [("a", [1, 1, 1, 0, 0, 0, 0]), ("b", [0, 0, 0, 0, 0, 1, 1])] {
    ///     report.push(report.evaluation.case(name, &reference, &map(prediction)?)?)?;
    /// }
    /// let quality = report.panoptic_quality("lesion")?;
    /// assert_eq!((quality.true_positives, quality.false_negatives), (2, 2));
    /// assert_eq!(quality.panoptic.value, Some((0.75 + 1.0) / 3.0));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses a structure that is not measured, and a report without instances.
    pub fn panoptic_quality(&self, structure: &str) -> Result<PanopticScores> {
        let refused = |rule| Error::InvalidStructure {
            name: structure.to_owned(),
            rule,
        };
        let measured = self.evaluation.structures.iter();
        if !measured.map(|s| &s.name).any(|name| name == structure) {
            return Err(refused("is not measured"));
        }
        let rule = self.evaluation.extras.instances;
        let rule = rule.ok_or_else(|| refused("has no instances: they were not asked for"))?;
        let mut quality = PanopticQuality::new(rule.matching);
        let results = self.cases.iter().flat_map(|case| &case.structures);
        for found in results.filter(|found| found.name == structure) {
            if let Some(instances) = &found.instances {
                quality.push(instances)?;
            }
        }
        quality.finish()
    }

    /// The generalised Dice of all structures, summed up over cases.
    #[must_use]
    pub fn generalised_dice_summary(&self) -> Summary {
        let cases = self.cases.iter();
        Summary::of(
            cases.map(|case| (case.case.as_str(), case.generalised_dice_value())),
            true,
        )
    }

    /// The mean generalised Dice of all structures over cases, with a bootstrap interval as that of
    /// [`Report::estimate`].
    ///
    /// # Errors
    /// Refuses a bootstrap of fewer than 100 replicates.
    pub fn generalised_dice(&self, bootstrap: &Bootstrap) -> Result<Estimate> {
        let convention = match self.evaluation.extras.generalised_dice {
            Some(rule) => format!("generalised-dice:{}", rule.name()),
            None => UNASKED.to_owned(),
        };
        let cases = self.cases.iter();
        let values = cases.map(|case| (case.unit(), case.generalised_dice_value().value));
        mean_over_units(values, convention, bootstrap)
    }
}
