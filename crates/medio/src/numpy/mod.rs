//! NumPy arrays (`.npy`) and archives (`.npz`), read and written.
//!
//! The last axis is width, before it height, depth, channels: an array of three axes is one volume. Fortran
//! order is put right. An array says nothing of space: [`crate::ReadOptions::grid`] gives it a place. Archives
//! written here hold the array `image` and, beside it, `affine_lps`, the 4 by 4 affine from (i, j, k, 1) to LPS
//! millimetres, which reading uses.
//!
//! Written from NumPy's `numpy.lib.format` and, for archives, PKWARE's APPNOTE 6.3.

mod archive;
mod header;
mod open;

mod write;

pub(crate) use open::{open, open_archive};
pub(crate) use write::{write, write_archive};

/// The name of the affine in an archive.
const AFFINE: &str = "affine_lps";
