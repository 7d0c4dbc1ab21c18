//! Files of a run.

use std::path::Path;

use super::MlflowFault;
use super::client::failed;
use super::run::Run;
use super::transport::{Repeat, Request, Upload, escape};
use crate::error::{Error, Result};

/// Where a server keeps files for its clients.
const SCHEME: &str = "mlflow-artifacts:";
const API: &str = "/api/2.0/mlflow-artifacts/artifacts/";

impl Run {
    /// Sends a file to the server, under a name with `/` between its parts.
    ///
    /// # Errors
    /// When the file cannot be read, the server keeps files elsewhere than behind itself, or it refuses.
    pub fn upload(&self, file: &Path, name: &str) -> Result<()> {
        let folder = self.folder()?;
        let parts: Vec<String> = name.split('/').map(escape).collect();
        if parts
            .iter()
            .any(|part| matches!(part.as_str(), "" | "." | ".."))
        {
            let fault = MlflowFault::setting("the name of a file", "of parts with names");
            return Err(failed("sending a file")(fault));
        }
        self.client.request(&Request {
            method: "PUT",
            path: &format!("{API}{folder}/{}", parts.join("/")),
            upload: Upload::File(file),
            repeat: Repeat::Always,
        })?;
        Ok(())
    }

    /// Sends all files of a folder and of the folders in it, in the order of their names.
    ///
    /// # Errors
    /// As [`upload`](Self::upload), and when the folder cannot be listed or a name is not UTF-8.
    pub fn upload_folder(&self, folder: &Path, name: &str) -> Result<()> {
        let listed = |source| Error::Io {
            operation: "list",
            path: folder.to_owned(),
            source,
        };
        let entries = std::fs::read_dir(folder).and_then(Iterator::collect);
        let mut entries: Vec<std::fs::DirEntry> = entries.map_err(listed)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let below = entry.file_name();
            let below = below.to_str().ok_or_else(|| Error::OutsideFolder {
                path: path.clone(),
                folder: folder.to_owned(),
            })?;
            let name = format!("{name}/{below}");
            match path.is_dir() {
                true => self.upload_folder(&path, &name)?,
                false => self.upload(&path, &name)?,
            }
        }
        Ok(())
    }

    /// Where its files are, below the server's folder of files: `3/0123abcd/artifacts`.
    fn folder(&self) -> Result<String> {
        let place = self.artifacts.strip_prefix(SCHEME);
        let place = place.map(|place| match place.strip_prefix("//") {
            // A host and what follows it.
            Some(named) => named.split_once('/').map_or("", |(_, path)| path),
            None => place,
        });
        match place.map(|place| place.trim_matches('/')) {
            Some(place) if !place.is_empty() => {
                let parts: Vec<String> = place.split('/').map(escape).collect();
                Ok(parts.join("/"))
            }
            _ => Err(failed("sending a file")(MlflowFault::Artifacts {
                place: self.artifacts.clone(),
            })),
        }
    }
}
