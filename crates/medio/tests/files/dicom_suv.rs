//! Uptake values worked out by hand, and the files that give none.
//!
//! The patient: 80 kg, 1.80 m, male. 400 MBq of a nuclide with a half-life of 6000 s, given at 08:00:00; the
//! scan starts at 09:40:00, 6000 s later: 200 MBq are left.

use medio::Error;
use medio::dicom::{
    self, Dataset, Gap, ReadOptions, Scan, SeriesFault, Suv, SuvFactor, SuvFault, SuvReference,
    Tag, Vr, WriteOptions,
};

use super::dicom_series::{axial, scan};

fn slice(k: u16) -> Dataset {
    let text = [
        (Tag::MODALITY, Vr::CS, "PT"),
        (Tag::UNITS, Vr::CS, "BQML"),
        (Tag::CORRECTED_IMAGE, Vr::CS, "DECY\\ATTN\\SCAT"),
        (Tag::DECAY_CORRECTION, Vr::CS, "START"),
        (Tag::PATIENT_SEX, Vr::CS, "M"),
        (Tag::PATIENT_WEIGHT, Vr::DS, "80"),
        (Tag::PATIENT_SIZE, Vr::DS, "1.80"),
        (Tag::SERIES_DATE, Vr::DA, "20240229"),
        (Tag::SERIES_TIME, Vr::TM, "094000"),
        (Tag::ACQUISITION_DATE, Vr::DA, "20240229"),
        (Tag::ACQUISITION_TIME, Vr::TM, "094000"),
    ];
    let spec = { text.into_iter() }.fold(axial(k, 5.0 * f64::from(k)), |spec, (tag, vr, text)| {
        spec.with(tag, vr, text)
    });
    let mut d = spec.dataset();
    set_drug(&mut d, Some(4e8), Some(6000.0), Some("080000"));
    d
}

fn set_drug(d: &mut Dataset, dose: Option<f64>, half_life: Option<f64>, time: Option<&str>) {
    let mut drug = Dataset::new();
    if let Some(dose) = dose {
        drug.set_floats(Tag::RADIONUCLIDE_TOTAL_DOSE, &[dose])
            .unwrap();
    }
    if let Some(life) = half_life {
        drug.set_floats(Tag::RADIONUCLIDE_HALF_LIFE, &[life])
            .unwrap();
    }
    if let Some(time) = time {
        drug.set_text(Tag::RADIOPHARMACEUTICAL_START_TIME, time)
            .unwrap();
    }
    d.set_items(Tag::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE, vec![drug]);
}

/// Slices of which each is changed.
fn changed(change: impl Fn(u16, &mut Dataset)) -> (tempfile::TempDir, Scan) {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..3 {
        let mut d = slice(k);
        change(k, &mut d);
        let path = folder.path().join(format!("{k}.dcm"));
        dicom::write(path, &d, &WriteOptions::new()).unwrap();
    }
    let scan = scan(folder.path());
    (folder, scan)
}

fn factors(suv: Suv, change: impl Fn(u16, &mut Dataset)) -> medio::Result<Vec<SuvFactor>> {
    let (_folder, scan) = changed(change);
    scan.only()?.stack()?.suv_factors(suv)
}

fn first(suv: Suv, change: impl Fn(u16, &mut Dataset)) -> SuvFactor {
    factors(suv, change).unwrap()[0]
}

fn fault(suv: Suv, change: impl Fn(u16, &mut Dataset)) -> SuvFault {
    match factors(suv, change).unwrap_err() {
        Error::Series { fault, .. } => match *fault {
            SeriesFault::Suv(fault) => fault,
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    }
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} is not {b}");
}

#[test]
fn activities_are_related_to_the_body() {
    // 80000 g; lean masses 9270 * 80 / (6680 + 216 * 80 / 3.24) = 61.7314... kg,
    // 1.1 * 80 - 128 * (80 / 180)^2 = 62.7160... kg, 48 + 1.06 * 28 = 77.68 kg;
    // 71.84 * 80^0.425 * 180^0.725 = 19964.2... cm2.
    let lean: f64 = 9270.0 * 80.0 / (6680.0 + 216.0 * 80.0 / 3.24);
    assert!((lean - 61.731_409_545).abs() < 1e-6, "{lean}");
    let james = 88.0 - 128.0 * (4.0 / 9.0) * (4.0 / 9.0);
    let surface = 71.84 * 80.0_f64.powf(0.425) * 180.0_f64.powf(0.725);
    assert!((surface - 19_964.2).abs() < 0.1, "{surface}");
    for (suv, measure) in [
        (Suv::BodyWeight, 80_000.0),
        (Suv::LeanBodyMass, 1000.0 * lean),
        (Suv::LeanBodyMassJames, 1000.0 * james),
        (Suv::BodySurface, surface),
        (Suv::Ideal, 77_680.0),
    ] {
        let factor = first(suv, |_, _| {});
        close(factor.factor, measure / 2e8);
        assert_eq!(
            (factor.decay_seconds, factor.reference),
            (6000.0, SuvReference::Series)
        );
    }
    // A woman: 45.5 + 0.91 * 28 = 70.98 kg.
    let woman = first(Suv::Ideal, |_, d| {
        d.set_text(Tag::PATIENT_SEX, "F").unwrap();
    });
    close(woman.factor, 70_980.0 / 2e8);
}

#[test]
fn a_volume_is_scaled_slice_by_slice() {
    // Not corrected for decay: the slices come 6000 s after one another.
    let (_folder, scan) = changed(|k, d| {
        d.set_text(Tag::DECAY_CORRECTION, "NONE").unwrap();
        d.set_text(Tag::CORRECTED_IMAGE, "ATTN").unwrap();
        let time = ["094000", "112000", "130000"][usize::from(k)];
        d.set_text(Tag::ACQUISITION_TIME, time).unwrap();
    });
    let stack = scan.only().unwrap().stack().unwrap();
    let volume = stack.suv(Suv::BodyWeight, &ReadOptions::new()).unwrap();
    let firsts: Vec<f32> = volume.image.as_slice().chunks(12).map(|p| p[0]).collect();
    // 100 Bq/ml of 100 MBq left, 200 Bq/ml of 50 MBq.
    assert_eq!(firsts, [0.0, 0.08, 0.32]);
    assert_eq!(volume.unit.as_deref(), Some("{SUVbw}g/ml"));
    let factors = stack.suv_factors(Suv::BodyWeight).unwrap();
    assert!(
        factors
            .iter()
            .all(|f| f.reference == SuvReference::Acquisition)
    );
}

#[test]
fn planes_between_slices_of_different_factors_are_refused() {
    let (folder, _) = changed(|k, d| {
        d.set_text(Tag::DECAY_CORRECTION, "NONE").unwrap();
        let time = ["094000", "112000", "130000"][usize::from(k)];
        d.set_text(Tag::ACQUISITION_TIME, time).unwrap();
        let z = [0.0, 5.0, 15.0][usize::from(k)];
        d.set_floats(Tag::IMAGE_POSITION_PATIENT, &[0.0, 0.0, z])
            .unwrap();
    });
    let scan = scan(folder.path());
    let stack = scan.only().unwrap().stack().unwrap();
    let options = ReadOptions::new().on_gap(Gap::Fill(0.0));
    let error = stack.suv(Suv::BodyWeight, &options).unwrap_err();
    assert!(error.to_string().contains("different factors"), "{error}");
}

#[test]
fn midnight_may_lie_between_injection_and_scan() {
    let factor = first(Suv::BodyWeight, |_, d| {
        set_drug(d, Some(4e8), Some(6000.0), Some("232000"));
        for time in [Tag::SERIES_TIME, Tag::ACQUISITION_TIME] {
            d.set_text(time, "010000").unwrap();
        }
    });
    assert_eq!(factor.decay_seconds, 6000.0);
    close(factor.factor, 80_000.0 / 2e8);
}

#[test]
fn a_later_series_time_gives_way_to_the_frames_own_reference() {
    // Frames of 120 s; their mean count rate comes slightly before the middle.
    let constant = std::f64::consts::LN_2 / 6000.0;
    let mean = (constant * 120.0 / (1.0 - (-constant * 120.0).exp())).ln() / constant;
    assert!(mean > 59.0 && mean < 60.0, "{mean}");
    let found = factors(Suv::BodyWeight, |k, d| {
        d.set_text(Tag::SERIES_TIME, "110000").unwrap();
        let seconds = 120 * i64::from(k);
        let time = format!("09{:02}00", 40 + seconds / 60);
        d.set_text(Tag::ACQUISITION_TIME, &time).unwrap();
        let reference = 1000.0 * (seconds as f64 + mean);
        d.set_floats(Tag::FRAME_REFERENCE_TIME, &[reference])
            .unwrap();
        d.set_integers(Tag::ACTUAL_FRAME_DURATION, &[120_000])
            .unwrap();
    });
    for factor in found.unwrap() {
        // All frames lead back to 09:40:00.
        assert!((factor.decay_seconds - 6000.0).abs() < 1e-3, "{factor:?}");
        assert_eq!(factor.reference, SuvReference::FrameReferenceTime);
    }
}

#[test]
fn images_corrected_to_the_injection_need_no_times() {
    let factor = first(Suv::BodyWeight, |_, d| {
        d.set_text(Tag::DECAY_CORRECTION, "ADMIN").unwrap();
        set_drug(d, Some(4e8), Some(6000.0), None);
    });
    close(factor.factor, 80_000.0 / 4e8);
    assert_eq!(factor.reference, SuvReference::Injection);
}

#[test]
fn uptakes_of_one_kind_become_those_of_another() {
    let lean = 9270.0 * 80.0 / (6680.0 + 216.0 * 80.0 / 3.24);
    let factor = first(Suv::BodyWeight, |_, d| {
        d.set_text(Tag::UNITS, "GML").unwrap();
        d.set_text(Tag::SUV_TYPE, "LBM").unwrap();
    });
    close(factor.factor, 80.0 / lean);
    assert_eq!(factor.reference, SuvReference::Scanner);
}

#[test]
fn everything_that_is_missing_is_named() {
    let missing = fault(Suv::LeanBodyMass, |_, d| {
        set_drug(d, None, None, None);
        for tag in [
            Tag::PATIENT_WEIGHT,
            Tag::PATIENT_SIZE,
            Tag::PATIENT_SEX,
            Tag::DECAY_CORRECTION,
        ] {
            d.remove(tag);
        }
    });
    let SuvFault::Missing { tags, path } = missing else {
        panic!("{missing:?}");
    };
    assert!(path.to_string_lossy().ends_with(".dcm"));
    assert_eq!(
        tags,
        [
            Tag::PATIENT_WEIGHT,
            Tag::PATIENT_SIZE,
            Tag::PATIENT_SEX,
            Tag::RADIONUCLIDE_TOTAL_DOSE,
            Tag::RADIONUCLIDE_HALF_LIFE,
            Tag::DECAY_CORRECTION,
            Tag::RADIOPHARMACEUTICAL_START_DATE_TIME,
        ]
    );
}

#[test]
fn numbers_that_cannot_be_right_are_refused() {
    let text = |change: &dyn Fn(&mut Dataset)| fault(Suv::BodyWeight, |_, d| change(d)).to_string();
    for (got, part) in [
        (
            text(&|d| set_drug(d, Some(400.0), Some(6000.0), Some("080000"))),
            "becquerels",
        ),
        (
            text(&|d| set_drug(d, Some(4e8), Some(0.0), Some("080000"))),
            "seconds, above 0",
        ),
        (
            text(&|d| d.set_floats(Tag::PATIENT_SIZE, &[180.0]).unwrap()),
            "metres",
        ),
        (
            text(&|d| d.set_text(Tag::UNITS, "PROPCNTS").unwrap()),
            "BQML, CNTS, GML or CM2ML",
        ),
        (
            text(&|d| d.set_text(Tag::UNITS, "CNTS").unwrap()),
            "(7053,1000)",
        ),
        (
            text(&|d| d.set_text(Tag::CORRECTED_IMAGE, "ATTN").unwrap()),
            "decay (DECY)",
        ),
        (
            text(&|d| d.set_text(Tag::CORRECTED_IMAGE, "DECY").unwrap()),
            "attenuation (ATTN)",
        ),
        (
            text(&|d| set_drug(d, Some(4e8), Some(100.0), Some("080000"))),
            "6000 s from the injection",
        ),
    ] {
        assert!(got.contains(part), "{got}");
    }
}
