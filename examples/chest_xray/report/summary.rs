//! What a reader wants to know first, and what a decision by the network is worth.

use anyhow::Result;
use medmetrics::Estimate;

use super::document::{Block, Document, Tile};
use super::{Findings, in_words, percent};
use crate::app::judge::Judgement;

/// A share of ill images as a screening has it rather than a collection of cases.
const RARE: f64 = 0.05;

impl Findings<'_> {
    pub(super) fn summary(&self, document: &mut Document) {
        let best = self.best();
        let judged = &best.judgement;
        let [_, finding] = &self.collection.classes;
        let value = |name: &str| {
            judged
                .measure(name)
                .and_then(|e| e.value)
                .map_or("-".into(), percent)
        };
        document.text(format!(
            "A network ({}) was trained to say how probable {finding} is on a chest radiograph from the front. It was then \
             asked about {} images of {} patients it had never seen. Of the images with {finding} it found {}; of \
             those in which it saw {finding}, {} had it.",
            best.network.name(),
            judged.images,
            judged.patients,
            value("recall (sensitivity)"),
            value("precision"),
        ));
        let at_threshold = |name: &str, what: &str| {
            let estimate = judged.measure(name);
            estimate.map(|estimate| tile(estimate, &percent, what))
        };
        let area = tile(
            &judged.auc,
            &|value| format!("{value:.3}"),
            "area under the ROC curve: 1 is perfect, 0.5 is chance",
        );
        let tiles = [
            Some(area),
            at_threshold(
                "recall (sensitivity)",
                &format!("of the images with {finding} found (sensitivity)"),
            ),
            at_threshold(
                "specificity",
                "of the others rightly left alone (specificity)",
            ),
            at_threshold("accuracy", "of all decisions right"),
        ];
        let tiles = tiles.into_iter().flatten().collect();
        document.blocks.push(Block::Tiles(tiles));
        let areas = (
            self.baseline.value.unwrap_or(0.5),
            judged.auc.value.unwrap_or(0.5),
        );
        let chance = { self.baseline.interval.as_ref() }.is_some_and(|i| i.low <= 0.5);
        let verdict = match areas {
            (brightness, network) if network < brightness + 0.05 => {
                "The network is hardly better: it may have learnt little else."
            }
            (brightness, _) if brightness > 0.85 => {
                "Exposure alone tells so much here that the network's result says little about anatomy."
            }
            _ if chance => {
                "That is no better than chance: the network's result does not come from exposure."
            }
            _ => "A part of the network's result may come from exposure.",
        };
        document.text(format!(
            "A look at the brightness of the whole image alone, without any idea of where things are, reaches an area of {}. \
             {verdict}",
            in_words(&self.baseline, 3),
        ));
        document.blocks.push(Block::Caution(
            "Not a medical device. The figures hold for images like those it was tested on; the program does not know what \
             it has not been shown. Values in brackets are intervals of 95 %."
                .to_owned(),
        ));
    }

    pub(super) fn decisions(&self, document: &mut Document) -> Result<()> {
        document.heading("Decisions");
        let best = self.best();
        let probability = 1.0 / (1.0 + (-best.chosen.threshold / best.chosen.temperature).exp());
        let [_, finding] = &self.collection.classes;
        let counts = best.judgement.counts;
        document.text(format!(
            "An image is said to show {finding} from a probability of {} on: the point where sensitivity and specificity \
             together were greatest on validation. Of {} test images with {finding}, {} were found and {} missed; of {} \
             without, {} were false alarms.",
            percent(probability),
            counts.true_positive + counts.false_negative,
            counts.true_positive,
            counts.false_negative,
            counts.false_positive + counts.true_negative,
            counts.false_positive,
        ));
        if let Some(precision) = precision_where(&best.judgement, RARE) {
            document.text(format!(
                "Precision and negative predictive value hold where as many images have {finding} as here, {}. Where {} \
                 have it, the same sensitivity and specificity give a precision of {}: of a hundred such calls about \
                 {:.0} would be right.",
                percent(super::figures::prevalence(&counts)),
                percent(RARE),
                percent(precision),
                100.0 * precision,
            ));
        }
        document.blocks.push(Block::Figure(self.confusion()?));
        Ok(())
    }
}

/// The precision that sensitivity and specificity give where such a share of images has the finding.
fn precision_where(judgement: &Judgement, share: f64) -> Option<f64> {
    let value = |name: &str| judgement.measure(name)?.value;
    let found = share * value("recall (sensitivity)")?;
    let alarms = (1.0 - share) * (1.0 - value("specificity")?);
    (found + alarms > 0.0).then(|| found / (found + alarms))
}

fn tile(estimate: &Estimate, in_digits: &dyn Fn(f64) -> String, what: &str) -> Tile {
    let digits = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), in_digits);
    let interval = estimate.interval.as_ref();
    let ends = interval.map(|i| format!("{} to {}", in_digits(i.low), in_digits(i.high)));
    Tile {
        value: digits(estimate.value),
        interval: ends.unwrap_or_default(),
        what: what.to_owned(),
    }
}
