//! What is wrong with an annotation file: where, which rule, which value.

use std::fmt;

/// The first thing in an annotation file that is not as its format has it.
#[derive(Debug, thiserror::Error)]
#[error("{}{at}: {problem}", Line(*line))]
pub struct Fault {
    /// The place by its keys: `annotations[3].bbox`, `annotation/object[2]/bndbox`.
    pub at: String,
    /// Its line, from 1, where the format has lines and the value stands in a file.
    pub line: Option<usize>,
    /// The rule that is broken.
    pub problem: Problem,
}

/// The rule that an annotation file breaks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text is not of its language at all.
    #[error("is not valid {language}: {message}")]
    Syntax {
        /// `JSON`, `XML`, `YAML`, `UTF-8`.
        language: &'static str,
        /// What the parser says.
        message: String,
    },
    /// A key, an attribute or an element is not there.
    #[error("{key} is missing")]
    Missing {
        /// Its name.
        key: &'static str,
    },
    /// A value is of another kind or outside its range.
    #[error("must be {rule}, got {got}")]
    Expected {
        /// What would have been right.
        rule: &'static str,
        /// The beginning of what is there.
        got: String,
    },
    /// Something that must be unique is there twice.
    #[error("{what} {value} is there twice")]
    Duplicate {
        /// `image id`, `key` ...
        what: &'static str,
        /// The repeated value.
        value: String,
    },
    /// Something is referred to that does not exist.
    #[error("there is no {what} {value}")]
    Unknown {
        /// `image id`, `category` ...
        what: &'static str,
        /// The value that leads nowhere.
        value: String,
    },
    /// Run lengths do not add up to their mask.
    #[error("the runs of a mask of {height}x{width} must add up to {expected}, got {got}")]
    RunLengths {
        /// Rows of the mask.
        height: usize,
        /// Columns of the mask.
        width: usize,
        /// Their product.
        expected: u64,
        /// The sum, where it can be told.
        got: String,
    },
    /// A part of the format that is not read.
    #[error("{what} is not supported")]
    Unsupported {
        /// The part, by its name in the format.
        what: &'static str,
    },
    /// A limit on memory, or a box that is none.
    #[error(transparent)]
    Core(Box<medcore::Error>),
}

struct Line(Option<usize>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(line) => write!(f, "line {line}, "),
            None => Ok(()),
        }
    }
}

impl Fault {
    /// A fault of a value that stands in no line of a file.
    pub(crate) fn new(at: impl Into<String>, problem: Problem) -> Self {
        Self {
            at: at.into(),
            line: None,
            problem,
        }
    }
}

impl Problem {
    /// A broken rule, and at most forty characters of what is there.
    pub(crate) fn expected(rule: &'static str, got: &str) -> Self {
        let short: String = got.chars().take(40).collect();
        let cut = if short.len() < got.len() { "..." } else { "" };
        Self::Expected {
            rule,
            got: format!("{short}{cut}"),
        }
    }
}

impl From<medcore::Error> for Problem {
    fn from(error: medcore::Error) -> Self {
        Self::Core(Box::new(error))
    }
}
