//! What the outputs of a network mean.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::refuse;
use crate::error::Result;

/// A term of a coding scheme, as DICOM has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The scheme's designator: `SCT` for SNOMED CT, `RADLEX`, `DCM`.
    pub scheme: String,
    /// The code in it.
    pub value: String,
    /// What the scheme calls it.
    pub meaning: String,
}

impl Code {
    /// A term of any scheme.
    #[must_use]
    pub fn new(
        scheme: impl Into<String>,
        value: impl Into<String>,
        meaning: impl Into<String>,
    ) -> Self {
        Self {
            scheme: scheme.into(),
            value: value.into(),
            meaning: meaning.into(),
        }
    }

    /// A term of SNOMED CT.
    ///
    /// ```
    /// let pneumonia = medinfer::Code::snomed("233604007", "Pneumonia");
    /// assert_eq!(pneumonia.scheme, "SCT");
    /// ```
    #[must_use]
    pub fn snomed(value: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self::new("SCT", value, meaning)
    }

    /// A term of RadLex.
    #[must_use]
    pub fn radlex(value: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self::new("RADLEX", value, meaning)
    }
}

/// A class of an image or of a box.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassLabel {
    /// Its name.
    pub name: String,
    /// The same in coding schemes.
    #[serde(default)]
    pub codes: Vec<Code>,
    /// How it is drawn: red, green, blue.
    #[serde(default)]
    pub colour: Option<[u8; 3]>,
}

impl ClassLabel {
    /// A class without codes and colour.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            codes: Vec::new(),
            colour: None,
        }
    }

    /// Adds a term that means the same.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.codes.push(code);
        self
    }

    /// Sets how it is drawn: red, green, blue.
    #[must_use]
    pub fn with_colour(self, colour: [u8; 3]) -> Self {
        Self {
            colour: Some(colour),
            ..self
        }
    }
}

/// Refuses another number of labels than outputs, and names that are empty or there twice.
pub(crate) fn check_labels(labels: &[ClassLabel], outputs: usize) -> Result<()> {
    if labels.len() != outputs {
        let rule = "one for each output of the network";
        return refuse("labels", rule, format!("{} for {outputs}", labels.len()));
    }
    let mut names = BTreeSet::new();
    for ClassLabel { name, .. } in labels {
        if name.trim().is_empty() || !names.insert(name) {
            return refuse(
                "labels",
                "named, each with its own name",
                format!("{name:?}"),
            );
        }
    }
    Ok(())
}
