//! `docs/models.md`: the networks and how far they are from their references, written from the tests themselves.
//!
//! `UPDATE_MODELS=1 cargo test --release -p medmodels --features onnx --test parity models` writes the page again.

pub(crate) mod measured;
mod networks;
mod timed;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use measured::Measured;
use medmodels::registry::{self, Entry, Request};
use networks::{NETWORKS, Network};
use timed::timed;

use crate::reference::{BACKWARD, FORWARD};

fn head() -> String {
    format!(
        "\
# Networks

Written from the tests of `medmodels`; do not edit. A line is a network under the parameter names of one library. Its
fixtures (`crates/medmodels/tests/parity/`) are networks of few features and awkward shapes, whose weights and images both
sides hash from names, run in f64 by the reference and in f32 here.

* **outputs**, **gradients**: the power of ten above twice the largest error of all fixtures of the line; elements beside
  the largest magnitude of their tensor, projections of all elements beside its norm, for parameters beside at least a
  thousandth of the largest gradient of the network. Outputs are held to what stands here. Gradients are what the machine
  measured that wrote the page, and held to {BACKWARD:e}: a feature that rounds to the other side of zero turns the slope of an
  activation, here or there depending on the machine.
* **parameters**: of the networks of this family and these names in `medmodels::registry`, smallest and largest, as published.
* **ONNX**: written for any batch by the feature `onnx`.
* **forward**: milliseconds here and in PyTorch's better memory format, float32, two threads, for the 13 networks that
  [performance](performance.md) compares.

| network | names and reference | axes | outputs | gradients | parameters | ONNX | forward |
| --- | --- | --- | --- | --- | --- | --- | --- |
"
    )
}

/// The class of the smallest errors, as a power of ten.
const SMALLEST: i32 = -7;

/// The power of ten above twice an error that may be `tolerance`.
fn class(error: f64, tolerance: f64) -> i32 {
    (SMALLEST..largest(tolerance))
        .find(|&power| 2.0 * error <= 10_f64.powi(power))
        .unwrap_or_else(|| largest(tolerance))
}

/// The power of ten above a tolerance.
fn largest(tolerance: f64) -> i32 {
    tolerance.log10().ceil() as i32
}

/// The largest error of digests whose names begin so.
fn error(measured: &[Measured], prefix: &str) -> f64 {
    let of_these = measured.iter().filter(|m| m.digest.starts_with(prefix));
    of_these
        .map(|m| m.error)
        .reduce(f64::max)
        .unwrap_or_else(|| panic!("nothing of {prefix} was compared"))
}

/// What a page says of a network that this machine may not find so.
struct Stated {
    outputs: i32,
    gradients: i32,
    onnx: String,
}

fn stated(page: &str, start: &str) -> Option<Stated> {
    let line = page.lines().find(|line| line.starts_with(start))?;
    let cells: Vec<&str> = line.trim_end_matches(" |").split(" | ").collect();
    let power = |cell: &str| cell.strip_prefix("1e").and_then(|power| power.parse().ok());
    let [_, _, _, outputs, gradients, _, onnx, ..] = cells[..] else {
        return None;
    };
    Some(Stated {
        outputs: power(outputs)?,
        gradients: power(gradients)?,
        onnx: onnx.to_owned(),
    })
}

fn entries(network: &Network) -> Vec<&'static Entry> {
    let of_it = |entry: &&Entry| {
        let config = entry.config(&Request::new()).unwrap();
        config.architecture() == network.name && entry.reference == network.reference
    };
    registry::entries().filter(of_it).collect()
}

/// A number in groups of three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut groups: Vec<&str> = (digits.as_bytes().rchunks(3))
        .map(|group| std::str::from_utf8(group).unwrap())
        .collect();
    groups.reverse();
    groups.join(",")
}

fn parameters(entries: &[&Entry]) -> String {
    let said = |entry: &Entry| format!("`{}` {}", entry.name, grouped(entry.parameters));
    let smallest = entries.iter().min_by_key(|entry| entry.parameters);
    let largest = entries.iter().max_by_key(|entry| entry.parameters);
    match (smallest, largest) {
        (Some(smallest), Some(largest)) if entries.len() > 1 => {
            format!("{} to {}", said(smallest), said(largest))
        }
        (Some(only), _) => said(only),
        (None, _) => "of its settings".to_owned(),
    }
}

/// Whether every network of a name that the laws know can be written for any batch.
#[cfg(feature = "onnx")]
fn onnx() -> Option<BTreeMap<&'static str, bool>> {
    use medmodels::onnx::Export;
    use mednn::model::{Inputs, Model};
    use mednn::params::Params;

    use crate::fusion::laws as fusion;
    use crate::reference::tensor;

    let mut found = BTreeMap::new();
    let mut note = |name: &'static str, network: &dyn Model, inputs: &Inputs| {
        let export = Export::new(network, inputs).with_dynamic_batch(true);
        let written = export.build().is_ok();
        *found.entry(name).or_insert(true) &= written;
    };
    for (config, mut shape) in crate::laws::networks() {
        shape[0] = 1;
        let network = medmodels::create(&config, &Params::new(5)).unwrap();
        let inputs = Inputs::from(tensor("image", &shape));
        note(config.architecture(), &*network, &inputs);
    }
    for (config, shape) in fusion::networks() {
        let network = medmodels::fusion::create(&config, &Params::new(5)).unwrap();
        note("Fusion", &*network, &fusion::inputs(&config, &shape, 1));
    }
    Some(found)
}

/// Without the feature nothing can be written.
#[cfg(not(feature = "onnx"))]
fn onnx() -> Option<BTreeMap<&'static str, bool>> {
    None
}

/// The fixtures that have gradients of a network's image.
fn fixtures() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let mut stems = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|e| e == "safetensors") {
            let bytes = std::fs::read(&path).unwrap();
            let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
            if file.tensor("gradient.image").is_ok() {
                stems.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    stems
}

#[test]
fn the_page_says_of_every_network_how_far_it_is_from_its_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/models.md");
    let update = std::env::var_os("UPDATE_MODELS").is_some();
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let onnx = onnx();
    let mut page = head();
    let mut unseen = fixtures();
    let timed = timed();
    let mut listed = 0;
    for network in NETWORKS {
        let measured = measured::of(network.tests);
        let mut axes = BTreeSet::new();
        for found in &measured {
            unseen.remove(&found.stem);
            axes.insert(found.shape.len() - 2);
        }
        let axes: Vec<String> = axes.iter().map(|axes| format!("{axes}D")).collect();
        let entries = entries(network);
        listed += entries.len();
        let (name, reference) = (network.name, network.reference);
        let start = format!("| {name} | {reference} |");
        let [outputs, gradients] = [error(&measured, "output."), error(&measured, "gradient.")];
        let mut line = Stated {
            outputs: class(outputs, FORWARD),
            gradients: class(gradients, BACKWARD),
            onnx: match &onnx {
                Some(onnx) if onnx.get(name) == Some(&true) => "yes".to_owned(),
                Some(_) => "no".to_owned(),
                None => stated(&committed, &start).map_or_else(String::new, |line| line.onnx),
            },
        };
        if let Some(stated) = stated(&committed, &start).filter(|_| !update) {
            for (power, tolerance) in [(stated.outputs, FORWARD), (stated.gradients, BACKWARD)] {
                let classes = SMALLEST..=largest(tolerance);
                assert!(
                    classes.contains(&power),
                    "{start} 1e{power} is none of {classes:?}"
                );
            }
            let limit = 10_f64.powi(stated.outputs);
            assert!(outputs <= limit, "{start} {outputs:e} is above {limit:e}");
            (line.outputs, line.gradients) = (stated.outputs, stated.gradients);
        }
        writeln!(
            page,
            "{start} {} | 1e{} | 1e{} | {} | {} | {} |",
            axes.join(", "),
            line.outputs,
            line.gradients,
            parameters(&entries),
            line.onnx,
            { timed.iter() }
                .filter(|timed| timed.is_of(name, reference))
                .map(|timed| timed.said())
                .collect::<Vec<_>>()
                .join(", ")
        )
        .unwrap();
    }
    assert!(unseen.is_empty(), "fixtures of no line: {unseen:?}");
    assert_eq!(listed, registry::entries().count(), "entries of no line");
    if update {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == page,
        "docs/models.md is out of date: set UPDATE_MODELS=1"
    );
}
