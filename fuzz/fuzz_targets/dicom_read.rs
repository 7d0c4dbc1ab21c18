//! Any bytes as a DICOM file: dataset, text, JSON, writing, and every way to its pixels.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use medio::dicom::{self, Dataset, ReadOptions, WriteOptions};
use medio::medcore::Budget;

fuzz_target!(|bytes: &[u8]| {
    for lenient in [false, true] {
        let budget = Arc::new(Budget::new(64 << 20));
        let options = ReadOptions::new().budget(budget);
        let options = if lenient { options.lenient() } else { options };
        let Ok(file) = dicom::decode(bytes, &options) else {
            continue;
        };
        let dataset = file.dataset();
        for element in dataset.elements() {
            let _ = (element.strings(dataset.character_set()), element.floats(), element.integers());
        }
        if let Ok(json) = dataset.to_json() {
            // What was written as JSON is read again.
            assert!(Dataset::from_json(&json).is_ok());
        }
        let _ = dicom::encode(dataset, &WriteOptions::new());
        let _ = (file.voi(0), file.modality(0), file.overlays(), file.palette(), file.plane(0));
        let _ = file.stored::<f32>();
        let _ = file.frame::<f32>(0);
        let _ = file.colours();
    }
});
