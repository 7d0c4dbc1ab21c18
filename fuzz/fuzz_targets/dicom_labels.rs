//! Any bytes as a segmentation or a structure set, put onto its own grid or another, in one of three ways.
#![no_main]

use libfuzzer_sys::fuzz_target;
use med_fuzz::{bounded, budget, choice};
use medio::dicom::{
    self, LabelGrid, OffGrid, OutsideGrid, ReadOptions, Segmentation, StructureSet,
};
use medio::medcore::Geometry;

fn label_grid(way: usize, grid: Geometry<3>, frame_of_reference: &str) -> LabelGrid {
    let plain = LabelGrid::new(grid, frame_of_reference);
    match way {
        0 => plain,
        1 => plain.outside(OutsideGrid::Clip),
        _ => plain.outside(OutsideGrid::Clip).off_grid(OffGrid::Nearest),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let options = ReadOptions::new().budget(budget());
    let Ok(file) = bounded(bytes, |bytes| dicom::decode(bytes, &options)) else {
        return;
    };
    let Ok(small) = Geometry::axis_aligned([3, 5, 7], [2.5, 0.75, 0.5]) else {
        return;
    };
    let (way, own) = (choice(bytes, 3), choice(bytes, 2) == 0);
    if let Ok(found) = StructureSet::of(&file) {
        let numbers: Vec<u32> = found.rois().iter().map(|roi| roi.number).collect();
        for roi in found.rois().iter().take(2) {
            let grid = label_grid(way, small, &roi.frame_of_reference);
            let _ = found.mask(roi.number, &grid);
            let _ = found.label_map_in_order::<u8>(&numbers, &grid);
        }
        return;
    }
    let Ok(found) = bounded(bytes, |_| Segmentation::of(file)) else {
        return;
    };
    let grid = found
        .geometry()
        .ok()
        .filter(|grid| own && grid.len() < 1 << 20)
        .unwrap_or(small);
    let grid = label_grid(way, grid, found.frame_of_reference());
    let numbers: Vec<u16> = found
        .segments()
        .iter()
        .map(|segment| segment.number)
        .collect();
    let _ = found.label_map::<u8>(&grid);
    let _ = found.label_map_in_order::<u16>(&grid, &numbers);
    for number in numbers.iter().take(2) {
        let _ = (found.mask(*number, &grid), found.fractions(*number, &grid));
    }
});
