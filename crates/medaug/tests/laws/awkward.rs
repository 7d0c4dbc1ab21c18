//! Samples that are not what one thinks of first: one voxel along an axis, nothing labelled, boxes and points elsewhere.

use std::panic::{AssertUnwindSafe, catch_unwind};

use medaug::{Boxes, Compose, Error, LabelledPoint, On, Points, Sample, Step, Target};
use medcore::{BoundingBox, Geometry, Image, LabelMap};

use crate::exhibits::exhibits;
use crate::support::{KEY, KEYS, full_on, pipelines, textured};

/// Runs every example that is made for the sample's own grid, and every one that is made for a usual one.
fn survives<const D: usize>(what: &str, sample: &Sample<D>, wrong: &mut Vec<String>) {
    let usual = Geometry::<D>::axis_aligned(std::array::from_fn(|a| 12 + a), [1.0; D]).unwrap();
    let own = catch_unwind(|| exhibits(sample.geometry())).unwrap_or_default();
    for exhibit in own.into_iter().chain(exhibits(&usual)) {
        let name = exhibit.step.name();
        let Ok(pipeline) = Compose::<D>::new(vec![exhibit.step]) else {
            continue;
        };
        let run = || match pipeline.record(sample.clone(), KEY) {
            Err(refused) => assert!(!refused.to_string().is_empty()),
            Ok((done, record)) => {
                assert!(
                    !done.image().as_slice().iter().any(|v| v.is_nan()),
                    "makes NaN"
                );
                assert!(record.replay(sample.clone()).unwrap() == done, "replays");
                let warp = record.warp().unwrap();
                assert_eq!(warp.shape(), done.shape());
                if let Some(labels) = done.labels() {
                    record.restore_labels(labels).unwrap();
                }
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            wrong.push(format!("{name} on {what}: {said:?}"));
        }
    }
}

fn value<const D: usize>(channel: usize, index: [usize; D]) -> f32 {
    let sum: usize = index.iter().enumerate().map(|(a, i)| (a + 2) * i * i).sum();
    0.1 + ((sum + 5 * channel) % 17) as f32 / 20.0
}

fn shapes<const D: usize>(shapes: &[[usize; D]]) {
    let mut wrong = vec![];
    for &shape in shapes {
        let grid = Geometry::<D>::axis_aligned(shape, [1.5; D]).unwrap();
        let sample = full_on(grid, value::<D>);
        survives(&format!("{shape:?}"), &sample, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}: {:#?}", wrong.len(), wrong);
}

#[test]
fn axes_of_one_and_two_voxels_are_answered() {
    shapes::<2>(&[[1, 1], [1, 9], [8, 1], [2, 2], [3, 1]]);
    shapes::<3>(&[
        [1, 1, 1],
        [1, 9, 8],
        [6, 1, 7],
        [5, 6, 1],
        [1, 1, 9],
        [2, 2, 2],
    ]);
}

fn contents<const D: usize>() {
    let shape: [usize; D] = std::array::from_fn(|a| [6, 13, 11][a + 3 - D]);
    let grid = Geometry::<D>::axis_aligned(shape, [2.0; D]).unwrap();
    let whole = full_on(grid, value::<D>);
    let bare = Sample::new(whole.image().clone());
    let one = Image::new(grid, whole.image().channel(0).to_vec()).unwrap();
    let far = BoundingBox::new([-40.0; D], [-30.0; D]).unwrap();
    let flat = BoundingBox::new([3.0; D], [3.0; D]);
    let strange = [
        Some(far),
        flat.ok(),
        BoundingBox::new([-5.0; D], [90.0; D]).ok(),
    ];
    let strange = strange.into_iter().flatten().map(|bounds| (bounds, 700));
    let lost = LabelledPoint {
        known: false,
        ..LabelledPoint::new([1e30; D], 3)
    };
    let points = vec![LabelledPoint::new([-1e9; D], 0), lost];
    let constant = full_on(grid, |_, _| 0.25);
    let mut wrong = vec![];
    for (what, sample) in [
        ("nothing but an image", bare),
        ("one channel", Sample::new(one)),
        (
            "nothing labelled",
            whole
                .clone()
                .with_class_labels(LabelMap::background(grid).unwrap())
                .unwrap(),
        ),
        (
            "everything labelled",
            whole
                .clone()
                .with_class_labels(LabelMap::new(grid, vec![255; grid.len()]).unwrap())
                .unwrap(),
        ),
        (
            "no box in the list",
            whole.clone().with_boxes(Boxes::new([])),
        ),
        (
            "boxes elsewhere",
            whole.clone().with_boxes(Boxes::new(strange)),
        ),
        (
            "no point in the list",
            whole.clone().with_points(Points::new(vec![])),
        ),
        ("points elsewhere", whole.with_points(Points::new(points))),
        ("one value", constant),
    ] {
        survives(what, &sample, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}: {:#?}", wrong.len(), wrong);
}

#[test]
fn samples_that_lack_something_are_answered() {
    contents::<2>();
    contents::<3>();
}

/// Steps that leave the examples' sample as it is: it has no hole, and its labels follow one another.
const MAY_DO_NOTHING: &[&str] = &["FillHoles", "SequentialLabels"];

/// Laws about a transform that does nothing would be empty.
#[test]
fn every_example_changes_something() {
    fn check<const D: usize>() {
        let mut idle = vec![];
        for (name, pipeline) in pipelines::<D>() {
            let before = textured::<D>();
            let changes = KEYS
                .iter()
                .any(|&key| pipeline.apply(before.clone(), key).unwrap() != before);
            if !changes && !MAY_DO_NOTHING.contains(&name) {
                idle.push(name);
            }
        }
        assert!(idle.is_empty(), "{idle:?}");
    }
    check::<2>();
    check::<3>();
}

#[test]
fn a_step_on_a_layer_leaves_all_else_alone() {
    fn check<const D: usize>() {
        let mut done = 0;
        for exhibit in exhibits(textured::<D>().geometry()) {
            let name = exhibit.step.name();
            let step = Step::On(Box::new(On {
                target: Target::Layer("second".to_owned()),
                inner: exhibit.step,
            }));
            let Ok(pipeline) = Compose::<D>::new(vec![step]) else {
                continue;
            };
            match pipeline.record(textured::<D>(), KEY) {
                Ok((after, record)) => {
                    done += 1;
                    let before = textured::<D>();
                    assert!(after.image() == before.image(), "{name} changes the image");
                    assert!(after.labels() == before.labels(), "{name} changes labels");
                    assert_eq!(after.boxes(), before.boxes(), "{name}");
                    assert_eq!(after.points(), before.points(), "{name}");
                    assert!(record.replay(before).unwrap() == after, "{name}");
                }
                Err(Error::MovedTarget) => {}
                Err(other) => panic!("{name}: {other}"),
            }
        }
        assert!(done > 100, "{done}");
    }
    check::<2>();
    check::<3>();
}

#[test]
fn a_sample_holds_what_the_step_says_it_will() {
    fn check<const D: usize>() {
        let whole = textured::<D>();
        let bare = Sample::new(whole.image().clone());
        for sample in [whole, bare] {
            for exhibit in exhibits(sample.geometry()) {
                let (name, step) = (exhibit.step.name(), exhibit.step.clone());
                let Ok(pipeline) = Compose::<D>::new(vec![exhibit.step]) else {
                    continue;
                };
                let before = sample.contents();
                let needed = pipeline.check_contents(&before);
                let done = pipeline.apply(sample.clone(), KEY);
                let after = match (needed, done) {
                    (Ok(()), Ok(done)) => done.contents(),
                    (Ok(()), Err(refused)) => panic!("{name} needs more than it says: {refused}"),
                    (Err(_), _) => continue,
                };
                let said = step.after::<D>(before);
                let more = |said: bool, got: bool| assert!(got || !said, "{name}");
                more(said.labels, after.labels);
                more(said.boxes, after.boxes);
                more(said.points, after.points);
                assert!(said.layers.is_subset(&after.layers), "{name}: {after:?}");
                let fewer = after.channels.filter(|_| said.channels.is_some());
                assert_eq!(said.channels, fewer, "{name}");
            }
        }
    }
    check::<2>();
    check::<3>();
}

#[test]
fn steps_have_what_those_before_them_make() {
    let steps = |json: &str| serde_json::from_str::<Compose<2>>(json).unwrap();
    let gray = Sample::new(
        Image::zeros(1, Geometry::<2>::axis_aligned([9, 8], [1.0; 2]).unwrap()).unwrap(),
    );
    for json in [
        r#"[{"RepeatChannel": {"count": 3}}, {"RandomColorJitter": {}}]"#,
        r#"[{"Sequence": [{"Threshold": {"at": [0.5]}}, {"ArgMax": {}}]}, {"LabelsToBoxes": {}}, {"RandomBoxSafeCrop": {}}]"#,
        r#"[{"CopyLayer": {"to": "clean"}}, {"JoinLayers": {"layers": ["clean"]}}, {"DropLayers": {"layers": ["clean"]}}]"#,
        r#"[{"OneOf": {"steps": [{"ArgMax": {}}, {"RegionsToLabels": {"paint": [[0, 1]]}}]}}, {"KeepLargest": {}}]"#,
    ] {
        let pipeline = steps(json);
        pipeline.check_contents(&gray.contents()).unwrap();
        gray.contents().check("all", &pipeline.needs()).unwrap();
    }
    for (json, said) in [
        (
            r#"[{"ToGray": {"channels": 1}}, {"ColorJitter": {"adjustments": [{"hue": 0.1}]}}]"#,
            "ColorJitter: image channels needs 3 entries, got 1",
        ),
        (
            r#"[{"Sometimes": {"probability": 0.5, "steps": [{"ArgMax": {}}]}}, {"KeepLargest": {}}]"#,
            "KeepLargest needs labels, the sample has none",
        ),
        (
            r#"[{"SomeOf": {"steps": [{"ArgMax": {}}, {"Invert": {"range": [0, 1]}}], "count": [1, 2]}}, {"KeepLargest": {}}]"#,
            "KeepLargest needs labels, the sample has none",
        ),
        (
            r#"[{"CopyLayer": {"to": "a"}}, {"DropLayers": {"layers": ["a"]}}, {"JoinLayers": {"layers": ["a"]}}]"#,
            "JoinLayers needs the layer \"a\", the sample has []",
        ),
    ] {
        let refused = steps(json).check_contents(&gray.contents()).unwrap_err();
        assert_eq!(refused.to_string(), said);
    }
    // What is made within needs nothing from outside.
    let needs = steps(r#"[{"ArgMax": {}}, {"KeepLargest": {}}]"#).needs();
    assert!(!needs.labels);
}

#[test]
fn any_order_is_drawn_as_often() {
    let pipeline: Compose<2> = serde_json::from_str(
        r#"[{"RandomOrder": [{"Brightness": {"factor": 2.0}}, {"ShiftIntensity": {"offset": 1.0}}]}]"#,
    )
    .unwrap();
    let one = Geometry::<2>::axis_aligned([1, 1], [1.0; 2]).unwrap();
    let sample = Sample::new(Image::new(one, vec![1.0]).unwrap());
    let first = (0..400)
        .map(|seed| {
            pipeline
                .apply(sample.clone(), medcore::random::Key::new(seed))
                .unwrap()
        })
        .map(|done| done.image().as_slice()[0])
        .inspect(|&v| assert!(v == 3.0 || v == 4.0, "{v}"))
        .filter(|&v| v == 3.0)
        .count();
    assert!((160..240).contains(&first), "{first}");
}
