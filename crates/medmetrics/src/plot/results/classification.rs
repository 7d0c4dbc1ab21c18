//! ROC, precision-recall, decision curves and confusions of classification.

use super::thinned;
use crate::classification::{
    self, AveragePrecisionRule, BinaryMeasure, ConfusionMatrix, DecisionCurve, DecisionIntervals,
    PrecisionRecall, Ranking, Roc, Score,
};
use crate::error::{Error, Result};
use crate::estimate::Confidence;
use crate::plot::{
    ConfusionPlot, Curve, CurvePoint, DecisionPlot, PrecisionRecallPlot, RocPlot, decimals,
};
use crate::statistics::AucScale;

impl Curve {
    /// A ROC curve for a [`RocPlot`]; without points unless there are cases of both kinds.
    ///
    /// Points that no eye can tell from the one before are left out.
    #[must_use]
    pub fn of_roc(label: impl Into<String>, roc: &Roc) -> Self {
        let points = roc.without_intermediate().points().unwrap_or_default();
        let points = points.into_iter().map(|[x, y]| (x, y));
        Self::new(label, thinned(points, |x| x))
    }

    /// A precision-recall curve for a [`PrecisionRecallPlot`]; without points unless there are positives.
    ///
    /// Points that no eye can tell from the one before are left out.
    #[must_use]
    pub fn of_precision_recall(label: impl Into<String>, curve: &PrecisionRecall) -> Self {
        let recall = curve.recall().unwrap_or_default();
        let precision = curve.precision();
        // The precision of the first point holds from no recall on.
        let start = recall.first().and(precision.first()).map(|&p| (0.0, p));
        let points = recall.into_iter().zip(precision);
        Self::new(label, thinned(start.into_iter().chain(points), |x| x))
    }

    /// The net benefits of a decision curve for a [`DecisionPlot`].
    #[must_use]
    pub fn of_decisions(label: impl Into<String>, curve: &DecisionCurve) -> Self {
        let points = curve.points.iter().map(|p| (p.threshold, p.net_benefit));
        let mut points: Vec<_> = points.collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self::new(label, points)
    }
}

impl CurvePoint {
    /// A threshold as a point of a ROC curve, with the intervals of both rates; `None` unless there are cases
    /// of both kinds.
    #[must_use]
    pub fn on_roc(
        point: &classification::OperatingPoint,
        intervals: &DecisionIntervals,
    ) -> Option<Self> {
        Self::of(
            point,
            intervals,
            [BinaryMeasure::FallOut, BinaryMeasure::Sensitivity],
        )
    }

    /// A threshold as a point of a precision-recall curve, with the intervals of both; `None` without
    /// positives and where nothing is called positive.
    #[must_use]
    pub fn on_precision_recall(
        point: &classification::OperatingPoint,
        intervals: &DecisionIntervals,
    ) -> Option<Self> {
        let axes = [
            BinaryMeasure::Sensitivity,
            BinaryMeasure::PositivePredictiveValue,
        ];
        Self::of(point, intervals, axes)
    }

    fn of(
        point: &classification::OperatingPoint,
        intervals: &DecisionIntervals,
        axes: [BinaryMeasure; 2],
    ) -> Option<Self> {
        let [x, y] = axes.map(|measure| intervals.estimate(&point.counts, measure));
        let label = match point.threshold {
            t if t.is_finite() => format!("threshold {t:.0$}", decimals(t.abs())),
            _ => "nothing called positive".to_owned(),
        };
        Some(Self {
            x_interval: x.interval,
            y_interval: y.interval,
            ..Self::new(label, x.value?, y.value?)
        })
    }
}

impl RocPlot {
    /// The curves of rankings, each with its area and DeLong's interval of it (95 %, on the logit scale);
    /// cases must be independent of one another.
    ///
    /// ```
    /// use medmetrics::classification::{Ranking, Selection};
    /// use medmetrics::plot::{CurvePoint, Plot, RocPlot};
    ///
    /// let truth = [false, false, true, true, true, false];
    /// let ranking = Ranking::of(&truth, &[0.1, 0.4, 0.35, 0.8, 0.7, 0.3])?;
    /// let point = ranking.operating_point(&Selection::Youden)?;
    /// let point = point.and_then(|point| CurvePoint::on_roc(&point, &Default::default()));
    /// let plot = RocPlot::of_rankings([("model", &ranking)])?
    ///     .with_operating_points(point.into_iter().collect());
    /// assert!(plot.to_svg()?.contains(">model, AUC 0.889 (0.261 to 0.995)</text>"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Ranking::auc_delong`].
    pub fn of_rankings<'a, L: Into<String>, S: Score + 'a>(
        rankings: impl IntoIterator<Item = (L, &'a Ranking<S>)>,
    ) -> Result<Self> {
        let curve = |(label, ranking): (L, &Ranking<S>)| {
            let auc = ranking.auc_delong(AucScale::Logit, Confidence::default())?;
            Ok(Curve::of_roc(label, &ranking.roc()).with_summary(auc))
        };
        let curves: Result<_> = rankings.into_iter().map(curve).collect();
        Ok(Self::new(curves?))
    }
}

impl PrecisionRecallPlot {
    /// The curves of rankings, each with its average precision, and the line of a guess where all have the
    /// same prevalence.
    ///
    /// ```
    /// use medmetrics::classification::Ranking;
    /// use medmetrics::plot::{Plot, PrecisionRecallPlot};
    ///
    /// let ranking = Ranking::of(&[true, false, true, false], &[0.9, 0.5, 0.4, 0.2])?;
    /// let svg = PrecisionRecallPlot::of_rankings([("model", &ranking)]).to_svg()?;
    /// assert!(svg.contains(">model, AP 0.833</text>") && svg.contains(">prevalence 0.500</text>"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    pub fn of_rankings<'a, L: Into<String>, S: Score + 'a>(
        rankings: impl IntoIterator<Item = (L, &'a Ranking<S>)>,
    ) -> Self {
        let mut prevalences = Vec::new();
        let mut curves = Vec::new();
        for (label, ranking) in rankings {
            let average = ranking.average_precision(AveragePrecisionRule::Step);
            let curve = Curve::of_precision_recall(label, &ranking.precision_recall());
            curves.push(curve.with_summary(average));
            let total = ranking.total();
            prevalences.push((total > 0).then(|| ranking.positives() as f64 / total as f64));
        }
        prevalences.dedup();
        let prevalence = match prevalences[..] {
            [prevalence] => prevalence,
            _ => None,
        };
        Self::new(curves).with_prevalence(prevalence)
    }
}

impl DecisionPlot {
    /// Decision curves of models on the same cases.
    ///
    /// ```
    /// use medmetrics::classification::{DecisionCurve, Ranking};
    /// use medmetrics::plot::{DecisionPlot, Plot};
    ///
    /// let ranking = Ranking::of(&[true, true, false, false], &[0.9, 0.4, 0.3, 0.1])?;
    /// let thresholds: Vec<f64> = (0..60).map(|i| f64::from(i) / 100.0).collect();
    /// let curve = DecisionCurve::of(&ranking, &thresholds, None)?;
    /// assert!(DecisionPlot::of_curves([("model", &curve)])?.to_svg()?.contains(">model</text>"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses no curve, and curves of different prevalences.
    pub fn of_curves<'a, L: Into<String>>(
        curves: impl IntoIterator<Item = (L, &'a DecisionCurve)>,
    ) -> Result<Self> {
        let (labels, curves): (Vec<L>, Vec<_>) = curves.into_iter().unzip();
        let Some(first) = curves.first() else {
            return Err(Error::TooFew {
                what: "a plot of decision curves",
                of: "curves",
                least: 1,
                got: 0,
            });
        };
        let prevalence = first.prevalence;
        if let Some(other) = curves.iter().find(|curve| curve.prevalence != prevalence) {
            return Err(Error::Incompatible {
                setting: "prevalence",
                left: prevalence.to_string(),
                right: other.prevalence.to_string(),
            });
        }
        let drawn = labels.into_iter().zip(&curves);
        let drawn = drawn.map(|(label, curve)| Curve::of_decisions(label, curve));
        Ok(Self::new(drawn.collect(), prevalence))
    }
}

impl ConfusionPlot {
    /// The counts of a confusion matrix under the names of its classes.
    ///
    /// ```
    /// use medmetrics::classification::ConfusionMatrix;
    /// use medmetrics::plot::{ConfusionPlot, Plot};
    ///
    /// let matrix = ConfusionMatrix::of(&[0, 0, 1, 1, 1], &[0, 1, 1, 1, 0], 2)?;
    /// let svg = ConfusionPlot::of_matrix(["benign", "malignant"], &matrix).to_svg()?;
    /// assert!(svg.contains(">66.7 %</text>"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    #[must_use]
    pub fn of_matrix<L: Into<String>>(
        classes: impl IntoIterator<Item = L>,
        matrix: &ConfusionMatrix,
    ) -> Self {
        Self::new(classes, matrix.counts().to_vec())
    }
}
