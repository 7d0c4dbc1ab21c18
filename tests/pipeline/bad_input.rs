//! Files that do not belong together, or are not what they say: a clear error, and what was there stays.

use std::fs;
use std::path::Path;

use medcore::{Geometry, Image, LabelMap, Point};
use medio::datasets::SegmentationDataset;
use medio::nifti::{self, Fault, WriteOptions};
use medio::{Error, datasets};

use crate::support::{Recipe, load, phantoms, train, untrained, usual_cohort};

fn case(dataset: &SegmentationDataset) -> Result<datasets::Sample, Error> {
    dataset.cases[0].load(&dataset.labels)
}

/// Puts floats into the sform of the plain file at `path`, from its row `row` on.
fn with_sform(path: &Path, row: usize, values: &[f32]) {
    let mut bytes = fs::read(path).unwrap();
    for (i, value) in values.iter().enumerate() {
        let at = 280 + 16 * row + 4 * i;
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_scan_whose_affine_is_singular_or_no_number_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    let target = &dataset.cases[0].images[0];
    let plain = folder.path().join("plain.nii");
    for (row, values) in [
        (0, &[0.0; 12][..]),
        (1, &[0.0, 0.0, 0.0, 5.0]),
        (0, &[f32::NAN]),
        (2, &[0.0, 0.0, f32::INFINITY]),
        (2, &[0.0, 0.0, 1.0, f32::NAN]),
    ] {
        nifti::write_image(&plain, &phantoms()[0].image, &WriteOptions::new()).unwrap();
        with_sform(&plain, row, values);
        let error = nifti::read_image::<f32, 3>(&plain).unwrap_err();
        assert!(
            matches!(
                &error,
                Error::File {
                    fault: Fault::Core { .. } | Fault::InvalidField { .. },
                    ..
                }
            ),
            "{values:?}: {error}"
        );
        assert!(error.to_string().contains("plain.nii"), "{error}");
        // The same scan inside a data set, and as the model of a result.
        fs::copy(&plain, target).unwrap();
        let error = case(&dataset).unwrap_err();
        assert!(
            error.to_string().contains(&*target.to_string_lossy()),
            "{error}"
        );
    }
}

#[test]
fn a_label_on_another_grid_is_refused_with_the_names_of_both_files() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    assert!(case(&dataset).is_ok());
    let label = dataset.cases[0].label.clone().unwrap();
    let grid = *phantoms()[0].image.geometry();
    let [x, y, z] = grid.origin().coordinates();
    let moved = Geometry::new(grid.shape(), Point::new(x + 5.0, y, z), grid.steps()).unwrap();
    let cropped = grid
        .crop(&medcore::Region::new([1, 0, 0], grid.shape()).unwrap())
        .unwrap();
    for other in [moved, cropped, *phantoms()[1].image.geometry()] {
        let map = LabelMap::<u8, 3>::background(other).unwrap();
        nifti::write_labels(&label, &map, &WriteOptions::new()).unwrap();
        let error = case(&dataset).unwrap_err();
        assert!(matches!(error, Error::GridsDiffer { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("patient_0_0000.nii.gz") && text.contains("labelsTr"),
            "{text}"
        );
    }
}

#[test]
fn a_missing_label_file_or_scan_is_named_before_any_voxel_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    let label = dataset.cases[2].label.clone().unwrap();
    for path in [&label, &dataset.cases[2].images[0]] {
        let kept = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        let Err(Error::MissingFile {
            case, path: named, ..
        }) = SegmentationDataset::open(folder.path())
        else {
            panic!("{} is not missed", path.display());
        };
        assert_eq!((case.as_str(), &named), ("patient_2", path));
        fs::write(path, kept).unwrap();
    }
    // One that goes away after the folder was listed.
    fs::remove_file(&label).unwrap();
    let error = dataset.cases[2].load(&dataset.labels).unwrap_err();
    assert!(
        matches!(&error, Error::Io { path, .. } if *path == label),
        "{error}"
    );
}

#[test]
fn a_prediction_is_not_written_like_a_scan_of_another_grid() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    let cases = load(&dataset);
    let output = folder.path().join("prediction.nii.gz");
    let segmenter = untrained(&dataset, &cases);
    let labels = segmenter.segment(&cases[0].image).unwrap();
    nifti::write_labels(
        &output,
        &labels,
        &WriteOptions::new().like(&cases[0].header),
    )
    .unwrap();
    let before = fs::read(&output).unwrap();
    let refused = nifti::write_labels(
        &output,
        &labels,
        &WriteOptions::new().like(&cases[1].header),
    );
    assert!(
        matches!(refused, Err(Error::NotWritable { .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read(&output).unwrap(), before);
}

#[test]
fn a_scan_with_voxels_that_are_no_numbers_is_refused_before_the_network_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    let cases = load(&dataset);
    let segmenter = untrained(&dataset, &cases);
    for value in [f32::NAN, f32::INFINITY] {
        let mut image: Image<f32, 3> = cases[0].image.clone();
        let middle = image.as_slice().len() / 2;
        image.as_mut_slice()[middle] = value;
        let error = segmenter.segment(&image).unwrap_err();
        assert!(error.to_string().contains("NaN or infinite"), "{error}");
        let mut training = cases.clone();
        training[1].image = training[1].image.map(|_| value);
        let out = folder.path().join("out");
        let refused = train(&dataset, &training, &out, &Recipe::brief(), None).unwrap_err();
        assert!(
            format!("{refused:#}").contains("NaN or infinite"),
            "{refused:#}"
        );
        assert!(!out.exists(), "a run was started");
    }
}
