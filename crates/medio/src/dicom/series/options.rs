//! How slices become volumes.

use super::super::pixels::Quantity;

/// What to do where slices are missing or unevenly spaced. Whatever is done stands in the warnings.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Gap {
    /// Refuses the volume.
    #[default]
    Error,
    /// Fills whole missing slices with this value; slices that lie elsewhere than between whole steps are
    /// refused still.
    Fill(f64),
    /// Interpolates linearly between slices onto the usual distance.
    Resample,
    /// Takes slices as equally spaced. Places are wrong then.
    Accept,
}

/// What to do with slices in one place that nothing tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Duplicates {
    /// Refuses the volume.
    #[default]
    Error,
    /// Keeps the first if all have the same pixels, and refuses the volume if not.
    KeepFirst,
}

/// How slices become volumes.
#[derive(Debug, Clone)]
pub(crate) struct SliceRules {
    /// How far a slice may lie off its place, as a part of the slices' distance.
    pub(crate) uneven: f64,
    pub(crate) gap: Gap,
    pub(crate) duplicates: Duplicates,
    pub(crate) quantity: Quantity,
}

impl Default for SliceRules {
    fn default() -> Self {
        Self {
            uneven: 0.05,
            gap: Gap::Error,
            duplicates: Duplicates::Error,
            quantity: Quantity::Modality,
        }
    }
}
