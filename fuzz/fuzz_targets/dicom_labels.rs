//! Any bytes as a segmentation or a structure set, put onto grids of its own and of others.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use medio::dicom::{self, LabelGrid, OffGrid, OutsideGrid, ReadOptions, Segmentation, StructureSet};
use medio::medcore::{Budget, Geometry};

fuzz_target!(|bytes: &[u8]| {
    let options = ReadOptions::new().budget(Arc::new(Budget::new(64 << 20)));
    let Ok(file) = dicom::decode(bytes, &options) else {
        return;
    };
    let Ok(small) = Geometry::axis_aligned([3, 5, 7], [2.5, 0.75, 0.5]) else {
        return;
    };
    if let Ok(found) = StructureSet::of(&file) {
        let numbers: Vec<u32> = found.rois().iter().map(|roi| roi.number).collect();
        for roi in found.rois().iter().take(4) {
            let plain = LabelGrid::new(small, &roi.frame_of_reference);
            let clipped = plain.clone().outside(OutsideGrid::Clip);
            let nearest = clipped.clone().off_grid(OffGrid::Nearest);
            for grid in [&plain, &clipped, &nearest] {
                let _ = found.mask(roi.number, grid);
                let _ = found.label_map_in_order::<u8>(&numbers, grid);
            }
        }
    }
    let Ok(found) = Segmentation::of(file) else {
        return;
    };
    let mut grids = vec![small];
    grids.extend(found.geometry().ok().filter(|own| own.len() < 1 << 20));
    let numbers: Vec<u16> = found.segments().iter().map(|segment| segment.number).collect();
    for grid in grids {
        let plain = LabelGrid::new(grid, found.frame_of_reference());
        let clipped = plain.clone().outside(OutsideGrid::Clip);
        let nearest = clipped.clone().off_grid(OffGrid::Nearest);
        for grid in [&plain, &clipped, &nearest] {
            let _ = found.label_map::<u8>(grid);
            let _ = found.label_map_in_order::<u16>(grid, &numbers);
            for number in numbers.iter().take(4) {
                let _ = (found.mask(*number, grid), found.fractions(*number, grid));
            }
        }
    }
});
