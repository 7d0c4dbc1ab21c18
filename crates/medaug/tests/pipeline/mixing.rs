//! Several samples become one, and what is known about their voxels comes along.

use medaug::{
    Affine, Border, BoxRule, Boxes, Compose, CopyPaste, CutMix, Error, Fit, Flip, Ground,
    LabelledPoint, Laterality, Layer, Mix, MixPipeline, MixStep, MixUp, Mixture, Mosaic, Points,
    RandomCopyPaste, RandomCutMix, RandomMixUp, RandomMosaic, Sample, Sampling, Step,
    preset::{self, Pixels},
};
use medcore::components::{Components, Connectivity};
use medcore::random::Key;
use medcore::resample::LabelInterpolation;
use medcore::{BoundingBox, Geometry, Image, LabelMap};

fn image<const D: usize>(shape: [usize; D], value: impl Fn([usize; D]) -> f32) -> Image<f32, D> {
    let grid = Geometry::axis_aligned(shape, [1.0; D]).unwrap();
    let voxels: Vec<f32> = (0..grid.len()).map(|at| value(index(at, shape))).collect();
    Image::new(grid, voxels).unwrap()
}

fn index<const D: usize>(mut at: usize, shape: [usize; D]) -> [usize; D] {
    let mut index = [0; D];
    for a in (0..D).rev() {
        index[a] = at % shape[a];
        at /= shape[a];
    }
    index
}

/// An image of `value` with a rectangle of 1, which its labels, instances, box and middle point tell too.
fn rectangle(shape: [usize; 2], value: f32, low: [usize; 2], high: [usize; 2]) -> Sample<2> {
    let inside = |at: [usize; 2]| (0..2).all(|a| (low[a]..high[a]).contains(&at[a]));
    let image = image(shape, |at| if inside(at) { 1.0 } else { value });
    let grid = *image.geometry();
    let labels: Vec<u8> = (0..grid.len())
        .map(|at| u8::from(inside(index(at, shape))))
        .collect();
    let labels = LabelMap::new(grid, labels).unwrap();
    let numbers = labels.map(u16::from);
    let bounds = BoundingBox::new(low.map(|v| v as f64 - 0.5), high.map(|v| v as f64 - 0.5));
    let middle = std::array::from_fn(|a| (low[a] + high[a] - 1) as f64 / 2.0);
    Sample::with_labels(image, labels)
        .unwrap()
        .with_boxes(Boxes::new([(bounds.unwrap(), 4)]))
        .with_points(Points::new(vec![LabelledPoint::new(middle, 0)]))
        .with_layer("numbers", Layer::Instances(numbers))
        .unwrap()
}

fn bounds<const D: usize>(sample: &Sample<D>) -> Vec<([f64; D], [f64; D])> {
    let items = sample.boxes().unwrap().items().iter();
    items.map(|b| (b.bounds.min(), b.bounds.max())).collect()
}

#[test]
fn a_mosaic_shows_four_samples_around_its_centre() {
    let shape = [10, 12];
    let samples: Vec<Sample<2>> = (0..4)
        .map(|i| rectangle(shape, 0.1 * i as f32, [2, 3], [6, 8]))
        .collect();
    let mosaic = Mosaic {
        shape: shape.to_vec(),
        centre: vec![7, 13],
        fill: 0.75,
    };
    let joined = Mixture::from(mosaic).apply(samples.clone()).unwrap();
    assert_eq!(joined.shape(), [20, 24]);
    let Layer::Instances(numbers) = &joined.layers()["numbers"] else {
        panic!("the layer is another");
    };
    // Where the first voxel of each tile would lie.
    let starts = [[-3, 1], [-3, 13], [7, 1], [7, 13]];
    for at in 0..20 * 24 {
        let place = index(at, [20, 24]).map(|v| v as isize);
        let shown = starts.iter().enumerate().find_map(|(i, start)| {
            let from: [isize; 2] = std::array::from_fn(|a| place[a] - start[a]);
            // Tiles do not overlap: each has its side of the centre.
            let side = [usize::from(place[0] >= 7), usize::from(place[1] >= 13)];
            let own = side[0] * 2 + side[1] == i;
            (own && (0..2).all(|a| (0..shape[a] as isize).contains(&from[a]))).then(|| {
                let source = (from[0] * 12 + from[1]) as usize;
                (i, source)
            })
        });
        let (value, label, number) = match shown {
            None => (0.75, 0, 0),
            Some((i, source)) => {
                let label = samples[i].labels().unwrap().as_slice()[source];
                let number = if label > 0 { i as u16 + 1 } else { 0 };
                (samples[i].image().as_slice()[source], label, number)
            }
        };
        assert_eq!(joined.image().as_slice()[at], value, "{place:?}");
        assert_eq!(joined.labels().unwrap().as_slice()[at], label, "{place:?}");
        assert_eq!(numbers.as_slice()[at], number, "{place:?}");
    }
    // The upper two lost their first three rows, of which their boxes held one.
    let want = [
        ([-0.5, 3.5], [2.5, 8.5]),
        ([-0.5, 15.5], [2.5, 20.5]),
        ([8.5, 3.5], [12.5, 8.5]),
        ([8.5, 15.5], [12.5, 20.5]),
    ];
    assert_eq!(bounds(&joined), want);
    let numbers: Vec<usize> = joined
        .boxes()
        .unwrap()
        .items()
        .iter()
        .map(|b| b.number)
        .collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
    let points = &joined.points().unwrap().items;
    assert_eq!(points.len(), 4);
    assert!(points.iter().all(|point| point.known));
    assert_eq!(points[3].at, [10.5, 18.0]);
    // The canvas lies where the first sample lies.
    let place = joined.geometry().index_to_world([0.0, 1.0]);
    assert!(place.distance(samples[0].geometry().index_to_world([3.0, 0.0])) < 1e-9);
}

#[test]
fn samples_of_a_mosaic_are_scaled_to_fit_and_hidden_points_are_not_known() {
    let small = rectangle([4, 8], 0.0, [1, 2], [3, 6]);
    let mosaic = |centre: [usize; 2]| {
        let mosaic = Mosaic {
            shape: vec![16, 16],
            centre: centre.to_vec(),
            fill: 0.0,
        };
        Mixture::from(mosaic).apply(vec![small.clone(); 4]).unwrap()
    };
    // Twice as large, 8 by 16.
    assert_eq!(bounds(&mosaic([12, 16]))[0], ([5.5, 3.5], [9.5, 11.5]));
    let cut = mosaic([3, 16]);
    assert!(!cut.points().unwrap().items[0].known, "above the canvas");
    assert!(cut.points().unwrap().items[2].known);
    let volumes = vec![Sample::new(image([4, 4, 4], |_| 1.0)); 8];
    let mosaic = Mosaic {
        shape: vec![4],
        centre: vec![4],
        fill: 0.0,
    };
    let joined = Mixture::from(mosaic).apply(volumes).unwrap();
    assert_eq!(joined.image().as_slice(), [1.0; 512]);
}

/// With instances a sample is cut out first, without it is read where it lies.
#[test]
fn moves_read_a_mosaic_as_if_it_had_been_made() {
    let numbered = |i: usize| rectangle([10, 12], 0.1 * i as f32, [2, 3], [6, 8]);
    let plain = |i: usize| {
        let (image, labels) = numbered(i).into_parts();
        let points = Points::new(vec![LabelledPoint::new([3.5, 5.0], 0)]);
        Sample::with_labels(image, labels.unwrap())
            .unwrap()
            .with_points(points)
            .with_boxes(numbered(i).boxes().unwrap().clone())
    };
    let mosaic = || vec![MixStep::from(RandomMosaic::new(vec![10, 12]))];
    let made = MixPipeline::<2>::new(mosaic(), None, 0.0, vec![]).unwrap();
    for (labels, degrees) in [
        (LabelInterpolation::Nearest, vec![]),
        (LabelInterpolation::Linear, vec![]),
        (LabelInterpolation::Nearest, vec![20.0]),
    ] {
        let zoom = Affine {
            scale: vec![0.7, 1.3],
            translation: vec![2.0, -1.3],
            rotation_degrees: degrees,
            flip: vec![1],
            sampling: Sampling {
                labels,
                ..Sampling::default()
            },
            ..Affine::default()
        };
        let flip = Flip {
            axes: vec![0],
            ..Flip::default()
        };
        for steps in [vec![], vec![flip.into()], vec![zoom.into()]] {
            let steps: Vec<Step> = steps;
            let at_once = MixPipeline::new(mosaic(), None, 0.0, steps.clone()).unwrap();
            let then = Compose::<2>::new(steps).unwrap();
            for number in 0..10 {
                let key = Key::new(7).sample(number);
                for samples in [(0..4).map(plain).collect(), (0..4).map(numbered).collect()] {
                    let samples: Vec<Sample<2>> = samples;
                    let canvas = made.apply(samples.clone(), key).unwrap();
                    let expected = then.apply(canvas, key).unwrap();
                    assert_eq!(at_once.apply(samples, key).unwrap(), expected);
                }
            }
        }
    }
}

#[test]
fn cutmix_keeps_the_boxes_that_are_seen() {
    let shape = [20, 20];
    let with = |boxes: &[([f64; 2], [f64; 2])]| {
        let boxes = boxes
            .iter()
            .map(|&(min, max)| (BoundingBox::new(min, max).unwrap(), 1));
        Sample::new(image(shape, |_| 0.0)).with_boxes(Boxes::new(boxes).with_rule(BoxRule {
            visible: 0.3,
            extent: 2.0,
        }))
    };
    // The block covers rows and columns 5 to 14.
    let first = with(&[
        ([0.0, 0.0], [4.0, 4.0]),   // beside it
        ([6.0, 6.0], [10.0, 10.0]), // behind it
        ([6.0, 0.0], [10.0, 9.0]),  // partly behind it: what is left is a box
        ([0.0, 0.0], [10.0, 10.0]), // a corner behind it
        ([6.0, 3.5], [10.0, 14.0]), // too little is seen
    ]);
    let second = with(&[
        ([7.0, 7.0], [9.0, 9.0]),
        ([0.0, 0.0], [9.0, 9.0]),  // a fifth of it in the block
        ([7.0, 0.0], [9.0, 12.0]), // more than half of it
    ]);
    let block = CutMix {
        start: vec![5, 5],
        end: vec![15, 15],
    };
    let mixed = Mixture::from(block).apply(vec![first, second]).unwrap();
    let want = [
        ([0.0, 0.0], [4.0, 4.0]),
        ([6.0, 0.0], [10.0, 4.5]),
        ([0.0, 0.0], [10.0, 10.0]),
        ([7.0, 7.0], [9.0, 9.0]),
        ([7.0, 4.5], [9.0, 12.0]),
    ];
    assert_eq!(bounds(&mixed), want);
}

#[test]
fn what_cannot_be_mixed_is_named() {
    let refused =
        |mixture: Mixture, samples: Vec<Sample<2>>| mixture.apply(samples).unwrap_err().to_string();
    let plain = || Sample::new(image([6, 6], |_| 0.5));
    let marked = || rectangle([6, 6], 0.0, [1, 1], [4, 4]);
    let half = MixUp { weight: 0.5 };
    let said = refused(half.into(), vec![plain()]);
    assert_eq!(said, "MixUp is made of 2 samples, got 1");
    let said = refused(half.into(), vec![plain(), marked()]);
    assert!(
        said.contains("labels of the samples must be alike"),
        "{said}"
    );
    let said = refused(half.into(), vec![marked(), marked()]);
    assert!(said.contains("MixUp cannot mix points"), "{said}");
    let labels = || {
        let image = image([6, 6], |_| 0.5);
        let labels = LabelMap::background(*image.geometry()).unwrap();
        Sample::with_labels(image, labels).unwrap()
    };
    let said = refused(half.into(), vec![labels(), labels()]);
    assert!(
        said.contains("label maps") && said.contains("CutMix"),
        "{said}"
    );
    let other = Sample::new(image([6, 7], |_| 0.5));
    let said = refused(half.into(), vec![plain(), other]);
    assert!(said.contains("[6, 6]") && said.contains("[6, 7]"), "{said}");
    let said = refused(MixUp { weight: 1.5 }.into(), vec![plain(), plain()]);
    assert!(said.contains("within 0 and 1"), "{said}");
    let outside = CutMix {
        start: vec![2],
        end: vec![9],
    };
    assert!(refused(outside.into(), vec![plain(), plain()]).contains("within the image"));
    let wrong: Vec<MixStep> = vec![
        RandomMixUp {
            probability: 1.2,
            alpha: 1.0,
        }
        .into(),
        RandomMixUp {
            probability: 1.0,
            alpha: 0.0,
        }
        .into(),
        RandomMosaic::new(vec![8, 8, 8]).into(),
        RandomMosaic::new(vec![1]).into(),
        RandomCopyPaste {
            feather_mm: -1.0,
            ..RandomCopyPaste::default()
        }
        .into(),
        RandomCopyPaste {
            classes: vec![],
            ..RandomCopyPaste::default()
        }
        .into(),
    ];
    for step in wrong {
        assert!(
            MixPipeline::<2>::new(vec![step.clone()], None, 0.0, vec![]).is_err(),
            "{step:?}"
        );
    }
}

/// A receiver with an organ of class 5 and a source with two lesions of class 1.
fn lesions<const D: usize>(spacing: f64) -> [Sample<D>; 2] {
    let shape: [usize; D] = std::array::from_fn(|a| [14, 24, 26][a + 3 - D]);
    let grid = Geometry::axis_aligned(shape, [spacing; D]).unwrap();
    let near = |at: usize, centre: f64, radius: f64| {
        let place = index(at, shape);
        let square: f64 = (0..D)
            .map(|a| (place[a] as f64 - centre * shape[a] as f64).powi(2))
            .sum();
        square < radius * radius
    };
    let sample = |value: f32, class: &dyn Fn(usize) -> u8| {
        let labels: Vec<u8> = (0..grid.len()).map(class).collect();
        let numbers = labels
            .iter()
            .map(|&l| u16::from(l == 1))
            .collect::<Vec<_>>();
        let image = Image::new(grid, vec![value; grid.len()]).unwrap();
        Sample::with_labels(image, LabelMap::new(grid, labels).unwrap())
            .unwrap()
            .with_layer(
                "numbers",
                Layer::Instances(LabelMap::new(grid, numbers).unwrap()),
            )
            .unwrap()
            .with_boxes(Boxes::default())
    };
    let organ = sample(0.0, &|at| if near(at, 0.5, 6.5) { 5 } else { 0 });
    let lesions = sample(1.0, &|at| {
        u8::from(near(at, 0.25, 2.1)) + u8::from(near(at, 0.75, 1.2))
    });
    [organ, lesions]
}

#[test]
fn lesions_are_pasted_whole_where_the_ground_allows() {
    fn check<const D: usize>() {
        let [receiver, source] = lesions::<D>(1.5);
        let paste = RandomCopyPaste {
            probability: 1.0,
            ground: Ground::Labels(vec![5]),
            box_class: Some(7),
            feather_mm: 3.0,
            ..RandomCopyPaste::default()
        };
        let found = Components::new(
            source.labels().unwrap().as_slice(),
            source.shape(),
            Connectivity::Corner,
            |&l| l == 1,
        );
        let sizes: Vec<usize> = found
            .unwrap()
            .components()
            .iter()
            .map(|c| c.voxels)
            .collect();
        assert_eq!(sizes.len(), 2);
        let mut seen = [0; 2];
        for draw in 0..60 {
            let samples = vec![receiver.clone(), source.clone()];
            let pasted = paste.apply(samples, Key::new(2).sample(draw)).unwrap();
            let before = receiver.labels().unwrap().as_slice();
            let after = pasted.labels().unwrap().as_slice();
            let new: Vec<usize> = (0..after.len()).filter(|&at| after[at] == 1).collect();
            assert!(new.iter().all(|&at| before[at] == 5), "outside the organ");
            let part = sizes
                .iter()
                .position(|&size| size == new.len())
                .expect("not whole");
            seen[part] += 1;
            let image = pasted.image().as_slice();
            assert!(new.iter().all(|&at| image[at] == 1.0));
            let edge = image.iter().filter(|&&v| v > 0.0 && v < 1.0).count();
            assert!(edge > 0, "the edge fades");
            let item = pasted.boxes().unwrap().items()[0];
            assert_eq!(item.class, 7);
            for &at in &new {
                let place = index(at, pasted.shape());
                assert!((0..D).all(|a| {
                    (item.bounds.min()[a]..item.bounds.max()[a]).contains(&(place[a] as f64))
                }));
            }
            let Layer::Instances(numbers) = &pasted.layers()["numbers"] else {
                panic!("the layer is another");
            };
            assert!(new.iter().all(|&at| numbers.as_slice()[at] == 1));
        }
        assert!(seen.iter().all(|&n| n > 15), "{seen:?}");
    }
    check::<2>();
    check::<3>();
}

#[test]
fn a_lesion_without_a_place_or_a_box_is_answered() {
    let [receiver, source] = lesions::<2>(1.0);
    let pair = || vec![receiver.clone(), source.clone()];
    let paste = RandomCopyPaste {
        probability: 1.0,
        ground: Ground::Labels(vec![9]),
        ..RandomCopyPaste::default()
    };
    assert_eq!(paste.apply(pair(), Key::new(1)).unwrap(), receiver);
    let none = RandomCopyPaste {
        classes: vec![3],
        ..paste.clone()
    };
    assert_eq!(none.apply(pair(), Key::new(1)).unwrap(), receiver);
    let anywhere = RandomCopyPaste {
        ground: Ground::Anywhere,
        ..paste
    };
    let said = anywhere.apply(pair(), Key::new(1)).unwrap_err().to_string();
    assert!(said.contains("box_class"), "{said}");
    let [coarse, _] = lesions::<2>(2.0);
    let said = anywhere
        .apply(vec![coarse, source.clone()], Key::new(1))
        .unwrap_err();
    assert!(
        matches!(
            said,
            Error::Unlike {
                what: "spacing",
                ..
            }
        ),
        "{said}"
    );
    // Over the border, if it may.
    let cut = RandomCopyPaste {
        border: Border::Cut,
        fit: Fit::Middle,
        box_class: Some(0),
        ..anywhere.clone()
    };
    let mut edges = [0; 2];
    for draw in 0..200 {
        for (i, paste) in [
            &cut,
            &RandomCopyPaste {
                border: Border::Within,
                ..cut.clone()
            },
        ]
        .into_iter()
        .enumerate()
        {
            let key = Key::new(5).sample(draw);
            let Some(Mixture::CopyPaste(CopyPaste { start, .. })) =
                paste.draw(&pair(), key).unwrap()
            else {
                panic!("nothing drawn");
            };
            edges[i] += usize::from(start.iter().any(|&s| s < 0));
            paste.apply(pair(), key).unwrap();
        }
    }
    assert!(edges[0] > 3 && edges[1] == 0, "{edges:?}");
}

#[test]
fn yolo_keeps_boxes_on_what_they_mark() {
    let pipeline = preset::yolo([64, 64], 0.7, Pixels::Grey, Laterality::Ignore).unwrap();
    let (mut mosaics, mut kept) = (0, 0);
    for draw in 0..40 {
        let key = Key::new(21).epoch(1).sample(draw);
        let others = pipeline.others(key);
        mosaics += usize::from(others == 3);
        let samples: Vec<Sample<2>> = (0..=others)
            .map(|i| {
                let marked = rectangle([40 + 8 * i, 60], 0.2, [10, 12], [26, 34 + 2 * i]);
                let mut plain = Sample::new(marked.image().clone());
                plain = plain.with_boxes(marked.boxes().unwrap().clone());
                plain
            })
            .collect();
        let done = pipeline.apply(samples.clone(), key).unwrap();
        assert_eq!(done.shape(), [64, 64]);
        let image = done.image().as_slice();
        let inside = |at: usize, by: f64| {
            let place = index(at, [64, 64]);
            done.boxes().unwrap().items().iter().any(|item| {
                (0..2).all(|a| {
                    let (min, max) = (item.bounds.min()[a] - by, item.bounds.max()[a] + by);
                    (min..=max).contains(&(place[a] as f64))
                })
            })
        };
        kept += done.boxes().unwrap().items().len();
        for (at, &v) in image.iter().enumerate() {
            if inside(at, -1.0) {
                assert!(v > 0.9, "{v} within a box in draw {draw}");
            }
        }
        let stray = (0..image.len())
            .filter(|&at| image[at] > 0.9 && !inside(at, 1.0))
            .count();
        // What is left of boxes that the rule drops: at most a tenth of each or two voxels' width.
        assert!(stray < 200, "{stray} in draw {draw}");
        let pool = rayon_pool(3);
        assert_eq!(pool.install(|| pipeline.apply(samples, key)).unwrap(), done);
    }
    assert!((18..38).contains(&mosaics), "{mosaics}");
    assert!(kept > 40, "{kept}");
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
}

#[test]
fn mixing_is_written_down_and_read_back() {
    let steps: Vec<MixStep> = vec![
        RandomMosaic::new(vec![16]).into(),
        RandomMixUp::default().into(),
        RandomCutMix::default().into(),
        RandomCopyPaste::default().into(),
    ];
    let text = serde_json::to_string(&steps).unwrap();
    assert_eq!(serde_json::from_str::<Vec<MixStep>>(&text).unwrap(), steps);
    let pipeline = preset::yolo([32, 48], 1.0, Pixels::Grey, Laterality::Ignore).unwrap();
    let text = serde_json::to_string(&pipeline).unwrap();
    assert_eq!(
        serde_json::from_str::<MixPipeline<2>>(&text).unwrap(),
        pipeline
    );
    let wrong = text.replace(r#""probability":1.0"#, r#""probability":7.0"#);
    assert!(serde_json::from_str::<MixPipeline<2>>(&wrong).is_err());
    // What was drawn does the same again.
    let samples = vec![
        Sample::new(image([9, 8], |at| at[0] as f32)),
        Sample::new(image([9, 8], |_| 0.5)),
    ];
    let mix = RandomCutMix::default();
    let drawn = mix.draw(&samples, Key::new(4)).unwrap().unwrap();
    let read: Mixture = serde_json::from_str(&serde_json::to_string(&drawn).unwrap()).unwrap();
    assert_eq!(
        read.apply(samples.clone()).unwrap(),
        mix.apply(samples, Key::new(4)).unwrap()
    );
}
