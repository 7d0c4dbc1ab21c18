//! From the logits of several answers to what is said of a case.

use medmetrics::calibration::{Calibrator, TemperatureScaling};

use super::decision::{check_points, decide};
use super::{
    Calibration, ClassLabel, Classification, Grade, LabelKind, MonteCarlo, OperatingPoint,
    Uncertainty, check_labels, refuse,
};
use crate::error::Result;
use crate::outlier::OutlierRule;

/// The parts of a description that are about answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) labels: &'a [ClassLabel],
    pub(crate) kind: LabelKind,
    pub(crate) calibration: Option<&'a Calibration>,
    pub(crate) operating_points: &'a [OperatingPoint],
    pub(crate) monte_carlo: Option<&'a MonteCarlo>,
    pub(crate) outlier_rules: &'a [OutlierRule],
}

impl Rules<'_> {
    /// Says whether they fit each other and a network of so many outputs.
    pub(crate) fn check(&self, outputs: usize) -> Result<()> {
        self.kind.check(self.labels, outputs)?;
        check_labels(self.labels, outputs + usize::from(self.kind.is_between()))?;
        check_points(self.operating_points, self.labels, self.kind)?;
        if let Some(MonteCarlo { passes: 0, .. }) = self.monte_carlo {
            return refuse("monte_carlo.passes", "at least 1", "0".to_owned());
        }
        for rule in self.outlier_rules {
            rule.check(self.kind)?;
        }
        // What the calibrator itself refuses shows on any logits.
        self.probabilities(&vec![0.0; outputs]).map(drop)
    }

    /// Outputs of a network that fits.
    pub(super) fn outputs(&self) -> usize {
        self.labels.len() - usize::from(self.kind.is_between())
    }

    /// Calibrated probabilities of the logits of one case.
    pub(crate) fn probabilities(&self, logits: &[f32]) -> Result<Vec<f64>> {
        let logits: Vec<f64> = logits.iter().map(|&logit| f64::from(logit)).collect();
        let plain = Calibrator::from(TemperatureScaling::new(1.0)?);
        let calibration = self.calibration;
        let calibrator = calibration.map_or(&plain, |calibration| &calibration.calibrator);
        self.kind.probabilities(calibrator, &logits)
    }

    /// What follows from the logits of every answer, those of passes with dropout, and the distance of features.
    pub(super) fn judge(
        &self,
        answers: &[&[f32]],
        passes: Option<&[Vec<f32>]>,
        distance: Option<f64>,
    ) -> Result<Classification> {
        let share = 1.0 / answers.len() as f32;
        let sum = |output: usize| answers.iter().map(|row| row[output]).sum::<f32>();
        let logits: Vec<f32> = (0..self.outputs())
            .map(|output| sum(output) * share)
            .collect();
        let probabilities = self.probabilities(&logits)?;
        let decided = self.kind.decided(&probabilities);
        let rules = self.outlier_rules.iter();
        Ok(Classification {
            decisions: decide(self.operating_points, self.labels, &decided),
            uncertainty: self.uncertainty(answers, passes)?,
            outliers: rules
                .map(|rule| rule.judge(&logits, self.kind, distance))
                .collect(),
            grade: Grade::of(&probabilities, self.kind),
            logits,
            probabilities,
        })
    }

    /// Of passes with dropout where there are some, otherwise of networks and views.
    fn uncertainty(
        &self,
        answers: &[&[f32]],
        passes: Option<&[Vec<f32>]>,
    ) -> Result<Option<Uncertainty>> {
        let mut probabilities = Vec::new();
        if let Some(passes) = passes {
            for logits in passes {
                probabilities.push(self.probabilities(logits)?);
            }
        } else if answers.len() > 1 {
            for logits in answers {
                probabilities.push(self.probabilities(logits)?);
            }
        }
        Ok(Uncertainty::of(&probabilities, self.kind))
    }
}
