//! Lengths in millimetres: of tomographies, projections, scanned sheets and ultrasound regions, or none.

use medio::dicom::{self, Dataset, PixelCalibration, RegionFormat, Tag};
use medio::medcore::Calibration;

use super::dicom_series::axial;

fn of(dataset: &Dataset) -> PixelCalibration {
    PixelCalibration::of(dataset, 0).unwrap()
}

fn distance(dataset: &Dataset) -> (f64, Calibration) {
    let length = of(dataset).distance([1.0, 1.0], [4.0, 5.0]).unwrap();
    (length.mm, length.calibration)
}

fn refusal(result: Result<impl std::fmt::Debug, dicom::Fault>) -> String {
    result.unwrap_err().to_string()
}

/// A projection: no place in the patient.
fn projection() -> Dataset {
    let mut d = axial(0, 0.0).dataset();
    for tag in [
        Tag::IMAGE_POSITION_PATIENT,
        Tag::IMAGE_ORIENTATION_PATIENT,
        Tag::PIXEL_SPACING,
    ] {
        d.remove(tag);
    }
    d
}

#[test]
fn tomographies_give_lengths_in_the_patient() {
    // 3 rows of 0.5 mm, 4 columns of 0.75 mm.
    let (mm, what) = distance(&axial(0, 0.0).dataset());
    assert_eq!((mm, what), (1.5_f64.hypot(3.0), Calibration::Patient));
}

#[test]
fn projections_give_lengths_at_the_detector_unless_they_are_corrected() {
    let mut d = projection();
    d.set_floats(Tag::IMAGER_PIXEL_SPACING, &[0.2, 0.2])
        .unwrap();
    let (mm, what) = distance(&d);
    assert!((mm - 1.0).abs() < 1e-12);
    assert_eq!(what, Calibration::DetectorPlane);
    // Equal spacings: nothing was corrected.
    d.set_floats(Tag::PIXEL_SPACING, &[0.2, 0.2]).unwrap();
    assert_eq!(distance(&d).1, Calibration::DetectorPlane);
    d.set_floats(Tag::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR, &[1.25])
        .unwrap();
    let (mm, what) = distance(&d);
    assert!((mm - 0.8).abs() < 1e-12);
    assert_eq!(what, Calibration::Patient);
    // Calibrated by a fiducial.
    d.set_floats(Tag::PIXEL_SPACING, &[0.1, 0.1]).unwrap();
    d.set_text(Tag::PIXEL_SPACING_CALIBRATION_TYPE, "FIDUCIAL")
        .unwrap();
    let PixelCalibration::Patient { spacing } = of(&d) else {
        panic!();
    };
    assert_eq!(spacing, [0.1, 0.1]);
    d.set_floats(Tag::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR, &[0.5])
        .unwrap();
    assert!(refusal(PixelCalibration::of(&d, 0)).contains("1 or more"));
}

#[test]
fn sheets_and_files_without_spacing_give_no_lengths() {
    let mut d = projection();
    assert_eq!(of(&d), PixelCalibration::Unknown);
    assert!(refusal(of(&d).distance([0.0; 2], [1.0; 2])).contains("no spacing"));
    d.set_floats(Tag::NOMINAL_SCANNED_PIXEL_SPACING, &[0.1, 0.1])
        .unwrap();
    assert!(refusal(of(&d).spacing_at([0.0; 2])).contains("scanned sheet"));
}

/// Rows, columns, format, unit codes of y and x, deltas of y and x.
type Region = ([i64; 2], [i64; 2], i64, [i64; 2], [f64; 2]);

fn ultrasound(regions: &[Region]) -> Dataset {
    let item = |(rows, columns, format, units, deltas): &Region| {
        let mut d = Dataset::new();
        for (tag, value) in [
            (Tag::REGION_LOCATION_MIN_Y0, rows[0]),
            (Tag::REGION_LOCATION_MAX_Y1, rows[1]),
            (Tag::REGION_LOCATION_MIN_X0, columns[0]),
            (Tag::REGION_LOCATION_MAX_X1, columns[1]),
            (Tag::REGION_SPATIAL_FORMAT, *format),
            (Tag::REGION_DATA_TYPE, 1),
            (Tag::REGION_FLAGS, 2),
            (Tag::PHYSICAL_UNITS_Y_DIRECTION, units[0]),
            (Tag::PHYSICAL_UNITS_X_DIRECTION, units[1]),
        ] {
            d.set_integers(tag, &[value]).unwrap();
        }
        d.set_floats(Tag::PHYSICAL_DELTA_Y, &[deltas[0]]).unwrap();
        d.set_floats(Tag::PHYSICAL_DELTA_X, &[deltas[1]]).unwrap();
        d
    };
    let mut d = projection();
    d.set_items(
        Tag::SEQUENCE_OF_ULTRASOUND_REGIONS,
        regions.iter().map(item).collect(),
    );
    d
}

const CM: [i64; 2] = [3, 3];

#[test]
fn ultrasound_lengths_are_those_of_the_region() {
    let d = ultrasound(&[
        ([10, 109], [20, 219], 1, CM, [0.02, -0.01]),
        ([200, 299], [20, 219], 1, CM, [0.05, 0.05]),
        ([300, 399], [0, 399], 2, [3, 4], [0.02, 0.004]),
        ([400, 499], [0, 399], 3, [7, 4], [-0.5, 0.004]),
    ]);
    let calibration = of(&d);
    let PixelCalibration::Ultrasound { regions } = &calibration else {
        panic!();
    };
    assert_eq!(regions[2].format, RegionFormat::MMode);
    assert_eq!((regions[0].flags, regions[0].data_type), (2, Some(1)));
    let length = calibration.distance([20.0, 30.0], [50.0, 70.0]).unwrap();
    assert!((length.mm - 6.0_f64.hypot(4.0)).abs() < 1e-12);
    assert_eq!(length.calibration, Calibration::UltrasoundRegion);
    let (spacing, _) = calibration.spacing_at([250.0, 100.0]).unwrap();
    assert_eq!(spacing, [0.5, 0.5]);
    for (from, to, part) in [
        ([20.0, 30.0], [250.0, 100.0], "different regions"),
        ([5.0, 5.0], [20.0, 30.0], "no region of lengths"),
        ([20.0, 30.0], [20.0, 220.6], "no region of lengths"),
        ([310.0, 5.0], [320.0, 5.0], "MMode with units [3, 4]"),
        ([410.0, 5.0], [420.0, 5.0], "Spectral with units [7, 4]"),
    ] {
        let text = refusal(calibration.distance(from, to));
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn regions_on_top_of_each_other_have_to_agree() {
    let tissue = ([0, 99], [0, 99], 1, CM, [0.02, 0.02]);
    let flow = ([40, 59], [40, 59], 1, CM, [0.02, 0.02]);
    let both = of(&ultrasound(&[tissue, flow]));
    let across = both.distance([10.0, 10.0], [50.0, 50.0]).unwrap();
    assert!((across.mm - 8.0_f64.hypot(8.0)).abs() < 1e-12);
    let other = ([40, 59], [40, 59], 1, CM, [0.03, 0.02]);
    let text = refusal(of(&ultrasound(&[tissue, other])).distance([45.0; 2], [50.0; 2]));
    assert!(text.contains("disagree"), "{text}");
    // Two regions of the same scale side by side are still two.
    let beside = ([0, 99], [100, 199], 1, CM, [0.02, 0.02]);
    let text = refusal(of(&ultrasound(&[tissue, beside])).distance([5.0, 5.0], [5.0, 150.0]));
    assert!(text.contains("different regions"), "{text}");
}

#[test]
fn a_region_without_its_numbers_is_refused_by_name() {
    let mut d = ultrasound(&[([0, 9], [0, 9], 1, CM, [0.02, 0.02])]);
    let mut item = d.items(Tag::SEQUENCE_OF_ULTRASOUND_REGIONS)[0].clone();
    item.remove(Tag::PHYSICAL_DELTA_X);
    d.set_items(Tag::SEQUENCE_OF_ULTRASOUND_REGIONS, vec![item]);
    assert!(refusal(PixelCalibration::of(&d, 0)).contains("PhysicalDeltaX"));
}
