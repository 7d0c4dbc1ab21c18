//! How to read.

use std::sync::Arc;

use medcore::Budget;

use crate::nifti::XformChoice;

/// What a reader may use up and how it resolves the format's ambiguities.
///
/// ```
/// use medio::nifti::{ReadOptions, XformChoice};
///
/// let as_itk_would = ReadOptions::new().xform(XformChoice::Qform);
/// ```
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    pub(crate) budget: Option<Arc<Budget>>,
    pub(crate) xform: XformChoice,
    pub(crate) map: bool,
    pub(crate) extensions: bool,
}

impl ReadOptions {
    /// A fresh default [`Budget`] a file, sform before qform, no mapping, extensions skipped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Claims memory from this budget, which several reads may share.
    #[must_use]
    pub fn budget(mut self, budget: Arc<Budget>) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Chooses which of the file's maps places its voxels.
    #[must_use]
    pub fn xform(mut self, choice: XformChoice) -> Self {
        self.xform = choice;
        self
    }

    /// Maps voxels into memory instead of reading them, where the file is uncompressed and its numbers
    /// are already what was asked for; reads otherwise.
    ///
    /// The file must not change while the image lives, see [`medcore::Buffer::map_file`].
    #[must_use]
    pub fn map(mut self, map: bool) -> Self {
        self.map = map;
        self
    }

    /// Keeps the header's extensions (the first 4 MiB of them) in [`nifti::Loaded::extensions`](crate::nifti::Loaded::extensions).
    #[must_use]
    pub fn extensions(mut self, keep: bool) -> Self {
        self.extensions = keep;
        self
    }
}
