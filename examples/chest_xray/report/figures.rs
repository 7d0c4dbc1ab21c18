//! The drawings of the report.

use anyhow::Result;
use medmetrics::classification::{BinaryMeasure, DecisionIntervals, OperatingPoint};
use medmetrics::plot::{
    ConfusionPlot, CurvePoint, Plot as _, PrecisionRecallPlot, ReliabilityPlot, RocPlot,
};
use medviz::Chart;

use super::document::Figure;
use super::{Candidate, Findings};
use crate::app::judge::reliability;

impl Findings<'_> {
    pub(super) fn roc(&self) -> Result<Figure> {
        let rankings = self.rankings()?;
        let best = self.best();
        let point = OperatingPoint {
            threshold: best.chosen.threshold,
            counts: best.judgement.counts,
        };
        let mut plot =
            RocPlot::of_rankings(rankings.iter().map(|(name, ranking)| (*name, ranking)))?;
        // The areas of the curves are told in the text, with intervals that know of patients; those drawn are for images.
        for (curve, candidate) in plot.curves.iter_mut().zip(&self.candidates) {
            curve.summary = Some(candidate.judgement.auc.clone());
        }
        let label = |mut point: CurvePoint| {
            point.label = "chosen on validation".to_owned();
            point.on_curve(self.best)
        };
        let point = CurvePoint::on_roc(&point, &DecisionIntervals::default()).map(label);
        let svg = plot
            .with_operating_points(point.into_iter().collect())
            .to_svg()?;
        Ok(Figure::svg(
            "roc",
            "How many ill patients are found (up) for how many false alarms (right).",
            svg,
        ))
    }

    pub(super) fn precision_recall(&self) -> Result<Figure> {
        let rankings = self.rankings()?;
        let plot = PrecisionRecallPlot::of_rankings(
            rankings.iter().map(|(name, ranking)| (*name, ranking)),
        );
        let caption =
            "Of those called ill, how many are (up), for how many of the ill are found (right).";
        Ok(Figure::svg("precision_recall", caption, plot.to_svg()?))
    }

    pub(super) fn confusion(&self) -> Result<Figure> {
        let c = self.best().judgement.counts;
        let counts = vec![
            c.true_negative,
            c.false_positive,
            c.false_negative,
            c.true_positive,
        ];
        let svg = ConfusionPlot::new(self.collection.classes.clone(), counts).to_svg()?;
        let caption = format!(
            "{}: decisions at the threshold that was chosen on validation.",
            self.best().network.name()
        );
        Ok(Figure::svg("confusion", caption, svg))
    }

    pub(super) fn reliability(&self) -> Result<Figure> {
        let best = self.best();
        let table = |temperature| reliability(&best.test, temperature);
        let tables = match best.chosen.is_calibrated {
            true => vec![
                ("before scaling", table(1.0)?),
                ("after scaling", table(best.chosen.temperature)?),
            ],
            false => vec![("not scaled", table(1.0)?)],
        };
        let plot = ReliabilityPlot::of_tables(tables.iter().map(|(name, table)| (*name, table)))?;
        let caption = "How often the finding was there (up) where the network said so probable (right); on the diagonal \
                       probabilities mean what they say.";
        Ok(Figure::svg("reliability", caption, plot.to_svg()?))
    }

    pub(super) fn training(&self) -> Vec<Figure> {
        let figure = |candidate: &Candidate| {
            let chart = Chart::new(format!("Training of the {}", candidate.network.name()))
                .x_label("epoch")
                .series("training loss", candidate.learnt.summary.losses())
                .series("validation AUC", candidate.learnt.summary.scores());
            let name = format!("training_{}", candidate.network.key());
            let caption = format!(
                "{}: loss on training images, and AUC on validation.",
                candidate.network.name()
            );
            Figure::svg(&name, caption, chart.to_svg())
        };
        self.candidates.iter().map(figure).collect()
    }

    fn rankings(&self) -> Result<Vec<(&'static str, medmetrics::classification::Ranking<f64>)>> {
        let one = |c: &Candidate| Ok((c.network.name(), c.test.ranking()?));
        self.candidates.iter().map(one).collect()
    }
}

/// The share of positives of counts.
pub(super) fn prevalence(counts: &medmetrics::classification::BinaryCounts) -> f64 {
    counts.measure(BinaryMeasure::Prevalence).unwrap_or(0.0)
}
