//! The same findings for programs, and in a few lines for the terminal.

use std::path::Path;

use anyhow::Result;

use super::{Findings, in_words, percent};

impl Findings<'_> {
    /// Writes `metrics.json`: `auc` and `accuracy` of the bundle's network on top, everything else below.
    pub(crate) fn write_metrics(&self, folder: &Path) -> Result<()> {
        let best = self.best();
        let value = |name: &str| best.judgement.measure(name).and_then(|e| e.value);
        let networks: serde_json::Map<_, _> = (self.candidates.iter())
            .map(|c| {
                let found = serde_json::json!({
                    "test": c.judgement,
                    "validation_auc": c.validation.auc(),
                    "chosen_on_validation": c.chosen,
                    "training_seconds": c.learnt.seconds,
                    "device": c.learnt.device,
                    "epochs": c.learnt.summary.history.len(),
                });
                (c.network.key().to_owned(), found)
            })
            .collect();
        let metrics = serde_json::json!({
            "auc": best.judgement.auc.value,
            "accuracy": value("accuracy"),
            "recall": value("recall (sensitivity)"),
            "precision": value("precision"),
            "f1": value("F1"),
            "f2": value("F2"),
            "network": best.network.key(),
            "intensity_baseline_auc": self.baseline,
            "nll_change": best.judgement.nll[2],
            "grad_cam": self.heat.localisation,
            "grad_cam_of_random_network": self.random_heat.localisation,
            "networks": networks,
            "comparison": self.comparison,
            "domain_shift": self.shift,
            "test_set_opened_for": self.openings,
            "seconds": self.seconds,
        });
        let metrics = serde_json::to_vec_pretty(&metrics)?;
        medcore::atomic::write_bytes(&folder.join("metrics.json"), &metrics)?;
        Ok(())
    }

    /// Writes `predictions.csv`: what every network said of every image of validation and test.
    pub(crate) fn write_predictions(&self, folder: &Path) -> Result<()> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record([
            "network",
            "part",
            "image",
            "patient",
            "group",
            "truth",
            "logit",
            "probability",
        ])?;
        for candidate in &self.candidates {
            for (part, scored) in [
                ("validation", &candidate.validation),
                ("test", &candidate.test),
            ] {
                let probabilities = scored.probabilities(candidate.chosen.temperature);
                for i in 0..scored.len() {
                    table.write_record([
                        candidate.network.key(),
                        part,
                        &scored.ids[i],
                        &scored.patients[i],
                        &scored.groups[i],
                        if scored.truth[i] { "1" } else { "0" },
                        &scored.logits[i].to_string(),
                        &probabilities[i].to_string(),
                    ])?;
                }
            }
        }
        let table = table.into_inner().map_err(|error| error.into_error())?;
        medcore::atomic::write_bytes(&folder.join("predictions.csv"), &table)?;
        Ok(())
    }

    /// A few lines for the terminal.
    pub(crate) fn print(&self, folder: &Path) {
        let best = self.best();
        println!(
            "\n{}: test AUC {}",
            best.network.name(),
            in_words(&best.judgement.auc, 3)
        );
        for (name, estimate) in &best.judgement.measures {
            println!("  {name}: {}", in_words(estimate, 3));
        }
        println!("  brightness alone: AUC {}", in_words(&self.baseline, 3));
        let [before, after, change] = &best.judgement.nll;
        println!(
            "  negative log-likelihood: {} before scaling, {} after, change {}",
            in_words(before, 3),
            in_words(after, 3),
            in_words(change, 4)
        );
        if let Some(comparison) = &self.comparison {
            let [first, second] = &comparison.names;
            println!(
                "  {first} minus {second}: AUC {}",
                in_words(&comparison.delong.difference, 3)
            );
        }
        for (heat, who) in [
            (&self.heat, "Grad-CAM"),
            (&self.random_heat, "Grad-CAM of a random network"),
        ] {
            if let Some(found) = &heat.localisation {
                println!(
                    "  {who}: more than half of the mass on or near the opacity in {} of {} found images (mean mass {}, area \
                     {}); on it to the pixel in {} (mean mass {}, area {})",
                    percent(found.near.share_inside),
                    found.images,
                    percent(found.near.mean_mass),
                    percent(found.near.mean_area),
                    percent(found.on.share_inside),
                    percent(found.on.mean_mass),
                    percent(found.on.mean_area)
                );
            }
        }
        if let Some(shift) = &self.shift {
            let [own, other] = &shift.scanners;
            println!(
                "  trained on {own} alone: AUC {} there, {} on {other}, {} with histogram matching",
                in_words(&shift.same, 3),
                in_words(&shift.other, 3),
                in_words(&shift.matched, 3)
            );
        }
        println!(
            "{:.0} s. Read {}.",
            self.seconds,
            folder.join("report.html").display()
        );
    }
}
