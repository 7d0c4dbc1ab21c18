//! Volumes written as series of images, read back and judged.

use medio::dicom::{
    self, ImageKind, ImageSeries, PatientStudy, SeriesWarning, Tag, VoiFunction, Window,
};
use medio::medcore::{Geometry, GeometryTolerance, Image, Point, Vector};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::judge::{Place, validate};
use crate::series::{Lie, creation, read};

const KINDS: [(ImageKind, &str); 3] = [
    (ImageKind::Ct, "ct"),
    (ImageKind::Mr, "mr"),
    (ImageKind::SecondaryCapture, "sc"),
];

/// What is left of a grid after sixteen characters a number.
const ROUNDED: GeometryTolerance = GeometryTolerance {
    spacing_relative: 1e-12,
    direction: 1e-12,
    origin_voxels: 1e-9,
};

fn sha(values: &[f32]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[test]
fn a_series_comes_back_on_its_grid_with_its_values() {
    for lie in Lie::ALL {
        for (kind, name) in KINDS {
            let place = Place::of(&format!("images-{name}-{}", lie.name()));
            let (volume, source) = read(&place.path().join("from"), lie);
            let folder = place.path().join("to");
            let window = Window {
                function: VoiFunction::LinearExact,
                ..Window::new(40.5, 400.0)
            };
            let series = ImageSeries::new(kind, source.header()).window(window);
            let series = series.derivation("Größe unverändert");
            let written = series
                .write(&folder, &volume.image, &creation(name))
                .unwrap();
            assert_eq!(written.max_error, 0.0);
            for path in &written.paths {
                validate(path);
            }
            let scan = dicom::scan(&folder).unwrap();
            let again = scan.only().unwrap().volume::<f32>().unwrap();
            assert_eq!(again.image.as_slice(), volume.image.as_slice());
            let grid = volume.image.geometry();
            grid.check_same_as(again.image.geometry(), &ROUNDED)
                .unwrap();
            assert_eq!(again.frame_of_reference.as_deref(), Some("2.25.73"));
            let sheared =
                { again.warnings.iter() }.any(|w| matches!(w, SeriesWarning::Sheared { .. }));
            assert_eq!(sheared, matches!(lie, Lie::Sheared));
            let paths: Vec<_> = again
                .planes
                .iter()
                .map(|(path, _)| path.to_path_buf())
                .collect();
            assert_eq!(paths, written.paths);
            let places = (0..volume.image.shape()[0])
                .map(|k| grid.index_to_world([k as f64, 0.0, 0.0]).coordinates());
            place.expect(&json!({
                "positions": places.collect::<Vec<_>>(),
                "spacing": &grid.spacing()[1..],
                "rows": [grid.direction()[2], grid.direction()[1]],
                "sha256": sha(volume.image.as_slice()),
                "max_error": 0.0,
            }));
        }
    }
}

#[test]
fn values_that_are_not_whole_are_off_by_what_was_said() {
    for (kind, name) in KINDS {
        let place = Place::of(&format!("images-fractions-{name}"));
        let grid = Geometry::axis_aligned([2, 3, 5], [1.5, 0.7, 0.3]).unwrap();
        let values: Vec<f32> = (0..30).map(|i| (i as f32 * 0.37).sin() * 1e-3).collect();
        let image = Image::new(grid, values.clone()).unwrap();
        let study = PatientStudy::new("P9", "Nemo", "2.25.61")
            .to_header()
            .unwrap();
        let folder = place.path().join("to");
        let series = ImageSeries::new(kind, &study);
        let written = series
            .write(&folder, &image, &creation("fractions"))
            .unwrap();
        assert!(written.max_error > 0.0 && written.max_error < 2e-3 / 65533.0);
        for path in &written.paths {
            validate(path);
        }
        let again = dicom::scan(&folder).unwrap();
        let again = again.only().unwrap().volume::<f64>().unwrap().image;
        let off = { again.as_slice().iter().zip(&values) }
            .map(|(a, b)| (a - f64::from(*b)).abs())
            .fold(0.0, f64::max);
        assert!(off <= written.max_error * (1.0 + 1e-9), "{off}");
        place.expect(&json!({
            "values": values,
            "max_error": written.max_error,
        }));
        let strict = series.tolerance(1e-12);
        let refused = strict.write(place.path().join("no"), &image, &creation("strict"));
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("as exact as was asked for"), "{refused}");
    }
}

#[test]
fn unsigned_and_large_numbers_are_exact() {
    let place = Place::of("images-range");
    let grid = Geometry::axis_aligned([1, 2, 2], [3.0, 1.0, 1.0]).unwrap();
    let study = PatientStudy::new("P9", "Nemo", "2.25.61")
        .to_header()
        .unwrap();
    let image = Image::new(grid, vec![0_u16, 1, 40_000, 65_535]).unwrap();
    let folder = place.path().join("to");
    let series = ImageSeries::new(ImageKind::Ct, &study);
    let written = series.write(&folder, &image, &creation("range")).unwrap();
    assert_eq!(written.max_error, 0.0);
    validate(&written.paths[0]);
    let scan = dicom::scan(&folder).unwrap();
    let again = scan.only().unwrap().volume::<u16>().unwrap().image;
    assert_eq!(again.as_slice(), image.as_slice());
    // A single plane is as thick as the grid says.
    assert_eq!(again.geometry(), image.geometry());
    place.expect(&json!({ "values": image.as_slice(), "max_error": 0.0 }));
}

#[test]
fn planes_that_lie_backwards_come_back_in_the_order_of_their_normal() {
    let place = Place::of("images-backwards");
    let steps = [[0.0, 0.0, -2.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]];
    let steps = steps.map(|[x, y, z]| Vector::new(x, y, z));
    let grid = Geometry::new([3, 1, 1], Point::new(0.0, 0.0, 9.0), steps).unwrap();
    let image = Image::new(grid, vec![1_i16, 2, 3]).unwrap();
    let study = PatientStudy::new("P9", "Nemo", "2.25.61")
        .to_header()
        .unwrap();
    let folder = place.path().join("to");
    let series = ImageSeries::new(ImageKind::Mr, &study);
    series.write(&folder, &image, &creation("back")).unwrap();
    let scan = dicom::scan(&folder).unwrap();
    let again = scan.only().unwrap().volume::<i16>().unwrap().image;
    assert_eq!(again.as_slice(), [3, 2, 1]);
    assert_eq!(again.geometry().origin(), Point::new(0.0, 0.0, 5.0));
    place.expect(&json!({ "values": [1, 2, 3], "max_error": 0.0 }));
}

#[test]
fn what_cannot_be_stored_is_refused() {
    let place = Place::of("images-refused");
    let grid = || Geometry::axis_aligned([1, 1, 2], [1.0; 3]).unwrap();
    let study = PatientStudy::new("P9", "Nemo", "2.25.61")
        .to_header()
        .unwrap();
    let refused = |header, image: &Image<f32, 3>, words: &str| {
        let series = ImageSeries::new(ImageKind::Ct, header);
        let error = series.write(place.path().join("to"), image, &creation("refused"));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let one = Image::new(grid(), vec![1.0, f32::NAN]).unwrap();
    refused(&study, &one, "finite");
    let two = Image::with_channels(2, grid(), vec![1.0; 4]).unwrap();
    refused(&study, &two, "one channel");
    let fine = Image::new(grid(), vec![1.0; 2]).unwrap();
    let mut nobody = study.clone();
    nobody.remove(Tag::STUDY_INSTANCE_UID);
    refused(&nobody, &fine, "StudyInstanceUID");
}
