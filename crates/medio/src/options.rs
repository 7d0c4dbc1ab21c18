//! How to read.

use std::sync::Arc;

use medcore::{Budget, Geometry};

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
    pub(crate) grid: Option<Geometry<3>>,
    pub(crate) array: Option<String>,
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

    /// Places files that say nothing of space (NumPy arrays, pictures) on this grid, which must have their
    /// shape; without it they get voxels of unit size whose millimetres are unknown.
    #[must_use]
    pub fn grid(mut self, grid: Geometry<3>) -> Self {
        self.grid = Some(grid);
        self
    }

    /// Chooses an array of a NumPy archive that holds several.
    #[must_use]
    pub fn array(mut self, name: impl Into<String>) -> Self {
        self.array = Some(name.into());
        self
    }

    /// Keeps the header's extensions (the first 4 MiB of them) in [`nifti::Loaded::extensions`](crate::nifti::Loaded::extensions).
    #[must_use]
    pub fn extensions(mut self, keep: bool) -> Self {
        self.extensions = keep;
        self
    }
}
