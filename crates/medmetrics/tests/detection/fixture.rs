//! Committed results of the reference libraries, and the images they were computed from.

use medcore::BoundingBox;
use medcore::rle::Rle;
use medmetrics::detection::{
    Annotation, AnnotationKind, Detection, DetectionImage, DetectionImages,
};
use serde_json::Value;

pub(crate) use crate::common::numbers;
use crate::common::read;

pub(crate) fn load(name: &str) -> Value {
    read(&format!("detection/{name}"))
}

fn class(item: &Value) -> u32 {
    item["class"].as_u64().unwrap() as u32
}

fn mask(item: &Value) -> Option<Rle<2>> {
    let mask = item.get("mask")?;
    let size = numbers(&mask["size"]);
    let counts = mask["counts"].as_str().unwrap();
    Some(Rle::from_text([size[0] as usize, size[1] as usize], counts).unwrap())
}

/// Origin and sides in storage order of COCO's `x, y, width, height`.
fn box_of_coco(item: &Value) -> [[f64; 2]; 2] {
    let [x, y, width, height] = numbers(&item["box"]).try_into().unwrap();
    [[y, x], [height, width]]
}

/// Images with boxes or masks as COCO has them.
pub(crate) fn coco_images(images: &Value) -> DetectionImages<2> {
    let mut all = DetectionImages::new();
    for image in images.as_array().unwrap() {
        let annotation = |item: &Value| {
            let [origin, sides] = box_of_coco(item);
            let kind = match item["crowd"].as_i64() {
                Some(1) => AnnotationKind::Crowd,
                _ => AnnotationKind::Ordinary,
            };
            let annotation = Annotation::from_origin(class(item), origin, sides)
                .unwrap()
                .with_area(item["area"].as_f64().unwrap())
                .with_id(item["id"].as_i64().unwrap())
                .with_kind(kind);
            match mask(item) {
                Some(mask) => annotation.with_mask(mask),
                None => annotation,
            }
        };
        let detection = |item: &Value| {
            let score = item["score"].as_f64().unwrap();
            match mask(item) {
                Some(mask) => Detection::from_mask(class(item), mask, score).unwrap(),
                None => {
                    let [origin, sides] = box_of_coco(item);
                    Detection::from_origin(class(item), origin, sides, score).unwrap()
                }
            }
        };
        let annotations = image["annotations"].as_array().unwrap().iter();
        let detections = image["detections"].as_array().unwrap().iter();
        let image = DetectionImage::new(
            image["id"].as_i64().unwrap(),
            annotations.map(annotation).collect(),
            detections.map(detection).collect(),
        );
        all.push(image).unwrap();
    }
    all
}

/// Images with boxes by their corners.
pub(crate) fn corner_images<const D: usize>(images: &Value) -> DetectionImages<D> {
    let bounds = |item: &Value| {
        let corner = |i: usize| <[f64; D]>::try_from(numbers(&item["box"][i])).unwrap();
        BoundingBox::new(corner(0), corner(1)).unwrap()
    };
    let mut all = DetectionImages::new();
    for image in images.as_array().unwrap() {
        let annotations = image["annotations"].as_array().unwrap().iter();
        let detections = image["detections"].as_array().unwrap().iter();
        let annotation = |item: &Value| {
            let kind = match item.get("difficult").and_then(Value::as_i64) {
                Some(1) => AnnotationKind::Ignored,
                _ => AnnotationKind::Ordinary,
            };
            Annotation::new(class(item), bounds(item)).with_kind(kind)
        };
        let detection = |item: &Value| {
            Detection::new(class(item), bounds(item), item["score"].as_f64().unwrap())
        };
        let image = DetectionImage::new(
            image["id"].as_i64().unwrap(),
            annotations.map(annotation).collect(),
            detections.map(detection).collect(),
        );
        all.push(image).unwrap();
    }
    all
}

/// Says that a value is that of a reference.
#[track_caller]
pub(crate) fn close(what: &str, got: Option<f64>, want: f64) {
    let got = got.unwrap_or(-1.0);
    assert!(
        (got - want).abs() <= 1e-6 * want.abs().max(1e-3),
        "{what}: {got} is not {want}"
    );
}
