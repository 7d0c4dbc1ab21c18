//! The files that slices are in.

use std::path::Path;

use super::super::file::{DicomFile, open_with};
use crate::options::ReadOptions;

/// The files that slices are in, and how they are read.
#[derive(Clone, Copy)]
pub(in super::super) struct Files<'a> {
    pub(in super::super) options: &'a ReadOptions,
    /// The only one, if it is open already.
    pub(in super::super) only: Option<&'a DicomFile>,
}

impl<'a> Files<'a> {
    /// Files that are opened by their paths.
    pub(in super::super) fn on_disk(options: &'a ReadOptions) -> Self {
        Self {
            options,
            only: None,
        }
    }

    /// Does something with a file.
    pub(in super::super) fn with<R>(
        &self,
        path: &Path,
        work: impl FnOnce(&DicomFile) -> crate::Result<R>,
    ) -> crate::Result<R> {
        match self.only {
            Some(file) => work(file),
            None => work(&open_with(path, self.options)?),
        }
    }
}
