//! What the transforms of colour, k-space, rays and histograms refuse, and what they make of nothing to see.

use medaug::*;
use medcore::random::Key;
use medcore::{Geometry, Image};

fn sample<const D: usize>(channels: usize, value: impl Fn(usize) -> f32) -> Sample<D> {
    let shape: [usize; D] = std::array::from_fn(|a| [6, 13, 10][a + 3 - D]);
    let grid = Geometry::axis_aligned(shape, [2.0; D]).unwrap();
    let voxels: Vec<f32> = (0..channels * grid.len()).map(value).collect();
    Sample::new(Image::with_channels(channels, grid, voxels).unwrap())
}

#[track_caller]
fn assert_refused<const D: usize>(step: impl Into<Step>, says: &str) {
    let refused = Compose::<D>::new(vec![step.into()])
        .unwrap_err()
        .to_string();
    assert!(refused.contains(says), "{refused}");
}

#[test]
fn bad_numbers_are_refused_when_a_pipeline_is_built() {
    let ghosting = Ghosting {
        number: 4,
        axis: 0,
        intensity: 0.5,
        restore: None,
    };
    assert_refused::<2>(
        Ghosting {
            axis: 2,
            ..ghosting
        },
        "axis must be axes of the image",
    );
    assert_refused::<2>(
        Ghosting {
            intensity: -0.1,
            ..ghosting
        },
        "at least 0",
    );
    assert_refused::<3>(
        RandomGhosting {
            count: [5, 4],
            ..RandomGhosting::default()
        },
        "at least its lower bound",
    );
    let spike = |place: Vec<f64>| Spike {
        places: vec![place],
        intensity: 1.0,
    };
    assert_refused::<3>(spike(vec![0.5, 0.5]), "needs 3 entries, got 2");
    assert_refused::<2>(spike(vec![0.5, 1.5]), "within 0 and 1");
    assert_refused::<2>(GibbsNoise { alpha: 1.1 }, "within 0 and 1");
    let movement = |time| Movement {
        time,
        rotation_degrees: vec![1.0],
        translation_mm: vec![1.0],
    };
    let motion = Motion {
        movements: vec![movement(0.6), movement(0.3)],
        axis: 0,
    };
    assert_refused::<3>(motion, "in order");
    assert_refused::<3>(ClaheEightBit::default(), "is for images of two axes");
    assert_refused::<3>(
        Clahe {
            tile: vec![8, 0, 8],
            ..Clahe::default()
        },
        "at least 1",
    );
    assert_refused::<2>(
        HistogramNormalize {
            bins: 1,
            ..HistogramNormalize::default()
        },
        "bins must be within",
    );
    assert_refused::<2>(
        HistogramNormalize {
            output: Equalized::Between {
                low: 1.0,
                high: 1.0,
            },
            ..HistogramNormalize::default()
        },
        "above low",
    );
    let hue = |turn| ColorJitter {
        adjustments: vec![ColorAdjustment::Hue(turn)],
    };
    assert_refused::<2>(hue(0.6), "within -0.5 and 0.5");
    assert_refused::<2>(
        HueSaturationValue {
            value_factor: -1.0,
            ..HueSaturationValue::default()
        },
        "value_factor must be finite and at least 0",
    );
}

#[test]
fn an_image_without_three_channels_has_no_colours() {
    let pipeline = Compose::<2>::new(vec![RandomColorJitter::default().into()]).unwrap();
    let gray = sample::<2>(1, |i| i as f32 / 130.0);
    let refused = pipeline.check_contents(&gray.contents()).unwrap_err();
    assert!(
        refused.to_string().contains("needs 3 entries, got 1"),
        "{refused}"
    );
    let operation = Operation::from(HedJitter::default());
    assert!(matches!(
        operation.apply_to(gray),
        Err(Error::EntryCount { .. })
    ));
}

#[test]
fn voxels_that_are_not_numbers_are_refused_where_all_count() {
    let reference = ReferenceHistogram::of(&[0.0, 1.0, 2.0]).unwrap();
    let places = vec![vec![0.4, 0.6]];
    let operations: Vec<Operation> = vec![
        Clahe::default().into(),
        ClaheEightBit::default().into(),
        HistogramNormalize::default().into(),
        HistogramMatching {
            reference,
            blend: 1.0,
        }
        .into(),
        Spike {
            places,
            intensity: 1.0,
        }
        .into(),
    ];
    for operation in operations {
        let hole = sample::<2>(2, |i| if i == 200 { f32::NAN } else { i as f32 });
        let refused = operation.apply_to(hole).unwrap_err();
        assert!(
            matches!(refused, Error::NotFinite { channel: 1 }),
            "{}: {refused}",
            operation.name()
        );
    }
}

#[test]
fn a_constant_has_nothing_to_equalise_and_nothing_that_moves() {
    let changed = |operation: Operation| {
        let done = operation.apply_to(sample::<3>(1, |_| 0.25)).unwrap();
        let voxels = done.image().as_slice().to_vec();
        let first = voxels[0];
        assert!(
            voxels.iter().all(|v| (v - first).abs() < 1e-6),
            "{}",
            operation.name()
        );
        first
    };
    assert_eq!(changed(Clahe::default().into()), 0.0);
    changed(HistogramNormalize::default().into());
    let close = |value: f32| assert!((value - 0.25).abs() < 1e-6, "{value}");
    close(changed(GibbsNoise { alpha: 0.9 }.into()));
    close(changed(
        Ghosting {
            number: 2,
            axis: 1,
            intensity: 1.0,
            restore: None,
        }
        .into(),
    ));
}

#[test]
fn drawn_numbers_fill_their_ranges() {
    let transform = RandomGhosting {
        probability: 0.5,
        ..RandomGhosting::default()
    };
    let (mut count, mut numbers, mut axes) = (0, [0; 11], [0; 3]);
    for i in 0..2_000 {
        let mut lazy = sample::<3>(1, |i| i as f32).into_lazy();
        let drawn = Transform::<3>::draw(&transform, &mut lazy, Key::new(i)).unwrap();
        for operation in drawn {
            let Operation::Ghosting(PerChannel::All(ghosting)) = operation else {
                panic!("{operation:?}");
            };
            count += 1;
            numbers[ghosting.number] += 1;
            axes[ghosting.axis] += 1;
            assert!((0.5..1.0).contains(&ghosting.intensity));
        }
    }
    assert!((900..1_100).contains(&count), "{count}");
    assert!(
        numbers[4..].iter().all(|&n| n > 90) && numbers[..4] == [0; 4],
        "{numbers:?}"
    );
    assert!(axes.iter().all(|&n| n > 250), "{axes:?}");
}
