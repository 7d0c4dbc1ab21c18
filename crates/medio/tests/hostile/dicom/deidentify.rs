//! Damaged files without their identity: an error, or a file to which doing it again does nothing.

use std::sync::Arc;

use medio::dicom::deidentify::{
    Deidentifier, Key, PixelCondition, PixelRegion, PixelRule, Profile, Rectangle, SafePrivate,
    Vocabulary,
};
use medio::dicom::{self, ReadOptions};
use medio::medcore::Budget;
use medio::medcore::random;

use super::builder::*;
use super::mutation::{change, seeds};

/// The least and the most that a profile may leave.
fn deidentifiers() -> [Deidentifier; 2] {
    let rule = PixelRule {
        when: PixelCondition::default(),
        region: PixelRegion::Blank(vec![Rectangle {
            top: 0,
            left: 0,
            bottom: 3,
            right: 5,
        }]),
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
}

/// Whether the file can be de-identified; what comes of it is the same when it is done again.
fn settles(name: &str, bytes: Vec<u8>, deidentifier: &Deidentifier) -> bool {
    let options = || ReadOptions::new().budget(Arc::new(Budget::new(64 << 20)));
    let Ok(file) = dicom::decode(bytes, &options()) else {
        return false;
    };
    let Ok(once) = deidentifier.file(&file).and_then(|once| once.encode()) else {
        return false;
    };
    let again = dicom::decode(once.clone(), &options())
        .unwrap_or_else(|e| panic!("{name} is not read again: {e}"));
    let twice = deidentifier.file(&again).and_then(|twice| twice.encode());
    let twice = twice.unwrap_or_else(|e| panic!("{name} is not done again: {e}"));
    assert!(
        twice == once,
        "{name} is not the same when it is done again"
    );
    true
}

#[test]
fn what_was_done_to_odd_frames_stays_when_it_is_done_again() {
    let image = Image::with(|i| {
        (i.rows, i.columns) = (Some(5), Some(7));
        i.photometric = "MONOCHROME1";
        i.pixel_data = Some(element(0x7fe0, 0x10, "OB", &pixels()[..35]));
    });
    let [basic, kept] = deidentifiers();
    let bytes = image.narrow().file();
    assert!(settles("odd", bytes.clone(), &basic) && settles("odd", bytes, &kept));
}

#[test]
fn hundreds_of_damaged_files_end_in_an_error_or_in_what_stays_as_it_is() {
    let (seeds, deidentifiers) = (seeds(), deidentifiers());
    let (mut done, mut refused) = (0, 0);
    for (index, (name, seed)) in seeds.iter().enumerate() {
        for number in 0..100 {
            let key = random::Key::new(900 + index as u64).sample(number);
            let mut random = key.stream("deidentify");
            let mut bytes = seed.clone();
            let other = &seeds[random.below(seeds.len())].1;
            if number > 0 {
                for _ in 0..=random.below(3) {
                    change(&mut bytes, other, &mut random);
                }
            }
            let name = format!("{name}, mutant {number}");
            match settles(&name, bytes, &deidentifiers[number as usize % 2]) {
                true => done += 1,
                false => refused += 1,
            }
        }
    }
    assert!(
        done > 500 && refused > 200,
        "{done} done, {refused} refused"
    );
}
