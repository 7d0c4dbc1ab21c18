//! The network with all that belongs to it in one folder, which proves itself when it is loaded.

use std::path::{Path, PathBuf};

use anyhow::Result;
use medcore::random::Key;
use medinfer::{
    Bundle, BundleWriter, Calibration, ClassLabel, Classifier, ClassifierConfig, Code, InputSpec,
    MetricRecord, OperatingPoint, Version,
};
use medmetrics::calibration::TemperatureScaling;
use medmetrics::classification::Selection;
use mednn::Model;
use mednn::candle_core::Device;
use medtrain::DataDigest;
use medtrain::medaug::{Compose, Sample};

use super::data::{Collection, Radiograph};
use super::judge::{Chosen, Judgement};
use super::network::{Preparation, resizing};

/// The operating point's name.
pub(crate) const POINT: &str = "youden";

/// Everything that goes into the folder.
pub(crate) struct Contents<'a> {
    pub(crate) collection: &'a Collection,
    pub(crate) model: &'a dyn Model,
    pub(crate) config: medmodels::ModelConfig,
    pub(crate) preparation: Preparation,
    /// Where the network comes from.
    pub(crate) provenance: &'a medtrain::Provenance,
    pub(crate) chosen: &'a Chosen,
    pub(crate) judgement: &'a Judgement,
    /// Digests of training, validation and test.
    pub(crate) digests: &'a [DataDigest; 3],
    /// A radiograph of validation: what the bundle tries itself on.
    pub(crate) golden: &'a Radiograph,
}

impl Contents<'_> {
    /// Writes the folder anew; what was there before stays until all of it is written.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let [normal, finding] = &self.collection.classes;
        let mut label = ClassLabel::new(finding);
        if finding == "pneumonia" {
            label = label.with_code(Code::snomed("233604007", "Pneumonia"));
        }
        let Chosen {
            threshold,
            temperature,
            ..
        } = *self.chosen;
        let probability = 1.0 / (1.0 + (-threshold / temperature).exp());
        let [_, validation, _] = self.digests;
        let mut calibration = Calibration::from(TemperatureScaling::new(temperature)?);
        if self.chosen.is_calibrated {
            calibration = calibration.with_fitted_on(&validation.sha256);
        }
        let [before, after] = self.judgement.ece;
        let point = OperatingPoint::new(POINT, finding, probability)
            .with_selection(Selection::Youden)
            .with_chosen_on(&validation.sha256);
        let config =
            ClassifierConfig::<2>::new(self.config.clone(), [ClassLabel::new(normal), label])
                .with_preparation(Compose::new(self.preparation.steps(None)?)?)
                .with_shape([self.preparation.side; 2])
                .with_calibration(calibration.with_errors(before, after))
                .with_operating_points([point]);
        let classifier = Classifier::new(config, Box::new(self.model))?;
        // At the network's size: a bundle need not carry a whole radiograph.
        let resize = resizing(self.preparation.side)?;
        let golden = resize.apply(Sample::new(self.golden.pixels.read()?), Key::new(0))?;
        let provenance = serde_json::from_value(serde_json::to_value(self.provenance)?)?;
        let input = InputSpec {
            modality: ["CR", "DX"].map(str::to_owned).to_vec(),
            channels: vec!["radiograph".to_owned()],
            view: Some("chest, from the front".to_owned()),
            intensity: Some("as shown: bone bright, air dark".to_owned()),
            ..InputSpec::default()
        };
        let fresh = beside(folder, "new");
        remove(&fresh)?;
        BundleWriter::new(&classifier, "chest-xray", Version::new(1, 0, 0))
            .with_intended_use(
                "Research and demonstration: says how probable the finding is on a chest radiograph from the front. \
                 Not a medical device; not for decisions about patients.",
            )
            .with_input(input)
            .with_metrics(self.metrics())
            .with_provenance(provenance)
            .with_golden(golden.image(), 1e-3)
            .write(&fresh)?;
        put_in_place(&fresh, folder)
    }

    fn metrics(&self) -> Vec<MetricRecord> {
        let [.., test] = self.digests;
        let auc = ("auc".to_owned(), &self.judgement.auc);
        let all =
            std::iter::once(auc).chain(self.judgement.measures.iter().map(|(n, e)| (n.clone(), e)));
        let record = |(name, estimate): (String, &medmetrics::Estimate)| {
            let record = MetricRecord::new(name, estimate.value?)
                .with_test_set(self.judgement.images as u64, &test.sha256);
            Some(match &estimate.interval {
                Some(interval) => record.with_interval(interval.low, interval.high),
                None => record,
            })
        };
        all.filter_map(record).collect()
    }
}

/// A folder's neighbour.
fn beside(folder: &Path, what: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

fn remove(folder: &Path) -> std::io::Result<()> {
    match folder.exists() {
        true => std::fs::remove_dir_all(folder),
        false => Ok(()),
    }
}

/// Gives a folder that is whole the place of another, which is removed at the end.
fn put_in_place(fresh: &Path, folder: &Path) -> Result<()> {
    let old = beside(folder, "old");
    let replaces = folder.exists();
    if replaces {
        remove(&old)?;
        std::fs::rename(folder, &old)?;
    }
    if let Err(error) = std::fs::rename(fresh, folder) {
        if replaces {
            std::fs::rename(&old, folder)?;
        }
        return Err(error.into());
    }
    Ok(remove(&old)?)
}

/// Loads the folder on a device and asks it about images; gives the largest difference from the probabilities that training
/// saw.
pub(crate) fn check(folder: &Path, cases: &[(&Radiograph, f64)], device: &Device) -> Result<f64> {
    let bundle = Bundle::load_on(folder, device)?;
    let classifier = bundle.classifier::<2>()?;
    let mut largest: f64 = 0.0;
    for (radiograph, expected) in cases {
        let found = classifier.classify(&radiograph.pixels.read()?)?;
        largest = largest.max((found.probabilities[1] - expected).abs());
    }
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_bundle_is_there_until_another_is_whole() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("bundle");
        let text = || fs::read_to_string(folder.join("text")).unwrap();
        let fresh = beside(&folder, "new");
        let write = |words: &str| {
            fs::create_dir(&fresh).unwrap();
            fs::write(fresh.join("text"), words).unwrap();
        };
        write("one");
        put_in_place(&fresh, &folder).unwrap();
        assert_eq!(text(), "one");
        // What was not written takes no place.
        assert!(put_in_place(&fresh, &folder).is_err());
        assert_eq!(text(), "one");
        write("two");
        put_in_place(&fresh, &folder).unwrap();
        assert_eq!(text(), "two");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
