//! What `docs/performance.md` says of the time of a forward pass.

use std::path::Path;

use medmodels::registry::{self, Request};

use crate::full_size::networks::networks;

/// A network that was timed beside PyTorch, in milliseconds.
pub(crate) struct Timed {
    architecture: &'static str,
    /// The library whose names it has, where the registry has the very network.
    reference: Option<&'static str>,
    said: String,
}

impl Timed {
    pub(crate) fn is_of(&self, architecture: &str, reference: &str) -> bool {
        self.architecture == architecture && self.reference.is_none_or(|of| of == reference)
    }

    /// The network, its time and PyTorch's.
    pub(crate) fn said(&self) -> &str {
        &self.said
    }
}

/// The networks of the table of forward passes.
pub(crate) fn timed() -> Vec<Timed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/performance.md");
    let page = std::fs::read_to_string(path).unwrap();
    let section = page.split("## Forward passes").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<Vec<&str>> = { section.lines() }
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches(['|', ' ']).split(" | ").collect())
        .collect();
    let of = |(name, config, _): (&'static str, medmodels::ModelConfig, _)| {
        let row = rows.iter().find(|row| {
            let of_row = row[0].split(',').next().unwrap();
            name == of_row || name.strip_prefix(of_row) == Some("_224")
        });
        let row =
            row.unwrap_or_else(|| panic!("docs/performance.md has no forward pass of {name}"));
        let least = |cell: &str| -> f64 { cell.split(" / ").next().unwrap().parse().unwrap() };
        let pytorch = least(row[2]).min(least(row[3]));
        Timed {
            architecture: config.architecture(),
            reference: registry::entries()
                .find(|entry| entry.config(&Request::new()).is_ok_and(|of| of == config))
                .map(|entry| entry.reference),
            said: format!("`{name}` {} / {pytorch}", least(row[1])),
        }
    };
    networks().into_iter().map(of).collect()
}
