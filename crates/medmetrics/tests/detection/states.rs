//! What is read back from JSON, and settings that make no sense.

use medmetrics::detection::{
    Annotation, Coco, CocoConvention, CocoResult, CocoSelection, Detection, DetectionImage,
    DetectionImages, DetectionProtocol, Froc, HitCriterion, HitRadius, LesionDetection, SizeRange,
};
use medmetrics::statistics::Bootstrap;
use serde_json::{Value, json};

/// Images of two patients; class 2 is only detected.
fn images() -> DetectionImages<2> {
    let mut images = DetectionImages::new();
    for id in 0..4_i64 {
        let x = id as f64 * 3.0;
        let truth = Annotation::from_origin(1, [0.0, x], [10.0, 10.0]).unwrap();
        let found =
            |class, x, score| Detection::from_origin(class, [1.0, x], [10.0, 10.0], score).unwrap();
        let found = vec![found(1, x, 0.9), found(1, x + 40.0, 0.4), found(2, x, 0.5)];
        let image = DetectionImage::new(id, vec![truth], found);
        images
            .push(image.of_patient(format!("p{}", id / 2)))
            .unwrap();
    }
    images
}

#[test]
fn a_result_whose_numbers_do_not_fit_its_settings_is_refused() {
    let result = Coco::default().evaluate(&images()).unwrap();
    let whole = serde_json::to_value(&result).unwrap();
    let read = |value: Value| serde_json::from_value::<CocoResult>(value);
    assert_eq!(read(whole.clone()).unwrap(), result);
    let breaks: [fn(&mut Value); 9] = [
        |v| v["tensor"]["precision"] = json!([]),
        |v| v["tensor"]["recall"] = json!([0.5]),
        |v| v["tensor"]["positives"] = json!([]),
        |v| v["tensor"]["ranges"] = json!(1_u64 << 62),
        |v| v["tensor"]["recalls"] = json!(0),
        |v| v["classes"] = json!([1, 2, 3]),
        |v| v["classes"] = json!([2, 1]),
        |v| v["settings"]["max_detections"] = json!([]),
        |v| v["settings"]["thresholds"] = json!([]),
    ];
    for (number, spoil) in breaks.into_iter().enumerate() {
        let mut value = whole.clone();
        spoil(&mut value);
        assert!(read(value).is_err(), "{number}");
    }
}

/// What annotations and detections share is no level of its own in a saved state.
#[test]
fn saved_images_are_flat() {
    let extent = json!({ "bounds": { "min": [0.0, 1.0], "max": [2.0, 4.0] }, "volume": 6.0 });
    let annotation = json!({ "class": 1, "extent": extent, "mask": null, "area": 5.0, "kind": "crowd", "id": 7 });
    let detection = json!({ "class": 1, "extent": extent, "mask": null, "score": 0.5 });
    let image = json!({
        "id": 3, "patient": null, "spacing": [1.0, 1.0],
        "annotations": [annotation], "detections": [detection],
    });
    let images: DetectionImages<2> = serde_json::from_value(json!([image])).unwrap();
    let [one] = &images.iter().collect::<Vec<_>>()[..] else {
        panic!("{images:?}")
    };
    assert_eq!(
        (one.annotations()[0].size(), one.detections()[0].size()),
        (5.0, 6.0)
    );
    assert_eq!(serde_json::to_value(&images).unwrap(), json!([image]));
}

#[test]
fn images_with_negative_sizes_are_refused() {
    let whole = serde_json::to_value(images()).unwrap();
    for side in ["annotations", "detections"] {
        let mut value = whole.clone();
        value[0][side][0]["extent"]["volume"] = json!(-1.0);
        assert!(
            serde_json::from_value::<DetectionImages<2>>(value).is_err(),
            "{side}"
        );
    }
}

#[test]
fn the_drawn_mean_is_the_mean_of_the_result_by_every_convention() {
    let images = images();
    for convention in [
        CocoConvention::Standard,
        CocoConvention::Pycocotools,
        CocoConvention::Monai,
    ] {
        for most in [vec![1, 10, 100], vec![1, 10]] {
            let coco = Coco::default()
                .with_convention(convention)
                .with_max_detections(most);
            let matches = coco.matches(&images).unwrap();
            let main = matches.result().summary()[0].estimate.value;
            let drawn = matches.average_precision(&Bootstrap::default()).unwrap();
            assert_eq!(drawn.value, main, "{convention:?}");
        }
    }
    let monai = Coco::default().with_convention(CocoConvention::Monai);
    let result = monai.evaluate(&images).unwrap();
    let of_monai = result.average_precision(&CocoSelection::default()).value;
    let standard = Coco::default().evaluate(&images).unwrap();
    assert_ne!(
        of_monai,
        standard.average_precision(&CocoSelection::default()).value
    );
}

#[test]
fn criteria_and_ranges_that_nothing_meets_are_refused() {
    let images = images();
    for hit in [
        HitCriterion::Iou(f64::NAN),
        HitCriterion::Iou(1.5),
        HitCriterion::IntersectionOverReference(-0.1),
        HitCriterion::CentreDistance(HitRadius::Fixed(f64::NAN)),
        HitCriterion::CentreDistance(HitRadius::HalfOfLesionOr(-1.0)),
    ] {
        assert!(
            Froc::luna16().with_hit(hit).evaluate(&images).is_err(),
            "{hit:?}"
        );
        assert!(
            LesionDetection::new(hit, 0.5).evaluate(&images).is_err(),
            "{hit:?}"
        );
    }
    for (low, high) in [(f64::NAN, 1.0), (0.0, f64::NAN), (2.0, 1.0)] {
        let ranges = vec![SizeRange::closed("x", low, high)];
        let coco = Coco {
            ranges,
            ..Coco::default()
        };
        assert!(coco.evaluate(&images).is_err(), "{low} to {high}");
    }
}

#[test]
fn without_images_everything_is_undefined() {
    let nothing = DetectionImages::<3>::new();
    let coco = Coco::default().evaluate(&nothing).unwrap();
    assert!(
        coco.summary()
            .iter()
            .all(|number| number.estimate.value.is_none())
    );
    assert_eq!(Froc::luna16().evaluate(&nothing).unwrap().score.value, None);
    let lesions = LesionDetection::new(HitCriterion::CentreInBox, 0.5);
    let found = lesions.evaluate(&nothing).unwrap();
    assert_eq!(found.sensitivity.value, None);
    assert_eq!(found.false_positives_per_scan.value, None);
}
