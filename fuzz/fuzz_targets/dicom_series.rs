//! Any bytes as the files of a folder: a typed error, or volumes, uptakes and lengths. A line of `//cut//` begins another file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use med_fuzz::{bounded, budget, folder, put};
use medio::dicom::{self, Duplicates, Gap, Quantity, ReadOptions, SeriesQuery, Suv};

/// Between the bytes of one file and the next.
const CUT: &[u8] = b"//cut//\n";

fn cut(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = bytes.windows(CUT.len()).position(|part| part == CUT);
        rest = end.map(|end| &bytes[end + CUT.len()..]);
        Some(&bytes[..end.unwrap_or(bytes.len())])
    })
}

fuzz_target!(|bytes: &[u8]| {
    for index in 0..4 {
        let _ = std::fs::remove_file(folder().join(index.to_string()));
    }
    for (index, file) in cut(bytes).take(4).enumerate() {
        if file.len() < 132 || &file[128..132] != b"DICM" {
            return;
        }
        put(&index.to_string(), file);
    }
    let options = medio::ReadOptions::new().budget(budget());
    let _ = bounded(bytes, |_| medio::read_any(folder(), &options));
    let Ok(scan) = bounded(bytes, |_| dicom::scan(folder())) else {
        return;
    };
    let _ = scan.select(&SeriesQuery::new().minimum_slices(2));
    for stack in scan.series().flat_map(|series| &series.stacks) {
        for gap in [Gap::Error, Gap::Fill(0.0), Gap::Resample, Gap::Accept] {
            let options = ReadOptions::new()
                .budget(budget())
                .on_gap(gap)
                .on_duplicates(Duplicates::KeepFirst);
            let _ = bounded(bytes, |_| stack.volumes::<f32>(&options));
            let _ = bounded(bytes, |_| stack.suv(Suv::LeanBodyMass, &options));
            let real = Quantity::RealWorld { unit: None };
            let _ = bounded(bytes, |_| stack.volume::<f32>(&options.quantity(real)));
        }
        for slice in &stack.slices {
            let Ok(file) = dicom::open(&slice.path) else {
                continue;
            };
            let _ = file.real_world(slice.frame);
            if let Ok(calibration) = file.calibration(slice.frame) {
                let _ = calibration.distance([1.0, 1.0], [3.0, 3.0]);
            }
        }
    }
});
