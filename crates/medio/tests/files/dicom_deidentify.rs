//! Objects made by hand, with what identifies a patient in every place where it may be.

use std::collections::BTreeSet;

use medio::dicom::deidentify::{
    Action, Deidentifier, Key, PixelCondition, PixelRegion, PixelRule, Profile, Rectangle,
    SafePrivate, Vocabulary,
};
use medio::dicom::{
    self, Dataset, DicomFile, Element, Fault, ReadOptions, Tag, TransferSyntax, Value, Vr,
    WriteOptions,
};

const KEY: Key = Key::new([3; 32]);
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

fn tag(keyword: &str) -> Tag {
    keyword.parse().unwrap()
}

fn set(dataset: &mut Dataset, attributes: &[(&str, &str)]) {
    for (keyword, text) in attributes {
        dataset.set_text(tag(keyword), text).unwrap();
    }
}

fn of(attributes: &[(&str, &str)]) -> Dataset {
    let mut dataset = Dataset::new();
    set(&mut dataset, attributes);
    dataset
}

fn raw(dataset: &mut Dataset, group: u16, element: u16, vr: Vr, bytes: &[u8]) {
    let value = Value::Bytes(bytes.into());
    dataset.insert(Element::new(Tag::new(group, element), vr, value));
}

/// A CT image of 4 x 6 pixels.
fn image(instance: &str) -> Dataset {
    let mut dataset = of(&[
        ("SOPClassUID", CT),
        ("SOPInstanceUID", instance),
        ("StudyInstanceUID", "1.2.826.1"),
        ("SeriesInstanceUID", "1.2.826.1.1"),
        ("FrameOfReferenceUID", "1.2.826.9"),
        ("Modality", "CT"),
        ("PatientName", "Quixote^Alonso^^Don"),
        ("PatientID", "HOSP-123456"),
        ("PatientBirthDate", "15470929"),
        ("PatientAge", "095Y"),
        ("PatientSex", "M"),
        ("StudyDate", "20240301"),
        ("AcquisitionDateTime", "20240301120000.5+0100"),
        ("StudyDescription", "Thorax of Quixote 5mm"),
        ("SeriesDescription", "LUNG 1.25 mm, Sancho"),
        ("InstitutionName", "La Mancha General"),
        ("ReferringPhysicianName", "Panza^Sancho"),
        ("DeviceSerialNumber", "SN-7771"),
        ("Manufacturer", "ACME"),
        ("PhotometricInterpretation", "MONOCHROME2"),
    ]);
    for (keyword, value) in [
        ("SamplesPerPixel", 1),
        ("Rows", 4),
        ("Columns", 6),
        ("BitsAllocated", 16),
        ("BitsStored", 12),
        ("HighBit", 11),
        ("PixelRepresentation", 0),
    ] {
        dataset.set_integers(tag(keyword), &[value]).unwrap();
    }
    let pixels: Vec<u8> = (100..124_u16).flat_map(u16::to_le_bytes).collect();
    raw(&mut dataset, 0x7fe0, 0x0010, Vr::OW, &pixels);
    dataset
}

fn opened(dataset: &Dataset) -> DicomFile {
    let bytes = dicom::encode(dataset, &WriteOptions::new()).unwrap();
    dicom::decode(bytes, &ReadOptions::new()).unwrap()
}

fn by(profile: Profile) -> Deidentifier {
    Deidentifier::new(KEY).profile(profile)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn the_basic_profile_leaves_no_name_number_date_or_identifier() {
    let dataset = image("1.2.826.1.1.1");
    let file = opened(&dataset);
    let done = by(Profile::basic()).file(&file).unwrap();
    let bytes = done.encode().unwrap();
    for text in [
        "Quixote", "HOSP", "123456", "1547", "095Y", "20240301", "Thorax", "LUNG", "Mancha",
        "Panza", "Sancho", "7771", "1.2.826",
    ] {
        assert!(!holds(&bytes, text), "{text}");
    }
    let clean = dicom::decode(bytes, &ReadOptions::new()).unwrap();
    assert!(clean.report().is_clean(), "{:?}", clean.report());
    let instance = clean.dataset().string(Tag::SOP_INSTANCE_UID);
    assert_eq!(
        clean.meta().string(Tag::MEDIA_STORAGE_SOP_INSTANCE_UID),
        instance
    );
    assert_eq!(
        clean.dataset().string(Tag::SOP_CLASS_UID).as_deref(),
        Some(CT)
    );
    assert_eq!(
        clean.dataset().text(tag("Manufacturer")).as_deref(),
        Some("ACME")
    );
    assert_eq!(
        clean
            .dataset()
            .text(tag("PatientIdentityRemoved"))
            .as_deref(),
        Some("YES")
    );
    let temporal = clean
        .dataset()
        .text(tag("LongitudinalTemporalInformationModified"));
    assert_eq!(temporal.as_deref(), Some("REMOVED"));
    let code = clean
        .dataset()
        .find("DeidentificationMethodCodeSequence[0].CodeValue");
    assert_eq!(code.unwrap().unwrap().bytes().unwrap(), b"113100");
    let name = clean.dataset().text(Tag::PATIENT_NAME).unwrap();
    assert_eq!(name, by(Profile::basic()).pseudonym("HOSP-123456"));
    assert_eq!(clean.dataset().text(Tag::PATIENT_ID).unwrap(), name);
    assert_eq!(
        clean.stored::<u16>().unwrap().as_slice(),
        file.stored::<u16>().unwrap().as_slice()
    );
}

#[test]
fn the_log_names_what_was_done_and_not_what_was_there() {
    let mut dataset = image("1.2.826.1.1.1");
    let inner = of(&[
        ("StudyID", "4711-9"),
        ("ReferencedSOPInstanceUID", "1.2.826.5"),
    ]);
    dataset.set_items(tag("RequestAttributesSequence"), vec![inner.clone()]);
    dataset.set_items(
        tag("ReferencedInstanceSequence"),
        vec![Dataset::new(), inner],
    );
    let (_, changes) = by(Profile::basic()).dataset(&dataset).unwrap();
    let log: BTreeSet<String> = changes.iter().map(ToString::to_string).collect();
    for line in [
        "PatientName: Pseudonymised",
        "PatientAge: Removed",
        "PatientBirthDate: Emptied",
        "AcquisitionDateTime: Replaced",
        "SOPInstanceUID: UidReplaced",
        "RequestAttributesSequence: Removed",
        "ReferencedInstanceSequence[1].ReferencedSOPInstanceUID: UidReplaced",
        "ReferencedInstanceSequence[1].StudyID: Emptied",
    ] {
        assert!(log.contains(line), "{line} in {log:?}");
    }
    let all = format!("{changes:?}");
    assert!(!all.contains("Quixote") && !all.contains("826") && !all.contains("4711"));
}

#[test]
fn identifiers_and_dates_agree_over_the_files_of_a_patient() {
    let mut second = image("1.2.826.1.1.2");
    set(
        &mut second,
        &[("StudyDate", "20240229"), ("ContentDate", "20240301")],
    );
    let reference = of(&[("ReferencedSOPInstanceUID", "1.2.826.1.1.1")]);
    second.set_items(tag("ReferencedInstanceSequence"), vec![reference]);
    let clean = |key: [u8; 32], dataset: &Dataset| {
        let profile = Profile::basic().retain_modified_dates();
        let done = Deidentifier::new(Key::new(key))
            .profile(profile)
            .dataset(dataset);
        done.unwrap().0
    };
    let (a, b) = (
        clean([3; 32], &image("1.2.826.1.1.1")),
        clean([3; 32], &second),
    );
    for keyword in [
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "FrameOfReferenceUID",
        "PatientID",
    ] {
        assert_eq!(a.text(tag(keyword)), b.text(tag(keyword)), "{keyword}");
    }
    assert_ne!(a.text(Tag::SOP_INSTANCE_UID), b.text(Tag::SOP_INSTANCE_UID));
    let reference = b.item(tag("ReferencedInstanceSequence")).unwrap();
    assert_eq!(
        reference.text(tag("ReferencedSOPInstanceUID")),
        a.text(Tag::SOP_INSTANCE_UID)
    );
    let day = |dataset: &Dataset, keyword| {
        dataset
            .date(tag(keyword))
            .unwrap()
            .unwrap()
            .days_since_epoch()
    };
    // One day before the first study, in a leap year, and the shift that the key gives.
    assert_eq!(day(&a, "StudyDate") - day(&b, "StudyDate"), 1);
    assert_eq!(day(&a, "StudyDate"), day(&b, "ContentDate"));
    let shift = by(Profile::basic()).shift_days("HOSP-123456");
    assert_eq!(day(&image("1"), "StudyDate") + shift, day(&a, "StudyDate"));
    let moment = a.text(tag("AcquisitionDateTime")).unwrap();
    assert!(
        moment.ends_with("120000.5+0100") && !moment.starts_with("20240301"),
        "{moment}"
    );
    let other = clean([4; 32], &second);
    for keyword in ["StudyInstanceUID", "PatientID", "StudyDate"] {
        assert_ne!(other.text(tag(keyword)), b.text(tag(keyword)), "{keyword}");
    }
}

#[test]
fn doing_it_twice_changes_nothing() {
    let safe = Profile::basic()
        .retain_modified_dates()
        .retain_patient_characteristics()
        .retain_safe_private(SafePrivate::standard())
        .clean_descriptors(Vocabulary::radiology());
    for profile in [Profile::basic(), safe] {
        let file = opened(&image("1.2.826.1.1.1"));
        let once = by(profile.clone()).file(&file).unwrap().encode().unwrap();
        let file = dicom::decode(once.clone(), &ReadOptions::new()).unwrap();
        let again = by(profile).file(&file).unwrap();
        assert_eq!(again.changes(), []);
        assert_eq!(again.encode().unwrap(), once);
    }
}

#[test]
fn descriptions_keep_known_words_that_are_no_name_of_the_case() {
    let mut dataset = image("1");
    set(
        &mut dataset,
        &[
            ("PatientName", "Head^Joan"),
            ("StudyDescription", "CT Head and neck 3 mm Joan"),
        ],
    );
    let profile = Profile::basic().clean_descriptors(Vocabulary::radiology());
    let (clean, changes) = by(profile).dataset(&dataset).unwrap();
    assert_eq!(
        clean.text(Tag::STUDY_DESCRIPTION).unwrap(),
        "CT and neck 3 mm"
    );
    assert_eq!(clean.text(Tag::SERIES_DESCRIPTION).unwrap(), "LUNG 1.25 mm");
    assert!(
        changes
            .iter()
            .any(|c| c.path == "StudyDescription" && c.action == Action::Cleaned)
    );
    // Where nothing is left the basic profile counts: it removes.
    set(&mut dataset, &[("StudyDescription", "Joan's")]);
    let profile = Profile::basic().clean_descriptors(Vocabulary::none());
    let (clean, _) = by(profile).dataset(&dataset).unwrap();
    assert!(clean.get(Tag::STUDY_DESCRIPTION).is_none());
}

#[test]
fn a_name_that_is_repeated_in_a_kept_attribute_is_found() {
    let mut dataset = image("1");
    set(
        &mut dataset,
        &[
            ("FilterType", "FLAT"),
            ("ConvolutionKernel", "B30f"),
            ("ManufacturerModelName", "Scanner of quixote"),
        ],
    );
    raw(&mut dataset, 0x0018, 0x1020, Vr::LO, b"v2 (HOSP-123456)");
    let (clean, _) = by(Profile::basic()).dataset(&dataset).unwrap();
    assert_eq!(
        clean.text(tag("ManufacturerModelName")).unwrap(),
        "ANONYMIZED"
    );
    assert_eq!(clean.text(tag("SoftwareVersions")).unwrap(), "ANONYMIZED");
    assert_eq!(clean.text(tag("ConvolutionKernel")).unwrap(), "B30f");
}

#[test]
fn options_keep_what_they_name() {
    let dataset = image("1.2.826.1.1.1");
    let kept =
        |profile: Profile, keyword| by(profile).dataset(&dataset).unwrap().0.text(tag(keyword));
    let basic = Profile::basic;
    assert_eq!(
        kept(basic().retain_uids(), "SOPInstanceUID").unwrap(),
        "1.2.826.1.1.1"
    );
    assert_eq!(
        kept(basic().retain_device_identity(), "DeviceSerialNumber").unwrap(),
        "SN-7771"
    );
    assert_eq!(
        kept(basic().retain_institution_identity(), "InstitutionName").unwrap(),
        "La Mancha General"
    );
    assert_eq!(
        kept(basic().retain_full_dates(), "StudyDate").unwrap(),
        "20240301"
    );
    assert_eq!(
        kept(basic().retain_patient_characteristics(), "PatientSex").unwrap(),
        "M"
    );
    assert_eq!(
        kept(basic().retain_patient_characteristics(), "PatientAge").unwrap(),
        "090Y"
    );
    let all = basic().retain_patient_characteristics().retain_high_ages();
    assert_eq!(kept(all, "PatientAge").unwrap(), "095Y");
    for (profile, code) in [
        (basic().retain_uids(), "113110"),
        (basic().retain_full_dates(), "113106"),
        (basic().retain_modified_dates(), "113107"),
        (basic().clean_graphics(), "113103"),
        (basic().clean_structured_content(), "113104"),
    ] {
        let (clean, _) = by(profile).dataset(&dataset).unwrap();
        let codes = clean.items(tag("DeidentificationMethodCodeSequence"));
        let codes: Vec<_> = codes
            .iter()
            .map(|item| item.text(tag("CodeValue")).unwrap())
            .collect();
        assert_eq!(codes, ["113100", code]);
    }
}

#[test]
fn ages_are_capped_in_every_unit() {
    for (age, expected) in [
        ("089Y", "089Y"),
        ("090Y", "090Y"),
        ("130Y", "090Y"),
        ("999M", "999M"),
        ("012W", "012W"),
        ("300D", "300D"),
        ("abc", "000Y"),
    ] {
        let profile = Profile::basic().retain_patient_characteristics();
        let (clean, _) = by(profile).dataset(&of(&[("PatientAge", age)])).unwrap();
        assert_eq!(clean.text(tag("PatientAge")).unwrap(), expected);
    }
}

#[test]
fn private_attributes_go_unless_their_creator_is_known() {
    let mut dataset = image("1");
    raw(&mut dataset, 0x0019, 0x0010, Vr::LO, b"SIEMENS MR HEADER ");
    raw(&mut dataset, 0x0019, 0x100c, Vr::IS, b"1000");
    raw(&mut dataset, 0x0019, 0x10ff, Vr::LO, b"Quixote ");
    raw(&mut dataset, 0x0019, 0x0011, Vr::LO, b"SIEMENS CSA HEADER");
    raw(&mut dataset, 0x0019, 0x110c, Vr::IS, b"7777");
    raw(&mut dataset, 0x0029, 0x1010, Vr::OB, b"orphan");
    let private = |profile: Profile| {
        let (clean, _) = by(profile).dataset(&dataset).unwrap();
        let tags = clean
            .elements()
            .iter()
            .map(Element::tag)
            .filter(|t| t.is_private());
        tags.collect::<Vec<_>>()
    };
    assert_eq!(private(Profile::basic()), []);
    let safe = Profile::basic().retain_safe_private(SafePrivate::standard());
    assert_eq!(
        private(safe),
        [Tag::new(0x0019, 0x0010), Tag::new(0x0019, 0x100c)]
    );
    let none = Profile::basic().retain_safe_private(SafePrivate::none());
    assert_eq!(private(none), []);
}

#[test]
fn unknown_attributes_of_the_standard_s_groups_go_as_private_ones_do() {
    let mut dataset = image("1");
    raw(&mut dataset, 0x0010, 0xbeee, Vr::LO, b"Quixote ");
    raw(&mut dataset, 0x0008, 0x0000, Vr::UL, &[9, 0, 0, 0]);
    let (clean, changes) = by(Profile::basic()).dataset(&dataset).unwrap();
    assert!(clean.get(Tag::new(0x0010, 0xbeee)).is_none());
    assert!(clean.get(Tag::new(0x0008, 0x0000)).is_none());
    assert!(
        changes
            .iter()
            .any(|c| c.path == "(0010,BEEE)" && c.action == Action::Removed)
    );
}

fn content(kind: &str, attributes: &[(&str, &str)]) -> Dataset {
    let mut item = of(&[("RelationshipType", "CONTAINS"), ("ValueType", kind)]);
    set(&mut item, attributes);
    item
}

fn code(value: &str, scheme: &str, meaning: &str) -> Dataset {
    of(&[
        ("CodeValue", value),
        ("CodingSchemeDesignator", scheme),
        ("CodeMeaning", meaning),
    ])
}

/// A report with text, a person, a number, codes of two schemes, and a branch.
fn report() -> Dataset {
    let mut dataset = image("1.2.826.1.1.1");
    let mut number = content("NUM", &[]);
    number.set_items(
        tag("ConceptNameCodeSequence"),
        vec![code("121033", "DCM", "Subject Age")],
    );
    let mut measured = Dataset::new();
    measured.set_floats(tag("NumericValue"), &[51.5]).unwrap();
    number.set_items(tag("MeasuredValueSequence"), vec![measured]);
    let mut own = content("CODE", &[]);
    own.set_items(
        tag("ConceptCodeSequence"),
        vec![code("QX1", "99LM", "Don Q's finding")],
    );
    let mut branch = content("CONTAINER", &[]);
    let text = content(
        "TEXT",
        &[("TextValue", "Nodule in the left lung of Quixote, 5 mm")],
    );
    branch.set_items(tag("ContentSequence"), vec![text]);
    let person = content("PNAME", &[("PersonName", "Panza^Sancho")]);
    let image = content("UIDREF", &[("UID", "1.2.826.77")]);
    dataset.set_items(
        tag("ContentSequence"),
        vec![number, own, branch, person, image],
    );
    dataset
}

#[test]
fn the_content_of_reports_means_nothing_in_the_basic_profile_and_keeps_its_shape() {
    let (clean, _) = by(Profile::basic()).dataset(&report()).unwrap();
    let text = |path: &str| {
        let element = clean.find(path).unwrap();
        element
            .map(|e| e.text(clean.character_set()))
            .unwrap_or_default()
    };
    assert_eq!(
        text("ContentSequence[0].ConceptNameCodeSequence[0].CodeMeaning"),
        "Subject Age"
    );
    assert_eq!(
        text("ContentSequence[0].MeasuredValueSequence[0].NumericValue"),
        "0"
    );
    assert_eq!(
        text("ContentSequence[1].ConceptCodeSequence[0].CodingSchemeDesignator"),
        "99ANON"
    );
    assert_eq!(
        text("ContentSequence[1].ConceptCodeSequence[0].CodeMeaning"),
        "ANONYMIZED"
    );
    assert_eq!(
        text("ContentSequence[2].ContentSequence[0].TextValue"),
        "ANONYMIZED"
    );
    assert_eq!(
        text("ContentSequence[2].ContentSequence[0].ValueType"),
        "TEXT"
    );
    assert_eq!(text("ContentSequence[3].PersonName"), "ANONYMIZED");
    assert_eq!(
        text("ContentSequence[4].UID"),
        by(Profile::basic()).uid("1.2.826.77")
    );
}

#[test]
fn cleaned_content_keeps_numbers_codes_and_known_words() {
    let profile = Profile::basic().clean_structured_content();
    let (clean, _) = by(profile).dataset(&report()).unwrap();
    let text = |path: &str| {
        let element = clean.find(path).unwrap();
        element
            .map(|e| e.text(clean.character_set()))
            .unwrap_or_default()
    };
    assert_eq!(
        text("ContentSequence[0].MeasuredValueSequence[0].NumericValue"),
        "51.5"
    );
    assert_eq!(
        text("ContentSequence[1].ConceptCodeSequence[0].CodeMeaning"),
        "ANONYMIZED"
    );
    assert_eq!(
        text("ContentSequence[2].ContentSequence[0].TextValue"),
        "Nodule in the left lung of 5 mm"
    );
    assert_eq!(text("ContentSequence[3].PersonName"), "ANONYMIZED");
}

#[test]
fn overlays_go_and_regions_stay_only_if_graphics_are_cleaned() {
    let mut dataset = image("1");
    for (group, kind) in [(0x6000, "G"), (0x6002, "R")] {
        raw(&mut dataset, group, 0x0010, Vr::US, &[4, 0]);
        raw(&mut dataset, group, 0x0011, Vr::US, &[6, 0]);
        raw(&mut dataset, group, 0x0022, Vr::LO, b"left lung Quixote ");
        raw(&mut dataset, group, 0x0040, Vr::CS, kind.as_bytes());
        raw(&mut dataset, group, 0x0100, Vr::US, &[1, 0]);
        raw(&mut dataset, group, 0x0102, Vr::US, &[0, 0]);
        raw(&mut dataset, group, 0x3000, Vr::OW, &[1, 2, 3, 4]);
    }
    raw(&mut dataset, 0x5000, 0x0022, Vr::LO, b"left lung ");
    let groups = |profile: Profile| {
        let (clean, _) = by(profile).dataset(&dataset).unwrap();
        let groups: BTreeSet<u16> = clean.elements().iter().map(|e| e.tag().group()).collect();
        (groups, clean)
    };
    let (basic, _) = groups(Profile::basic());
    assert!(!basic.contains(&0x6000) && !basic.contains(&0x6002) && !basic.contains(&0x5000));
    let (cleaned, clean) = groups(Profile::basic().clean_graphics());
    assert!(!cleaned.contains(&0x6000) && cleaned.contains(&0x6002) && !cleaned.contains(&0x5000));
    assert_eq!(clean.text(Tag::new(0x6002, 0x0022)).unwrap(), "left lung");
    assert_eq!(clean.bytes(Tag::new(0x6002, 0x3000)).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn an_overlay_in_the_pixels_own_words_is_cleared() {
    let mut dataset = image("1");
    raw(&mut dataset, 0x6000, 0x0010, Vr::US, &[4, 0]);
    raw(&mut dataset, 0x6000, 0x0011, Vr::US, &[6, 0]);
    raw(&mut dataset, 0x6000, 0x0100, Vr::US, &[16, 0]);
    raw(&mut dataset, 0x6000, 0x0102, Vr::US, &[13, 0]);
    let words = (100..124_u16).map(|v| v | 0xa000);
    let pixels: Vec<u8> = words.flat_map(u16::to_le_bytes).collect();
    raw(&mut dataset, 0x7fe0, 0x0010, Vr::OW, &pixels);
    let file = opened(&dataset);
    let bytes = by(Profile::basic()).file(&file).unwrap().encode().unwrap();
    let clean = dicom::decode(bytes, &ReadOptions::new()).unwrap();
    let Value::Bytes(words) = clean
        .load(clean.dataset().get(Tag::PIXEL_DATA).unwrap())
        .unwrap()
    else {
        panic!("native pixels");
    };
    // Bit 13 was the overlay's; bit 15 is nobody's, and stays.
    let expected: Vec<u8> = (100..124_u16)
        .flat_map(|v| (v | 0x8000).to_le_bytes())
        .collect();
    assert_eq!(*words, expected);
    assert!(clean.overlays().unwrap().is_empty());
}

fn rectangle(top: usize, left: usize, bottom: usize, right: usize) -> Rectangle {
    Rectangle {
        top,
        left,
        bottom,
        right,
    }
}

fn rule(region: PixelRegion) -> PixelRule {
    let when = PixelCondition::default();
    PixelRule { when, region }
}

fn blanked(dataset: &Dataset, profile: Profile, options: &WriteOptions) -> (DicomFile, Vec<i32>) {
    let bytes = dicom::encode(dataset, options).unwrap();
    let file = dicom::decode(bytes, &ReadOptions::new()).unwrap();
    let bytes = by(profile).file(&file).unwrap().encode().unwrap();
    let clean = dicom::decode(bytes, &ReadOptions::new()).unwrap();
    let pixels = clean.stored::<i32>().unwrap().into_vec();
    (clean, pixels)
}

#[test]
fn rectangles_are_blanked_in_native_pixels_of_every_layout() {
    let rows = [
        (
            PixelRegion::Blank(vec![rectangle(0, 0, 1, 6), rectangle(2, 5, 9, 9)]),
            vec![0, 1, 2, 3, 4, 5, 17, 23],
        ),
        (
            PixelRegion::BlankOutside(vec![rectangle(0, 0, 3, 6), rectangle(3, 1, 4, 6)]),
            vec![18],
        ),
        (PixelRegion::Nothing, vec![]),
        (PixelRegion::Blank(vec![rectangle(4, 0, 9, 9)]), vec![]),
    ];
    for (region, gone) in rows {
        let profile = Profile::basic().clean_pixel_data([rule(region)]);
        let mut bright = image("1");
        set(&mut bright, &[("PhotometricInterpretation", "MONOCHROME1")]);
        for (dataset, black) in [(image("1"), 0), (bright, 4095)] {
            for syntax in [
                TransferSyntax::EXPLICIT_BIG_ENDIAN,
                TransferSyntax::DEFLATED,
                TransferSyntax::IMPLICIT_LITTLE_ENDIAN,
            ] {
                let options = WriteOptions::new().transfer_syntax(syntax);
                let (clean, pixels) = blanked(&dataset, profile.clone(), &options);
                let expected = (0..24).map(|i| if gone.contains(&i) { black } else { i + 100 });
                assert!(pixels.iter().copied().eq(expected), "{pixels:?}");
                assert_eq!(clean.transfer_syntax(), Some(syntax));
                assert_eq!(
                    clean.dataset().text(tag("BurnedInAnnotation")).unwrap(),
                    "NO"
                );
            }
        }
    }
}

/// An image of colours in 8 bits, each sample another value.
fn colours(photometric: &str, planar: i64, bytes: usize) -> Dataset {
    let mut dataset = image("1");
    set(&mut dataset, &[("PhotometricInterpretation", photometric)]);
    for (keyword, value) in [
        ("SamplesPerPixel", 3),
        ("PlanarConfiguration", planar),
        ("BitsAllocated", 8),
        ("BitsStored", 8),
        ("HighBit", 7),
    ] {
        dataset.set_integers(tag(keyword), &[value]).unwrap();
    }
    let pixels: Vec<u8> = (1..=bytes).map(|v| v as u8).collect();
    raw(&mut dataset, 0x7fe0, 0x0010, Vr::OB, &pixels);
    dataset
}

#[test]
fn colours_are_blanked_in_all_their_channels() {
    let profile = || {
        Profile::basic().clean_pixel_data([rule(PixelRegion::Blank(vec![rectangle(1, 2, 2, 4)]))])
    };
    let gone = |pixel: usize| (8..10).contains(&pixel);
    for (photometric, planar, black) in [
        ("RGB", 0, [0, 0, 0]),
        ("RGB", 1, [0, 0, 0]),
        ("YBR_FULL", 0, [0, 128, 128]),
    ] {
        let dataset = colours(photometric, planar, 72);
        let before = opened(&dataset).stored::<i32>().unwrap().into_vec();
        let (_, after) = blanked(&dataset, profile(), &WriteOptions::new());
        for (at, (before, after)) in before.iter().zip(&after).enumerate() {
            let (channel, pixel) = (at / 24, at % 24);
            let expected = if gone(pixel) { black[channel] } else { *before };
            assert_eq!(*after, expected, "{photometric} {planar} {at}");
        }
    }
    let dataset = colours("YBR_FULL_422", 0, 48);
    let before = opened(&dataset).stored::<i32>().unwrap().into_vec();
    let (_, after) = blanked(&dataset, profile(), &WriteOptions::new());
    for (at, (before, after)) in before.iter().zip(&after).enumerate() {
        let expected = match (gone(at % 24), at / 24) {
            (true, 0) => 0,
            (true, _) => 128,
            _ => *before,
        };
        assert_eq!(*after, expected, "{at}");
    }
}

#[test]
fn masks_of_one_bit_are_blanked_bit_by_bit() {
    let mut dataset = image("1");
    for (keyword, value) in [
        ("BitsAllocated", 1),
        ("BitsStored", 1),
        ("HighBit", 0),
        ("Rows", 3),
        ("Columns", 5),
    ] {
        dataset.set_integers(tag(keyword), &[value]).unwrap();
    }
    dataset.set_integers(Tag::NUMBER_OF_FRAMES, &[2]).unwrap();
    raw(&mut dataset, 0x7fe0, 0x0010, Vr::OB, &[0xff; 4]);
    let profile =
        Profile::basic().clean_pixel_data([rule(PixelRegion::Blank(vec![rectangle(1, 1, 3, 2)]))]);
    let (_, pixels) = blanked(&dataset, profile, &WriteOptions::new());
    let expected = (0..30).map(|at| i32::from(![6, 11].contains(&(at % 15))));
    assert!(pixels.iter().copied().eq(expected), "{pixels:?}");
}

#[test]
fn only_the_regions_of_an_ultrasound_image_stay() {
    let mut dataset = image("1");
    set(&mut dataset, &[("Modality", "US")]);
    let mut region = Dataset::new();
    for (keyword, value) in [
        ("RegionLocationMinX0", 1),
        ("RegionLocationMinY0", 2),
        ("RegionLocationMaxX1", 3),
        ("RegionLocationMaxY1", 3),
    ] {
        region.set_integers(tag(keyword), &[value]).unwrap();
    }
    dataset.set_items(tag("SequenceOfUltrasoundRegions"), vec![region]);
    let refused = by(Profile::basic()).dataset(&dataset);
    assert!(
        matches!(refused, Err(Fault::BurnedInText { .. })),
        "{refused:?}"
    );
    let (_, pixels) = blanked(
        &dataset,
        Profile::basic().clean_pixel_data([]),
        &WriteOptions::new(),
    );
    let inside = |at: i32| (13..=15).contains(&at) || (19..=21).contains(&at);
    let expected = (0..24).map(|at| if inside(at) { at + 100 } else { 0 });
    assert!(pixels.iter().copied().eq(expected), "{pixels:?}");
    // A person has looked.
    let (_, pixels) = blanked(
        &dataset,
        Profile::basic().trust_pixels(),
        &WriteOptions::new(),
    );
    assert!(pixels.iter().copied().eq(100..124));
}

#[test]
fn images_that_may_show_text_are_refused_unless_a_rule_fits_them() {
    let changes: [&[(&str, &str)]; 6] = [
        &[("Modality", "US")],
        &[("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7")],
        &[("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7.4")],
        &[("BurnedInAnnotation", "YES")],
        &[("ConversionType", "DF")],
        &[("ImageType", "DERIVED\\SECONDARY\\SCREEN SAVE")],
    ];
    for change in changes {
        let mut dataset = image("1");
        set(&mut dataset, change);
        for profile in [Profile::basic(), Profile::basic().clean_pixel_data([])] {
            let refused = by(profile).dataset(&dataset);
            assert!(
                matches!(refused, Err(Fault::BurnedInText { .. })),
                "{change:?} {refused:?}"
            );
        }
        let when = |manufacturer: &str, rows| PixelCondition {
            manufacturer: Some(manufacturer.to_owned()),
            rows: Some(rows),
            ..PixelCondition::default()
        };
        for (when, fits) in [
            (when("acme", 4), true),
            (when("acme", 5), false),
            (when("other", 4), false),
        ] {
            let region = PixelRegion::Nothing;
            let profile = Profile::basic().clean_pixel_data([PixelRule { when, region }]);
            assert_eq!(by(profile).dataset(&dataset).is_ok(), fits, "{change:?}");
        }
    }
}

#[test]
fn nesting_that_could_not_be_written_is_refused() {
    let mut dataset = of(&[("StudyID", "1")]);
    for _ in 0..70 {
        let mut outer = Dataset::new();
        outer.set_items(tag("ReferencedInstanceSequence"), vec![dataset]);
        dataset = outer;
    }
    let thread = std::thread::Builder::new().stack_size(512 << 10);
    let refused = thread.spawn(move || by(Profile::basic()).dataset(&dataset).is_err());
    assert!(refused.unwrap().join().unwrap());
}

#[test]
fn a_directory_of_media_is_refused() {
    let mut dataset = image("1");
    dataset.set_items(tag("DirectoryRecordSequence"), vec![]);
    let refused = by(Profile::basic()).dataset(&dataset);
    assert!(
        matches!(refused, Err(Fault::Unsupported { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_folder_becomes_one_under_new_identifiers() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = from.path().join("Quixote");
    std::fs::create_dir(&folder).unwrap();
    let put = |name: &str, dataset: &Dataset| {
        dicom::write(folder.join(name), dataset, &WriteOptions::new()).unwrap();
    };
    put("HOSP-123456-1", &image("1.2.826.1.1.1"));
    put("HOSP-123456-2", &image("1.2.826.1.1.2"));
    put("again", &image("1.2.826.1.1.2"));
    let mut burned = image("1.2.826.1.1.3");
    set(&mut burned, &[("BurnedInAnnotation", "YES")]);
    put("burned", &burned);
    std::fs::write(
        folder.join("notes.txt"),
        "about Quixote and what he did to the windmills",
    )
    .unwrap();
    let deidentifier = by(Profile::basic());
    let done = deidentifier.folder(from.path(), to.path()).unwrap();
    assert_eq!(
        (done.written.len(), done.refused.len(), done.others.len()),
        (2, 2, 1)
    );
    let name = |uid: &str| deidentifier.uid(uid);
    let series = to.path().join(name("1.2.826.1")).join(name("1.2.826.1.1"));
    let mut listed: Vec<_> = std::fs::read_dir(&series)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    listed.sort();
    let mut expected = ["1.2.826.1.1.1", "1.2.826.1.1.2"].map(|uid| name(uid) + ".dcm");
    expected.sort();
    assert_eq!(listed, expected);
    for (_, path) in &done.written {
        assert!(!holds(&std::fs::read(path).unwrap(), "Quixote"));
    }
}

#[test]
fn a_folder_is_no_way_to_write_elsewhere() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut dataset = image("1.2.3");
    raw(&mut dataset, 0x0020, 0x000d, Vr::UI, b"../../../evil");
    dicom::write(from.path().join("a"), &dataset, &WriteOptions::new()).unwrap();
    let done = by(Profile::basic().retain_uids())
        .folder(from.path(), to.path())
        .unwrap();
    assert_eq!((done.written.len(), done.refused.len()), (0, 1));
    let done = by(Profile::basic()).folder(from.path(), to.path()).unwrap();
    assert!(done.written[0].1.starts_with(to.path()));
}

#[test]
fn without_a_number_the_name_counts_and_without_both_the_study() {
    let profile = || Profile::basic().retain_modified_dates();
    let clean = |dataset: &Dataset| by(profile()).dataset(dataset).unwrap().0;
    let dates = [("StudyDate", "20240301"), ("StudyInstanceUID", "1.2.3")];
    let mut named = of(&dates);
    set(
        &mut named,
        &[("PatientName", "Doe^Jane"), ("PatientID", "")],
    );
    let nameless = of(&dates);
    for dataset in [named, nameless] {
        let once = clean(&dataset);
        let moved = once.text(Tag::STUDY_DATE).unwrap();
        assert!(!moved.is_empty() && moved != "20240301");
        assert_eq!(once.text(Tag::PATIENT_ID), once.text(Tag::PATIENT_NAME));
        assert_eq!(clean(&once), once);
    }
    // Nobody knows what it belongs to: there is no number of days.
    let stray = clean(&of(&[("StudyDate", "20240301")]));
    assert_eq!(stray.text(Tag::STUDY_DATE), None);
}
