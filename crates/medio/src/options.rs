//! How to read.

use std::sync::Arc;

use medcore::{Budget, Geometry};

use crate::dicom::{Duplicates, Gap, Quantity, SeriesQuery, SliceRules};
use crate::nifti::XformChoice;

/// What a reader may use up, how strict it is, and how it resolves a format's ambiguities.
///
/// ```
/// use medio::ReadOptions;
/// use medio::dicom::{Gap, SeriesQuery};
/// use medio::nifti::XformChoice;
///
/// let as_itk_would = ReadOptions::new().xform(XformChoice::Qform);
/// let contrast_ct = ReadOptions::new()
///     .series(SeriesQuery::new().modality("CT").contrast(true))
///     .on_gap(Gap::Fill(-1024.0));
/// ```
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    pub(crate) budget: Option<Arc<Budget>>,
    pub(crate) lenient: bool,
    pub(crate) xform: XformChoice,
    pub(crate) map: bool,
    pub(crate) extensions: bool,
    pub(crate) grid: Option<Geometry<3>>,
    pub(crate) array: Option<String>,
    pub(crate) series: SeriesQuery,
    pub(crate) slices: SliceRules,
}

impl ReadOptions {
    /// A fresh default [`Budget`] for each read, no lenience, sform before qform, no mapping, extensions skipped;
    /// of DICOM the only series, in the modality's values, its slices evenly spaced.
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

    /// Makes the best of damaged DICOM files: what is cut off is left out or filled with zeros, a missing
    /// transfer syntax is guessed, of contradicting values the last counts, wrong offset tables are passed
    /// over. All of it is in the report.
    #[must_use]
    pub fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// Chooses which of a NIfTI file's maps places its voxels.
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

    /// Chooses a series of a DICOM folder that holds several.
    #[must_use]
    pub fn series(mut self, query: SeriesQuery) -> Self {
        self.series = query;
        self
    }

    /// How far a DICOM slice may lie off its place, as a part of the slices' distance: 0.05 unless set, with a
    /// warning; 0 to allow nothing but rounding.
    #[must_use]
    pub fn uneven(mut self, part: f64) -> Self {
        self.slices.uneven = part;
        self
    }

    /// What to do where DICOM slices lie farther off than that: an error unless set.
    #[must_use]
    pub fn on_gap(mut self, gap: Gap) -> Self {
        self.slices.gap = gap;
        self
    }

    /// What to do with several DICOM slices in one place that nothing tells apart: an error unless set.
    #[must_use]
    pub fn on_duplicates(mut self, duplicates: Duplicates) -> Self {
        self.slices.duplicates = duplicates;
        self
    }

    /// Which values voxels get from DICOM files: those of the modality unless set.
    #[must_use]
    pub fn quantity(mut self, quantity: Quantity) -> Self {
        self.slices.quantity = quantity;
        self
    }

    /// The budget that was given, or a fresh one.
    pub(crate) fn own_budget(&self) -> Arc<Budget> {
        self.budget.clone().unwrap_or_default()
    }
}
