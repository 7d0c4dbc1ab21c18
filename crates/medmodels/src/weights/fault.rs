//! What can be wrong in a checkpoint.

/// Why a checkpoint was refused; [`crate::Error::Checkpoint`] adds the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file is neither of the formats that are read.
    #[error("neither a safetensors file nor a PyTorch checkpoint; it starts with {start:?}")]
    Unknown {
        /// Its first bytes, escaped.
        start: String,
    },
    /// The system refused to read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The zip archive of a checkpoint breaks a rule.
    #[error("archive: {rule}, got {got}")]
    Archive {
        /// What must hold.
        rule: &'static str,
        /// What was found.
        got: String,
    },
    /// A record of the archive is damaged.
    #[error("record {name:?}: {problem}")]
    Record {
        /// Its name in the archive.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The pickled part breaks a rule.
    #[error("pickle, byte {at}: {problem}")]
    Pickle {
        /// Where its operation starts.
        at: usize,
        /// What is wrong.
        problem: String,
    },
    /// The pickled part calls something that is not known to build weights. Nothing is ever executed.
    #[error(
        "pickle, byte {at}: {name} is called, which builds no weights; nothing of it was executed"
    )]
    ForbiddenGlobal {
        /// Where the call stands.
        at: usize,
        /// Module and name.
        name: String,
    },
    /// A tensor does not lie inside its storage, or is of a type that is not read.
    #[error("tensor of shape {shape:?}: {problem}")]
    Tensor {
        /// Its shape as declared.
        shape: Vec<i64>,
        /// What is wrong.
        problem: String,
    },
    /// The values are not nested as weights are.
    #[error("{place}: {problem}")]
    Structure {
        /// The keys on the way there.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The budget does not reach.
    #[error(transparent)]
    Budget(#[from] medcore::Error),
}
