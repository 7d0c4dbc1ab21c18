//! The figures of one network on images nobody has seen, with intervals by patient.

use anyhow::Result;
use medmetrics::calibration::{Binning, CalibrationTable, TemperatureScaling};
use medmetrics::classification::{BinaryCounts, BinaryMeasure, OperatingPoint, Selection};
use medmetrics::statistics::{AucScale, Bootstrap, CorrelatedAucs};
use medmetrics::{Confidence, Estimate};
use serde::Serialize;

use super::scored::Scored;

/// What is measured at the threshold.
pub(crate) const MEASURES: [(&str, BinaryMeasure); 7] = [
    ("recall (sensitivity)", BinaryMeasure::Sensitivity),
    ("specificity", BinaryMeasure::Specificity),
    ("precision", BinaryMeasure::PositivePredictiveValue),
    (
        "negative predictive value",
        BinaryMeasure::NegativePredictiveValue,
    ),
    ("accuracy", BinaryMeasure::Accuracy),
    ("F1", BinaryMeasure::FBeta(1.0)),
    ("F2", BinaryMeasure::FBeta(2.0)),
];

/// Thresholds and a temperature, all from validation.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Chosen {
    /// Logit from which on an image is called ill: Youden's point.
    pub(crate) threshold: f64,
    /// Logit that reaches a precision of 95 % on validation, where one does.
    pub(crate) precise: Option<f64>,
    /// What logits are divided by.
    pub(crate) temperature: f64,
    /// Whether a temperature could be fitted.
    pub(crate) is_calibrated: bool,
}

impl Chosen {
    pub(crate) fn on(validation: &Scored) -> Result<Self> {
        let ranking = validation.ranking()?;
        let finite = |point: OperatingPoint| point.threshold.is_finite().then_some(point.threshold);
        let youden = ranking
            .operating_point(&Selection::Youden)?
            .and_then(finite);
        let precise = ranking
            .operating_point(&Selection::Precision { least: 0.95 })?
            .and_then(finite);
        // Of scores without an error any lower temperature is better: there is none to choose.
        let fitted = TemperatureScaling::fit_binary(&validation.logits, &validation.truth);
        Ok(Self {
            threshold: youden.unwrap_or(0.0),
            precise,
            temperature: fitted.as_ref().map_or(1.0, |t| t.temperature()),
            is_calibrated: fitted.is_ok(),
        })
    }
}

/// All figures of a network on the test images.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Judgement {
    pub(crate) images: usize,
    pub(crate) patients: usize,
    pub(crate) positives: usize,
    pub(crate) auc: Estimate,
    pub(crate) average_precision: Estimate,
    /// Of [`MEASURES`] in their order, at the threshold of validation.
    pub(crate) measures: Vec<(String, Estimate)>,
    pub(crate) counts: BinaryCounts,
    /// Recall and precision at the threshold that reached 95 % precision on validation.
    pub(crate) at_precision: Option<[Estimate; 2]>,
    /// Mean negative log-likelihood before and after scaling, and after minus before.
    pub(crate) nll: [Estimate; 3],
    /// Expected calibration error before and after.
    pub(crate) ece: [f64; 2],
    pub(crate) subgroups: Vec<Subgroup>,
}

/// One scanner, view or site.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Subgroup {
    pub(crate) name: String,
    pub(crate) images: usize,
    pub(crate) positives: usize,
    pub(crate) auc: Option<Estimate>,
    pub(crate) counts: BinaryCounts,
    pub(crate) sensitivity: Estimate,
    pub(crate) specificity: Estimate,
}

impl Judgement {
    pub(crate) fn of(test: &Scored, chosen: &Chosen, bootstrap: &Bootstrap) -> Result<Self> {
        let at_precision = match chosen.precise {
            None => None,
            Some(threshold) => Some([
                measure(test, threshold, BinaryMeasure::Sensitivity, bootstrap)?,
                measure(
                    test,
                    threshold,
                    BinaryMeasure::PositivePredictiveValue,
                    bootstrap,
                )?,
            ]),
        };
        let of = |(name, kind): (&str, BinaryMeasure)| -> Result<_> {
            Ok((
                name.to_owned(),
                measure(test, chosen.threshold, kind, bootstrap)?,
            ))
        };
        let ranking = test.ranking()?;
        Ok(Self {
            images: test.len(),
            patients: test.clusters().units(),
            positives: test.truth.iter().filter(|is| **is).count(),
            auc: auc(test)?,
            average_precision: ranking.average_precision(Default::default()),
            measures: MEASURES.into_iter().map(of).collect::<Result<_>>()?,
            counts: test.counts(chosen.threshold)?,
            at_precision,
            nll: likelihoods(test, chosen.temperature, bootstrap)?,
            ece: [
                reliability(test, 1.0)?
                    .expected_error()
                    .value
                    .unwrap_or(f64::NAN),
                reliability(test, chosen.temperature)?
                    .expected_error()
                    .value
                    .unwrap_or(f64::NAN),
            ],
            subgroups: test
                .group_names()
                .iter()
                .map(|name| subgroup(test, name, chosen, bootstrap))
                .collect::<Result<_>>()?,
        })
    }

    /// One of the measures by its name.
    pub(crate) fn measure(&self, name: &str) -> Option<&Estimate> {
        self.measures
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, estimate)| estimate)
    }
}

/// The area with DeLong's interval for images that come in patients.
pub(crate) fn auc(scored: &Scored) -> Result<Estimate> {
    let curves = CorrelatedAucs::clustered(&[scored.delong()?], &scored.clusters())?;
    Ok(curves.estimate(0, AucScale::Logit, Confidence::default())?)
}

/// Reliability in ten bins of equal width.
pub(crate) fn reliability(scored: &Scored, temperature: f64) -> Result<CalibrationTable> {
    let probabilities = scored.probabilities(temperature);
    Ok(CalibrationTable::of(
        Binning::equal_width(10),
        &probabilities,
        &scored.truth,
    )?)
}

/// A measure at a threshold, its interval from patients drawn again.
fn measure(
    scored: &Scored,
    threshold: f64,
    kind: BinaryMeasure,
    bootstrap: &Bootstrap,
) -> Result<Estimate> {
    let calls: Vec<bool> = scored
        .logits
        .iter()
        .map(|logit| *logit >= threshold)
        .collect();
    let clusters = scored.clusters();
    if clusters.units() < 2 {
        return Ok(scored.counts(threshold)?.estimate(kind));
    }
    Ok(
        bootstrap.estimate_clustered(&clusters, kind.name(), |times| {
            let mut counts = BinaryCounts::default();
            for ((&times, &call), &is) in times.iter().zip(&calls).zip(&scored.truth) {
                let field = match (is, call) {
                    (true, true) => &mut counts.true_positive,
                    (false, true) => &mut counts.false_positive,
                    (true, false) => &mut counts.false_negative,
                    (false, false) => &mut counts.true_negative,
                };
                *field += u64::from(times);
            }
            counts.measure(kind)
        })?,
    )
}

/// Mean negative log-likelihoods before and after scaling, and their difference under the same draws of patients.
fn likelihoods(scored: &Scored, temperature: f64, bootstrap: &Bootstrap) -> Result<[Estimate; 3]> {
    let losses = [1.0, temperature].map(|t| -> Vec<f64> {
        // log(1 + exp(-z)) of the logit's share for what is true, without overflow.
        let loss = |(logit, is): (&f64, &bool)| {
            let z = if *is { logit / t } else { -logit / t };
            (-z).max(0.0) + (-z.abs()).exp().ln_1p()
        };
        scored.logits.iter().zip(&scored.truth).map(loss).collect()
    });
    let mean = |times: &[u32], losses: &[f64]| {
        let sum: f64 = times
            .iter()
            .zip(losses)
            .map(|(&n, v)| f64::from(n) * v)
            .sum();
        let count: u32 = times.iter().sum();
        (count > 0).then(|| sum / f64::from(count))
    };
    let clusters = scored.clusters();
    let [before, after] = [0, 1].map(|i| {
        bootstrap.estimate_clustered(&clusters, "log-loss:nats", |times| mean(times, &losses[i]))
    });
    let change = bootstrap.estimate_clustered(&clusters, "log-loss:difference", |times| {
        Some(mean(times, &losses[1])? - mean(times, &losses[0])?)
    })?;
    Ok([before?, after?, change])
}

fn subgroup(test: &Scored, name: &str, chosen: &Chosen, bootstrap: &Bootstrap) -> Result<Subgroup> {
    let group = test.of_group(name);
    let of = |kind| measure(&group, chosen.threshold, kind, bootstrap);
    Ok(Subgroup {
        name: name.to_owned(),
        images: group.len(),
        positives: group.truth.iter().filter(|is| **is).count(),
        auc: auc(&group).ok(),
        counts: group.counts(chosen.threshold)?,
        sensitivity: of(BinaryMeasure::Sensitivity)?,
        specificity: of(BinaryMeasure::Specificity)?,
    })
}
