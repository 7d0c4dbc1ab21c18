//! What must hold for all images: merging, threads, permutations, axes, labels.

use medcore::rle::Rle;
use medmetrics::detection::{
    Annotation, AnnotationKind, AveragePrecision, Coco, CocoResult, CocoSelection, Detection,
    DetectionAccumulator, DetectionImage, DetectionImages, DetectionProtocol, Froc, HitCriterion,
};
use medmetrics::{Accumulator, Error};
use proptest::prelude::*;

/// Corner and sides in whole numbers, so that no rule depends on rounding.
type Cuboid = ([u8; 3], [u8; 3]);

#[derive(Debug, Clone)]
struct Scan {
    annotations: Vec<(u32, Cuboid, u8)>,
    detections: Vec<(u32, Cuboid, u8)>,
}

fn cuboid() -> impl Strategy<Value = Cuboid> {
    (
        prop::array::uniform3(0_u8..6),
        prop::array::uniform3(1_u8..6),
    )
}

fn scan() -> impl Strategy<Value = Scan> {
    let objects = |most| prop::collection::vec((0_u32..3, cuboid(), 0_u8..10), 0..most);
    (objects(5), objects(9)).prop_map(|(annotations, detections)| Scan {
        annotations,
        detections,
    })
}

fn image(id: i64, scan: &Scan, axes: [usize; 3], label: impl Fn(u32) -> u32) -> DetectionImage<3> {
    let place = |(corner, sides): &Cuboid| {
        (
            axes.map(|a| f64::from(corner[a])),
            axes.map(|a| f64::from(sides[a])),
        )
    };
    let annotations = scan.annotations.iter().map(|(class, cuboid, kind)| {
        let (corner, sides) = place(cuboid);
        let kind = match kind {
            0 => AnnotationKind::Crowd,
            1 => AnnotationKind::Ignored,
            _ => AnnotationKind::Ordinary,
        };
        Annotation::from_origin(label(*class), corner, sides)
            .unwrap()
            .with_kind(kind)
    });
    let detections = scan.detections.iter().map(|(class, cuboid, score)| {
        let (corner, sides) = place(cuboid);
        Detection::from_origin(label(*class), corner, sides, f64::from(*score) / 10.0).unwrap()
    });
    DetectionImage::new(id, annotations.collect(), detections.collect())
}

const AXES: [usize; 3] = [0, 1, 2];

fn all(scans: &[Scan]) -> DetectionImages<3> {
    let mut images = DetectionImages::new();
    for (i, scan) in scans.iter().enumerate() {
        images
            .push(image(i as i64, scan, AXES, |class| class))
            .unwrap();
    }
    images
}

fn volumes() -> Coco {
    Coco::nndetection().with_max_detections([1, 3, 100])
}

fn evaluated(images: &DetectionImages<3>) -> CocoResult {
    volumes().evaluate(images).unwrap()
}

/// Pushes the images into parts, and the parts into one.
fn merged<P: DetectionProtocol<3>>(
    protocol: P,
    images: &[DetectionImage<3>],
    parts: &[usize],
) -> P::Output {
    let mut states = vec![DetectionAccumulator::new(protocol); 3];
    for (image, part) in images.iter().zip(parts) {
        states[part % 3].push(image.clone()).unwrap();
    }
    states.rotate_left(parts.len() % 3);
    let mut whole = states.pop().unwrap();
    states.iter().for_each(|state| whole.merge(state).unwrap());
    whole.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_partition_in_any_order_gives_the_same(
        scans in prop::collection::vec(scan(), 1..7),
        parts in prop::collection::vec(0_usize..3, 7),
        turn in 0_usize..7,
    ) {
        let whole = all(&scans);
        let mut images: Vec<_> = whole.iter().cloned().collect();
        let turn = turn % images.len();
        images.rotate_left(turn);
        prop_assert_eq!(merged(volumes(), &images, &parts), evaluated(&whole));
        let voc = AveragePrecision::voc();
        prop_assert_eq!(merged(voc.clone(), &images, &parts), voc.evaluate(&whole).unwrap());
        let froc = Froc::nndetection();
        prop_assert_eq!(merged(froc.clone(), &images, &parts), froc.evaluate(&whole).unwrap());
    }

    #[test]
    fn the_number_of_threads_changes_nothing(scans in prop::collection::vec(scan(), 1..5)) {
        let images = all(&scans);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| evaluated(&images))
        };
        let one = on(1);
        prop_assert_eq!(&one, &on(2));
        prop_assert_eq!(&one, &on(4));
    }

    #[test]
    fn axes_and_labels_are_names(
        scans in prop::collection::vec(scan(), 1..5),
        axes in Just(AXES.to_vec()).prop_shuffle(),
        labels in Just(vec![7_u32, 0, 70_000]).prop_shuffle(),
    ) {
        let axes: [usize; 3] = axes.try_into().unwrap();
        let mut others = DetectionImages::new();
        for (i, scan) in scans.iter().enumerate() {
            others.push(image(i as i64, scan, axes, |class| labels[class as usize])).unwrap();
        }
        let (ours, theirs) = (evaluated(&all(&scans)), evaluated(&others));
        for (here, there) in ours.summary().iter().zip(theirs.summary()) {
            prop_assert_eq!(here, &there);
        }
        for class in 0..3 {
            let of = |result: &CocoResult, class| {
                result.average_precision(&CocoSelection::default().of_class(class)).value
            };
            prop_assert_eq!(of(&ours, class), of(&theirs, labels[class as usize]));
        }
    }

    #[test]
    fn detections_of_different_scores_have_no_order(
        scan in scan(),
        order in prop::collection::vec(any::<u32>(), 9),
    ) {
        let mut ranked = scan.clone();
        for (rank, detection) in ranked.detections.iter_mut().enumerate() {
            detection.2 = rank as u8;
        }
        let mut shuffled = ranked.clone();
        let mut keys: Vec<_> = ranked.detections.iter().zip(&order).collect();
        keys.sort_by_key(|(_, key)| **key);
        shuffled.detections = keys.into_iter().map(|(detection, _)| *detection).collect();
        prop_assert_eq!(evaluated(&all(&[ranked])), evaluated(&all(&[shuffled])));
    }

    #[test]
    fn numbers_lie_between_none_and_all(scans in prop::collection::vec(scan(), 1..5)) {
        let result = evaluated(&all(&scans));
        for number in result.summary() {
            let value = number.estimate.value.unwrap_or(0.0);
            prop_assert!((0.0..=1.0).contains(&value), "{}", number);
        }
    }

    #[test]
    fn who_is_truth_and_who_is_found_does_not_matter_to_their_overlap(a in cuboid(), b in cuboid()) {
        let found = |truth: &Cuboid, found: &Cuboid| {
            let scan = Scan { annotations: vec![(1, *truth, 5)], detections: vec![(1, *found, 5)] };
            let result = evaluated(&all(&[scan]));
            result.average_recall(&CocoSelection::default()).value
        };
        prop_assert_eq!(found(&a, &b), found(&b, &a));
        let overlap = |a: &Cuboid, b: &Cuboid| {
            let [a, b] = [a, b].map(|(corner, sides)| {
                let mut mask = vec![false; 12 * 12 * 12];
                for d in 0..sides[0] { for h in 0..sides[1] { for w in 0..sides[2] {
                    let at = [corner[0] + d, corner[1] + h, corner[2] + w].map(usize::from);
                    mask[(at[0] * 12 + at[1]) * 12 + at[2]] = true;
                } } }
                Rle::from_mask([12; 3], &mask).unwrap()
            });
            a.iou(&b).unwrap()
        };
        prop_assert_eq!(overlap(&a, &b), overlap(&b, &a));
        let scan = Scan { annotations: vec![(1, a, 5)], detections: vec![(1, b, 5)] };
        let least = overlap(&a, &b);
        let coco = volumes().with_thresholds([least.max(1e-9)]);
        let recall = coco.evaluate(&all(&[scan])).unwrap().average_recall(&CocoSelection::default());
        prop_assert_eq!(recall.value, Some(f64::from(u8::from(least > 0.0))), "boxes and masks agree");
    }
}

#[test]
fn a_state_goes_on_elsewhere() {
    let mut random = medcore::random::Key::new(3).stream("scans");
    let mut cuboid = || {
        (
            [0; 3].map(|_: u8| random.below(6) as u8),
            [0; 3].map(|_: u8| 1 + random.below(5) as u8),
        )
    };
    let scan = Scan {
        annotations: (0..4).map(|i| (i % 2, cuboid(), 5)).collect(),
        detections: (0..8).map(|i| (i % 2, cuboid(), i as u8)).collect(),
    };
    let mut state = DetectionAccumulator::new(volumes());
    let first = image(1, &scan, AXES, |class| class)
        .of_patient("a")
        .with_spacing([2.5, 0.7, 0.1]);
    state.push(first.clone()).unwrap();
    let text = serde_json::to_string(&state).unwrap();
    let mut other: DetectionAccumulator<Coco, 3> = serde_json::from_str(&text).unwrap();
    assert_eq!(other, state);
    assert!(
        matches!(other.push(first), Err(Error::DuplicateCase { .. })),
        "an image twice"
    );
    assert!(matches!(
        other.merge(&state),
        Err(Error::DuplicateCase { .. })
    ));
    let named = DetectionImage::<3>::new("1", vec![], vec![]);
    other.push(named).unwrap();
    let fewer = DetectionAccumulator::new(volumes().with_max_detections([5]));
    assert!(matches!(
        other.merge(&fewer),
        Err(Error::Incompatible { .. })
    ));
    let result = other.finish().unwrap();
    let text = serde_json::to_string(&result).unwrap();
    assert_eq!(serde_json::from_str::<CocoResult>(&text).unwrap(), result);
    let twice = text_of_two_equal_images();
    assert!(serde_json::from_str::<DetectionImages<3>>(&twice).is_err());
    let flat =
        DetectionAccumulator::<Froc, 2>::new(Froc::luna16().with_hit(HitCriterion::Iou(0.1)));
    let text = serde_json::to_string(&flat).unwrap();
    assert_eq!(
        serde_json::from_str::<DetectionAccumulator<Froc, 2>>(&text).unwrap(),
        flat
    );
}

fn text_of_two_equal_images() -> String {
    let image = DetectionImage::<3>::new(1, vec![], vec![]);
    serde_json::to_string(&[&image, &image]).unwrap()
}

#[test]
fn an_interval_of_average_precision_draws_patients() {
    let mut random = medcore::random::Key::new(4).stream("scans");
    let mut images = DetectionImages::new();
    for i in 0..24 {
        let at = |v: f64| ([v; 3], [10.0; 3]);
        let truth = Annotation::from_origin(1, at(0.0).0, at(0.0).1).unwrap();
        let found =
            Detection::from_origin(1, at(4.0 * random.uniform()).0, at(0.0).1, random.uniform());
        let image = DetectionImage::new(i, vec![truth], vec![found.unwrap()]);
        images.push(image.of_patient(format!("{}", i / 2))).unwrap();
    }
    let matches = volumes().matches(&images).unwrap();
    let bootstrap = medmetrics::statistics::Bootstrap {
        replicates: 200,
        ..Default::default()
    };
    let estimate = matches.average_precision(&bootstrap).unwrap();
    let whole = matches
        .result()
        .average_precision(&CocoSelection::default());
    assert_eq!(
        estimate.value.unwrap().to_bits(),
        whole.value.unwrap().to_bits()
    );
    assert_eq!(estimate.n, 12);
    let interval = estimate.interval.unwrap();
    assert!(interval.low < whole.value.unwrap() && whole.value.unwrap() < interval.high);
    assert!(interval.low < interval.high - 0.01);
    let curve = matches.curve(1, 0, 0).unwrap();
    assert_eq!(curve.recall.len(), 24);
    assert!(matches.curve(2, 0, 0).is_none() && matches.curve(1, 99, 0).is_none());
}
