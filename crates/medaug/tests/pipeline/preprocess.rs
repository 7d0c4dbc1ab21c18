//! Preprocessing and the way back.

use medaug::{
    Error, Foreground, ForegroundRule, GridRule, Intensity, Padding, Preprocess, PreprocessOrder,
    Trace,
};
use medcore::{Geometry, GeometryTolerance, Image, LabelMap, Orientation};
use proptest::prelude::*;

use crate::support::{blobs, oblique, place_value, places};

const ORIENTATIONS: [&str; 6] = ["RAS", "LPS", "SPL", "AIR", "PSR", "ILA"];

fn exact() -> GeometryTolerance {
    GeometryTolerance {
        spacing_relative: 1e-9,
        direction: 1e-9,
        origin_voxels: 1e-6,
    }
}

/// A scan with a border of zeros, as skull stripping leaves it.
fn stripped(grid: Geometry<3>) -> Image<i16, 3> {
    let [depth, height, width] = grid.shape();
    let mut voxels = vec![0_i16; grid.len()];
    for d in 2..depth - 1 {
        for h in 3..height - 4 {
            for w in 1..width - 5 {
                voxels[(d * height + h) * width + w] = 100 + (d * 31 + h * 7 + w) as i16 % 50;
            }
        }
    }
    Image::new(grid, voxels).unwrap()
}

#[test]
fn turning_cropping_and_padding_are_undone_exactly() {
    let grid = oblique([9, 21, 17]);
    let (image, labels) = (stripped(grid), blobs(grid));
    for order in [PreprocessOrder::NnUnet, PreprocessOrder::Monai] {
        for code in ORIENTATIONS {
            let preprocess = Preprocess {
                order,
                orientation: Some(code.parse().unwrap()),
                foreground: Some(Foreground {
                    rule: ForegroundRule::NonZero,
                    margin: [0; 3],
                }),
                padding: Padding {
                    minimum: [12, 1, 1],
                    divisible: [1, 8, 4],
                    ..Padding::default()
                },
                ..Preprocess::default()
            };
            let ready = preprocess.apply(&image, Some(&labels)).unwrap();
            let reached = Orientation::closest_to(ready.image.geometry());
            assert_eq!(reached.to_string(), code);
            let back = ready.trace.restore_labels(&ready.labels.unwrap()).unwrap();
            assert_eq!(back.geometry(), &grid);
            // The border of zeros is 2, 3 and 1 voxels in front, 1, 4 and 5 behind.
            let kept = ready.trace.kept_of_original().unwrap();
            assert_eq!((kept.start(), kept.end()), ([2, 3, 1], [8, 17, 12]));
            for (i, (&got, &want)) in back.as_slice().iter().zip(labels.as_slice()).enumerate() {
                // Outside the crop there is background.
                let want = if image.as_slice()[i] == 0 { 0 } else { want };
                assert_eq!(got, want, "{order:?} {code} voxel {i}");
            }
        }
    }
}

#[test]
fn every_voxel_keeps_its_place_through_all_steps() {
    let grid = oblique([9, 21, 17]);
    let image = places(grid);
    for (order, rule) in [
        (PreprocessOrder::NnUnet, GridRule::NnUnet),
        (PreprocessOrder::Monai, GridRule::Monai),
        (PreprocessOrder::NnUnet, GridRule::FieldOfView),
    ] {
        let preprocess = Preprocess {
            order,
            grid: rule,
            orientation: Some("PSR".parse().unwrap()),
            spacing: Some([1.1, 3.4, 0.9]),
            ..Preprocess::default()
        };
        let ready = preprocess.apply(&image, None).unwrap();
        let model = ready.image.geometry();
        let [depth, height, width] = ready.image.shape();
        let mut inside = 0;
        for (i, &got) in ready.image.as_slice().iter().enumerate() {
            let index = [i / (height * width), i / width % height, i % width];
            let place = model.index_to_world(index.map(|v| v as f64));
            let at = grid.world_to_index(place);
            if (0..3).all(|a| at[a] >= 0.0 && at[a] <= grid.shape()[a] as f64 - 1.0) {
                inside += 1;
                let error = (got - place_value(place)).abs();
                assert!(error < 2e-3, "{rule:?} {index:?}: {error}");
            }
        }
        assert!(inside > depth * height * width / 2);
        // The map of the trace agrees with the geometries.
        let map = ready.trace.from_original();
        for index in [[0.0; 3], [8.0, 0.0, 16.0], [3.0, 20.0, 5.0]] {
            let want = model.world_to_index(grid.index_to_world(index));
            let got = map.apply(index);
            assert!((0..3).all(|a| (got[a] - want[a]).abs() < 1e-9), "{got:?}");
        }
    }
}

#[test]
fn labels_come_back_from_another_spacing_but_for_their_borders() {
    let grid = oblique([31, 63, 57]);
    let labels = blobs(grid);
    let image = places(grid);
    for base in [
        Preprocess::nnunet(),
        Preprocess::monai(),
        Preprocess::default(),
    ] {
        let preprocess = Preprocess {
            spacing: Some([2.5, 1.0, 1.0]),
            ..base
        };
        let ready = preprocess.apply(&image, Some(&labels)).unwrap();
        assert_ne!(ready.image.shape(), grid.shape());
        let back = ready.trace.restore_labels(&ready.labels.unwrap()).unwrap();
        assert_eq!(back.geometry(), &grid);
        for class in [1, 2, 3, 9] {
            let pairs = back.as_slice().iter().zip(labels.as_slice());
            let (mut both, mut sum) = (0, 0);
            for (&a, &b) in pairs {
                both += 2 * usize::from(a == class && b == class);
                sum += usize::from(a == class) + usize::from(b == class);
            }
            let dice = both as f64 / sum as f64;
            assert!(dice > 0.9, "class {class}: {dice}");
        }
    }
}

#[test]
fn the_border_of_a_scan_is_labelled_even_where_the_new_grid_falls_short() {
    // 10 voxels of 1 mm become 3 of 3 mm, which span 9 mm.
    let grid = Geometry::axis_aligned([10, 4, 4], [1.0; 3]).unwrap();
    let preprocess = Preprocess {
        spacing: Some([3.0, 1.0, 1.0]),
        ..Preprocess::default()
    };
    let ready = preprocess.apply(&places(grid), None).unwrap();
    assert_eq!(ready.image.shape(), [3, 4, 4]);
    let ones = LabelMap::new(*ready.image.geometry(), vec![1_u8; 48]).unwrap();
    let back = ready.trace.restore_labels(&ones).unwrap();
    assert!(back.as_slice().iter().all(|&l| l == 1));
}

#[test]
fn a_trace_survives_its_description() {
    let grid = oblique([9, 21, 17]);
    let preprocess = Preprocess {
        orientation: Some(Orientation::RAS),
        spacing: Some([2.0, 1.0, 1.0]),
        ..Preprocess::nnunet()
    };
    let text = serde_json::to_string(&preprocess).unwrap();
    assert_eq!(
        serde_json::from_str::<Preprocess>(&text).unwrap(),
        preprocess
    );
    let ready = preprocess.apply(&stripped(grid), None).unwrap();
    let text = serde_json::to_string(&ready.trace).unwrap();
    let trace: Trace = serde_json::from_str(&text).unwrap();
    for (a, b) in [
        (trace.original(), ready.trace.original()),
        (trace.oriented(), ready.trace.oriented()),
        (trace.model(), ready.trace.model()),
    ] {
        a.check_same_as(b, &exact()).unwrap();
    }
    assert_eq!(trace.kept(), ready.trace.kept());
    let labels = LabelMap::<u8, 3>::background(*trace.model()).unwrap();
    assert!(trace.restore_labels(&labels).is_ok());
}

#[test]
fn labels_from_elsewhere_are_refused() {
    let grid = oblique([9, 21, 17]);
    let preprocess = Preprocess {
        spacing: Some([2.0, 1.0, 1.0]),
        ..Preprocess::default()
    };
    let ready = preprocess.apply(&places(grid), None).unwrap();
    let elsewhere = LabelMap::<u8, 3>::background(grid).unwrap();
    assert!(matches!(
        ready.trace.restore_labels(&elsewhere),
        Err(Error::ForeignGrid {
            expected: "model",
            ..
        })
    ));
    let shifted = grid
        .mapped(
            grid.shape(),
            &medcore::IndexMap::translation([1.0, 0.0, 0.0]),
        )
        .unwrap();
    let shifted = LabelMap::background(shifted).unwrap();
    let refused = preprocess.apply(&places(grid), Some(&shifted));
    assert!(matches!(
        refused,
        Err(Error::Core(medcore::Error::GeometryMismatch(_)))
    ));
}

#[test]
fn an_odd_border_is_thinner_in_front() {
    let grid = oblique([3, 4, 5]);
    let preprocess = Preprocess {
        padding: Padding {
            minimum: [6, 1, 1],
            divisible: [1, 1, 8],
            value: -2.0,
            label: 7,
        },
        ..Preprocess::default()
    };
    let ready = preprocess.apply(&places(grid), Some(&blobs(grid))).unwrap();
    assert_eq!(ready.image.shape(), [6, 4, 8]);
    let first = [1, 0, 1]; // of 3 and 3 voxels one is in front
    let place = ready
        .image
        .geometry()
        .index_to_world(first.map(|v| v as f64));
    assert!(place.distance(grid.origin()) < 1e-9);
    let at = (first[0] * 4 + first[1]) * 8 + first[2];
    assert_eq!(ready.image.as_slice()[at], places(grid).as_slice()[0]);
    assert_eq!(ready.image.as_slice()[at - 1], -2.0);
    assert_eq!(ready.labels.unwrap().as_slice()[at - 1], 7);
}

#[test]
fn an_empty_scan_is_not_cropped() {
    let grid = oblique([5, 7, 9]);
    let air = Image::<i16, 3>::zeros(1, grid).unwrap();
    let ready = Preprocess::nnunet().apply(&air, None).unwrap();
    assert_eq!(ready.image.shape(), grid.shape());
}

#[test]
fn broken_parameters_are_refused_before_any_work() {
    let grid = oblique([5, 7, 9]);
    let broken = [
        Preprocess {
            spacing: Some([1.0, 0.0, 1.0]),
            ..Preprocess::default()
        },
        Preprocess {
            padding: Padding {
                divisible: [0, 1, 1],
                ..Padding::default()
            },
            ..Preprocess::default()
        },
        Preprocess {
            intensity: vec![Intensity::Window {
                low: 2.0,
                high: 1.0,
            }],
            ..Preprocess::default()
        },
    ];
    for preprocess in broken {
        assert!(matches!(
            preprocess.apply(&places(grid), None),
            Err(Error::InvalidParameter { .. })
        ));
    }
    let two = Preprocess {
        intensity: vec![Intensity::Keep; 2],
        ..Preprocess::default()
    };
    assert!(matches!(
        two.apply(&places(grid), None),
        Err(Error::EntryCount { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_turn_crop_and_pad_is_undone(
        shape in [8_usize..13, 8_usize..15, 8_usize..17],
        code in 0_usize..6,
        margin in [0_usize..3, 0_usize..3, 0_usize..3],
        minimum in [1_usize..20, 1_usize..20, 1_usize..20],
    ) {
        let grid = oblique(shape);
        let labels = blobs(grid);
        let image = stripped(grid);
        let preprocess = Preprocess {
            orientation: Some(ORIENTATIONS[code].parse().unwrap()),
            foreground: Some(Foreground { rule: ForegroundRule::NonZero, margin }),
            padding: Padding { minimum, ..Padding::default() },
            ..Preprocess::default()
        };
        let ready = preprocess.apply(&image, Some(&labels)).unwrap();
        let back = ready.trace.restore_labels(&ready.labels.unwrap()).unwrap();
        for (i, (&got, &want)) in back.as_slice().iter().zip(labels.as_slice()).enumerate() {
            prop_assert!(got == want || (got == 0 && image.as_slice()[i] == 0));
        }
    }
}
