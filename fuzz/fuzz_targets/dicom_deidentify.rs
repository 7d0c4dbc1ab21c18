//! Any bytes as a DICOM file that is de-identified: a typed error, or a file that can be read, without the
//! patient's name, and to which doing it again does nothing.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use med_fuzz::{bounded, budget, is_chosen};
use medio::dicom::deidentify::{
    Deidentifier, Key, PixelCondition, PixelRegion, PixelRule, Profile, Rectangle, SafePrivate,
    Vocabulary,
};
use medio::dicom::{self, ReadOptions, Tag};

static DEIDENTIFIERS: LazyLock<[Deidentifier; 2]> = LazyLock::new(|| {
    let corner = Rectangle {
        top: 0,
        left: 0,
        bottom: 3,
        right: 5,
    };
    let rule = PixelRule {
        when: PixelCondition::default(),
        region: PixelRegion::Blank(vec![corner]),
    };
    let kept = Profile::basic()
        .retain_modified_dates()
        .retain_patient_characteristics()
        .retain_device_identity()
        .retain_safe_private(SafePrivate::standard())
        .clean_descriptors(Vocabulary::radiology())
        .clean_structured_content()
        .clean_graphics()
        .clean_pixel_data([rule]);
    let basic = Profile::basic().trust_pixels();
    [basic, kept].map(|profile| Deidentifier::new(Key::new([1; 32])).profile(profile))
});

fuzz_target!(|bytes: &[u8]| {
    let options = || ReadOptions::new().budget(budget());
    let Ok(file) = bounded(bytes, |bytes| dicom::decode(bytes, &options())) else {
        return;
    };
    let [basic, kept] = &*DEIDENTIFIERS;
    let deidentifier = if is_chosen(bytes) { basic } else { kept };
    let Ok(once) = deidentifier.file(&file) else {
        return;
    };
    let name = file.dataset().text(Tag::PATIENT_NAME);
    if let (Some(before), Some(after)) = (name, once.dataset().text(Tag::PATIENT_NAME)) {
        assert!(before != after || before.starts_with('P'));
    }
    let Ok(written) = once.encode() else {
        return;
    };
    let again = dicom::decode(written.clone(), &options()).expect("what was written can be read");
    let twice = deidentifier
        .file(&again)
        .expect("what was done can be done again");
    if let Ok(twice) = twice.encode() {
        assert!(twice == written);
    }
});
