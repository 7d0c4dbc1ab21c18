//! Policies, files and cameras, crops by overlap and weight, mosaics of nine: what must hold whatever is drawn.

use std::collections::BTreeMap;

use medaug::{
    AugmentKind, AutoContrast, BoxRule, Boxes, Compose, Crop, Equalize, FilterKind, GridMosaic,
    GridSplit, Hole, HoleDraw, HoleSize, ISONoise, ImageCompression, ImageFilter, Layer, Mixture,
    Operation, PatchChoice, RandAugment, RandomAugMix, RandomCoarseDropout, RandomControlGrid,
    RandomCropByClass, RandomIoUCrop, RandomWeightedCrop, Sample, SomeOf, Step, Transform,
    TrivialAugmentWide, WhenAbsent,
};
use medcore::random::Key;
use medcore::{BoundingBox, Geometry, Image, LabelMap};

fn grid(shape: [usize; 2]) -> Geometry<2> {
    Geometry::axis_aligned(shape, [1.0; 2]).unwrap()
}

fn picture(channels: usize, value: impl Fn(usize) -> f32) -> Sample<2> {
    let grid = grid([20, 26]);
    let voxels: Vec<f32> = (0..channels * grid.len()).map(value).collect();
    Sample::new(Image::with_channels(channels, grid, voxels).unwrap())
}

fn textured(channels: usize) -> Sample<2> {
    picture(channels, |i| (i * 7919 % 1009) as f32 / 1009.0)
}

fn drawn(transform: &impl Transform<2>, sample: &Sample<2>, seed: u64) -> Vec<Operation> {
    let mut lazy = sample.clone().into_lazy();
    transform.draw(&mut lazy, Key::new(seed)).unwrap()
}

#[test]
fn policies_change_images_of_any_number_of_channels_within_their_range() {
    for channels in [1, 2, 3] {
        let policies: [Step; 3] = [
            RandAugment {
                magnitude: 30,
                count: 3,
                ..RandAugment::default()
            }
            .into(),
            TrivialAugmentWide::default().into(),
            RandomAugMix {
                severity: 10,
                ..RandomAugMix::default()
            }
            .into(),
        ];
        for policy in policies {
            let pipeline = Compose::<2>::new(vec![policy]).unwrap();
            pipeline
                .check_contents(&textured(channels).contents())
                .unwrap();
            for seed in 0..60 {
                let done = pipeline.apply(textured(channels), Key::new(seed)).unwrap();
                assert_eq!(done.image().channels(), channels);
                let voxels = done.image().as_slice();
                assert!(voxels.iter().all(|v| (-1e-6..=1.0 + 1e-6).contains(v)));
            }
        }
    }
}

#[test]
fn every_kind_is_drawn_as_often_in_both_directions() {
    let sample = textured(3);
    let mut names = BTreeMap::<String, usize>::new();
    let mut brighter = 0;
    for seed in 0..2800 {
        let policy = TrivialAugmentWide::default();
        let operations = drawn(&policy, &sample, seed);
        let name = match &operations[..] {
            [] => "Identity",
            [Operation::ColorJitter(_)] => "ColorJitter",
            [operation] => operation.name(),
            _ => "several",
        };
        *names.entry(name.to_owned()).or_default() += 1;
        let kinds = vec![AugmentKind::Brightness];
        let one = RandAugment {
            count: 1,
            kinds,
            ..RandAugment::default()
        };
        let text = serde_json::to_string(&drawn(&one, &sample, seed)).unwrap();
        brighter += usize::from(text.contains("1.27"));
    }
    // Five kinds are affine maps, three adjust colours.
    for (name, kinds) in [
        ("Identity", 1),
        ("MonaiAffine", 5),
        ("ColorJitter", 3),
        ("AdjustSharpness", 1),
        ("Posterize", 1),
        ("Solarize", 1),
        ("AutoContrast", 1),
        ("Equalize", 1),
    ] {
        let share = names[name] as f64 / (200.0 * f64::from(kinds));
        assert!((0.8..1.2).contains(&share), "{names:?}");
    }
    assert!((1300..1500).contains(&brighter), "{brighter}");
}

#[test]
fn the_weights_of_a_mixture_are_a_whole() {
    let sample = textured(3);
    let mut kept = 0.0;
    for seed in 0..500 {
        let operations = drawn(&RandomAugMix::default(), &sample, seed);
        let [Operation::AugMix(mix)] = &operations[..] else {
            panic!("one mixture");
        };
        let sum: f32 = mix.chains.iter().map(|chain| chain.weight).sum();
        assert!((sum + mix.original - 1.0).abs() < 1e-5);
        assert_eq!(mix.chains.len(), 3);
        kept += mix.original;
    }
    assert!((0.45..0.55).contains(&(kept / 500.0)), "{kept}");
}

#[test]
fn constant_pictures_and_odd_voxels_are_answered() {
    let constant: [(Operation, f32); 5] = [
        (AutoContrast::default().into(), 0.4),
        (ImageCompression { quality: 75 }.into(), 102.0 / 255.0),
        (Equalize::default().into(), 102.0 / 255.0),
        (
            ImageFilter {
                kind: FilterKind::Sharpen,
                size: 1,
            }
            .into(),
            0.4,
        ),
        (
            ISONoise {
                color_shift: 0.05,
                intensity: 1.0,
                seed: 3,
            }
            .into(),
            0.4,
        ),
    ];
    for (operation, want) in constant {
        let done = operation.apply_to(picture(3, |_| 0.4)).unwrap();
        let far = done.image().as_slice().iter().map(|v| (v - want).abs());
        let far = far.fold(0.0, f32::max);
        assert!(far < 0.009, "{}: {far}", operation.name());
    }
    let odd = || picture(3, |i| if i == 7 { f32::NAN } else { 0.2 });
    let refused: [Operation; 3] = [
        Equalize::default().into(),
        ImageCompression { quality: 75 }.into(),
        ISONoise {
            color_shift: 0.0,
            intensity: 0.5,
            seed: 3,
        }
        .into(),
    ];
    for operation in refused {
        let error = operation.apply_to(odd()).unwrap_err().to_string();
        assert!(error.contains("NaN or infinite"), "{error}");
    }
    let stretched = Operation::from(AutoContrast::default())
        .apply_to(odd())
        .unwrap();
    let unknown = stretched.image().as_slice().iter().filter(|v| v.is_nan());
    assert_eq!(unknown.count(), 1);
}

#[test]
fn erased_boxes_have_the_area_and_the_proportions() {
    let erasing = RandomCoarseDropout {
        probability: 1.0,
        ..RandomCoarseDropout::erasing()
    };
    let sample = Sample::new(Image::zeros(1, grid([100, 150])).unwrap());
    let mut areas = vec![];
    for seed in 0..400 {
        let operations = drawn(&erasing, &sample, seed);
        let [Operation::CoarseDropout(dropout)] = &operations[..] else {
            panic!("one operation");
        };
        for Hole { shape, .. } in &dropout.holes {
            let [height, width] = [0, 1].map(|a| shape[a] as f64);
            assert!((0.28..3.5).contains(&(height / width)));
            areas.push(height * width / 15_000.0);
        }
    }
    assert!(areas.len() > 380);
    assert!(areas.iter().all(|area| (0.018..0.34).contains(area)));
    let mean = areas.iter().sum::<f64>() / areas.len() as f64;
    assert!((0.15..0.2).contains(&mean), "{mean}");
}

fn boxed() -> Sample<2> {
    let bounds = |low: [f64; 2], high: [f64; 2]| BoundingBox::new(low, high).unwrap();
    let boxes = [
        (bounds([1.5, 2.5], [9.5, 11.5]), 4),
        (bounds([12.5, 15.5], [17.5, 22.5]), 5),
    ];
    let rule = BoxRule {
        visible: 0.0,
        extent: 0.0,
    };
    textured(1).with_boxes(Boxes::new(boxes).with_rule(rule))
}

#[test]
fn crops_by_overlap_keep_the_boxes_whose_middle_they_show() {
    let mut whole = 0;
    let pipeline = Compose::new(vec![RandomIoUCrop::default().into()]).unwrap();
    for seed in 0..200 {
        let (done, record) = pipeline.record(boxed(), Key::new(seed)).unwrap();
        let items = done.boxes().unwrap().items();
        assert!(!items.is_empty());
        let [
            Operation::SelectBoxes(kept),
            Operation::Crop(Crop { start, shape, .. }),
        ] = record.operations()
        else {
            whole += 1;
            assert_eq!(done, boxed());
            continue;
        };
        for item in boxed().boxes().unwrap().items() {
            let inside = (0..2).all(|a| {
                let middle = (item.bounds.min()[a] + item.bounds.max()[a]) / 2.0 + 0.5;
                let low = start[a] as f64;
                low < middle && middle < low + shape[a] as f64
            });
            assert_eq!(kept.numbers.contains(&item.number), inside);
            assert_eq!(items.iter().any(|kept| kept.class == item.class), inside);
        }
    }
    assert!((10..120).contains(&whole), "{whole}");
    let empty = textured(1).with_boxes(Boxes::new([]));
    assert_eq!(pipeline.apply(empty.clone(), Key::new(0)).unwrap(), empty);
    assert!(pipeline.check_contents(&textured(1).contents()).is_err());
}

#[test]
fn places_follow_weights_and_background_of_the_body() {
    let weights = Image::new(grid([20, 26]), {
        let mut weights = vec![0.0; 520];
        weights[9 * 26 + 20] = 2.0;
        weights
    });
    let sample = textured(1)
        .with_layer("errors", Layer::Image(weights.unwrap()))
        .unwrap();
    let crop = RandomWeightedCrop::new([5, 6], "errors");
    let pipeline = Compose::new(vec![crop.into()]).unwrap();
    let (_, record) = pipeline.record(sample, Key::new(3)).unwrap();
    assert_eq!(
        record.operations(),
        [Operation::Crop(Crop::new([7, 17], [5, 6]))]
    );
    let refused = pipeline.check_contents(&textured(1).contents());
    assert!(refused.unwrap_err().to_string().contains("errors"));

    // Only the lower right quarter is brighter than air, and a class lies in the first row.
    let grid = grid([20, 26]);
    let body = |at: usize| at / 26 >= 10 && at % 26 >= 13;
    let voxels: Vec<f32> = (0..520).map(|at| f32::from(u8::from(body(at)))).collect();
    let labels: Vec<u8> = (0..520).map(|at| u8::from(at < 26)).collect();
    let image = Image::new(grid, voxels).unwrap();
    let sample = Sample::with_labels(image, LabelMap::new(grid, labels).unwrap()).unwrap();
    let crop = RandomCropByClass {
        background_above: Some(0.5),
        absent: WhenAbsent::Refuse,
        ..RandomCropByClass::new(
            [3, 3],
            PatchChoice::PositiveNegative {
                positive: 1.0,
                negative: 1.0,
            },
        )
    };
    let mut in_body = 0;
    for seed in 0..100 {
        let operations = drawn(&crop, &sample, seed);
        let [Operation::Crop(Crop { start, .. })] = &operations[..] else {
            panic!("one crop");
        };
        let middle = (start[0] + 1) * 26 + start[1] + 1;
        let shows_class = start[0] == 0;
        in_body += usize::from(!shows_class);
        // At the far border the voxel is not the middle.
        assert!(shows_class || body(middle as usize), "{start:?}");
    }
    assert!((30..70).contains(&in_body), "{in_body}");
}

#[test]
fn nine_samples_lie_around_the_first() {
    let numbered = |number: usize| {
        let grid = grid([8, 8]);
        let image = Image::new(grid, vec![number as f32; 64]).unwrap();
        let bounds = BoundingBox::new([0.5, 0.5], [6.5, 6.5]).unwrap();
        Sample::new(image).with_boxes(Boxes::new([(bounds, number)]))
    };
    let samples: Vec<Sample<2>> = (0..9).map(numbered).collect();
    let mosaic = |start: Vec<usize>| {
        Mixture::from(GridMosaic {
            shape: vec![8],
            start,
            fill: -1.0,
        })
    };
    let joined = mosaic(vec![2, 5]).apply(samples.clone()).unwrap();
    assert_eq!(joined.shape(), [16, 16]);
    // Rows 2..18 and columns 5..21 of a canvas of 24 by 24, whose middle cell is the first sample's.
    for (at, &v) in joined.image().as_slice().iter().enumerate() {
        let (row, column) = ((at / 16 + 2) / 8, (at % 16 + 5) / 8);
        let want = [[1, 2, 3], [4, 0, 5], [6, 7, 8]][row][column];
        assert_eq!(v, want as f32, "{at}");
    }
    let classes: Vec<usize> = { joined.boxes().unwrap().items().iter() }
        .map(|item| item.class)
        .collect();
    assert_eq!(classes[0], 0);
    assert!(classes.contains(&5) && classes.contains(&2));
    assert!(mosaic(vec![9]).apply(samples.clone()).is_err());
    assert!(mosaic(vec![0]).apply(samples[..8].to_vec()).is_err());
    // A flat sample in the middle leaves no room between it and its neighbours.
    let mut flat = samples;
    flat[0] =
        Sample::new(Image::new(grid([4, 8]), vec![0.0; 32]).unwrap()).with_boxes(Boxes::new([]));
    let joined = mosaic(vec![0]).apply(flat).unwrap();
    let column: Vec<f32> = (0..16)
        .map(|row| joined.image().as_slice()[row * 16 + 12])
        .collect();
    assert_eq!(
        column,
        [
            -1., -1., 2., 2., 2., 2., 2., 2., 2., 2., 0., 0., 0., 0., 7., 7.
        ]
    );
}

#[test]
fn bad_parameters_are_refused_with_what_to_change() {
    let brightness: Step = serde_json::from_str(r#"{"Brightness": {"factor": 1.5}}"#).unwrap();
    let refused = |step: Step, words: &str| {
        let error = Compose::<2>::new(vec![step]).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let some = |count| SomeOf {
        steps: vec![brightness.clone()],
        count,
    };
    refused(some([1, 0]).into(), "at least its lower bound");
    refused(some([0, 2]).into(), "no more than there may be");
    let policy = RandAugment::default();
    let strong = RandAugment {
        magnitude: 31,
        ..policy.clone()
    };
    refused(strong.into(), "below `bins`");
    let none = RandAugment {
        kinds: vec![],
        ..policy
    };
    refused(none.into(), "kinds must be at least one");
    refused(ImageCompression { quality: 0 }.into(), "within 1 and 100");
    let filter = ImageFilter {
        kind: FilterKind::Mean,
        size: 4,
    };
    refused(filter.into(), "odd");
    let area = |area, aspect| RandomCoarseDropout {
        holes: HoleDraw {
            count: [1, 1],
            size: HoleSize::Area { area, aspect },
        },
        ..RandomCoarseDropout::default()
    };
    refused(area([0.5, 0.2], [1.0, 1.0]).into(), "the smaller first");
    refused(area([0.1, 0.2], [0.0, 1.0]).into(), "above 0");
    let grid = RandomControlGrid {
        spacing_voxels: vec![0.5],
        ..RandomControlGrid::default()
    };
    refused(grid.into(), "within 1 and 10000 voxels");
    let split = GridSplit {
        parts: vec![3],
        shape: None,
    };
    assert!(split.crops([2, 9]).is_err());
    let deep = Compose::<3>::new(vec![RandAugment::default().into()]).unwrap_err();
    assert!(deep.to_string().contains("two axes"));
}
