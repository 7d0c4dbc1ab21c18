//! Slices of many files into the planes of a volume: each file is opened once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use medcore::buffer;
use rayon::prelude::*;

use super::super::file::DicomFile;
use super::super::instance::Slice;
use super::super::pixels::Quantity;
use super::fault::SeriesWarning;
use super::files::Files;
use super::grid::Plane;
use crate::voxel::Voxel;

/// A slice and where its values go.
pub(super) type Target<'a, T> = (&'a Slice, &'a mut [T]);

/// What files say beside their pixels.
#[derive(Default)]
pub(super) struct Said {
    /// The units of their values, each once.
    pub(super) units: Vec<Option<String>>,
    /// What is doubtful in them, each kind once.
    pub(super) doubts: Vec<SeriesWarning>,
}

/// Reads slices into their planes.
pub(super) fn read_slices<T: Voxel>(
    mut targets: Vec<Target<'_, T>>,
    from: Files<'_>,
) -> crate::Result<Said> {
    targets.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
    let mut files: Vec<(&Arc<Path>, Vec<Target<'_, T>>)> = Vec::new();
    for (slice, plane) in targets {
        match files.last_mut() {
            Some((path, slices)) if **path == slice.path => slices.push((slice, plane)),
            _ => files.push((&slice.path, vec![(slice, plane)])),
        }
    }
    let quantity = &from.options.slices.quantity;
    let read: crate::Result<Vec<_>> = { files.into_par_iter() }
        .map(|(path, slices)| {
            from.with(path, |file| {
                let frame = slices.first().map_or(0, |(slice, _)| slice.frame);
                let unit = file.unit(frame, quantity)?;
                read_file(file, slices, quantity)?;
                Ok((unit, (path, file.report.clone())))
            })
        })
        .collect();
    let (mut units, reports): (Vec<_>, Vec<_>) = read?.into_iter().unzip();
    units.sort();
    units.dedup();
    Ok(Said {
        units,
        doubts: SeriesWarning::of_files(reports),
    })
}

fn read_file<T: Voxel>(
    file: &DicomFile,
    slices: Vec<Target<'_, T>>,
    quantity: &Quantity,
) -> crate::Result<()> {
    let (tiles, whole): (Vec<_>, Vec<_>) =
        { slices.into_iter() }.partition(|(slice, _)| slice.tile.is_some());
    if !whole.is_empty() {
        let frames = { whole.into_iter() }.map(|(slice, plane)| (slice.frame, plane));
        file.values_into(frames.collect(), quantity)?;
    }
    // A mosaic is decoded once and taken apart.
    let mut frames: BTreeMap<usize, Vec<Target<'_, T>>> = BTreeMap::new();
    for (slice, plane) in tiles {
        frames.entry(slice.frame).or_default().push((slice, plane));
    }
    for (frame, slices) in frames {
        let mosaic = file.values_of_frame::<T>(frame, quantity)?;
        let [_, _, _, width] = mosaic.shape();
        for (slice, plane) in slices {
            let Some(tile) = slice.tile else { continue };
            let [_, columns, _] = slice.group.shape;
            let rows = mosaic.as_slice().chunks_exact(width.max(1)).skip(tile.row);
            for (to, from) in plane.chunks_exact_mut(columns.max(1)).zip(rows) {
                if let Some(part) = from.get(tile.column..tile.column.saturating_add(columns)) {
                    to.copy_from_slice(part);
                }
            }
        }
    }
    Ok(())
}

/// Planes of which some lie between slices.
pub(super) struct Interpolation<'a> {
    pub(super) planes: &'a [Plane],
    pub(super) slices: &'a [&'a Slice],
    /// Pixels of a slice.
    pub(super) size: usize,
    pub(super) files: Files<'a>,
}

impl Interpolation<'_> {
    /// Room for all slices beside the volume.
    pub(super) fn room<T: Voxel>(&self) -> medcore::Result<Vec<T>> {
        let shape = [self.slices.len(), self.size];
        let shape = shape.map(|n| u64::try_from(n).unwrap_or(u64::MAX));
        let element = u64::try_from(size_of::<T>()).unwrap_or(8);
        let total = { self.files.options.own_budget() }.claim_array(
            "slices to interpolate",
            &shape,
            element,
        )?;
        buffer::zeroed(usize::try_from(total).unwrap_or(usize::MAX), "slices")
    }

    /// Reads all slices and makes the planes of them.
    pub(super) fn run<T: Voxel>(
        &self,
        mut sources: Vec<T>,
        voxels: &mut [T],
    ) -> crate::Result<Said> {
        let size = self.size.max(1);
        let targets = { self.slices.iter().copied() }.zip(sources.chunks_exact_mut(size));
        let said = read_slices(targets.collect(), self.files)?;
        let source = |k: usize| sources.get(k * size..(k + 1) * size).unwrap_or(&[]);
        let out = voxels.par_chunks_exact_mut(size).zip(self.planes);
        out.for_each(|(out, plane)| match *plane {
            Plane::Slice(k) => out.copy_from_slice(source(k)),
            Plane::Fill(_) => {}
            Plane::Between { below, weight } => {
                let pairs = source(below).iter().zip(source(below + 1));
                for (out, (a, b)) in out.iter_mut().zip(pairs) {
                    let (a, b) = (a.to_f64(), b.to_f64());
                    *out = T::nearest(a + (b - a) * weight);
                }
            }
        });
        Ok(said)
    }
}
