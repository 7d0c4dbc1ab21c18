//! A bundle as a folder of Hugging Face's hub: weights and a model card that its tools read
//! (<https://huggingface.co/docs/hub/model-cards>), and all settings beside them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use medcore::atomic;
use medmodels::Architecture;
use mednn::params::{parse_safetensors, safetensors_bytes};
use serde_json::{Value, json};

use super::folder::{self, wrong};
use super::{Bundle, CARD_FILE, Manifest, MetricRecord, TaskConfig, weights_file};
use crate::classify::{ClassLabel, LabelKind, refuse};
use crate::error::Result;
use crate::{CONFIG_FILE, WEIGHTS_FILE};

/// What libraries of the hub look for before they read weights: tensors as PyTorch has them.
const FORMAT: (&str, &str) = ("format", "pt");

impl Bundle {
    /// Writes a folder in the shape of Hugging Face's hub, whole or not at all.
    ///
    /// * `model.safetensors`: the weights, under the names of the library that the network follows;
    /// * `config.json`: labels, channels and extents by the names that the hub's libraries use, and under `task` all that
    ///   this crate needs to build the model again ([`TaskConfig`]);
    /// * `README.md`: the model card, with licence, task and measurements in front in the form that the hub indexes.
    ///
    /// Nothing in such a folder proves itself: hashes, golden cases and signature stay with the bundle, which
    /// is what is used on patients. Weights of others under `license`, an SPDX name or `other`, are for the
    /// caller to honour.
    ///
    /// ```no_run
    /// # fn f() -> Result<(), medinfer::Error> {
    /// use medinfer::Bundle;
    ///
    /// Bundle::load("pneumonia-1.2.0")?.write_hub_folder("hub/pneumonia", "apache-2.0")?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Refuses a place that is taken, an ensemble, and a bundle whose files were changed since it was loaded;
    /// and when a file cannot be written.
    pub fn write_hub_folder(&self, place: impl AsRef<Path>, license: &str) -> Result<()> {
        let manifest = self.manifest();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.+".contains(&byte);
        if license.is_empty() || !license.bytes().all(is_plain) {
            return refuse("license", "an SPDX name or `other`", format!("{license:?}"));
        }
        let weights = self.weights()?;
        folder::write_whole(place.as_ref(), |place| {
            atomic::write_bytes(&place.join(WEIGHTS_FILE), &weights)?;
            let settings = place.join(CONFIG_FILE);
            let mut text = config(manifest)
                .and_then(|config| serde_json::to_vec_pretty(&config))
                .map_err(|e| wrong(&settings, e.to_string()))?;
            text.push(b'\n');
            atomic::write_bytes(&settings, &text)?;
            let card = String::from_utf8(self.listed(CARD_FILE)?);
            let card = card.map_err(|_| wrong(&self.path().join(CARD_FILE), "it is no text"))?;
            let front = front_matter(manifest, license);
            atomic::write_bytes(&place.join(CARD_FILE), format!("{front}{card}").as_bytes())?;
            Ok(())
        })
    }

    /// The weights as libraries of PyTorch look for them; refuses an ensemble.
    pub(super) fn weights(&self) -> Result<Vec<u8>> {
        if self.manifest().networks != 1 {
            let rule = "one, where others are to read its weights";
            return refuse("networks", rule, self.manifest().networks.to_string());
        }
        let file = weights_file(0);
        let place = self.path().join(&file);
        let tensors = parse_safetensors(&place, &self.listed(&file)?)?;
        let metadata = Some((FORMAT.0, FORMAT.1.to_owned()));
        Ok(safetensors_bytes(&place, &tensors, metadata)?)
    }

    /// The bytes of a file of the description, if they still are those that were loaded.
    pub(super) fn listed(&self, name: &str) -> Result<Vec<u8>> {
        match self.manifest().files.get(name) {
            Some(about) => folder::read_listed(self.path(), name, about),
            None => Err(wrong(
                &self.path().join(name),
                "it is not part of the bundle",
            )),
        }
    }
}

/// `config.json`, by the names that transformers uses.
fn config(manifest: &Manifest) -> serde_json::Result<Value> {
    let task = &manifest.task;
    let labels = labels(task);
    let ids = labels.iter().map(|(id, name)| (name.clone(), json!(id)));
    let names = labels
        .iter()
        .map(|(id, name)| (id.to_string(), json!(name)));
    let mut config = json!({
        "architectures": [task.architecture()],
        "model_type": "medinfer",
        "name": manifest.name,
        "version": manifest.version,
        "num_labels": labels.len(),
        "id2label": names.collect::<serde_json::Map<_, _>>(),
        "label2id": ids.collect::<serde_json::Map<_, _>>(),
        "task": task,
    });
    let (channels, shape, kind) = match task {
        TaskConfig::Classification2d(c) => (c.model.in_channels(), &c.shape[..], Some(c.kind)),
        TaskConfig::Classification3d(c) => (c.model.in_channels(), &c.shape[..], Some(c.kind)),
        TaskConfig::Detection2d(c) => (c.model.in_channels(), &[][..], None),
        TaskConfig::Detection3d(c) => (c.model.in_channels(), &[][..], None),
        TaskConfig::Fused2d(c) => (c.model.in_channels(), &c.shape[..], Some(c.answer.kind)),
        TaskConfig::Fused3d(c) => (c.model.in_channels(), &c.shape[..], Some(c.answer.kind)),
        TaskConfig::Record(c) => (0, &[][..], Some(c.answer.kind)),
        TaskConfig::Segmentation(c) => (c.model.in_channels(), &[][..], None),
    };
    if channels > 0 {
        config["num_channels"] = json!(channels);
    }
    if !shape.is_empty() {
        config["image_size"] = json!(shape);
    }
    match kind {
        Some(kind) if kind.is_softmax() => {
            config["problem_type"] = json!("single_label_classification");
        }
        Some(LabelKind::Independent) => {
            config["problem_type"] = json!("multi_label_classification");
        }
        // The hub has no word for logits between grades.
        _ => {}
    }
    Ok(config)
}

/// Labels by their numbers; of a segmentation those of one value, as a region of several is no label of a
/// voxel.
pub(super) fn labels(task: &TaskConfig) -> BTreeMap<u32, String> {
    let listed = |labels: &[ClassLabel]| {
        let names = labels.iter().map(|label| label.name.clone());
        (0..).zip(names).collect()
    };
    match task {
        TaskConfig::Classification2d(config) => listed(&config.labels),
        TaskConfig::Classification3d(config) => listed(&config.labels),
        TaskConfig::Detection2d(config) => listed(&config.labels),
        TaskConfig::Detection3d(config) => listed(&config.labels),
        TaskConfig::Fused2d(config) => listed(&config.answer.labels),
        TaskConfig::Fused3d(config) => listed(&config.answer.labels),
        TaskConfig::Record(config) => listed(&config.answer.labels),
        TaskConfig::Segmentation(config) => {
            let entries = config.labels.entries().iter();
            let single = entries.filter_map(|entry| match entry.values[..] {
                [value] => Some((value, entry.name.clone())),
                _ => None,
            });
            single.chain([(0, "background".to_owned())]).collect()
        }
    }
}

/// What the hub indexes, as YAML; texts are quoted as JSON quotes them, which YAML reads.
fn front_matter(manifest: &Manifest, license: &str) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = fill(&mut out, manifest, license);
    out
}

fn fill(out: &mut String, manifest: &Manifest, license: &str) -> std::fmt::Result {
    let tag = match manifest.task {
        TaskConfig::Classification2d(_)
        | TaskConfig::Classification3d(_)
        | TaskConfig::Fused2d(_)
        | TaskConfig::Fused3d(_) => "image-classification",
        TaskConfig::Record(_) => "tabular-classification",
        TaskConfig::Detection2d(_) | TaskConfig::Detection3d(_) => "object-detection",
        TaskConfig::Segmentation(_) => "image-segmentation",
    };
    writeln!(out, "---\nlicense: {}", quoted(license))?;
    writeln!(out, "library_name: medinfer\npipeline_tag: {tag}")?;
    writeln!(out, "tags:\n- medical")?;
    for modality in &manifest.input.modality {
        writeln!(out, "- {}", quoted(modality))?;
    }
    if !manifest.metrics.is_empty() {
        writeln!(
            out,
            "model-index:\n- name: {}\n  results:",
            quoted(&manifest.name)
        )?;
    }
    manifest
        .metrics
        .iter()
        .try_for_each(|metric| result(out, metric, tag))?;
    writeln!(out, "---\n")
}

/// One entry of the hub's `model-index`.
fn result(out: &mut String, metric: &MetricRecord, tag: &str) -> std::fmt::Result {
    let digest = metric.test_set.as_deref().unwrap_or("not stated");
    let cases = metric
        .cases
        .map_or(String::new(), |cases| format!(", {cases} cases"));
    let of = metric
        .of
        .as_deref()
        .map_or(String::new(), |of| format!(" of {of}"));
    let interval = metric.interval;
    let interval = interval.map_or(String::new(), |[low, high]| {
        format!(", 95 % interval {low} to {high}")
    });
    writeln!(out, "  - task:\n      type: {tag}")?;
    writeln!(out, "    dataset:\n      type: {}", quoted(digest))?;
    writeln!(out, "      name: {}", quoted(&format!("test set{cases}")))?;
    writeln!(out, "    metrics:\n    - type: {}", quoted(&metric.name))?;
    writeln!(out, "      value: {}", json!(metric.value))?;
    writeln!(
        out,
        "      name: {}",
        quoted(&format!("{}{of}{interval}", metric.name))
    )
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
