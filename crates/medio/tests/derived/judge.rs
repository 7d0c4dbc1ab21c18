//! What others say of the files: the validator `dciodvfy`, and the scripts of `tools/read_back`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Fails if `dciodvfy` finds an error in a file; `MED_DCIODVFY` names the program, without it nothing is said.
pub(crate) fn validate(path: &Path) {
    let Some(program) = std::env::var_os("MED_DCIODVFY") else {
        eprintln!(
            "MED_DCIODVFY is not set: {} was not validated",
            path.display()
        );
        return;
    };
    let output = Command::new(program)
        .arg("-new")
        .arg(path)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let errors: Vec<&str> = said.lines().filter(|l| l.starts_with("Error")).collect();
    assert!(
        errors.is_empty(),
        "{}:\n{}",
        path.display(),
        errors.join("\n")
    );
    assert!(
        !said.is_empty(),
        "dciodvfy said nothing of {}",
        path.display()
    );
}

/// Where a case puts its files: a folder that `tools/read_back` is given if `MED_DERIVED_OUT` names one, which
/// stays, or a temporary one.
pub(crate) struct Place {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn of(case: &str) -> Self {
        if let Some(folder) = std::env::var_os("MED_DERIVED_OUT") {
            let path = PathBuf::from(folder).join(case);
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(&path).unwrap();
            return Self {
                path,
                _temporary: None,
            };
        }
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().to_owned();
        Self {
            path,
            _temporary: Some(temporary),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the other library has to find, beside the files: `expected.json`.
    pub(crate) fn expect(&self, expected: &serde_json::Value) {
        std::fs::write(self.path.join("expected.json"), expected.to_string()).unwrap();
    }
}
