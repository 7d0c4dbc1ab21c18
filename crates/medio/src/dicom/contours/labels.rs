//! Regions put onto a grid: as masks and label maps.

use medcore::{Label, LabelMap};
use rayon::prelude::*;

use super::super::derived::{LabelFault, LabelGrid, voxel};
use super::super::fault::Fault;
use super::fill::fill;
use super::place::{Planes, planes};
use super::read::StructureSet;

impl StructureSet {
    /// A region on a grid: 1 where it is. A region without contours is nowhere.
    ///
    /// # Errors
    /// Refuses numbers that are no region, another frame of reference, contours off the grid's planes or
    /// outside it as its options ask, and regions of points and open contours alone.
    pub fn mask(&self, roi: u32, grid: &LabelGrid) -> crate::Result<LabelMap<u8, 3>> {
        let mask = || {
            let voxels = self.filled(roi, grid)?;
            LabelMap::new(grid.geometry, voxels).map_err(Fault::core("mask"))
        };
        mask().map_err(self.fail())
    }

    /// Regions on a grid: each voxel the place of its region in `rois`, from 1; 0 where there is none.
    ///
    /// # Errors
    /// As [`Self::mask`]; refuses regions that share a voxel, and more regions than `L` can number.
    pub fn label_map<L: Label>(
        &self,
        rois: &[u32],
        grid: &LabelGrid,
    ) -> crate::Result<LabelMap<L, 3>> {
        self.labels(rois, grid, false).map_err(self.fail())
    }

    /// As [`Self::label_map`], where later regions of `rois` cover earlier ones.
    ///
    /// # Errors
    /// As [`Self::label_map`], but for regions that share a voxel.
    pub fn label_map_in_order<L: Label>(
        &self,
        rois: &[u32],
        grid: &LabelGrid,
    ) -> crate::Result<LabelMap<L, 3>> {
        self.labels(rois, grid, true).map_err(self.fail())
    }

    fn fail(&self) -> impl Fn(Fault) -> crate::Error + use<> {
        crate::Error::dicom(&self.path)
    }

    fn labels<L: Label>(
        &self,
        rois: &[u32],
        grid: &LabelGrid,
        cover: bool,
    ) -> Result<LabelMap<L, 3>, Fault> {
        let mut regions = Vec::with_capacity(rois.len());
        for (&roi, class) in rois.iter().zip(1_u32..) {
            let label = L::from_class(class).ok_or(LabelFault::LabelRange {
                number: class,
                most: L::MAX_CLASS,
            })?;
            regions.push((label, self.planes(roi, grid)?));
        }
        let mut labels: Vec<L> = grid.room(&self.budget)?;
        let [_, rows, columns] = grid.geometry.shape();
        let size = rows.saturating_mul(columns).max(1);
        let put = |depth: usize, out: &mut [L]| {
            let mut inside = vec![0_u8; size];
            for (label, planes) in &regions {
                let Some(contours) = planes.get(depth).filter(|c| !c.is_empty()) else {
                    continue;
                };
                fill(
                    contours.iter().map(Vec::as_slice),
                    [rows, columns],
                    &mut inside,
                );
                for (at, (place, inside)) in out.iter_mut().zip(&inside).enumerate() {
                    if *inside == 0 {
                        continue;
                    }
                    if *place != L::default() && !cover {
                        return Err(LabelFault::Overlap {
                            first: (*place).into(),
                            second: (*label).into(),
                            voxel: voxel(
                                &grid.geometry,
                                depth.saturating_mul(size).saturating_add(at),
                            ),
                        });
                    }
                    *place = *label;
                }
            }
            Ok(())
        };
        let faults =
            { labels.par_chunks_mut(size).enumerate() }.map(|(depth, out)| put(depth, out));
        // The first in the order of planes, whichever thread is first.
        if let Some(fault) = faults.find_map_first(Result::err) {
            return Err(fault.into());
        }
        LabelMap::new(grid.geometry, labels).map_err(Fault::core("labels"))
    }

    fn filled(&self, roi: u32, grid: &LabelGrid) -> Result<Vec<u8>, Fault> {
        let planes = self.planes(roi, grid)?;
        let mut voxels: Vec<u8> = grid.room(&self.budget)?;
        let [_, rows, columns] = grid.geometry.shape();
        let size = rows.saturating_mul(columns).max(1);
        { voxels.par_chunks_mut(size).zip(planes) }.for_each(|(out, contours)| {
            if !contours.is_empty() {
                fill(contours.iter().map(Vec::as_slice), [rows, columns], out);
            }
        });
        Ok(voxels)
    }

    /// The contours of a region in each plane of the grid.
    fn planes(&self, roi: u32, grid: &LabelGrid) -> Result<Planes, Fault> {
        let found = self.rois.iter().zip(&self.contours);
        let found = { found }.find(|(region, _)| region.number == roi);
        let (region, contours) = found.ok_or_else(|| {
            let known = self.rois.iter().map(|r| r.number);
            LabelFault::no_such_part("region of interest", roi, known)
        })?;
        grid.check_frame(&region.frame_of_reference)?;
        if !contours.is_empty() && !contours.iter().any(|c| c.kind.is_closed()) {
            return Err(Fault::from(LabelFault::NothingClosed {
                number: roi,
                open: contours.len(),
            }));
        }
        Ok(planes(contours, &format!("region {roi}"), grid)?)
    }
}
