//! COCO's numbers against pycocotools, to the bit, and MONAI's for volumes.

use medmetrics::detection::{
    Annotation, AnnotationKind, Coco, CocoConvention, CocoResult, CocoSelection, Detection,
    DetectionImage, DetectionImages, DetectionProtocol, Overlapping, SizeMeasure, SizeRange,
};
use serde_json::Value;

use crate::fixture::{close, coco_images, corner_images, load, numbers};

fn settings(value: &Value) -> Coco {
    let numbers_of = numbers(&value["max_detections"]);
    let mut coco = Coco::default()
        .with_max_detections(numbers_of.iter().map(|n| *n as usize).collect::<Vec<_>>());
    if value["overlap"] == "segm" {
        coco = coco.with_overlap(Overlapping::Masks);
    }
    if value["thresholds"].is_array() {
        coco = coco.with_thresholds(numbers(&value["thresholds"]));
    }
    if let Some(ranges) = value["ranges"].as_array() {
        let names = ["all", "small", "medium", "large"];
        let ends = ranges.iter().map(numbers);
        let ranges = names.iter().zip(ends);
        coco.ranges = ranges
            .map(|(name, ends)| SizeRange::closed(*name, ends[0], ends[1]))
            .collect();
    }
    coco
}

/// FNV-1a over the words of the whole precision array.
fn fingerprint(result: &CocoResult, classes: &[u32]) -> u64 {
    let settings = result.settings();
    let nothing = vec![-1.0; settings.recalls.len()];
    let mut value = 0xcbf2_9ce4_8422_2325_u64;
    for &class in classes {
        for range in &settings.ranges {
            for &most in &settings.max_detections {
                for &threshold in &settings.thresholds {
                    let selection = CocoSelection::default()
                        .of_class(class)
                        .in_range(&range.name)
                        .within(most)
                        .at(threshold);
                    for v in result.precisions(&selection).unwrap_or(&nothing) {
                        value = (value ^ v.to_bits()).wrapping_mul(0x100_0000_01b3);
                    }
                }
            }
        }
    }
    value
}

fn compare(case: &Value, convention: CocoConvention, want: &Value) {
    let name = &case["name"];
    let settings = settings(&case["settings"]).with_convention(convention);
    let result = settings.evaluate(&coco_images(&case["images"])).unwrap();
    let classes: Vec<u32> = numbers(&want["classes"])
        .iter()
        .map(|c| *c as u32)
        .collect();
    let bits: u64 = want["precision"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        fingerprint(&result, &classes),
        bits,
        "{name}: the precision array"
    );
    let summary = result.summary();
    let expected = numbers(&want["summary"]);
    assert_eq!(summary.len(), expected.len(), "{name}");
    for (number, want) in summary.iter().zip(expected) {
        let what = format!("{name}: {}", number.name);
        // Without 100 among the numbers of detections, the main number of pycocotools is -1.
        match (number.name.as_str(), convention, want) {
            ("AP", CocoConvention::Standard, -1.0) => assert!(number.estimate.value.is_some()),
            _ => close(&what, number.estimate.value, want),
        }
    }
    for (class, want) in classes.iter().zip(want["per_class"].as_array().unwrap()) {
        let estimate = result.average_precision(&CocoSelection::default().of_class(*class));
        close(
            &format!("{name}: class {class}"),
            estimate.value,
            want.as_f64().unwrap_or(-1.0),
        );
    }
}

#[test]
fn precision_is_that_of_pycocotools_to_the_bit() {
    let fixture = load("coco.json");
    for case in fixture["cases"].as_array().unwrap() {
        compare(case, CocoConvention::Pycocotools, &case["pycocotools"]);
        let ids_from_zero = case["name"].as_str().unwrap().contains("ids from 0");
        match case.get("standard") {
            Some(standard) => compare(case, CocoConvention::Standard, standard),
            None if !ids_from_zero => compare(case, CocoConvention::Standard, &case["pycocotools"]),
            None => {}
        }
    }
}

#[test]
fn an_annotation_of_id_zero_can_be_found() {
    let fixture = load("coco.json");
    let cases = fixture["cases"].as_array().unwrap();
    let perfect = cases
        .iter()
        .find(|c| c["name"] == "perfect, ids from 0")
        .unwrap();
    let images = coco_images(&perfect["images"]);
    let of = |convention| {
        let result = Coco::default()
            .with_convention(convention)
            .evaluate(&images)
            .unwrap();
        result.summary()[0].estimate.value.unwrap()
    };
    assert!((of(CocoConvention::Standard) - 1.0).abs() < 1e-12);
    assert!((of(CocoConvention::Pycocotools) - 0.442_244_22).abs() < 1e-8);
}

#[test]
fn volumes_have_the_numbers_of_monai() {
    let fixture = load("coco.json");
    for volumes in fixture["volumes"].as_array().unwrap() {
        let images = corner_images::<3>(&volumes["images"]);
        let coco = Coco::nndetection().with_convention(CocoConvention::Monai);
        let result = coco.evaluate(&images).unwrap();
        for (key, want) in volumes["monai"].as_object().unwrap() {
            let mut selection = CocoSelection::default();
            let mut key = key.as_str();
            if let Some((class, rest)) = key.split_once('_').filter(|(c, _)| c.len() == 1) {
                selection = selection.of_class(class.parse().unwrap());
                key = rest;
            }
            let (metric, most) = key.rsplit_once("_MaxDet_").unwrap();
            selection = selection.within(most.parse().unwrap());
            if !metric.starts_with('m') {
                selection = selection.at(metric[7..].parse().unwrap());
            }
            let estimate = match metric.contains("AP") {
                true => result.average_precision(&selection),
                false => result.average_recall(&selection),
            };
            let got = match selection.class {
                // MONAI gives -1 for a class without annotations, which `close` does for none.
                Some(_) if estimate.undefined == 1 => None,
                _ => estimate.value,
            };
            close(&format!("{key} {selection:?}"), got, want.as_f64().unwrap());
        }
    }
}

#[test]
fn a_class_without_annotations_is_left_out() {
    let mut images = DetectionImages::new();
    let found = |class| Detection::from_origin(class, [0.0; 3], [4.0; 3], 0.5).unwrap();
    let truth = Annotation::from_origin(1, [0.0; 3], [4.0; 3]).unwrap();
    images
        .push(DetectionImage::new(
            1,
            vec![truth],
            vec![found(1), found(2)],
        ))
        .unwrap();
    let of = |convention| {
        let result = Coco::nndetection()
            .with_convention(convention)
            .evaluate(&images)
            .unwrap();
        result.summary()[0].estimate.clone()
    };
    let standard = of(CocoConvention::Standard);
    assert!((standard.value.unwrap() - 1.0).abs() < 1e-12);
    assert_eq!((standard.n, standard.undefined), (1, 1));
    let monai = of(CocoConvention::Monai);
    assert!(monai.value.unwrap().abs() < 1e-12, "the mean of 1 and -1");
}

#[test]
fn without_images_or_annotations_nothing_is_defined() {
    let mut images = DetectionImages::<2>::new();
    let undefined = |images: &DetectionImages<2>| {
        let result = Coco::default().evaluate(images).unwrap();
        result
            .summary()
            .iter()
            .all(|number| number.estimate.value.is_none())
    };
    assert!(undefined(&images));
    let found = Detection::from_origin(1, [0.0; 2], [4.0; 2], 0.5).unwrap();
    images
        .push(DetectionImage::new(1, vec![], vec![found]))
        .unwrap();
    assert!(undefined(&images));
    images.push(DetectionImage::new(2, vec![], vec![])).unwrap();
    assert!(undefined(&images));
    let truth = Annotation::from_origin(1, [0.0; 2], [4.0; 2]).unwrap();
    images
        .push(DetectionImage::new(3, vec![truth], vec![]))
        .unwrap();
    let result = Coco::default().evaluate(&images).unwrap();
    assert_eq!(result.summary()[0].estimate.value, Some(0.0));
}

#[test]
fn strata_are_measured_in_millimetres() {
    // Four by four by two voxels of 1 x 1 x 3 mm: the longest side is 6 mm, the volume 96 mm3.
    let nodule = Annotation::from_origin(1, [2.0, 0.0, 0.0], [2.0, 4.0, 4.0]).unwrap();
    let found = Detection::from_origin(1, [2.0, 0.0, 0.0], [2.0, 4.0, 4.0], 0.5).unwrap();
    let image =
        DetectionImage::new("scan", vec![nodule], vec![found]).with_spacing([3.0, 1.0, 1.0]);
    let mut images = DetectionImages::new();
    images.push(image).unwrap();
    for (size, limit) in [
        (SizeMeasure::LongestSideMm, 6.0),
        (SizeMeasure::VolumeMm, 96.0),
    ] {
        let strata = [
            SizeRange::half_open("below", 0.0, limit),
            SizeRange::half_open("from", limit, f64::INFINITY),
        ];
        let coco = Coco::nndetection().with_strata(size, strata);
        let result = coco.evaluate(&images).unwrap();
        let of = |range: &str| result.average_precision(&CocoSelection::default().in_range(range));
        assert_eq!(of("below").value, None, "{size:?}");
        assert!((of("from").value.unwrap() - 1.0).abs() < 1e-12, "{size:?}");
    }
}

#[test]
fn ignored_annotations_are_used_up_and_crowds_are_not() {
    let at = |x: f64| Annotation::from_origin(1, [0.0, x], [10.0, 10.0]).unwrap();
    let found = |x: f64, score| Detection::from_origin(1, [0.0, x], [10.0, 10.0], score).unwrap();
    let of = |kind| {
        let mut images = DetectionImages::new();
        let annotations = vec![at(0.0), at(50.0).with_kind(kind)];
        let detections = vec![found(50.0, 0.9), found(50.0, 0.8), found(0.0, 0.7)];
        images
            .push(DetectionImage::new(1, annotations, detections))
            .unwrap();
        let result = Coco::default().evaluate(&images).unwrap();
        result.summary()[0].estimate.value.unwrap()
    };
    assert!((of(AnnotationKind::Crowd) - 1.0).abs() < 1e-12);
    assert!(
        (of(AnnotationKind::Ignored) - 0.5).abs() < 1e-12,
        "the second one is wrong"
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let images = DetectionImages::<2>::new();
    for coco in [
        Coco::default().with_thresholds([]),
        Coco::default().with_thresholds([0.5, 0.5]),
        Coco::default().with_thresholds([1.5]),
        Coco::default().with_thresholds([f64::NAN]),
        Coco::default().with_thresholds(vec![0.5; 65]),
        Coco::default().with_max_detections([10, 1]),
        Coco::default().with_max_detections([]),
    ] {
        assert!(coco.evaluate(&images).is_err(), "{coco:?}");
    }
    let mut images = DetectionImages::<2>::new();
    let truth = Annotation::from_origin(1, [0.0; 2], [4.0; 2]).unwrap();
    let found = |score| Detection::from_origin(1, [0.0; 2], [4.0; 2], score).unwrap();
    let refused = images.push(DetectionImage::new(
        1,
        vec![],
        vec![found(0.5), found(f64::NAN)],
    ));
    let message = refused.unwrap_err().to_string();
    assert_eq!(
        message,
        "the scores of an image must be finite numbers, entry 1 is NaN"
    );
    images
        .push(DetectionImage::new(1, vec![truth], vec![found(0.5)]))
        .unwrap();
    assert!(
        images.push(DetectionImage::new(1, vec![], vec![])).is_err(),
        "an image twice"
    );
    let masks = Coco::default().with_overlap(Overlapping::Masks);
    assert!(masks.evaluate(&images).is_err(), "no masks");
}
