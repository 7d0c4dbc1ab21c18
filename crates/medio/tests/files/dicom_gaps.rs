//! Missing, uneven and repeated slices: refused unless asked for, and said in the warnings when repaired.

use medio::Error;
use medio::dicom::{
    Duplicates, Gap, ReadOptions, SeriesFault, SeriesVolume, SeriesWarning, Tag, Vr,
};

use super::dicom_series::{Spec, axial, five, folder, order, scan};

fn read<T: medio::Voxel>(slices: &[Spec], options: &ReadOptions) -> medio::Result<SeriesVolume<T>> {
    let folder = folder(slices);
    scan(folder.path()).only()?.stack()?.volume::<T>(options)
}

fn fault(slices: &[Spec], options: &ReadOptions) -> SeriesFault {
    match read::<i16>(slices, options).unwrap_err() {
        Error::Series { fault, .. } => *fault,
        other => panic!("{other}"),
    }
}

fn seven_without(missing: &[usize]) -> Vec<Spec> {
    without(7, missing)
}

fn without(count: u16, missing: &[usize]) -> Vec<Spec> {
    let all = (0..count).map(|k| axial(k, 5.0 * f64::from(k)));
    { all.enumerate() }
        .filter(|(k, _)| !missing.contains(k))
        .map(|(_, slice)| slice)
        .collect()
}

#[test]
fn missing_slices_are_filled_where_they_are_missing() {
    let slices = without(10, &[2, 5, 6]);
    let options = ReadOptions::new().on_gap(Gap::Fill(-1000.0));
    let volume = read::<f32>(&slices, &options).unwrap();
    let fill = -10.0;
    assert_eq!(
        order(&volume),
        [0.0, 1.0, fill, 3.0, 4.0, fill, fill, 7.0, 8.0, 9.0]
    );
    assert_eq!(volume.image.geometry().spacing(), [5.0, 0.5, 0.75]);
    let there: Vec<bool> = volume.planes.iter().map(Option::is_some).collect();
    assert_eq!(
        there,
        [
            true, true, false, true, true, false, false, true, true, true
        ]
    );
    let [
        SeriesWarning::GapFilled {
            after,
            missing: 1,
            found_mm,
            value,
        },
        SeriesWarning::GapFilled {
            missing: 2,
            found_mm: second,
            ..
        },
    ] = &volume.warnings[..]
    else {
        panic!("{:?}", volume.warnings);
    };
    assert_eq!((*found_mm, *second, *value), (10.0, 15.0, -1000.0));
    // The second slice that was written.
    assert_eq!(after.file_name().unwrap(), "10.dcm");
    assert!(matches!(
        fault(&slices, &ReadOptions::new()),
        SeriesFault::MissingSlices { .. }
    ));
}

#[test]
fn a_value_that_voxels_cannot_hold_fills_nothing() {
    let options = ReadOptions::new().on_gap(Gap::Fill(0.5));
    let refused = fault(&seven_without(&[3]), &options);
    assert_eq!(
        refused,
        SeriesFault::FillValue {
            value: 0.5,
            target: "i16"
        }
    );
}

#[test]
fn slices_between_the_steps_cannot_be_filled_up() {
    let mut slices = five();
    slices[3].position[2] += 1.5;
    let options = ReadOptions::new().on_gap(Gap::Fill(0.0));
    assert!(matches!(
        fault(&slices, &options),
        SeriesFault::Irregular { .. }
    ));
}

#[test]
fn uneven_slices_are_interpolated_onto_the_usual_distance() {
    // Values are 20 a millimetre, so that interpolation is exact.
    let mut slices = seven_without(&[3]);
    let options = ReadOptions::new().on_gap(Gap::Resample);
    let volume = read::<f32>(&slices, &options).unwrap();
    assert_eq!(order(&volume), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let [
        SeriesWarning::Resampled {
            widest_mm,
            step_mm,
            planes,
            ..
        },
    ] = &volume.warnings[..]
    else {
        panic!("{:?}", volume.warnings);
    };
    assert_eq!((*widest_mm, *step_mm, *planes), (10.0, 5.0, 1));
    assert!(volume.planes[3].is_none() && volume.planes[2].is_some());
    // A slice between the steps is used with its true place.
    slices[3].position[2] -= 2.0;
    let volume = read::<f32>(&slices, &options).unwrap();
    let got = order(&volume);
    let want = [
        0.0,
        1.0,
        2.0,
        2.0 + 2.0 * 5.0 / 8.0,
        4.0 + 2.0 / 7.0,
        5.0,
        6.0,
    ];
    let off = got.iter().zip(want).map(|(a, b)| (a - b).abs());
    assert!(off.fold(0.0, f32::max) < 1e-5, "{got:?}");
    // Whole numbers are rounded.
    let whole = read::<u16>(&slices, &options).unwrap();
    assert_eq!(whole.image.as_slice()[3 * 12], 325);
    assert_eq!(whole.image.as_slice()[4 * 12], 429);
}

#[test]
fn what_lies_beside_the_line_is_not_interpolated() {
    let mut slices = seven_without(&[3]);
    slices[2].position[0] += 3.0;
    for gap in [Gap::Resample, Gap::Fill(0.0)] {
        let options = ReadOptions::new().on_gap(gap);
        assert!(matches!(
            fault(&slices, &options),
            SeriesFault::MissingSlices { .. } | SeriesFault::Irregular { .. }
        ));
    }
}

#[test]
fn a_gap_is_accepted_with_the_millimetres_it_costs() {
    let slices = seven_without(&[3]);
    let options = ReadOptions::new().on_gap(Gap::Accept);
    let volume = read::<f32>(&slices, &options).unwrap();
    assert_eq!(volume.image.geometry().spacing()[0], 6.0);
    let [
        SeriesWarning::GapAccepted {
            widest_mm, off_mm, ..
        },
    ] = volume.warnings[..]
    else {
        panic!("{:?}", volume.warnings);
    };
    assert_eq!((widest_mm, off_mm), (10.0, 2.0));
}

#[test]
fn a_tilted_stack_is_filled_along_its_shear() {
    let mut slices = seven_without(&[3]);
    for slice in &mut slices {
        slice.position[1] = 0.2 * slice.position[2];
    }
    let options = ReadOptions::new().on_gap(Gap::Fill(0.0));
    let volume = read::<f32>(&slices, &options).unwrap();
    let place = volume
        .image
        .geometry()
        .index_to_world([6.0, 0.0, 0.0])
        .coordinates();
    assert!(
        (place[1] - 6.0).abs() < 1e-9 && (place[2] - 30.0).abs() < 1e-9,
        "{place:?}"
    );
    assert!(
        volume
            .warnings
            .iter()
            .any(|w| matches!(w, SeriesWarning::Sheared { .. }))
    );
}

#[test]
fn slices_that_repeat_pixels_are_left_out_and_others_are_not() {
    let mut slices = five();
    slices.push(Spec {
        uid: "1.2.99".to_owned(),
        ..axial(2, 10.0)
    });
    let keep = ReadOptions::new().on_duplicates(Duplicates::KeepFirst);
    let volume = read::<f32>(&slices, &keep).unwrap();
    assert_eq!(order(&volume), [0.0, 1.0, 2.0, 3.0, 4.0]);
    let [SeriesWarning::DuplicatesDropped { kept, dropped }] = &volume.warnings[..] else {
        panic!("{:?}", volume.warnings);
    };
    assert_eq!(dropped.len(), 1);
    assert!(!dropped.contains(kept));
    assert!(matches!(
        fault(&slices, &ReadOptions::new()),
        SeriesFault::DuplicatePositions { .. }
    ));
    // Other pixels in the same place.
    slices[5].k = 3;
    assert!(matches!(
        fault(&slices, &keep),
        SeriesFault::DuplicatePositions { .. }
    ));
}

#[test]
fn a_series_that_was_sent_twice_is_one_volume() {
    let mut slices = five();
    slices.extend(five().into_iter().enumerate().map(|(k, slice)| {
        let slice = slice.with(Tag::INSTANCE_NUMBER, Vr::IS, k + 101);
        Spec {
            uid: format!("1.3.{k}"),
            ..slice
        }
    }));
    let several = fault(&slices, &ReadOptions::new());
    assert!(matches!(
        several,
        SeriesFault::SeveralVolumes { count: 2, .. }
    ));
    let keep = ReadOptions::new().on_duplicates(Duplicates::KeepFirst);
    let volume = read::<f32>(&slices, &keep).unwrap();
    assert_eq!(order(&volume), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(volume.warnings.len(), 5);
}
