//! Masks, filled polygons and boxes against pycocotools, brushes against the Label Studio SDK.

use std::path::Path;

use medio::annotations::{Mask, Order, coco};
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
