//! Any bytes as a DICOM file: dataset, text, writing, pixels; JSON and the other ways to pixels of an eighth.
#![no_main]

use libfuzzer_sys::fuzz_target;
use med_fuzz::{bounded, budget, is_chosen};
use medio::dicom::{self, Dataset, ReadOptions, WriteOptions};

fuzz_target!(|bytes: &[u8]| {
    // What is read as it is needs no leniency.
    let options = || ReadOptions::new().budget(budget());
    let strict = bounded(bytes, |bytes| dicom::decode(bytes, &options()));
    let Ok(file) =
        strict.or_else(|_| bounded(bytes, |bytes| dicom::decode(bytes, &options().lenient())))
    else {
        return;
    };
    let dataset = file.dataset();
    for element in dataset.elements() {
        let _ = (
            element.strings(dataset.character_set()),
            element.floats(),
            element.integers(),
        );
    }
    let _ = dicom::encode(dataset, &WriteOptions::new());
    let _ = (
        file.voi(0),
        file.modality(0),
        file.overlays(),
        file.palette(),
        file.plane(0),
    );
    let _ = bounded(bytes, |_| file.stored::<f32>());
    if is_chosen(bytes) {
        if let Ok(json) = dataset.to_json() {
            // What was written as JSON is read again.
            assert!(Dataset::from_json(&json).is_ok());
        }
        let _ = bounded(bytes, |_| file.frame::<f32>(0));
        let _ = bounded(bytes, |bytes| medio::decode(bytes, &options()));
        let _ = bounded(bytes, |_| file.colours());
    }
});
