//! Masks, filled polygons and boxes against pycocotools, brushes against the Label Studio SDK.

use std::path::Path;

use medio::annotations::{Mask, Order, Shape, coco, label_me, label_studio};
use medio::medcore::{BoundingBox, Budget};
use serde_json::Value;

fn fixture() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/annotations.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn counts(value: &Value) -> Vec<u64> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|v| v.as_u64().unwrap()).collect()
}

fn size(value: &Value) -> [usize; 2] {
    [0, 1].map(|axis| value["size"][axis].as_u64().unwrap() as usize)
}

#[test]
fn runs_text_area_and_bounds_of_masks_are_those_of_pycocotools() {
    let fixture = fixture();
    let masks = fixture["masks"].as_array().unwrap();
    assert_eq!(masks.len(), 21);
    for case in masks {
        let size = size(case);
        let mask = Mask::new([0, 0], size, Order::Rows, counts(&case["rows"])).unwrap();
        let columns = mask
            .in_image(size, Order::Columns, &Budget::default())
            .unwrap();
        assert_eq!(columns.runs(), counts(&case["columns"]), "{size:?}");
        let text = case["coco"].as_str().unwrap();
        assert_eq!(coco::compress(columns.runs()).unwrap(), text);
        assert_eq!(coco::decompress(text).unwrap(), columns.runs());
        assert_eq!(mask.area(), case["area"].as_u64().unwrap());
        let [x, y, width, height] = [0, 1, 2, 3].map(|i| case["box"][i].as_f64().unwrap());
        match mask.bounds() {
            None => assert_eq!([width, height], [0.0, 0.0]),
            Some(bounds) => {
                let bounds = BoundingBox::from(bounds);
                assert_eq!(bounds.min(), [y - 0.5, x - 0.5]);
                assert_eq!(bounds.extent(), [height, width]);
            }
        }
    }
}

#[test]
fn brushes_of_the_label_studio_sdk_and_pictures_of_pillow_are_the_same_masks() {
    let fixture = fixture();
    for case in fixture["masks"].as_array().unwrap() {
        let [height, width] = size(case);
        let mask = Mask::new([0, 0], [height, width], Order::Rows, counts(&case["rows"])).unwrap();
        let task = serde_json::json!([{"data": {"image": "a.png"}, "annotations": [{"result": [{
            "type": "brushlabels", "original_width": width, "original_height": height,
            "value": {"format": "rle", "rle": case["brush"], "brushlabels": ["x"]},
        }]}]}]);
        let options = label_studio::Options::new();
        let read = label_studio::decode(task.to_string().as_bytes(), &options, &Budget::default());
        let read = read.unwrap();
        assert_eq!(
            read.images[0].objects[0].shape,
            Some(Shape::Mask(mask.clone())),
            "{case}"
        );
        // Ours are the same bytes; the kit ends with a byte of nothing where the bits fill the last one.
        let (text, _) = label_studio::encode(&read, &options).unwrap();
        let written: Value = serde_json::from_str(&text).unwrap();
        let ours = counts(&written[0]["annotations"][0]["result"][0]["value"]["rle"]);
        let theirs = counts(&case["brush"]);
        let (same, rest) = theirs.split_at(ours.len());
        assert_eq!((same, rest.iter().sum::<u64>()), (&ours[..], 0), "{case}");
        let file = serde_json::json!({
            "imagePath": "a.png", "imageHeight": height, "imageWidth": width, "shapes": [{
                "label": "x", "shape_type": "mask", "mask": case["png"],
                "points": [[0, 0], [width - 1, height - 1]],
            }],
        });
        let read = label_me::decode(file.to_string().as_bytes(), &Budget::default()).unwrap();
        assert_eq!(
            read.images[0].objects[0].shape,
            Some(Shape::Mask(mask)),
            "{case}"
        );
    }
}

#[test]
fn polygons_cover_the_pixels_that_pycocotools_fills() {
    let fixture = fixture();
    let polygons = fixture["polygons"].as_array().unwrap();
    assert_eq!(polygons.len(), 40);
    for (number, case) in polygons.iter().enumerate() {
        let ring = |part: &Value| -> Vec<[f64; 2]> {
            let numbers: Vec<f64> = part
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().unwrap())
                .collect();
            numbers
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[x, y]| [y - 0.5, x - 0.5])
                .collect()
        };
        let parts: Vec<_> = case["parts"].as_array().unwrap().iter().map(ring).collect();
        let mask = coco::fill_polygons(&parts, size(case), &Budget::default()).unwrap();
        assert_eq!(
            mask.area(),
            case["area"].as_u64().unwrap(),
            "polygon {number}"
        );
        assert_eq!(
            coco::compress(mask.runs()).unwrap(),
            case["coco"].as_str().unwrap(),
            "polygon {number}"
        );
    }
}
