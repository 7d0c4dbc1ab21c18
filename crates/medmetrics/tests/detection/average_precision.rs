//! VOC's and ultralytics' average precision against their own tools, COCO's per class against torchmetrics.

use medmetrics::detection::{
    Annotation, ApRule, AveragePrecision, Coco, CocoSelection, Detection, DetectionCurve,
    DetectionImage, DetectionImages, DetectionProtocol, MatchRule,
};
use serde_json::Value;

use crate::fixture::{close, corner_images, load, numbers};

#[test]
fn voc_counts_pixels_and_leaves_out_what_is_difficult() {
    let fixture = load("average_precision.json");
    for (set, key, protocol) in [
        ("pixels", "voc", AveragePrecision::voc()),
        ("pixels", "voc07", AveragePrecision::voc07()),
        ("difficult", "voc", AveragePrecision::voc()),
    ] {
        let images = corner_images::<2>(&fixture[set]["images"]);
        let protocol = protocol.with_matching(MatchRule::VocInclusivePixels);
        let result = protocol.evaluate(&images).unwrap();
        let want = numbers(&fixture[set][key]);
        assert_eq!(result.classes().len(), want.len());
        for (class, want) in result.classes().iter().zip(&want) {
            close(
                &format!("{set} {key} {}", class.class),
                Some(class.values[0]),
                *want,
            );
        }
        let mean = want.iter().sum::<f64>() / want.len() as f64;
        close(key, result.mean(None).value, mean);
    }
}

#[test]
fn ultralytics_has_its_own_numbers() {
    let fixture = &load("average_precision.json")["plain"];
    let images = corner_images::<2>(&fixture["images"]);
    let result = AveragePrecision::ultralytics_new()
        .evaluate(&images)
        .unwrap();
    let want = fixture["ultralytics_new"].as_array().unwrap();
    assert_eq!(result.classes().len(), want.len());
    for (class, want) in result.classes().iter().zip(want) {
        for (got, want) in class.values.iter().zip(numbers(want)) {
            close(&format!("class {}", class.class), Some(*got), want);
        }
    }
}

#[test]
fn ultralytics_had_other_numbers_before() {
    let fixture = load("average_precision.json");
    let mut differ = 0;
    for set in ["plain", "contested"] {
        let images = corner_images::<2>(&fixture[set]["images"]);
        let [old, new] = [
            AveragePrecision::ultralytics_old(),
            AveragePrecision::ultralytics_old().with_matching(MatchRule::UltralyticsNew),
        ]
        .map(|protocol| protocol.evaluate(&images).unwrap());
        let want = fixture[set]["ultralytics_old"].as_array().unwrap();
        assert_eq!(old.classes().len(), want.len());
        for (class, want) in old.classes().iter().zip(want) {
            for (got, want) in class.values.iter().zip(numbers(want)) {
                close(&format!("{set} {}", class.class), Some(*got), want);
            }
        }
        differ += usize::from(old != new && old.mean(None).value != new.mean(None).value);
    }
    // Who found what matters, not only how a curve becomes a number.
    assert!(differ > 0);
}

#[test]
fn the_area_under_the_steps_is_vocs_average_precision() {
    let fixture = load("average_precision.json");
    for set in ["plain", "difficult", "contested"] {
        let images = corner_images::<2>(&fixture[set]["images"]);
        let protocol = AveragePrecision::voc().with_thresholds([0.5, 0.75]);
        let result = protocol.evaluate(&images).unwrap();
        for class in result.classes() {
            for (at, want) in [0.5, 0.75].into_iter().zip(&class.values) {
                let curve = protocol.curve(&images, class.class, at).unwrap().unwrap();
                let steps = curve.steps();
                assert!(
                    steps
                        .windows(2)
                        .all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 >= pair[1].1)
                );
                let area = steps
                    .windows(2)
                    .map(|pair| (pair[1].0 - pair[0].0) * pair[1].1);
                close(set, Some(area.sum()), *want);
                close(set, Some(curve.average_precision(ApRule::Voc)), *want);
                close(set, result.of_class(class.class, Some(at)).value, *want);
            }
            let mean = class.values.iter().sum::<f64>() / 2.0;
            let estimate = result.of_class(class.class, None);
            close(set, estimate.value, mean);
            assert_eq!(estimate.n, class.annotations);
        }
        assert_eq!(result.of_class(99, None).value, None);
        assert_eq!(protocol.curve(&images, 99, 0.5).unwrap(), None);
        assert!(protocol.curve(&images, 0, f64::NAN).is_err());
    }
    assert!(DetectionCurve::default().steps().is_empty());
}

#[test]
fn coco_per_class_is_that_of_torchmetrics() {
    let fixture = &load("average_precision.json")["plain"];
    let images = corner_images::<2>(&fixture["images"]);
    let result = Coco::torchmetrics().evaluate(&images).unwrap();
    let want = &fixture["torchmetrics"];
    let keys = "map map_50 map_75 map_small map_medium map_large \
        mar_1 mar_10 mar_100 mar_small mar_medium mar_large";
    let summary = result.summary();
    assert_eq!(summary.len(), 12);
    for (number, key) in summary.iter().zip(keys.split(' ')) {
        close(key, number.estimate.value, want[key].as_f64().unwrap());
    }
    for (class, want) in numbers(&want["map_per_class"]).into_iter().enumerate() {
        let selection = CocoSelection::default().of_class(class as u32);
        close("class", result.average_precision(&selection).value, want);
    }
    for (class, want) in numbers(&want["mar_100_per_class"]).into_iter().enumerate() {
        let selection = CocoSelection::default().of_class(class as u32);
        close("class", result.average_recall(&selection).value, want);
    }
}

#[test]
fn torchmetrics_loses_a_recall_to_rounding() {
    let at = |x: f64| ([0.0, x], [10.0, 10.0]);
    let truth = (0..5).map(|i| Annotation::from_origin(1, at(20.0 * f64::from(i)).0, at(0.0).1));
    let found =
        (0..4).map(|i| Detection::from_origin(1, at(20.0 * f64::from(i)).0, at(0.0).1, 0.9));
    let mut images = DetectionImages::new();
    let annotations = truth.map(Result::unwrap).collect();
    images
        .push(DetectionImage::new(
            1,
            annotations,
            found.map(Result::unwrap).collect(),
        ))
        .unwrap();
    // Four of five are found: recalls 0 to 0.8 are 81 of the 101.
    for (coco, reached) in [(Coco::default(), 81.0), (Coco::torchmetrics(), 80.0)] {
        let result = coco.evaluate(&images).unwrap();
        close(
            "reached",
            result.summary()[0].estimate.value,
            reached / 101.0,
        );
    }
}

#[test]
fn curves_become_numbers_by_their_rules() {
    let fixture = load("average_precision.json");
    let of = |rule: ApRule, curve: &Value| {
        let (recall, precision) = (numbers(&curve["recall"]), numbers(&curve["precision"]));
        rule.average_precision(&recall, &precision).unwrap()
    };
    for curve in fixture["curves"].as_array().unwrap() {
        let want = curve["ultralytics_new"].as_f64().unwrap();
        close("new", Some(of(ApRule::UltralyticsNew, curve)), want);
        // The ramp to recall 1 only adds.
        assert!(of(ApRule::UltralyticsOld, curve) >= want - 1e-12);
    }
    let rules = [
        ApRule::Coco101,
        ApRule::Voc07,
        ApRule::Voc,
        ApRule::UltralyticsOld,
        ApRule::UltralyticsNew,
    ];
    for rule in rules {
        assert_eq!(rule.average_precision(&[], &[]).unwrap(), 0.0);
        assert!(rule.average_precision(&[0.5], &[]).is_err());
        assert!(rule.average_precision(&[0.5, 0.4], &[1.0, 1.0]).is_err());
        assert!(
            rule.average_precision(&[0.5, f64::NAN], &[1.0, 1.0])
                .is_err()
        );
        assert!(rule.average_precision(&[0.5], &[1.5]).is_err());
    }
}

/// Two annotations side by side, and two detections that both overlap the first one most.
fn contested() -> DetectionImages<2> {
    let at = |x: f64, width: f64| ([0.0, x], [10.0, width]);
    let truth = |x| Annotation::from_origin(1, at(x, 10.0).0, at(x, 10.0).1).unwrap();
    let found = |x, score| Detection::from_origin(1, at(x, 0.0).0, [10.0, 10.0], score).unwrap();
    let mut images = DetectionImages::new();
    let image = DetectionImage::new(
        1,
        vec![truth(0.0), truth(4.0)],
        vec![found(0.0, 0.9), found(1.0, 0.8)],
    );
    images.push(image).unwrap();
    images
}

#[test]
fn a_second_choice_is_what_the_matching_rules_differ_in() {
    // Overlaps: the first detection 1 and 6/14, the second one 9/11 and 7/13 with the other annotation.
    let images = contested();
    let of = |matching| {
        let protocol = AveragePrecision::voc().with_matching(matching);
        protocol
            .evaluate(&images)
            .unwrap()
            .mean(Some(0.5))
            .value
            .unwrap()
    };
    assert!((of(MatchRule::Voc) - 0.5).abs() < 1e-12);
    assert!((of(MatchRule::UltralyticsOld) - 0.5).abs() < 1e-12);
    assert!((of(MatchRule::UltralyticsNew) - 1.0).abs() < 1e-12);
    let coco = Coco::default().evaluate(&images).unwrap();
    let at_half = coco.average_precision(&CocoSelection::default().at(0.5));
    assert!((at_half.value.unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn what_is_not_asked_for_is_undefined() {
    let result = AveragePrecision::voc().evaluate(&contested()).unwrap();
    assert_eq!(result.mean(Some(0.75)).value, None);
    let nothing = AveragePrecision::voc()
        .evaluate(&DetectionImages::<3>::new())
        .unwrap();
    assert_eq!(nothing.mean(None).value, None);
    for thresholds in [vec![], vec![2.0], vec![f64::NAN], vec![0.1; 65]] {
        let protocol = AveragePrecision::voc().with_thresholds(thresholds);
        assert!(protocol.evaluate(&contested()).is_err());
    }
}
