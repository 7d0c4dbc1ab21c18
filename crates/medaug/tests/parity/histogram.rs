//! Transforms of histograms as in scikit-image, MONAI, TorchIO and OpenCV.

use medaug::{
    Clahe, ClaheEightBit, Counted, Equalized, HistogramNormalize, HistogramStandardization,
    LandmarkTraining, Landmarks, Operation, ReferenceHistogram, clahe_eight_bit,
    histogram_normalize, match_histogram,
};
use medcore::{Geometry, Image};

use crate::support::{Array, Fixture, voxels_after};

fn changed<const D: usize>(image: &Array, operation: impl Into<Operation>) -> Vec<f32> {
    let grid = Geometry::axis_aligned(image.shape(), [1.0; D]).unwrap();
    let image = Image::<f32, D>::new(grid, image.floats()).unwrap();
    voxels_after(image, operation)
}

fn check_matching<const D: usize>(fixture: &Fixture) {
    let reference = fixture.get(&format!("{D}d.reference")).floats();
    let tens: Vec<f32> = reference
        .iter()
        .map(|v| (v / 10.0).round_ties_even() * 10.0)
        .collect();
    for (image, result, reference) in [
        ("image", "matched", reference),
        ("levels", "levels_matched", tens),
    ] {
        let mut voxels = fixture.get(&format!("{D}d.{image}")).floats();
        let reference = ReferenceHistogram::of(&reference).unwrap();
        match_histogram(&mut voxels, &reference, 1.0, 0).unwrap();
        let name = format!("{D}d.{result}");
        fixture.get(&name).assert_close(&voxels, 1e-6, &name);
    }
}

fn check_equalised<const D: usize>(fixture: &Fixture) {
    let image = fixture.get(&format!("{D}d.image"));
    let all = image.floats();
    let masked: Vec<f32> = all.iter().copied().filter(|&v| v > -0.9).collect();
    let between = |low, high| Equalized::Between { low, high };
    for (result, counted, bins, output) in [
        ("equalized", &all, 100, Equalized::Share),
        ("equalized_masked", &masked, 64, Equalized::Share),
        ("normalized_masked", &masked, 50, between(-1.0, 3.0)),
    ] {
        let mut voxels = all.clone();
        histogram_normalize(&mut voxels, counted, bins, output);
        let name = format!("{D}d.{result}");
        fixture.get(&name).assert_close(&voxels, 1e-6, &name);
    }
    let got = changed::<D>(&image, HistogramNormalize::default());
    fixture
        .get(&format!("{D}d.normalized"))
        .assert_close(&got, 1e-6, "normalized");
}

fn check_clahe<const D: usize>(fixture: &Fixture) {
    let tile = if D == 2 { vec![5, 7] } else { vec![4, 3, 5] };
    let unit = fixture.get(&format!("{D}d.unit"));
    for (result, operation) in [
        ("clahe", Clahe::default()),
        (
            "clahe_tiles",
            Clahe {
                clip_limit: 0.03,
                tile: tile.clone(),
                bins: 128,
            },
        ),
        (
            "clahe_free",
            Clahe {
                clip_limit: 0.0,
                tile,
                ..Clahe::default()
            },
        ),
    ] {
        let name = format!("{D}d.{result}");
        fixture
            .get(&name)
            .assert_close(&changed::<D>(&unit, operation), 1e-6, &name);
    }
}

#[test]
fn histograms_are_matched_as_in_scikit_image() {
    let fixture = Fixture::load("histogram");
    check_matching::<2>(&fixture);
    check_matching::<3>(&fixture);
}

#[test]
fn histograms_are_equalised_as_in_scikit_image_and_monai() {
    let fixture = Fixture::load("histogram");
    check_equalised::<2>(&fixture);
    check_equalised::<3>(&fixture);
}

#[test]
fn tiles_are_equalised_as_in_scikit_image() {
    let fixture = Fixture::load("histogram");
    check_clahe::<2>(&fixture);
    check_clahe::<3>(&fixture);
}

#[test]
fn tiles_are_equalised_as_in_opencv_to_the_level() {
    let fixture = Fixture::load("histogram");
    let levels = fixture.get("levels").floats();
    for (name, [height, width]) in [("even", [32, 40]), ("odd", [29, 37])] {
        for clip_limit in [2.0, 40.0, 0.0] {
            let rows = levels.chunks_exact(40).take(height);
            let mut voxels: Vec<f32> = rows
                .flat_map(|row| &row[..width])
                .map(|v| v / 255.0)
                .collect();
            // OpenCV names the tiles across first.
            let tiles = [8, 4];
            clahe_eight_bit(
                &mut voxels,
                [height, width],
                ClaheEightBit { clip_limit, tiles },
            );
            let got: Vec<u8> = voxels.iter().map(|v| (v * 255.0).round() as u8).collect();
            let name = format!("opencv.{name}.{clip_limit:.0}");
            fixture.get(&name).assert_labels(&got, 0, &name);
        }
    }
}

#[test]
fn landmarks_are_trained_and_applied_as_in_torchio() {
    let fixture = Fixture::load("histogram");
    let scans: Vec<Vec<f32>> = (0..3)
        .map(|i| fixture.get(&format!("nyul.scan{i}")).floats())
        .collect();
    let train = |cutoffs, counted: Counted| -> Landmarks {
        let mut training = LandmarkTraining::new(cutoffs).unwrap();
        for scan in &scans {
            training.add(&counted.select(scan)).unwrap();
        }
        training.landmarks().unwrap()
    };
    let usual = [0.01, 0.99];
    for (name, landmarks) in [
        ("landmarks", train(usual, Counted::All)),
        ("landmarks_wider", train([0.05, 0.95], Counted::All)),
        ("landmarks_positive", train(usual, Counted::NonZero)),
    ] {
        let trained = fixture.get(&format!("nyul.{name}")).values;
        let trained = Landmarks::from_torchio(trained.as_slice().try_into().unwrap());
        for (got, want) in landmarks.values().iter().zip(trained.values()) {
            assert!((got - want).abs() < 1e-5 * 100.0, "{name}: {got} {want}");
        }
    }
    let landmarks = train(usual, Counted::All);
    for (name, counted) in [
        ("standard", Counted::All),
        ("standard_masked", Counted::NonZero),
        ("standard_bright", Counted::AboveMean),
    ] {
        let operation = HistogramStandardization {
            landmarks: landmarks.clone(),
            counted,
        };
        let got = changed::<3>(&fixture.get("nyul.scan0"), operation);
        fixture
            .get(&format!("nyul.{name}"))
            .assert_close(&got, 1e-5, name);
    }
}
