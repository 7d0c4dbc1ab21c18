//! Files below a folder, by what tables call them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// Folders inside folders that are looked into.
const DEPTH: u32 = 3;

/// Endings that tables leave out. Nothing else behind a dot is one: what is called `1.2.840.17` has none.
const ENDINGS: [&str; 8] = ["dcm", "dicom", "png", "jpg", "jpeg", "tif", "tiff", "bmp"];

/// The files of a folder and of those in it.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// By path below the folder and by name, each with and without its ending.
    by_name: BTreeMap<String, Vec<PathBuf>>,
}

impl Files {
    /// All files that are `wanted`.
    pub(crate) fn below(folder: &Path, wanted: &impl Fn(&Path) -> Result<bool>) -> Result<Self> {
        let mut files = Self::default();
        files.look("", folder, DEPTH, wanted)?;
        Ok(files)
    }

    fn look(
        &mut self,
        before: &str,
        folder: &Path,
        depth: u32,
        wanted: &impl Fn(&Path) -> Result<bool>,
    ) -> Result<()> {
        let at = || format!("cannot list {}", folder.display());
        let entries = std::fs::read_dir(folder).with_context(at)?;
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in entries {
            paths.push(entry?.path());
        }
        paths.sort();
        for path in paths {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            let below = format!("{before}{name}");
            if path.is_dir() {
                if depth > 0 {
                    self.look(&format!("{below}/"), &path, depth - 1, wanted)?;
                }
            } else if wanted(&path)? {
                let mut names = [&below, name, without_ending(&below), without_ending(name)];
                names.sort_unstable();
                let mut last = None;
                for name in names {
                    if last.replace(name) != Some(name) {
                        let of_name = self.by_name.entry(name.to_owned()).or_default();
                        of_name.push(path.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// The file that a table means by a path or a name; none where there is none of it.
    ///
    /// # Errors
    /// Refuses a name that several files have: which of them is meant decides what is learnt.
    pub(crate) fn find(&self, said: &str) -> Result<Option<&Path>> {
        let path = said.replace('\\', "/");
        let path = path.trim_start_matches("./");
        let name = path.rsplit('/').next().unwrap_or(path);
        let spellings = [path, without_ending(path), name, without_ending(name)];
        let found = spellings.iter().find_map(|name| self.by_name.get(*name));
        match found.map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([file]) => Ok(Some(file)),
            Some([first, second, ..]) => bail!(
                "{said} may be {} or {}: the table has to tell which",
                first.display(),
                second.display()
            ),
        }
    }

    /// Every file once.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Path> {
        let files: std::collections::BTreeSet<_> = self.by_name.values().flatten().collect();
        files.into_iter().map(PathBuf::as_path)
    }
}

/// A name without the ending of an image, if it has one.
pub(crate) fn without_ending(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, ending)) if ENDINGS.iter().any(|e| ending.eq_ignore_ascii_case(e)) => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_may_call_a_file_by_path_or_name_with_or_without_ending() {
        let place = tempfile::tempdir().unwrap();
        for name in [
            "a/one.dcm",
            "a/1.2.840.17",
            "a/1.2.840.18",
            "b/two.DCM",
            "a/same.png",
            "b/same.png",
        ] {
            let path = place.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        let files = Files::below(place.path(), &|_| Ok(true)).unwrap();
        assert_eq!(files.all().count(), 6);
        let found = |said: &str| {
            let path = files.find(said).unwrap()?;
            Some(std::fs::read_to_string(path).unwrap())
        };
        for said in [
            "one",
            "one.dcm",
            "a/one",
            "./a/one.dcm",
            r"a\one.dcm",
            "elsewhere/one.dcm",
        ] {
            assert_eq!(found(said).as_deref(), Some("a/one.dcm"), "{said}");
        }
        assert_eq!(found("two").as_deref(), Some("b/two.DCM"));
        assert_eq!(found("1.2.840.17").as_deref(), Some("a/1.2.840.17"));
        // The number behind the last dot is no ending.
        assert_eq!(found("1.2.840.19"), None);
        assert_eq!(found("b/same.png").as_deref(), Some("b/same.png"));
        let refused = files.find("same.png").unwrap_err().to_string();
        assert!(
            refused.contains("a/same.png") && refused.contains("b/same.png"),
            "{refused}"
        );
    }
}
