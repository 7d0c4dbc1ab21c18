//! Any bytes as DICOM JSON: a typed error, or a dataset that is the same written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use med_fuzz::bounded;
use medio::dicom::Dataset;

fuzz_target!(|bytes: &[u8]| {
    let Ok(json) = serde_json::from_slice(bytes) else {
        return;
    };
    let Ok(dataset) = bounded(bytes, |_| Dataset::from_json(&json)) else {
        return;
    };
    let written = dataset.to_json().expect("what was read can be written");
    let again = Dataset::from_json(&written).expect("what was written can be read");
    assert_eq!(again.to_json().expect("as before"), written);
});
