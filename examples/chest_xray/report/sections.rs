//! The report's text.

use anyhow::Result;

use super::document::{Block, Document, Figure, Grid};
use super::{Findings, in_words, percent, probability_in_words};
use crate::app::heat::{ENOUGH, Heat, Inside, Outcome, SHOWN};
use crate::app::network::Scaling;

impl Findings<'_> {
    pub(super) fn document(&self) -> Result<Document> {
        let [_, finding] = &self.collection.classes;
        let mut document = Document::new(format!("Chest radiographs: {finding}, yes or no?"));
        self.summary(&mut document);
        self.data(&mut document);
        self.accuracy(&mut document)?;
        self.decisions(&mut document)?;
        self.calibration(&mut document)?;
        self.subgroups(&mut document);
        self.domain_shift(&mut document);
        self.places(&mut document)?;
        self.method(&mut document);
        Ok(document)
    }

    fn data(&self, document: &mut Document) {
        document.heading("The images");
        document.text(format!("Source: {}.", self.collection.source));
        let [_, finding] = &self.collection.classes;
        let mut grid = Grid::new(
            "No patient is in two parts.",
            &[
                "part",
                "patients",
                "images",
                &format!("with {finding}"),
                "used for",
            ],
        );
        for ((part, [patients, images, ill]), purpose) in self.parts.iter().zip([
            "learning",
            "choosing threshold, temperature and network",
            "the figures of this report",
        ]) {
            let share = percent(*ill as f64 / (*images).max(1) as f64);
            grid.row([
                part.to_string(),
                patients.to_string(),
                images.to_string(),
                format!("{ill} ({share})"),
                purpose.into(),
            ]);
        }
        document.blocks.push(Block::Table(grid));
        if !self.collection.notes.is_empty() {
            document
                .blocks
                .push(Block::List(self.collection.notes.clone()));
        }
    }

    fn accuracy(&self, document: &mut Document) -> Result<()> {
        document.heading("How well ill and well are told apart");
        let mut headers = vec!["measure"];
        headers.extend(self.candidates.iter().map(|c| c.network.name()));
        let caption = "On test images; 95 % intervals by patient, none where every draw of patients gave the same.";
        let mut grid = Grid::new(caption, &headers);
        let mut row = |name: &str, of: &dyn Fn(&super::Candidate) -> String| {
            let cells = std::iter::once(name.to_owned()).chain(self.candidates.iter().map(of));
            grid.row(cells);
        };
        row("AUC", &|c| in_words(&c.judgement.auc, 3));
        row("average precision", &|c| {
            in_words(&c.judgement.average_precision, 3)
        });
        for (name, _) in &self.best().judgement.measures {
            row(name, &|c| {
                c.judgement
                    .measure(name)
                    .map_or(String::new(), |e| in_words(e, 3))
            });
        }
        let at_precision = |c: &super::Candidate, which: usize| match &c.judgement.at_precision {
            Some(estimates) => in_words(&estimates[which], 3),
            None => "no threshold reached it".to_owned(),
        };
        row("recall where precision was 95 % on validation", &|c| {
            at_precision(c, 0)
        });
        row("precision there", &|c| at_precision(c, 1));
        row("weights", &|c| match c.learnt.parameters {
            [learnt, all] if learnt == all => format!("{all}, all learnt"),
            [learnt, all] => format!("{all}, {learnt} of them learnt"),
        });
        row("training", &|c| {
            format!(
                "{:.0} s, {} epochs, on {}",
                c.learnt.seconds,
                c.learnt.summary.history.len(),
                c.learnt.device
            )
        });
        document.blocks.push(Block::Table(grid));
        if let Some(comparison) = &self.comparison {
            let [first, second] = &comparison.names;
            let p = probability_in_words(comparison.delong.test.p);
            document.text(format!(
                "AUC of the {first} minus that of the {second}: {} by DeLong's test for patients with several images ({p}), \
                 {} by drawing patients again {} times. The {} went into the bundle: of two the smaller, unless \
                 the larger is better on validation by the same test.",
                in_words(&comparison.delong.difference, 3),
                in_words(&comparison.bootstrap, 3),
                self.bootstrap.replicates,
                self.best().network.name(),
            ));
        }
        document.blocks.push(Block::Figure(self.roc()?));
        document
            .blocks
            .push(Block::Figure(self.precision_recall()?));
        Ok(())
    }

    fn calibration(&self, document: &mut Document) -> Result<()> {
        document.heading("Whether probabilities mean what they say");
        let best = self.best();
        let [before, after, change] = &best.judgement.nll;
        let temperature = best.chosen.temperature;
        document.text(match best.chosen.is_calibrated {
            true => format!(
                "Log odds are divided by a temperature of {temperature:.2}, fitted on validation. The mean negative \
                 log-likelihood on test images was {} before and {} after; the change is {}. The expected calibration \
                 error went from {:.3} to {:.3}.",
                in_words(before, 3),
                in_words(after, 3),
                in_words(change, 3),
                best.judgement.ece[0],
                best.judgement.ece[1],
            ),
            false if best.validation.is_right_throughout() => {
                "All validation images were told apart, so that no temperature could be fitted: probabilities are as the \
                 network gives them."
                    .to_owned()
            }
            false => "The network's scores tell so little of the validation images that no temperature could be fitted: \
                      probabilities are as the network gives them."
                .to_owned(),
        });
        document.blocks.push(Block::Figure(self.reliability()?));
        Ok(())
    }

    fn subgroups(&self, document: &mut Document) {
        let subgroups = &self.best().judgement.subgroups;
        if subgroups.len() < 2 {
            return;
        }
        document.heading(format!("By {}", self.collection.grouping));
        let mut grid = Grid::new(
            format!(
                "{}, at the same threshold for all.",
                self.best().network.name()
            ),
            &[
                self.collection.grouping,
                "images",
                &format!("with {}", self.collection.classes[1]),
                "AUC",
                "sensitivity",
                "specificity",
            ],
        );
        for group in subgroups {
            grid.row([
                group.name.clone(),
                group.images.to_string(),
                group.positives.to_string(),
                group
                    .auc
                    .as_ref()
                    .map_or("one class only".to_owned(), |auc| in_words(auc, 3)),
                in_words(&group.sensitivity, 3),
                in_words(&group.specificity, 3),
            ]);
        }
        document.blocks.push(Block::Table(grid));
    }

    fn domain_shift(&self, document: &mut Document) {
        let Some(shift) = &self.shift else { return };
        let [own, other] = &shift.scanners;
        let grouping = self.collection.grouping;
        document.heading(format!("On images of another {grouping} than in training"));
        document.text(format!(
            "The small CNN was trained once more, on the {} training images of {grouping} {own} alone. Histogram matching \
             gives an image the distribution of grey values of those training images.",
            shift.training_images
        ));
        let mut grid = Grid::new(
            "AUC on test patients.",
            &["images of", "histogram matching", "AUC"],
        );
        grid.row([own.clone(), "off".into(), in_words(&shift.same, 3)]);
        grid.row([other.clone(), "off".into(), in_words(&shift.other, 3)]);
        grid.row([other.clone(), "on".into(), in_words(&shift.matched, 3)]);
        document.blocks.push(Block::Table(grid));
    }

    fn places(&self, document: &mut Document) -> Result<()> {
        document.heading("Where the network looks");
        document.text(
            "Grad-CAM shows which parts of an image spoke for the finding and against its absence: warm colours, as \
             bright in all pictures as there is much of it (full where a typical found image has its highest point). Where the \
             place of the finding is known, it is outlined in blue.",
        );
        document.text(format!(
            "Shown are the first {SHOWN} test images of each kind, not chosen by how well they look, with the probability \
             that the network gave."
        ));
        let lines = |heat: &Heat, who: &str| {
            let found = heat.localisation.as_ref()?;
            let line = |region: &Inside, what: &str| {
                [
                    who.to_owned(),
                    what.to_owned(),
                    percent(region.share_inside),
                    percent(region.mean_mass),
                    percent(region.share_peak),
                    percent(region.mean_area),
                ]
            };
            Some([
                line(&found.near, "on or near it"),
                line(&found.on, "on it, to the pixel"),
            ])
        };
        if let Some(found) = &self.heat.localisation {
            let enough = format!(
                "images with more than {} % of the mass inside",
                100.0 * ENOUGH
            );
            let mut grid = Grid::new(
                format!(
                    "The {} ill images that were found. Near: within half a place of the map, {:.0} pixels of the network's \
                     input. A map without any idea has as much of its mass inside as of its area.",
                    found.images, found.widened_by
                ),
                &[
                    "network",
                    "inside the finding",
                    &enough,
                    "mean mass inside",
                    "highest point inside",
                    "area inside",
                ],
            );
            [
                lines(&self.heat, self.best().network.name()),
                lines(&self.random_heat, "the same, never trained"),
            ]
            .into_iter()
            .flatten()
            .flatten()
            .for_each(|cells| grid.row(cells));
            document.blocks.push(Block::Table(grid));
        }
        for outcome in Outcome::ALL {
            let of_kind = self
                .heat
                .overlays
                .iter()
                .filter(|overlay| overlay.outcome == outcome);
            let mut pictures = Vec::new();
            for (number, overlay) in of_kind.enumerate() {
                let name = format!("heat_{}_{number}", outcome.name().replace(' ', "_"));
                let line = format!(
                    "{}, {}: {}",
                    outcome.name(),
                    overlay.id,
                    percent(overlay.probability)
                );
                pictures.push((line, Figure::png(&name, &overlay.id, &overlay.picture)?));
            }
            if !pictures.is_empty() {
                document.blocks.push(Block::Gallery(pictures));
            }
        }
        Ok(())
    }

    fn method(&self, document: &mut Document) {
        document.heading("How it was done");
        for figure in self.training() {
            document.blocks.push(Block::Figure(figure));
        }
        let scaling = match self.preparation.scaling {
            Scaling::Each => "each is brought to mean 0 and deviation 1",
            Scaling::Same { .. } => {
                "all are scaled by the mean and deviation of the training images"
            }
        };
        let mut lines = vec![format!(
            "Images are averaged to {0} by {0} pixels, and {scaling}; in training each view is turned, shifted and scaled \
             a little, never mirrored.",
            self.preparation.side
        )];
        lines.extend(self.candidates.iter().map(|c| c.learnt.lesson.clone()));
        lines.extend([
            "Threshold, temperature and the choice of the network come from validation patients.".to_owned(),
            "The brightness baseline is a logistic regression on mean, deviation, skewness, quantiles and a histogram."
                .to_owned(),
            format!("The test set was opened for: {}.", self.openings.join("; ")),
            format!("The whole run took {:.0} s.", self.seconds),
        ]);
        document.blocks.push(Block::List(lines));
    }
}
