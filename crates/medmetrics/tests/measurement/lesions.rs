//! Lesions, boxes and responses whose measures can be worked out by hand.

use medcore::{BoundingBox, Calibration, Geometry, LabelMap, Point, Vector};
use medmetrics::Error;
use medmetrics::measurement::{
    BoxEnds, BoxSize, Feret, PixelModel, Recist, RecistConfig, Response, ShortAxis, SizeConfig,
    SliceChoice, SlicePlane, SolidFeret, StructureSize, Sums, Target, scikit_image_diameter,
};

/// An L in slice 2: a bar of 1 x 9 pixels with one of 6 x 1 below its first pixel.
fn angle() -> LabelMap<u8, 3> {
    let grid = Geometry::axis_aligned([4, 8, 10], [5.0, 0.5, 0.5]).unwrap();
    let mut labels = vec![0u8; grid.len()];
    labels[2 * 80..2 * 80 + 9].fill(1);
    for row in 0..7 {
        labels[2 * 80 + 10 * row] = 1;
    }
    labels[80] = 1;
    LabelMap::new(grid, labels).unwrap()
}

fn recist(map: &LabelMap<u8, 3>, config: RecistConfig) -> Option<Recist> {
    Recist::new(map, 1, &config).unwrap()
}

#[test]
fn the_two_readings_of_the_short_axis_differ_for_a_bent_lesion() {
    let projection = recist(&angle(), RecistConfig::default()).unwrap();
    assert_eq!((projection.axis, projection.slice), (0, 2));
    // From the far corner of one leg to that of the other, in pixels: (7, 0) to (0, 9).
    let long = 130.0f64.sqrt();
    assert!((projection.long_axis.mm - long / 2.0).abs() < 1e-12);
    assert_eq!(projection.long_axis.ends[0].index, [2.0, -0.5, 8.5]);
    assert_eq!(projection.long_axis.ends[1].index, [2.0, 6.5, -0.5]);
    assert_eq!(projection.long_axis.ends[1].lps_mm, [-0.25, 3.25, 10.0]);
    // From the outer corner to the far side: the line from (7, 1) and the one from (1, 9) lie beyond the axis.
    let across = |row: f64, column: f64| (9.0 * row + 7.0 * column) / long;
    let extent = across(7.0, 1.0).max(across(1.0, 9.0)) - across(0.0, 0.0);
    assert!((projection.short_axis.mm - extent / 2.0).abs() < 1e-12);
    assert_eq!(
        projection.convention,
        "recist:corners/axial/longest/projection"
    );
    let chord = recist(
        &angle(),
        RecistConfig {
            short_axis: ShortAxis::Chord { tolerance_deg: 0.0 },
            ..RecistConfig::default()
        },
    )
    .unwrap();
    assert_eq!(chord.convention, "recist:corners/axial/longest/chord0");
    // Through the corner pixel, from (0, 0) at nine rows to seven columns: it leaves by the side of the leg.
    let leg = long / 9.0;
    assert!(chord.short_axis.mm < projection.short_axis.mm / 2.0);
    assert!(
        chord.short_axis.mm >= leg / 2.0 - 1e-12,
        "{}",
        chord.short_axis.mm
    );
    assert!((chord.product_mm2() - chord.long_axis.mm * chord.short_axis.mm).abs() < 1e-12);
}

#[test]
fn a_block_is_measured_along_its_diagonal() {
    let grid = Geometry::axis_aligned([1, 4, 3], [2.0, 1.0, 1.0]).unwrap();
    let block = LabelMap::new(grid, vec![1u8; 12]).unwrap();
    let chord = recist(
        &block,
        RecistConfig {
            short_axis: ShortAxis::Chord { tolerance_deg: 0.0 },
            ..RecistConfig::default()
        },
    )
    .unwrap();
    // Across the diagonal 3-4-5 a line from a corner meets the long side after 3 / (4 / 5).
    assert!((chord.long_axis.mm - 5.0).abs() < 1e-12);
    assert!((chord.short_axis.mm - 3.75).abs() < 1e-9);
    let projection = recist(&block, RecistConfig::default()).unwrap();
    assert!((projection.short_axis.mm - 4.8).abs() < 1e-12);
    assert_eq!(projection.mean_mm(), 5.0);
}

#[test]
fn the_axial_axis_is_found_in_the_patient_and_slices_are_chosen_by_name() {
    // Stored with slices from right to left: depth runs to the left, height to the head.
    let steps = [
        Vector::new(3.0, 0.0, 0.0),
        Vector::new(0.0, 0.1, -1.0),
        Vector::new(0.0, 1.0, 0.1),
    ];
    let grid = Geometry::new([5, 6, 7], Point::new(1.0, 2.0, 3.0), steps).unwrap();
    let mut labels = vec![0u8; grid.len()];
    // A line of three voxels from right to left at height 4, a square of four at height 1.
    for d in 1..4 {
        labels[(d * 6 + 4) * 7 + 2] = 1;
    }
    for (d, w) in [(2, 3), (2, 4), (3, 3), (3, 4)] {
        labels[(d * 6 + 1) * 7 + w] = 1;
    }
    let map = LabelMap::new(grid, labels).unwrap();
    let axes = recist(&map, RecistConfig::default()).unwrap();
    assert_eq!((axes.axis, axes.slice), (1, 4));
    let wanted = (81.0f64 + 1.01).sqrt();
    assert!((axes.long_axis.mm - wanted).abs() < 1e-12);
    let end = &axes.long_axis.ends[0];
    let index: [f64; 3] = end.index.clone().try_into().unwrap();
    assert_eq!(index[1], 4.0);
    assert_eq!(
        end.lps_mm,
        map.geometry().index_to_world(index).coordinates()
    );
    let of = |slice| {
        recist(
            &map,
            RecistConfig {
                slice,
                ..RecistConfig::default()
            },
        )
    };
    assert_eq!(of(SliceChoice::LargestArea).unwrap().slice, 1);
    assert_eq!(of(SliceChoice::Given(1)).unwrap().slice, 1);
    assert!(of(SliceChoice::Given(2)).is_none());
    let sagittal = RecistConfig {
        plane: SlicePlane::Sagittal,
        ..RecistConfig::default()
    };
    assert_eq!(recist(&map, sagittal).unwrap().axis, 0);
}

#[test]
fn nothing_is_measured_of_nothing() {
    let grid = Geometry::axis_aligned([2, 2, 2], [1.0; 3]).unwrap();
    let empty = LabelMap::<u8, 3>::background(grid).unwrap();
    assert_eq!(recist(&empty, RecistConfig::default()), None);
    assert_eq!(
        SolidFeret::new(&empty, 1, PixelModel::Corners).unwrap(),
        None
    );
    assert_eq!(
        StructureSize::of_map(&empty, &SizeConfig::default()).unwrap(),
        []
    );
    let plane = LabelMap::<u16, 2>::background(Geometry::axis_aligned([2, 2], [1.0; 2]).unwrap());
    let plane = plane.unwrap();
    assert_eq!(Feret::new(&plane, 1, PixelModel::Contour).unwrap(), None);
    assert_eq!(scikit_image_diameter(&plane, 1).unwrap().value, None);
    assert!(
        Feret::of_labels(&plane, PixelModel::Corners)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let refused = |config: RecistConfig| {
        let error = Recist::new(&angle(), 1, &config).unwrap_err();
        assert!(matches!(error, Error::InvalidParameter { .. }), "{error}");
    };
    for tolerance_deg in [-1.0, 46.0, f64::NAN] {
        refused(RecistConfig {
            short_axis: ShortAxis::Chord { tolerance_deg },
            ..RecistConfig::default()
        });
    }
    refused(RecistConfig {
        plane: SlicePlane::Storage(3),
        ..RecistConfig::default()
    });
    let long = Geometry::axis_aligned([1, 1 << 18], [1.0; 2]).unwrap();
    let long = LabelMap::<u8, 2>::background(long).unwrap();
    assert!(Feret::new(&long, 1, PixelModel::Corners).is_err());
}

#[test]
fn a_centre_has_no_direction_and_no_width() {
    let grid = Geometry::axis_aligned([3, 3], [2.0, 0.5]).unwrap();
    let mut labels = vec![0u8; 9];
    labels[4] = 1;
    let pixel = LabelMap::new(grid, labels).unwrap();
    let feret = Feret::new(&pixel, 1, PixelModel::Centres).unwrap().unwrap();
    assert_eq!((feret.maximum.mm, feret.minimum.mm), (0.0, 0.0));
    assert_eq!((feret.angle_deg, feret.aspect_ratio()), (None, None));
    let feret = Feret::new(&pixel, 1, PixelModel::Contour).unwrap().unwrap();
    assert_eq!(feret.angle_deg, Some(90.0));
    assert_eq!(feret.minimum.opposite.index.len(), 2);
}

#[test]
fn a_box_counts_its_last_voxel_or_not() {
    let bounds = BoundingBox::new([1.0, 2.0], [4.0, 6.0]).unwrap();
    let open = BoxSize::new(&bounds, [2.0, 0.5], BoxEnds::HalfOpen).unwrap();
    assert_eq!(open.extents_mm, [6.0, 2.0]);
    assert_eq!((open.minimum_mm, open.measure), (2.0, 12.0));
    assert_eq!(
        (open.volume_ml(), open.equivalent_diameter_mm()),
        (None, None)
    );
    let closed = BoxSize::new(&bounds, [2.0, 0.5], BoxEnds::Inclusive).unwrap();
    assert_eq!(closed.extents_mm, [8.0, 2.5]);
    assert_eq!(closed.convention, "box:inclusive");
    let error = BoxSize::new(&bounds, [2.0, 0.0], BoxEnds::HalfOpen).unwrap_err();
    assert!(matches!(error, Error::InvalidValue { index: 1, .. }));
    let cube = BoundingBox::new([0.0; 3], [10.0; 3]).unwrap();
    let cube = BoxSize::new(&cube, [1.0; 3], BoxEnds::HalfOpen).unwrap();
    assert_eq!(cube.volume_ml(), Some(1.0));
    assert!((cube.equivalent_diameter_mm().unwrap() - 12.407).abs() < 1e-3);
}

#[test]
fn responses_follow_the_thresholds_of_recist() {
    let respond = |baseline_mm, nadir_mm, targets: &[Target]| {
        let sums = Sums {
            baseline_mm,
            nadir_mm,
        };
        Response::of_targets(&sums, targets).unwrap()
    };
    let lesion = |mm| [Target::Lesion(mm)];
    use Response::{Complete, Partial, Progressive, Stable};
    for (baseline, nadir, now, want) in [
        (100.0, 100.0, 70.0, Partial),
        (100.0, 100.0, 70.1, Stable),
        (100.0, 50.0, 60.0, Progressive),
        (100.0, 50.0, 59.9, Partial),
        // A fifth above the nadir, but by less than 5 mm.
        (100.0, 20.0, 24.9, Partial),
        (30.0, 20.0, 24.9, Stable),
        (30.0, 20.0, 25.0, Progressive),
        (0.3, 0.3, 0.21, Partial),
        (100.0, 0.0, 5.0, Progressive),
        (100.0, 0.0, 4.0, Partial),
        (100.0, 10.0, 0.0, Complete),
    ] {
        let got = respond(baseline, nadir, &lesion(now));
        assert_eq!(got, Some(want), "{baseline} {nadir} {now}");
    }
    let nodes = [Target::Lesion(0.0), Target::Node(9.9)];
    assert_eq!(respond(50.0, 9.0, &nodes), Some(Complete));
    let nodes = [Target::Lesion(0.0), Target::Node(10.0)];
    assert_eq!(respond(50.0, 10.0, &nodes), Some(Partial));
    assert_eq!(respond(50.0, 10.0, &[]), None);
    assert_eq!(respond(0.0, 0.0, &lesion(1.0)), None);
    assert!(Target::Lesion(10.0).is_measurable() && !Target::Node(14.9).is_measurable());
    assert_eq!(Progressive.to_string(), "PD");
    let sums = Sums {
        baseline_mm: 10.0,
        nadir_mm: 10.0,
    };
    let nan = [Target::Lesion(1.0), Target::Node(f64::NAN)];
    let error = Response::of_targets(&sums, &nan).unwrap_err();
    assert!(matches!(error, Error::InvalidValue { index: 1, .. }));
    let sums = Sums {
        baseline_mm: 10.0,
        nadir_mm: 11.0,
    };
    assert!(Response::of_targets(&sums, &lesion(1.0)).is_err());
}

#[test]
fn lengths_need_known_millimetres() {
    let map = angle();
    let unknown = map.geometry().with_calibration(Calibration::Unknown);
    let map = map.with_geometry(unknown).unwrap();
    let refused = |error: Error| matches!(error, Error::Image(medcore::Error::Uncalibrated { .. }));
    assert!(refused(
        Recist::new(&map, 1, &RecistConfig::default()).unwrap_err()
    ));
    assert!(refused(
        SolidFeret::new(&map, 1, PixelModel::Corners).unwrap_err()
    ));
    assert!(refused(
        StructureSize::of_map(&map, &SizeConfig::default()).unwrap_err()
    ));
}
