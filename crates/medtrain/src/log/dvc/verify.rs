//! The hash of files as DVC computes it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use rayon::prelude::*;

use super::DvcOutput;
use crate::digest;
use crate::error::{Error, Result};

impl DvcOutput {
    /// Refuses data below `folder`, that of the file which names them, that are not what they were.
    ///
    /// All files of a folder count: what a `.dvcignore` leaves out must not lie in it.
    ///
    /// # Errors
    /// [`Error::OtherDvcData`] for other data; passes on what the system says.
    pub fn verify(&self, folder: &Path) -> Result<()> {
        let path = folder.join(&self.path);
        let found = hash(&path)?;
        match found == self.md5 {
            true => Ok(()),
            false => Err(Error::OtherDvcData {
                path,
                expected: self.md5.clone(),
                found,
            }),
        }
    }
}

/// The hash of a file, or of the list of a folder's files in the text of JSON as Python writes it.
fn hash(path: &Path) -> Result<String> {
    if !path.is_dir() {
        return of_file(path);
    }
    let mut files = Vec::new();
    gather(path, "", &mut files)?;
    files.sort();
    let entry = |(name, path): &(String, PathBuf)| {
        let md5 = of_file(path)?;
        Ok(format!(
            "{{\"md5\": \"{md5}\", \"relpath\": {}}}",
            quoted(name)
        ))
    };
    let entries: Vec<String> = files.par_iter().map(entry).collect::<Result<_>>()?;
    let list = format!("[{}]", entries.join(", "));
    Ok(format!("{}.dir", digest::hex(&Md5::digest(list))))
}

fn of_file(path: &Path) -> Result<String> {
    let mut hash = Md5::new();
    let mut file = File::open(path).map_err(failed("open", path))?;
    io::copy(&mut file, &mut Update(&mut hash)).map_err(failed("read", path))?;
    Ok(digest::hex(&hash.finalize()))
}

/// A hash as a place to copy to.
struct Update<'a>(&'a mut Md5);

impl io::Write for Update<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All files below a folder, by their paths with `/`.
fn gather(folder: &Path, below: &str, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        let path = entry.map_err(failed("list", folder))?.path();
        let name = { path.file_name() }.and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Error::OutsideFolder {
            path: path.clone(),
            folder: folder.to_owned(),
        })?;
        let name = format!("{below}{name}");
        match path.is_dir() {
            true => gather(&path, &format!("{name}/"), files)?,
            false => files.push((name, path)),
        }
    }
    Ok(())
}

/// A text as Python's `json.dumps` writes it: ASCII alone.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            '\t' => out += "\\t",
            '\u{8}' => out += "\\b",
            '\u{c}' => out += "\\f",
            ' '..='~' => out.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    out += &format!("\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
    out
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io {
        operation,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_the_hash_that_dvc_gives_it() {
        // DVC 3.67.1: `dvc add data`.
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        for (name, text) in [
            ("a.txt", "alpha"),
            ("sub/b.txt", "beta"),
            ("sub-x/c.txt", "gamma"),
            ("é 😀\"q.txt", ""),
        ] {
            let path = data.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        assert_eq!(hash(&data).unwrap(), "69488884cb57f541781437f90c626239.dir");
        fs::write(data.join("new"), "").unwrap();
        assert_ne!(hash(&data).unwrap(), "69488884cb57f541781437f90c626239.dir");
        assert!(hash(&folder.path().join("none")).is_err());
    }

    #[test]
    fn texts_are_quoted_as_python_does() {
        assert_eq!(
            quoted("a\u{7f}\u{1}\\\u{2028}"),
            r#""a\u007f\u0001\\\u2028""#
        );
    }
}
