//! Moves of whole voxels and other grids: boxes, points and labels follow, and what cannot be done is refused.

use medaug::*;
use medcore::random::Key;
use medcore::resample::{LabelInterpolation, Outside};
use medcore::{BoundingBox, Geometry, Image, LabelMap};

use crate::support::{blobs, oblique, sample, texture};

fn apply<const D: usize>(sample: &Sample<D>, operation: impl Into<Operation>) -> Sample<D> {
    operation.into().apply_to(sample.clone()).unwrap()
}

/// A slice with one box from rows 1 to 3 and columns 4 to 6, all inclusive, and a point at (2, 5).
fn marked() -> Sample<2> {
    let grid = Geometry::axis_aligned([6, 9], [1.0, 0.5]).unwrap();
    let image = Image::new(grid, texture(grid.len())).unwrap();
    let bounds = BoundingBox::new([0.5, 3.5], [3.5, 6.5]).unwrap();
    let rule = BoxRule {
        visible: 0.5,
        extent: 1.0,
    };
    Sample::new(image)
        .with_boxes(Boxes::new([(bounds, 3)]).with_rule(rule))
        .with_points(Points::new(vec![LabelledPoint::new([2.0, 5.0], 1)]))
}

/// Corners of the box, and the point.
fn marks(sample: &Sample<2>) -> ([f64; 2], [f64; 2], [f64; 2]) {
    let bounds = sample.boxes().unwrap().items()[0].bounds;
    (
        bounds.min(),
        bounds.max(),
        sample.points().unwrap().items[0].at,
    )
}

#[test]
fn boxes_and_points_move_to_exact_corners() {
    let marked = marked();
    let turned = apply(&marked, Rotate90::default());
    // Column 5 becomes row 8 - 5, row 2 column 2.
    assert_eq!(marks(&turned), ([1.5, 0.5], [4.5, 3.5], [3.0, 2.0]));
    let transposed = apply(&marked, Transpose::new([1, 0]));
    assert_eq!(marks(&transposed), ([3.5, 0.5], [6.5, 3.5], [5.0, 2.0]));
    let cropped = apply(&marked, Crop::new([1, 5], [3, 4]));
    // One of three columns of the box is cut off.
    assert_eq!(marks(&cropped), ([-0.5, -0.5], [2.5, 1.5], [1.0, 0.0]));
    assert!(
        apply(&marked, Crop::new([3, 0], [3, 9]))
            .boxes()
            .unwrap()
            .items()
            .is_empty()
    );
    let padded = apply(&marked, Pad::new(PadTo::Divisible(vec![8])));
    assert_eq!(marks(&padded), ([1.5, 6.5], [4.5, 9.5], [3.0, 8.0]));
    let doubled = apply(&marked, Resize::new(ResizeTo::Shape(vec![12, 18])));
    assert_eq!(marks(&doubled), ([1.5, 7.5], [7.5, 13.5], [4.5, 10.5]));
    let averaged = apply(&marked, ResizeArea::new(ResizeTo::Shape(vec![12, 18])));
    assert_eq!(marks(&averaged), marks(&doubled));
}

#[test]
fn a_border_behind_a_crop_does_not_show_what_was_cut_off() {
    let grid = Geometry::axis_aligned([1, 6], [1.0; 2]).unwrap();
    let labels = LabelMap::new(grid, vec![1_u8, 2, 3, 1, 2, 3]).unwrap();
    let image = Image::new(grid, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let sample = Sample::with_labels(image, labels).unwrap();
    let steps = vec![
        Crop::new([0, 2], [1, 2]).into(),
        Pad::new(PadTo::Shape(vec![1, 4])).into(),
    ];
    let pipeline = Compose::new(steps).unwrap();
    let (padded, record) = pipeline.record(sample, Key::new(0)).unwrap();
    assert_eq!(padded.image().as_slice(), [0.0, 3.0, 4.0, 0.0]);
    // What is predicted on the border belongs to no voxel.
    let everywhere = padded.labels().unwrap().map(|_| 9_u8);
    let back = record.restore_labels(&everywhere).unwrap();
    assert_eq!(back.as_slice(), [0, 0, 9, 9, 0, 0]);
}

#[test]
fn labels_come_back_exactly_through_a_chain_of_whole_voxels() {
    let scan = sample([9, 21, 18]);
    let labels = scan.labels().unwrap().clone();
    let chain = Compose::<3>::new(vec![
        RandomSymmetry::default().into(),
        Orient {
            orientation: "PIR".parse().unwrap(),
        }
        .into(),
        RandomRotate90 {
            probability: 1.0,
            ..RandomRotate90::default()
        }
        .into(),
        Pad::new(PadTo::Divisible(vec![16])).into(),
        CropOrPad::new([40]).into(),
    ])
    .unwrap();
    for seed in 0..8 {
        let (moved, record) = chain.record(scan.clone(), Key::new(seed)).unwrap();
        let text = serde_json::to_string(&record).unwrap();
        let record: Record<3> = serde_json::from_str(&text).unwrap();
        assert_eq!(record.replay(scan.clone()).unwrap(), moved);
        let restored = record.restore_labels(moved.labels().unwrap()).unwrap();
        assert_eq!(restored.as_slice(), labels.as_slice());
        // The voxels are those of the scan in another order, and zeros.
        let sorted = |image: &Image<f32, 3>| {
            let mut voxels: Vec<u32> = image.as_slice().iter().map(|v| v.to_bits()).collect();
            voxels.retain(|&v| v != 0);
            voxels.sort_unstable();
            voxels
        };
        assert_eq!(sorted(moved.image()), sorted(scan.image()));
    }
}

#[test]
fn a_crop_behind_a_resize_reads_only_what_it_keeps_and_reads_it_alike() {
    let scan = sample([9, 21, 18]);
    let resize = Resize {
        labels: LabelInterpolation::Nearest,
        ..Resize::new(ResizeTo::Shape(vec![13, 30, 11]))
    };
    let crop = Crop::new([2, 11, 3], [7, 9, 5]);
    let chain = Compose::new(vec![resize.clone().into(), crop.clone().into()]).unwrap();
    let at_once = chain.apply(scan.clone(), Key::new(0)).unwrap();
    let in_turn = apply(&apply(&scan, resize), crop);
    let pairs = at_once
        .image()
        .as_slice()
        .iter()
        .zip(in_turn.image().as_slice());
    assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-3));
    assert_eq!(
        at_once.labels().unwrap().as_slice(),
        in_turn.labels().unwrap().as_slice()
    );
}

#[test]
fn a_block_larger_than_the_image_is_refused_unless_it_may_be_filled_up() {
    let scan = sample([9, 21, 18]);
    let too_large: Vec<Step> = vec![
        CenterCrop::new([9, 22, 18]).into(),
        RandomCrop::new([10, 20, 18]).into(),
        Crop::new([0, 0, -1], [9, 9, 9]).into(),
        RandomCropByClass::new([12], PatchChoice::Foreground { probability: 1.0 }).into(),
    ];
    for step in too_large {
        let refused = Compose::<3>::new(vec![step]).unwrap();
        let refused = refused.apply(scan.clone(), Key::new(0)).unwrap_err();
        assert!(matches!(refused, Error::CropOutside { .. }), "{refused}");
        assert!(refused.to_string().contains("set `outside`"), "{refused}");
    }
    let filled = RandomCrop {
        outside: Some(Outside::Value(-9.0)),
        outside_label: 200,
        ..RandomCrop::new([11, 20, 18])
    };
    let filled = filled.apply(scan, Key::new(0)).unwrap();
    let slice = 20 * 18;
    assert!(
        filled.image().as_slice()[..slice]
            .iter()
            .all(|&v| v == -9.0)
    );
    assert!(
        filled.labels().unwrap().as_slice()[..slice]
            .iter()
            .all(|&v| v == 200)
    );
}

#[test]
fn parameters_that_make_no_sense_are_refused_when_the_pipeline_is_built() {
    let refused: Vec<Step> = vec![
        CenterCrop::new([4, 0, 4]).into(),
        CenterCrop::new(CropShape::Share(vec![0.0])).into(),
        CenterCrop::new([4, 4]).into(),
        Pad::new(PadTo::Divisible(vec![0])).into(),
        Resize::new(ResizeTo::Longest(0)).into(),
        Zoom::new([0.0]).into(),
        Spacing::new([-1.0]).into(),
        Transpose::new([0, 1, 1]).into(),
        Rotate90 {
            axes: vec![1, 1],
            ..Rotate90::default()
        }
        .into(),
        RandomResizedCrop::new([4, 4]).into(),
        RandomShiftScaleRotate::default().into(),
        RandomBoxSafeCrop { erosion: 1.0 }.into(),
        RandomCropByClass::new([4], PatchChoice::ForcedForeground { fraction: 0.3 }).into(),
        RandomRotate {
            degrees: vec![Draw::Fixed(f64::NAN)],
            ..RandomRotate::default()
        }
        .into(),
    ];
    for step in refused {
        let name = step.name();
        let refused = Compose::<3>::new(vec![step]).expect_err(name).to_string();
        assert!(
            refused.contains(name) || refused.contains("axes"),
            "{refused}"
        );
    }
    assert!(Compose::<2>::new(vec![RandomTorchioAffine::default().into()]).is_err());
}

#[test]
fn an_absent_class_gives_any_place_or_a_refusal() {
    let grid = oblique([9, 21, 18]);
    let image = Image::new(grid, texture(grid.len())).unwrap();
    let empty = Sample::with_labels(image, LabelMap::background(grid).unwrap()).unwrap();
    let choices = [
        PatchChoice::Foreground { probability: 1.0 },
        PatchChoice::PositiveNegative {
            positive: 1.0,
            negative: 1.0,
        },
        PatchChoice::ClassRatios {
            ratios: vec![0.0, 1.0],
        },
    ];
    for choice in choices {
        let crop = RandomCropByClass::new([4, 8, 8], choice);
        assert_eq!(
            crop.apply(empty.clone(), Key::new(1)).unwrap().shape(),
            [4, 8, 8]
        );
        let strict = RandomCropByClass {
            absent: WhenAbsent::Refuse,
            ..crop
        };
        let refused = strict.apply(empty.clone(), Key::new(1)).unwrap_err();
        assert!(matches!(refused, Error::Absent { .. }), "{refused}");
        let full = strict.apply(sample([9, 21, 18]), Key::new(1)).unwrap();
        assert_eq!(full.shape(), [4, 8, 8]);
    }
    let foreground = CropForeground {
        source: ForegroundSource::Labels(vec![]),
        ..CropForeground::default()
    };
    assert_eq!(foreground.apply(empty.clone(), Key::new(0)).unwrap(), empty);
}

#[test]
fn a_crop_by_class_shows_the_class_as_often_as_it_should() {
    let scan = sample([18, 41, 37]);
    let crop = RandomCropByClass::new(
        [3, 3, 3],
        PatchChoice::PositiveNegative {
            positive: 3.0,
            negative: 1.0,
        },
    );
    let middle = |seed| {
        let cropped = crop.apply(scan.clone(), Key::new(seed)).unwrap();
        cropped.labels().unwrap().as_slice()[13] > 0
    };
    let shown = (0..400).filter(|&seed| middle(seed)).count();
    assert!((265..335).contains(&shown), "{shown}");
}

#[test]
fn every_box_stays_in_a_safe_crop_and_one_in_a_crop_around_a_box() {
    let grid = Geometry::axis_aligned([40, 60], [1.0; 2]).unwrap();
    let image = Image::new(grid, texture(grid.len())).unwrap();
    let boxes = [([10.2, 20.0], [14.7, 31.5]), ([22.0, 41.3], [24.9, 44.0])];
    let boxes = boxes.map(|(min, max)| (BoundingBox::new(min, max).unwrap(), 1));
    let whole = Sample::new(image).with_boxes(Boxes::new(boxes));
    let volume = |sample: &Sample<2>| -> f64 {
        let items = sample.boxes().unwrap().items();
        items.iter().map(|item| item.bounds.volume()).sum()
    };
    let mut shapes = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let safe = RandomBoxSafeCrop::default();
        let safe = safe.apply(whole.clone(), Key::new(seed)).unwrap();
        assert!((volume(&safe) - volume(&whole)).abs() < 1e-9);
        shapes.insert(safe.shape());
        let around = RandomCropAroundBox::new([16, 16]);
        let around = around.apply(whole.clone(), Key::new(seed)).unwrap();
        assert_eq!(around.shape(), [16, 16]);
        let kept = around.boxes().unwrap().items().iter().any(|item| {
            let full = boxes[item.number].0.volume();
            (item.bounds.volume() - full).abs() < 1e-9
        });
        assert!(kept, "seed {seed}");
    }
    assert!(shapes.len() > 150);
}

#[test]
fn resized_parts_have_the_areas_that_are_asked_for() {
    let grid = Geometry::axis_aligned([80, 100], [1.0; 2]).unwrap();
    let crop = RandomResizedCrop {
        area: Draw::Uniform {
            low: 0.2,
            high: 0.4,
        },
        ..RandomResizedCrop::new([7, 5])
    };
    let sample = Sample::new(Image::zeros(1, grid).unwrap());
    let mut areas = vec![];
    for seed in 0..300 {
        let drawn = crop
            .draw(&mut sample.clone().into_lazy(), Key::new(seed))
            .unwrap();
        let Operation::Crop(part) = &drawn[0] else {
            panic!("{drawn:?}")
        };
        areas.push((part.shape[0] * part.shape[1]) as f64 / 8000.0);
        let aspect = part.shape[1] as f64 / part.shape[0] as f64;
        assert!((0.7..1.4).contains(&aspect), "{aspect}");
    }
    let mean = areas.iter().sum::<f64>() / areas.len() as f64;
    assert!((0.29..0.31).contains(&mean), "{mean}");
    let resized = crop.apply(sample, Key::new(0)).unwrap();
    assert_eq!(resized.shape(), [7, 5]);
}

#[test]
fn constants_stay_constant_and_nan_stays_where_it_is() {
    let grid = oblique([9, 12, 10]);
    let constant = Sample::new(Image::new(grid, vec![2.5; grid.len()]).unwrap());
    let steps: Vec<Operation> = vec![
        Resize::new(ResizeTo::Shape(vec![5, 17, 13])).into(),
        ResizeArea::new(ResizeTo::Longest(7)).into(),
        Zoom::new([0.7]).into(),
        Spacing::new([1.3]).into(),
    ];
    for step in steps {
        let voxels = apply(&constant, step);
        let mut voxels = voxels.image().as_slice().iter();
        assert!(voxels.all(|v| (v - 2.5).abs() < 1e-5));
    }
    let mut holed = constant;
    holed.channel_mut(0)[7] = f32::NAN;
    let turned = apply(&holed, Rotate90::default());
    assert_eq!(
        turned
            .image()
            .as_slice()
            .iter()
            .filter(|v| v.is_nan())
            .count(),
        1
    );
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let scan = Sample::with_labels(
        Image::new(oblique([23, 61, 47]), texture(23 * 61 * 47)).unwrap(),
        blobs(oblique([23, 61, 47])),
    );
    let scan = scan.unwrap();
    let chain = Compose::<3>::new(vec![
        RandomSymmetry::default().into(),
        RandomCrop::new([20]).into(),
        RandomAnisotropy::default().into(),
        ResizeArea::new(ResizeTo::Shape(vec![13, 21, 17])).into(),
        RandomMonaiAffine {
            probability: 1.0,
            rotate: vec![Draw::symmetric(0.5)],
            ..RandomMonaiAffine::default()
        }
        .into(),
        RandomTorchioAffine::default().into(),
        RandomShear::default().into(),
        RandomTranslate::default().into(),
    ])
    .unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap()
            .install(|| chain.apply(scan.clone(), Key::new(5)).unwrap())
    };
    let one = run(1);
    let three = run(3);
    let bits = |s: &Sample<3>| {
        s.image()
            .as_slice()
            .iter()
            .map(|v| v.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(&one), bits(&three));
    assert_eq!(one.labels(), three.labels());
}
