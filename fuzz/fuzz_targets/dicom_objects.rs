//! Any bytes as a report, a parametric map or a presentation state: a typed error, or an object that can be written.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use med_fuzz::{bounded, budget, put};
use medio::dicom::{
    self, Creation, DateTime, MeasurementReport, ParametricMap, PresentationState, ReadOptions,
    StructuredReport, Tag, Time,
};

const PARAMETRIC_MAP: &str = "1.2.840.10008.5.1.4.1.1.30";

static CREATION: LazyLock<Creation> = LazyLock::new(|| {
    let time = Time {
        hour: 4,
        minute: None,
        second: None,
        microsecond: 0,
    };
    let moment = DateTime {
        year: 2025,
        month: Some(2),
        day: Some(3),
        time: Some(time),
        offset_minutes: None,
    };
    Creation::at(moment, b"fuzz").expect("a date that exists")
});

fuzz_target!(|bytes: &[u8]| {
    let options = ReadOptions::new().budget(budget());
    let Ok(file) = bounded(bytes, |bytes| dicom::decode(bytes, &options)) else {
        return;
    };
    if let Ok(report) = bounded(bytes, |_| StructuredReport::of_file(&file)) {
        let _ = report.to_dataset(&CREATION);
        if let Ok(report) = MeasurementReport::of(report) {
            let _ = report.to_document(&CREATION);
        }
    }
    if let Ok(state) = bounded(bytes, |_| PresentationState::of(file.dataset())) {
        let _ = state.to_dataset(&CREATION);
    }
    if file.dataset().string(Tag::SOP_CLASS_UID).as_deref() == Some(PARAMETRIC_MAP) {
        let path = put("map.dcm", bytes);
        if let Ok(map) = bounded(bytes, |_| ParametricMap::<f32>::read_with(&path, &options)) {
            let _ = map.to_dataset(&CREATION);
        }
    }
});
