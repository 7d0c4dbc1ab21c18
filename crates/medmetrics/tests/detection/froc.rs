//! FROC against MONAI and LUNA16's rule, lesions found against statsmodels, and the corners of both.

use medcore::random::Key;
use medcore::rle::Rle;
use medmetrics::detection::{
    Annotation, AnnotationKind, BeyondCurve, Detection, DetectionImage, DetectionImages,
    DetectionProtocol, Froc, FrocPoints, HitCriterion, HitRadius, LesionDetection,
};
use medmetrics::statistics::Bootstrap;
use medmetrics::{Estimate, IntervalMethod};
use serde_json::Value;

use crate::fixture::{close, load, numbers};

fn point(value: &Value) -> [f64; 3] {
    numbers(value)[..3].try_into().unwrap()
}

fn camelyon(case: &Value) -> DetectionImages<3> {
    let shape: [usize; 3] = point(&case["shape"]).map(|v| v as usize);
    let mut images = DetectionImages::new();
    for (i, scan) in case["scans"].as_array().unwrap().iter().enumerate() {
        let lesion = |voxels: &Value| {
            let mut mask = vec![false; shape.iter().product()];
            for voxel in voxels.as_array().unwrap() {
                let [d, h, w] = point(voxel).map(|v| v as usize);
                mask[(d * shape[1] + h) * shape[2] + w] = true;
            }
            Annotation::from_mask(1, Rle::from_mask(shape, &mask).unwrap()).unwrap()
        };
        let marks = scan["points"]
            .as_array()
            .unwrap()
            .iter()
            .zip(numbers(&scan["scores"]));
        let image = DetectionImage::new(
            i as i64,
            scan["lesions"]
                .as_array()
                .unwrap()
                .iter()
                .map(lesion)
                .collect(),
            marks
                .map(|(at, score)| Detection::at_point(1, point(at), score).unwrap())
                .collect(),
        );
        images.push(image).unwrap();
    }
    images
}

#[test]
fn camelyon_is_that_of_monai_and_ours_has_the_lost_point() {
    let fixture = load("froc.json");
    for case in fixture["camelyon"].as_array().unwrap() {
        let images = camelyon(case);
        let monai = Froc::monai().evaluate(&images).unwrap();
        close("score", monai.score.value, case["score"].as_f64().unwrap());
        let curve = |froc: &Froc| {
            let points = froc.evaluate(&images).unwrap().curve.points;
            let pair = |p: medmetrics::detection::FrocPoint| {
                vec![p.false_positives_per_scan, p.sensitivity]
            };
            points.into_iter().map(pair).collect::<Vec<_>>()
        };
        let (fps, sensitivity) = (numbers(&case["fps"]), numbers(&case["sensitivity"]));
        let want: Vec<_> = fps
            .into_iter()
            .zip(sensitivity)
            .map(|(f, s)| vec![f, s])
            .collect();
        assert_eq!(curve(&Froc::monai()), want);
        let whole: Vec<_> = case["whole"]
            .as_array()
            .unwrap()
            .iter()
            .map(numbers)
            .collect();
        assert_eq!(curve(&Froc::camelyon16()), whole);
    }
}

/// The example in which MONAI loses the point of highest sensitivity.
#[test]
fn the_lowest_score_is_a_point_unless_monai_is_asked() {
    let mut images = DetectionImages::<2>::new();
    let lesion = |x| Annotation::from_origin(1, [0.0, x], [4.0, 4.0]).unwrap();
    let mark = |x, score| Detection::at_point(1, [1.0, x], score).unwrap();
    let marks = vec![mark(1.0, 0.05), mark(50.0, 0.1), mark(60.0, 0.2)];
    images
        .push(DetectionImage::new(1, vec![lesion(0.0)], marks))
        .unwrap();
    let marks = vec![mark(1.0, 0.8), mark(70.0, 0.9)];
    images
        .push(DetectionImage::new(2, vec![lesion(0.0)], marks))
        .unwrap();
    let froc = Froc::camelyon16().with_hit(HitCriterion::CentreInBox);
    let last = |froc: &Froc| {
        let points = froc.evaluate(&images).unwrap().curve.points;
        let last = points.last().unwrap();
        (last.false_positives_per_scan, last.sensitivity)
    };
    assert_eq!(last(&froc), (1.5, 1.0));
    let monai = Froc {
        points: FrocPoints::Monai,
        ..froc
    };
    assert_eq!(last(&monai), (1.5, 0.5));
}

fn luna(case: &Value) -> DetectionImages<3> {
    let mut images = DetectionImages::new();
    for (i, scan) in case["scans"].as_array().unwrap().iter().enumerate() {
        let nodule = |nodule: &Value| {
            let diameter = nodule["diameter"].as_f64().unwrap().max(0.0);
            let corner = point(&nodule["centre"]).map(|v| v - diameter / 2.0);
            let kind = match nodule["excluded"].as_bool().unwrap() {
                true => AnnotationKind::Ignored,
                false => AnnotationKind::Ordinary,
            };
            Annotation::from_origin(1, corner, [diameter; 3])
                .unwrap()
                .with_kind(kind)
        };
        let mark = |c: &Value| Detection::at_point(1, point(c), c[3].as_f64().unwrap()).unwrap();
        let image = DetectionImage::new(
            i as i64,
            scan["nodules"]
                .as_array()
                .unwrap()
                .iter()
                .map(nodule)
                .collect(),
            scan["candidates"]
                .as_array()
                .unwrap()
                .iter()
                .map(mark)
                .collect(),
        );
        images.push(image).unwrap();
    }
    images
}

#[test]
fn luna_is_that_of_the_challenge() {
    let fixture = load("froc.json");
    for case in fixture["luna"].as_array().unwrap() {
        let images = luna(case);
        let result = Froc::luna16().evaluate(&images).unwrap();
        assert_eq!(Some(result.lesions), case["lesions"].as_u64());
        close("score", result.score.value, case["score"].as_f64().unwrap());
        for (at, want) in result
            .sensitivities
            .iter()
            .zip(numbers(&case["sensitivities"]))
        {
            close(&format!("at {}", at.rate), at.sensitivity.value, want);
        }
        let strict = Froc::luna16()
            .with_beyond(BeyondCurve::Undefined)
            .evaluate(&images)
            .unwrap();
        let most = case["most"].as_f64().unwrap();
        for at in &strict.sensitivities {
            assert_eq!(
                at.sensitivity.value.is_none(),
                at.rate > most,
                "{}",
                at.rate
            );
        }
    }
}

#[test]
fn an_interval_draws_patients() {
    let images = luna(&load("froc.json")["luna"][1]);
    let bootstrap = Bootstrap {
        replicates: 300,
        ..Bootstrap::default()
    };
    let by_scan = Froc::luna16()
        .with_bootstrap(bootstrap)
        .evaluate(&images)
        .unwrap();
    let interval = by_scan.score.interval.unwrap();
    assert!(interval.contains(by_scan.score.value.unwrap()));
    assert_eq!(by_scan.score.n, 30);
    let mut patients = DetectionImages::new();
    for (i, image) in images.iter().enumerate() {
        patients
            .push(image.clone().of_patient(format!("{}", i / 3)))
            .unwrap();
    }
    let by_patient = Froc::luna16()
        .with_bootstrap(bootstrap)
        .evaluate(&patients)
        .unwrap();
    assert_eq!(by_patient.score.n, 10);
    assert_eq!(by_patient.score.value, by_scan.score.value);
    assert_ne!(by_patient.score.interval, by_scan.score.interval);
}

#[test]
fn every_criterion_has_its_edge() {
    // A lesion of 4 x 8 voxels of 2 x 1 mm, its centre at (2, 4).
    let lesion = Annotation::from_origin(1, [0.0, 0.0], [4.0, 8.0]).unwrap();
    let hits = |hit, found: &Detection<2>| {
        let mut images = DetectionImages::new();
        let image = DetectionImage::new(1, vec![lesion.clone()], vec![found.clone()]);
        images.push(image.with_spacing([2.0, 1.0])).unwrap();
        let result = LesionDetection::new(hit, 0.0).evaluate(&images).unwrap();
        result.sensitivity.value == Some(1.0)
    };
    let mark = |y, x| Detection::at_point(1, [y, x], 0.5).unwrap();
    // The longest side has 8 mm, so the radius is 4 mm: two voxels down, four to the side, and not quite.
    let radius = HitCriterion::CentreDistance(HitRadius::HalfOfLesionOr(1.0));
    assert!(hits(radius, &mark(2.0, 7.9)) && !hits(radius, &mark(2.0, 8.0)));
    assert!(hits(radius, &mark(3.9, 4.0)) && !hits(radius, &mark(4.0, 4.0)));
    let fixed = HitCriterion::CentreDistance(HitRadius::Fixed(1.0));
    assert!(hits(fixed, &mark(2.4, 4.0)) && !hits(fixed, &mark(2.5, 4.0)));
    assert!(hits(HitCriterion::CentreInBox, &mark(4.0, 8.0)));
    assert!(!hits(HitCriterion::CentreInBox, &mark(4.1, 8.0)));
    let half = Detection::from_origin(1, [0.0, 4.0], [4.0, 8.0], 0.5).unwrap();
    assert!(hits(HitCriterion::Iou(1.0 / 3.0), &half) && !hits(HitCriterion::Iou(0.34), &half));
    let reference = HitCriterion::IntersectionOverReference;
    assert!(hits(reference(0.5), &half) && !hits(reference(0.51), &half));
    let beside = Detection::from_origin(1, [0.0, 8.0], [4.0, 8.0], 0.5).unwrap();
    assert!(
        !hits(HitCriterion::Iou(0.0), &beside),
        "touching is no overlap"
    );
    let other_class = Detection::at_point(2, [2.0, 4.0], 0.5).unwrap();
    assert!(!hits(HitCriterion::CentreInBox, &other_class));
    let mut images = DetectionImages::new();
    images
        .push(DetectionImage::new(
            1,
            vec![lesion.clone()],
            vec![mark(0.0, 0.0)],
        ))
        .unwrap();
    assert!(
        Froc::camelyon16().evaluate(&images).is_err(),
        "a lesion without a mask"
    );
}

#[test]
fn repeated_marks_are_dropped_or_false() {
    let lesion = Annotation::from_origin(1, [0.0; 3], [8.0; 3]).unwrap();
    let ignored = Annotation::from_origin(1, [50.0; 3], [8.0; 3]).unwrap();
    let found = |at, score| Detection::from_origin(1, [at; 3], [8.0; 3], score).unwrap();
    let mut images = DetectionImages::new();
    let annotations = vec![lesion, ignored.with_kind(AnnotationKind::Ignored)];
    let marks = vec![found(1.0, 0.5), found(0.0, 0.9), found(50.0, 0.8)];
    images
        .push(DetectionImage::new(1, annotations, marks))
        .unwrap();
    let wrong = |froc: Froc| {
        let points = froc.evaluate(&images).unwrap().curve.points;
        points.last().unwrap().false_positives_per_scan
    };
    assert_eq!(wrong(Froc::nndetection()), 1.0);
    assert_eq!(wrong(Froc::luna16().with_hit(HitCriterion::Iou(0.1))), 0.0);
}

#[test]
fn nothing_is_made_of_no_lesions() {
    let mut images = DetectionImages::<3>::new();
    assert_eq!(Froc::luna16().evaluate(&images).unwrap().score.value, None);
    let mark = Detection::at_point(1, [0.0; 3], 0.5).unwrap();
    images
        .push(DetectionImage::new(1, vec![], vec![mark]))
        .unwrap();
    let froc = Froc::luna16().evaluate(&images).unwrap();
    assert_eq!((froc.score.value, froc.scans, froc.lesions), (None, 1, 0));
    let result = LesionDetection::new(HitCriterion::CentreInBox, 0.1)
        .evaluate(&images)
        .unwrap();
    assert_eq!(result.sensitivity.value, None);
    assert_eq!(result.false_positives_per_scan.value, Some(1.0));
    assert_eq!(result.positive_predictive_value.value, Some(0.0));
    let rates = Froc {
        rates: vec![f64::NAN],
        ..Froc::luna16()
    };
    assert!(rates.evaluate(&images).is_err());
    assert!(
        LesionDetection::new(HitCriterion::CentreInBox, f64::NAN)
            .evaluate(&images)
            .is_err()
    );
}

/// Scans of one patient each, with so many lesions and so many of them found.
fn patients(counts: &[(usize, usize)]) -> Estimate {
    let mut images = DetectionImages::new();
    for (i, &(found, lesions)) in counts.iter().enumerate() {
        let at = |k: usize| [0.0, 20.0 * k as f64];
        let lesion = |k| Annotation::from_origin(1, at(k), [8.0; 2]).unwrap();
        let mark = |k| Detection::from_origin(1, at(k), [8.0; 2], 0.9).unwrap();
        let lesions = (0..lesions).map(lesion).collect();
        let image = DetectionImage::new(i as i64, lesions, (0..found).map(mark).collect());
        images.push(image).unwrap();
    }
    let result = LesionDetection::new(HitCriterion::Iou(0.5), 0.5).evaluate(&images);
    result.unwrap().sensitivity
}

#[test]
fn sensitivity_has_wilsons_interval_for_as_many_lesions_as_are_independent() {
    for case in load("froc.json")["clustered"].as_array().unwrap() {
        let (found, lesions) = (numbers(&case["found"]), numbers(&case["lesions"]));
        let counts: Vec<_> = found
            .iter()
            .zip(&lesions)
            .map(|(f, l)| (*f as usize, *l as usize))
            .collect();
        let estimate = patients(&counts);
        let interval = estimate.interval.unwrap();
        assert_eq!(interval.method, IntervalMethod::ClusteredWilson);
        close("low", Some(interval.low), case["low"].as_f64().unwrap());
        close("high", Some(interval.high), case["high"].as_f64().unwrap());
    }
    // All found: nothing tells how alike the lesions of a patient are, and Wilson's own interval is given.
    let interval = patients(&[(2, 2), (3, 3)]).interval.unwrap();
    close("low", Some(interval.low), 0.565_517_535_216_823_2);
    close("high", Some(interval.high), 1.0);
}

#[test]
fn the_clustered_interval_covers_as_the_reference_does() {
    let fixture = load("froc.json");
    for case in fixture["coverage"].as_array().unwrap() {
        let count = case["patients"].as_u64().unwrap() as usize;
        let mut random = Key::new(8).stream("patients");
        let runs = 2000;
        let inside = (0..runs).filter(|_| {
            let counts: Vec<_> = (0..count)
                .map(|_| {
                    let lesions = 1 + random.below(6);
                    let chance = [0.4, 0.6, 1.0][random.below(3)];
                    (
                        (0..lesions).filter(|_| random.chance(chance)).count(),
                        lesions,
                    )
                })
                .collect();
            patients(&counts).interval.unwrap().contains(2.0 / 3.0)
        });
        let coverage = inside.count() as f64 / f64::from(runs);
        let want = case["clustered"].as_f64().unwrap();
        // Three standard errors of the difference of 2000 and 4000 runs.
        assert!(
            (coverage - want).abs() < 0.018,
            "{count} patients: {coverage}, not {want}"
        );
        assert!(coverage > case["unclustered"].as_f64().unwrap());
    }
}

/// False marks a scan of patients with so many scans and false marks, all of these on their first scan.
fn rate(patients: &[(usize, usize)]) -> Estimate {
    let mut images = DetectionImages::<2>::new();
    for (i, &(wrong, scans)) in patients.iter().enumerate() {
        for scan in 0..scans {
            let marks = if scan == 0 { wrong } else { 0 };
            let mark = |_| Detection::at_point(1, [0.0; 2], 0.9).unwrap();
            let id = format!("{i}-{scan}");
            let image = DetectionImage::new(id, vec![], (0..marks).map(mark).collect());
            images.push(image.of_patient(i.to_string())).unwrap();
        }
    }
    let result = LesionDetection::new(HitCriterion::CentreInBox, 0.5).evaluate(&images);
    result.unwrap().false_positives_per_scan
}

#[test]
fn the_interval_of_false_marks_covers_as_the_reference_does() {
    let fixture = load("froc.json");
    for case in fixture["rates"].as_array().unwrap() {
        let last = &case["last"];
        let pairs = numbers(&last["wrong"])
            .into_iter()
            .zip(numbers(&last["scans"]));
        let counts: Vec<_> = pairs.map(|(w, s)| (w as usize, s as usize)).collect();
        let interval = rate(&counts).interval.unwrap();
        assert_eq!(interval.method, IntervalMethod::Student);
        close("low", Some(interval.low), last["low"].as_f64().unwrap());
        close("high", Some(interval.high), last["high"].as_f64().unwrap());
        let count = case["patients"].as_u64().unwrap() as usize;
        let mut random = Key::new(9).stream("patients");
        let runs = 2000;
        let inside = (0..runs).filter(|_| {
            let counts: Vec<_> = (0..count)
                .map(|_| {
                    let scans = 1 + random.below(3);
                    let most = [1, 2, 6][random.below(3)];
                    ((0..scans).map(|_| random.below(most + 1)).sum(), scans)
                })
                .collect();
            rate(&counts).interval.unwrap().contains(1.5)
        });
        let coverage = inside.count() as f64 / f64::from(runs);
        let want = case["coverage"].as_f64().unwrap();
        assert!(
            (coverage - want).abs() < 0.018,
            "{count} patients: {coverage}, not {want}"
        );
    }
}
