//! Slices that lie parallel on one raster.

use medcore::{Lps, Vector};

use super::acquisition::Acquisition;
use super::instance::Slice;

/// Slices of the same raster and orientation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stack {
    /// Series instance UID.
    pub series_uid: String,
    /// Slices in the order of their files.
    pub slices: Vec<Slice>,
}

/// How far cosines may differ inside a stack.
const SAME_ORIENTATION: f64 = 1e-4;

impl Stack {
    /// Rows, columns and samples of each slice.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.slices
            .first()
            .map_or([0; 3], |slice| slice.group.shape)
    }

    /// The frame of reference that all slices share, if they have one.
    #[must_use]
    pub fn frame_of_reference(&self) -> Option<&str> {
        self.slices.first()?.group.frame_of_reference.as_deref()
    }

    /// How its files were acquired, as the first of them says.
    #[must_use]
    pub fn acquisition(&self) -> Option<&Acquisition> {
        self.slices.first().map(|slice| &*slice.acquisition)
    }

    /// The unit vector at right angles to the slices, if they say how they are turned.
    #[must_use]
    pub fn normal(&self) -> Option<Vector<Lps>> {
        let [row, column] = self.slices.first()?.plane.orientation?;
        Some(row.cross(column))
    }

    /// What it is, in a few words for messages.
    pub(super) fn describe(&self) -> String {
        let [rows, columns, _] = self.shape();
        let Some(first) = self.slices.first() else {
            return "empty".to_owned();
        };
        let role = first.group.role.as_deref().unwrap_or("images");
        let name = first.path.file_name();
        let name = name.map(|name| name.to_string_lossy().into_owned());
        format!(
            "{} {role} of {rows} x {columns} ({} ...)",
            self.slices.len(),
            name.unwrap_or_default()
        )
    }

    fn takes(&self, slice: &Slice) -> bool {
        let Some(first) = self.slices.first() else {
            return false;
        };
        let close = |a: f64, b: f64, limit: f64| (a - b).abs() <= limit;
        let turned = match (first.plane.orientation, slice.plane.orientation) {
            (Some(a), Some(b)) => !{ a.iter().zip(&b) }.all(|(a, b)| {
                let (a, b) = (a.components(), b.components());
                { a.iter().zip(b) }.all(|(a, b)| close(*a, b, SAME_ORIENTATION))
            }),
            (None, None) => false,
            _ => true,
        };
        let scaled = match (first.plane.spacing, slice.plane.spacing) {
            (Some(a), Some(b)) => !{ a.iter().zip(b) }.all(|(a, b)| close(*a, b, 1e-3 * b)),
            (None, None) => false,
            _ => true,
        };
        first.group == slice.group && !turned && !scaled
    }
}

/// Slices parted by raster, orientation and role; the largest stack first.
pub(super) fn stacks(series_uid: &str, slices: Vec<Slice>) -> Vec<Stack> {
    let mut stacks: Vec<Stack> = Vec::new();
    for slice in slices {
        match stacks.iter_mut().find(|stack| stack.takes(&slice)) {
            Some(stack) => stack.slices.push(slice),
            None => stacks.push(Stack {
                series_uid: series_uid.to_owned(),
                slices: vec![slice],
            }),
        }
    }
    stacks.sort_by_key(|stack| std::cmp::Reverse(stack.slices.len()));
    stacks
}
