//! Where a run takes place.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{CargoLock, Git, System};

/// Where a run takes place: program, source, libraries and machine.
///
/// ```
/// use medtrain::provenance::Environment;
///
/// let environment = Environment::capture()
///     .with_program(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
///     .without_command_line();
/// assert!(environment.git.commit.is_some() || environment.git.note.is_some());
/// assert!(environment.system.cores > 0);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Environment {
    /// The program, once it has said its name.
    pub program: Option<Program>,
    /// The version of this crate.
    pub medtrain: String,
    /// The commit of the folder it was started in.
    pub git: Git,
    /// The `Cargo.lock` of that folder, if there is one.
    pub cargo_lock: Option<CargoLock>,
    /// The machine.
    pub system: System,
    /// The words of the command that started it.
    pub command_line: Vec<String>,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Environment {
    /// That of this process: source and libraries are those of the folder it was started in, and of the folders above.
    ///
    /// A program that is run elsewhere than where it was built had better keep both from its build:
    /// [`with_git`](Self::with_git), [`with_cargo_lock`](Self::with_cargo_lock).
    #[must_use]
    pub fn capture() -> Self {
        Self::capture_in(Path::new("."))
    }

    /// That of this process, with source and libraries of another folder.
    #[must_use]
    pub fn capture_in(folder: &Path) -> Self {
        let words = std::env::args_os();
        Self {
            program: None,
            medtrain: env!("CARGO_PKG_VERSION").to_owned(),
            git: Git::of(folder),
            cargo_lock: CargoLock::above(folder),
            system: System::capture(),
            command_line: words
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
        }
    }

    /// Sets name and version of the program.
    #[must_use]
    pub fn with_program(self, name: impl Into<String>, version: impl Into<String>) -> Self {
        let program = Program {
            name: name.into(),
            version: version.into(),
        };
        Self {
            program: Some(program),
            ..self
        }
    }

    /// Sets what the program was built from.
    #[must_use]
    pub fn with_git(self, git: Git) -> Self {
        Self { git, ..self }
    }

    /// Sets the text of the `Cargo.lock` it was built with.
    #[must_use]
    pub fn with_cargo_lock(self, text: &str) -> Self {
        Self {
            cargo_lock: Some(CargoLock::of(text)),
            ..self
        }
    }

    /// Leaves the command line out, where it holds what should not be kept.
    #[must_use]
    pub fn without_command_line(self) -> Self {
        Self {
            command_line: Vec::new(),
            ..self
        }
    }
}
