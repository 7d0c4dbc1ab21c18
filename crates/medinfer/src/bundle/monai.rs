//! A bundle as a folder in the shape of MONAI's bundles
//! (<https://docs.monai.io/en/stable/mb_specification.html>).

use std::fs;
use std::path::Path;

use medcore::atomic;
use serde_json::{Map, Value, json};

use super::folder::{self, io, wrong};
use super::hub::labels;
use super::{Bundle, CARD_FILE, Manifest, TaskConfig};
use crate::classify::{ClassifierConfig, LabelKind, refuse};
use crate::error::Result;
use crate::rule::LabelRule;
use crate::segmenter::{SegmenterConfig, WEIGHTS_FILE};

/// The versions under which parameters of networks are compared with those of MONAI.
const VERSIONS: [(&str, &str); 3] = [
    ("monai_version", "1.6.1"),
    ("pytorch_version", "2.15.0"),
    ("numpy_version", "2.2.6"),
];
const LICENSE_FILE: &str = "LICENSE";
/// The specification's word for a modality that is not known or that nothing has.
const NOT_SAID: &str = "n/a";

impl Bundle {
    /// Writes a folder in the shape of MONAI's bundles, whole or not at all.
    ///
    /// * `configs/metadata.json`: version, task, what it is for, by whom and whose, and what the network reads
    ///   and gives;
    /// * `models/model.safetensors`: the weights, under the names of the library that the network follows;
    /// * `docs/README.md` the model card, and `LICENSE` where the bundle has one.
    ///
    /// There is no `configs/inference.json`: its programs are Python, which this crate neither runs nor
    /// writes. [`MonaiBundle`](medmodels::bundles::MonaiBundle) and MONAI's `ConfigParser` read the description.
    /// Nothing in such a folder proves itself; what is used on patients is the bundle.
    ///
    /// ```no_run
    /// # fn f() -> Result<(), medinfer::Error> {
    /// use medinfer::Bundle;
    ///
    /// let bundle = Bundle::load("pneumonia-1.2.0")?;
    /// bundle.write_monai_folder("monai/pneumonia", "A. Author", "A hospital, 2026")?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refuses a place that is taken, authors or rights that are not stated, an ensemble, a detector, a
    /// network that reads patient data, and a bundle whose files were changed since it was loaded; and when a
    /// file cannot be written.
    pub fn write_monai_folder(
        &self,
        place: impl AsRef<Path>,
        authors: &str,
        copyright: &str,
    ) -> Result<()> {
        for (setting, value) in [("authors", authors), ("copyright", copyright)] {
            if value.trim().is_empty() {
                return refuse(setting, "stated", format!("{value:?}"));
            }
        }
        let mut metadata = metadata(self.manifest())?;
        metadata["authors"] = json!(authors);
        metadata["copyright"] = json!(copyright);
        let weights = self.weights()?;
        let card = self.listed(CARD_FILE)?;
        let mut text = serde_json::to_vec_pretty(&metadata)
            .map_err(|e| wrong(place.as_ref(), e.to_string()))?;
        text.push(b'\n');
        let mut files = vec![("configs/metadata.json", text), ("docs/README.md", card)];
        if self.manifest().files.contains_key(LICENSE_FILE) {
            files.push((LICENSE_FILE, self.listed(LICENSE_FILE)?));
        }
        folder::write_whole(place.as_ref(), |place| {
            let models = place.join("models");
            for folder in [&models, &place.join("configs"), &place.join("docs")] {
                fs::create_dir_all(folder).map_err(io(folder))?;
            }
            atomic::write_bytes(&models.join(WEIGHTS_FILE), &weights)?;
            let mut files = files.iter();
            files.try_for_each(|(name, bytes)| Ok(atomic::write_bytes(&place.join(name), bytes)?))
        })
    }
}

/// `configs/metadata.json` but for authors and rights.
fn metadata(manifest: &Manifest) -> Result<Value> {
    let version = manifest.version.to_string();
    let changes = format!("from the bundle {} {version}", manifest.name);
    let Described {
        input,
        output,
        meaning,
    } = match &manifest.task {
        TaskConfig::Classification2d(config) => of_classifier(manifest, config),
        TaskConfig::Classification3d(config) => of_classifier(manifest, config),
        TaskConfig::Segmentation(config) => of_segmenter(manifest, config),
        task => {
            let rule = "a classification or a segmentation for a folder of this shape";
            return refuse("task", rule, task.name().to_owned());
        }
    };
    let mut metadata = json!({
        "name": manifest.name,
        "version": version,
        "changelog": {version.clone(): changes},
        "required_packages_version": {},
        "task": manifest.task.name().replace('_', " "),
        "description": format!("{} of {}", manifest.task.architecture(), manifest.name),
        "intended_use": manifest.intended_use,
        "pred_classes": meaning,
        "network_data_format": {"inputs": {"image": input}, "outputs": {"pred": output}},
    });
    for (library, version) in VERSIONS {
        metadata[library] = json!(version);
    }
    Ok(metadata)
}

/// What goes in, what comes out, and how the latter is read.
struct Described {
    input: Value,
    output: Value,
    meaning: &'static str,
}

const OF_EXCLUSIVE: &str = "logits; a softmax over channels makes probabilities of them";
const OF_INDEPENDENT: &str = "logits; a sigmoid of each channel makes probabilities of them";
const OF_CONDITIONAL: &str = "logits; a sigmoid of each channel, times those of the channels before, makes probabilities of them";

fn of_classifier<const D: usize>(manifest: &Manifest, config: &ClassifierConfig<D>) -> Described {
    let shape = match config.shape.is_empty() {
        true => json!(vec!["*"; D]),
        false => json!(config.shape),
    };
    let output = json!({
        "type": "probabilities",
        "format": "classes",
        "modality": NOT_SAID,
        "num_channels": config.model.out_channels(),
        "spatial_shape": [],
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": false,
        "channel_def": meanings((0..).zip(config.kind.outputs(&config.labels))),
    });
    Described {
        input: of_image(manifest, config.model.in_channels(), &shape, false),
        output,
        meaning: match config.kind {
            LabelKind::Exclusive | LabelKind::Grades => OF_EXCLUSIVE,
            LabelKind::Independent | LabelKind::CumulativeGrades => OF_INDEPENDENT,
            LabelKind::ConditionalGrades => OF_CONDITIONAL,
        },
    }
}

fn of_segmenter(manifest: &Manifest, config: &SegmenterConfig) -> Described {
    let shape = json!(config.window.roi);
    let outputs = config.model.out_channels();
    let known = labels(&manifest.task);
    // Channels of regions are no values of a label map.
    let is_each = known.len() == outputs && (0..).zip(known.keys()).all(|(i, key)| i == *key);
    let named = match is_each {
        true => meanings(known),
        false => meanings((0..outputs).map(|i| (i, format!("output {i}")))),
    };
    let (format, meaning) = match config.rule {
        LabelRule::Argmax => ("labels", OF_EXCLUSIVE),
        LabelRule::Regions(_) => ("classes", OF_INDEPENDENT),
    };
    let output = json!({
        "type": "image",
        "format": format,
        "modality": NOT_SAID,
        "num_channels": outputs,
        "spatial_shape": shape,
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": true,
        "channel_def": named,
    });
    Described {
        input: of_image(manifest, config.model.in_channels(), &shape, true),
        output,
        meaning,
    }
}

/// What the network reads.
fn of_image(manifest: &Manifest, channels: usize, shape: &Value, is_patch_data: bool) -> Value {
    let input = &manifest.input;
    let named = |channel: usize| match input.channels.get(channel) {
        Some(name) => name.clone(),
        None => "image".to_owned(),
    };
    // Words of the specification, where `intensity` is for people.
    let intensity = input.intensity.as_deref().unwrap_or("").to_lowercase();
    let format = match intensity.contains("hounsfield") {
        true => "hounsfield",
        false => "magnitude",
    };
    let modality = match input.modality.is_empty() {
        true => NOT_SAID.to_owned(),
        false => input.modality.join(", "),
    };
    json!({
        "type": "image",
        "format": format,
        "modality": modality,
        "num_channels": channels,
        "spatial_shape": shape,
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": is_patch_data,
        "channel_def": meanings((0..channels).map(|channel| (channel, named(channel)))),
    })
}

fn meanings<N: ToString>(names: impl IntoIterator<Item = (N, String)>) -> Map<String, Value> {
    let names = names.into_iter();
    names
        .map(|(number, name)| (number.to_string(), name.into()))
        .collect()
}
