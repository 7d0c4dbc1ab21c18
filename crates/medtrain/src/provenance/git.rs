//! The state of the source tree.
//!
//! The commit is read out of git's files (gitrepository-layout(5)), so that no git need be installed. Whether files differ from it
//! only git itself can say: it is asked, and where it is missing the answer stays open.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

/// The commit that a program was run from, as far as it can be known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Git {
    /// The commit that is checked out.
    pub commit: Option<String>,
    /// The branch it is on, if it is on one.
    pub branch: Option<String>,
    /// Whether files that git knows differ from the commit.
    pub dirty: Option<bool>,
    /// Why something is not known, where something is not.
    pub note: Option<String>,
}

/// The folders in which git keeps what belongs to one work tree, and to all of a repository.
struct Folders {
    work: PathBuf,
    own: PathBuf,
    common: PathBuf,
}

impl Git {
    /// What the program was built from, for one that keeps it from its build: `option_env!("GIT_COMMIT")` say.
    #[must_use]
    pub fn given(commit: impl Into<String>, dirty: Option<bool>) -> Self {
        Self {
            commit: Some(commit.into()),
            dirty,
            ..Self::default()
        }
    }

    /// The state of the work tree that holds a folder.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let unknown = |note: String| Self {
            note: Some(note),
            ..Self::default()
        };
        let Some(folders) = Folders::above(folder) else {
            return unknown(format!("no git repository holds {}", folder.display()));
        };
        let Some(head) = text(&folders.own.join("HEAD")) else {
            return unknown(format!("{} has no HEAD", folders.own.display()));
        };
        let (commit, branch) = match head.strip_prefix("ref: ") {
            None => (Some(head).filter(|head| is_hash(head)), None),
            Some(name) => (folders.commit(name), name.strip_prefix("refs/heads/")),
        };
        let commit_note = || format!("{} names no commit", folders.own.join("HEAD").display());
        let note = commit.is_none().then(commit_note);
        let (dirty, dirty_note) = match is_dirty(&folders.work) {
            Ok(dirty) => (Some(dirty), None),
            Err(note) => (None, Some(note)),
        };
        Self {
            commit,
            branch: branch.map(str::to_owned),
            dirty,
            note: note.or(dirty_note),
        }
    }
}

impl Folders {
    /// Those of the nearest work tree at or above a folder.
    fn above(folder: &Path) -> Option<Self> {
        let folder = fs::canonicalize(folder).ok()?;
        let work = folder
            .ancestors()
            .find(|above| above.join(".git").exists())?;
        let git = work.join(".git");
        // In a linked work tree and in a submodule, `.git` is a file that says where.
        let own = match text(&git)
            .as_deref()
            .and_then(|t| t.strip_prefix("gitdir: "))
        {
            Some(elsewhere) => work.join(elsewhere),
            None => git,
        };
        let common = match text(&own.join("commondir")) {
            Some(elsewhere) => own.join(elsewhere),
            None => own.clone(),
        };
        Some(Self {
            work: work.to_owned(),
            own,
            common,
        })
    }

    /// The commit that a reference names, in a file of its own or in the list of those that were packed.
    fn commit(&self, name: &str) -> Option<String> {
        let outside = Path::new(name).components();
        if outside
            .into_iter()
            .any(|part| !matches!(part, std::path::Component::Normal(_)))
        {
            return None;
        }
        let mut alone = [&self.own, &self.common]
            .into_iter()
            .map(|f| text(&f.join(name)));
        if let Some(commit) = alone.find_map(|commit| commit.filter(|c| is_hash(c))) {
            return Some(commit);
        }
        let packed = fs::read_to_string(self.common.join("packed-refs")).ok()?;
        let mut pairs = packed.lines().filter_map(|line| line.split_once(' '));
        let (commit, _) = pairs.find(|(commit, of)| *of == name && is_hash(commit))?;
        Some(commit.to_owned())
    }
}

/// A file of one line.
fn text(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim_end().to_owned())
}

/// Whether it is a hash of git, SHA-1 or SHA-256.
fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What git says about its files; files it does not know count for nothing.
fn is_dirty(work: &Path) -> Result<bool, String> {
    let asked = Command::new("git")
        .args([
            "--no-optional-locks",
            "status",
            "--porcelain",
            "--untracked-files=no",
        ])
        .current_dir(work)
        .stdin(Stdio::null())
        .output();
    match asked {
        Ok(answer) if answer.status.success() => Ok(!answer.stdout.is_empty()),
        Ok(answer) => {
            let said = String::from_utf8_lossy(&answer.stderr);
            let first = said.lines().next().unwrap_or("it does not say why");
            Err(format!(
                "git cannot tell whether files were changed: {first}"
            ))
        }
        Err(error) => Err(format!(
            "git cannot be asked whether files were changed: {error}"
        )),
    }
}
