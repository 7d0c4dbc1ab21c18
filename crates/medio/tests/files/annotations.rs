//! Annotation formats: what a file says comes back in its own digits, and what another format cannot say is
//! counted.

use std::fs;

use medio::Error;
use medio::annotations::pascal_voc::{self, PixelConvention};
use medio::annotations::yolo::{self, Task};
use medio::annotations::{
    AnnotatedImage, Annotations, Attribute, Category, Ellipse, ImageLabel, Keypoint, LayerKind,
    Loss, Mask, Object, Order, Problem, RotatedBox, Shape, ShapeKind, Visibility, coco, cvat,
    label_me, label_studio,
};
use medio::medcore::random::Key;
use medio::medcore::{BoundingBox, Budget};
use serde_json::Value;

fn budget() -> Budget {
    Budget::new(1 << 28)
}

/// JSON with all numbers as `f64`, so that 10 is 10.0.
fn json(text: &str) -> Value {
    fn normal(value: Value) -> Value {
        match value {
            Value::Number(n) => Value::from(n.as_f64().unwrap()),
            Value::Array(values) => values.into_iter().map(normal).collect(),
            Value::Object(map) => map.into_iter().map(|(k, v)| (k, normal(v))).collect(),
            other => other,
        }
    }
    normal(serde_json::from_str(text).unwrap())
}

const COCO: &str = r#"{
 "info": {"year": 2026, "version": "1.0", "big": 123456789012345678901},
 "licenses": [{"id": 1, "name": "CC0"}],
 "images": [
  {"id": 397133, "file_name": "b/scan.png", "height": 40, "width": 30, "license": 1, "coco_url": null},
  {"id": -7, "file_name": "empty.png", "height": 3, "width": 2}
 ],
 "categories": [
  {"id": 18, "name": "nodule", "supercategory": "finding", "color": [1, 2, 3]},
  {"id": 1, "name": "hand", "keypoints": ["tip", "base", "wrist"], "skeleton": [[1, 2], [2, 3]]}
 ],
 "annotations": [
  {"id": 5, "image_id": 397133, "category_id": 18, "iscrowd": 0, "bbox": [2.1, 3.07, 10.13, 5.5], "area": 42.25,
   "segmentation": [[2.1, 3.07, 12.23, 3.07, 12.23, 8.57], [0.1, 0.2, 0.3, 0.4, 0.15, 0.9]],
   "attributes": {"benign": true, "grade": "II", "size_mm": 4.5, "list": [1, {"a": null}]}, "extra": {"deep": [[]]}},
  {"id": 9, "image_id": 397133, "category_id": 18, "iscrowd": 1, "bbox": [0, 0, 30, 40], "area": 1150,
   "segmentation": {"size": [40, 30], "counts": [50, 1150]}},
  {"id": 6, "image_id": 397133, "category_id": 18, "iscrowd": 0, "bbox": [0, 6, 3, 2], "area": 6, "score": 0.5,
   "segmentation": {"size": [40, 30], "counts": "62V1000bQ1"}},
  {"id": 7, "image_id": 397133, "category_id": 1, "iscrowd": 0, "bbox": [1, 1, 8, 8], "area": 64, "segmentation": [],
   "num_keypoints": 2, "keypoints": [1, 2, 2, 5.5, 6.25, 1, 0, 0, 0]}
 ]
}"#;

#[test]
fn a_coco_file_is_written_as_it_was_read() {
    let read = coco::decode(COCO.as_bytes(), &budget()).unwrap();
    let (text, losses) = coco::encode(&read).unwrap();
    assert!(losses.is_lossless(), "{losses}");
    assert_eq!(json(&text), json(COCO));
    assert_eq!(coco::decode(text.as_bytes(), &budget()).unwrap(), read);
    // The digits too, as far as a decimal has them.
    for digits in [
        "[2.1,3.07,10.13,5.5]",
        "12.23,8.57]",
        "0.1,0.2,0.3",
        "123456789012345678901",
    ] {
        assert!(text.contains(digits), "{digits} is not in {text}");
    }
}

#[test]
fn a_coco_file_means_what_its_format_says() {
    let read = coco::decode(COCO.as_bytes(), &budget()).unwrap();
    let [image, empty] = &read.images[..] else {
        panic!("two images")
    };
    assert_eq!((image.size, empty.id), (Some([40, 30]), Some(-7)));
    assert!(empty.objects.is_empty());
    let [polygon, crowd, mask, hand] = &image.objects[..] else {
        panic!("four objects")
    };
    // x 2.1, y 3.07 in pixel edges.
    assert_eq!(polygon.bounding_box.unwrap().min(), [3.07 - 0.5, 2.1 - 0.5]);
    assert_eq!(
        polygon.shape.as_ref().unwrap().kind(),
        ShapeKind::PolygonParts
    );
    assert!(crowd.crowd && !mask.crowd);
    let Some(Shape::Mask(pixels)) = &crowd.shape else {
        panic!("a mask")
    };
    assert_eq!((pixels.area(), pixels.order()), (1150, Order::Columns));
    // Fifty pixels down the columns: the first column of forty and ten of the second.
    assert_eq!(pixels.bounds().unwrap().start(), [0, 1]);
    assert_eq!(hand.keypoints[1].position, [6.25, 5.5]);
    assert_eq!(hand.keypoints[1].visibility, Visibility::Hidden);
    assert_eq!(read.categories[hand.category].skeleton, [[0, 1], [1, 2]]);
    assert_eq!(image.extra.json("license"), Some(Value::from(1)));
}

#[test]
fn coco_results_are_read_for_their_truth_and_written_again() {
    let truth = coco::decode(COCO.as_bytes(), &budget()).unwrap();
    let results = r#"[
        {"image_id": -7, "category_id": 18, "bbox": [0.1, 0.2, 1.7, 2.3], "score": 0.875},
        {"image_id": 397133, "category_id": 1, "bbox": [1, 1, 2, 2], "score": 0.5,
         "keypoints": [1, 2, 0.25, 3, 4, 0.5, 5, 6, 1]}]"#;
    let read = coco::decode_results(results.as_bytes(), &truth, &budget()).unwrap();
    assert_eq!(read.images[0].objects[0].keypoints[0].score, Some(0.25));
    assert_eq!(read.images[1].objects[0].score, Some(0.875));
    let (text, losses) = coco::encode_results(&read).unwrap();
    assert!(losses.is_lossless(), "{losses}");
    let (Value::Array(mut got), Value::Array(want)) = (json(&text), json(results)) else {
        panic!("lists")
    };
    got.reverse(); // by image
    assert_eq!(got, want);
    let unknown = results.replace("-7", "8");
    let refused = coco::decode_results(unknown.as_bytes(), &truth, &budget()).unwrap_err();
    assert!(
        matches!(
            refused.problem,
            Problem::Unknown {
                what: "image id",
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!(refused.at, "[0].image_id");
}

#[test]
fn yolo_lines_come_back_digit_for_digit() {
    let mut random = Key::new(11).stream("yolo");
    for (task, count) in [
        (Task::Detect, 4),
        (Task::Detect, 5),
        (Task::Segment, 6),
        (Task::Segment, 15),
        (
            Task::Pose {
                keypoints: 2,
                dims: 2,
            },
            8,
        ),
        (
            Task::Pose {
                keypoints: 1,
                dims: 3,
            },
            7,
        ),
        (Task::OrientedBox, 8),
    ] {
        for digits in [2, 6, 9] {
            let mut text = String::new();
            for line in 0..60 {
                let mut number = |low: f64, high: f64| {
                    let value = low + (high - low) * random.uniform();
                    let text = format!("{value:.digits$}");
                    text.parse::<f64>().unwrap().to_string()
                };
                let mut numbers: Vec<String> = (0..count).map(|_| number(0.2, 0.8)).collect();
                if matches!(task, Task::Pose { dims: 3, .. }) {
                    numbers[6] = (line % 3).to_string();
                }
                text.push_str(&format!("{} {}\n", line % 4, numbers.join(" ")));
            }
            let options = yolo::Options::new(task).classes(4);
            let size = [767, 1023];
            let mut image = AnnotatedImage::new("a.png", size);
            image.objects = yolo::decode(text.as_bytes(), size, &options, &budget()).unwrap();
            let (back, losses) = yolo::encode(&image, &options).unwrap();
            assert!(losses.is_lossless(), "{losses}");
            for (got, want) in back.lines().zip(text.lines()) {
                assert_eq!(got, want, "{task:?} {digits}");
            }
        }
    }
}

#[test]
fn a_yolo_box_lies_where_its_fractions_say() {
    let options = yolo::Options::new(Task::Detect);
    let objects = yolo::decode(
        b"3 0.5 0.25 0.5 0.1 0.9\n\n",
        [100, 200],
        &options,
        &budget(),
    );
    let [object] = &objects.unwrap()[..] else {
        panic!("one object")
    };
    let bounds = object.bounding_box.unwrap();
    assert_eq!((bounds.min(), bounds.max()), ([19.5, 49.5], [29.5, 149.5]));
    assert_eq!((object.category, object.score), (3, Some(0.9)));
    // A rectangle turned by 30 degrees is one again.
    let turned = RotatedBox {
        center: [50.0, 100.0],
        extent: [20.0, 60.0],
        degrees: 30.0,
    };
    let mut image = AnnotatedImage::new("a.png", [100, 200]);
    image
        .objects
        .push(Object::shaped(0, Shape::RotatedBox(turned)));
    let options = yolo::Options::new(Task::OrientedBox);
    let (text, _) = yolo::encode(&image, &options).unwrap();
    let back = yolo::decode(text.as_bytes(), [100, 200], &options, &budget()).unwrap();
    let Some(Shape::RotatedBox(got)) = &back[0].shape else {
        panic!("a turned box")
    };
    assert!((got.degrees - 30.0).abs() < 1e-6 && (got.extent[1] - 60.0).abs() < 1e-6);
}

/// A picture of no pixels but the right size.
fn picture(path: &std::path::Path, [height, width]: [u32; 2]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    fs::write(path, [head.as_slice(), &sides, &[8, 0, 0, 0, 0]].concat()).unwrap();
}

#[test]
fn a_yolo_dataset_is_written_beside_its_images_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut annotations = Annotations {
        categories: vec![Category::new("nodule: \"x\""), Category::new("cyst")],
        ..Annotations::default()
    };
    for (name, size) in [
        ("a.png", [50, 80]),
        ("sub/b.1.png", [33, 21]),
        ("c.png", [5, 5]),
    ] {
        picture(&folder.join("images/train").join(name), size);
        annotations
            .images
            .push(AnnotatedImage::new(name, size.map(|side| side as usize)));
    }
    let bounds = BoundingBox::new([1.5, 2.5], [7.5, 9.25]).unwrap();
    annotations.images[1].objects.push(Object::boxed(1, bounds));
    let losses = yolo::write(folder, "train", &annotations, Task::Detect).unwrap();
    assert!(losses.is_lossless(), "{losses}");
    assert!(folder.join("labels/train/sub/b.1.txt").is_file());
    let back = yolo::read(folder.join("data.yaml"), "train", Task::Detect).unwrap();
    assert_eq!(back.categories, annotations.categories);
    let names: Vec<_> = back
        .images
        .iter()
        .map(|image| image.name.as_str())
        .collect();
    assert_eq!(names, ["a.png", "c.png", "sub/b.1.png"]);
    assert_eq!(back.images[2].size, Some([33, 21]));
    let got = back.images[2].objects[0].bounding_box.unwrap();
    assert!((got.min()[0] - 1.5).abs() < 1e-9 && (got.max()[1] - 9.25).abs() < 1e-9);
    // A list of files, an unknown split, and a path that leaves the folder.
    fs::write(folder.join("val.txt"), "./images/train/c.png\n").unwrap();
    let yaml = folder.join("data.yaml");
    let text = fs::read_to_string(&yaml).unwrap();
    fs::write(
        &yaml,
        format!("{text}val: val.txt\ntest: ../elsewhere\nkept: {{a: [1, b]}}\n"),
    )
    .unwrap();
    let listed = yolo::read(&yaml, "val", Task::Detect).unwrap();
    assert_eq!(listed.images[0].name, "images/train/c.png");
    let escapes = yolo::read(&yaml, "test", Task::Detect).unwrap_err();
    assert!(matches!(escapes, Error::PathEscapes { .. }), "{escapes}");
    assert!(yolo::read(&yaml, "other", Task::Detect).is_err());
    // Writing another split keeps what stands there.
    yolo::write(folder, "val", &annotations, Task::Detect).unwrap();
    let text = fs::read_to_string(&yaml).unwrap();
    assert!(
        text.contains("../elsewhere") && text.contains("\"kept\": {\"a\": [1, \"b\"]}"),
        "{text}"
    );
    // Labels of two images would be one file.
    annotations
        .images
        .push(AnnotatedImage::new("a.jpg", [5, 5]));
    assert!(yolo::write(folder, "train", &annotations, Task::Detect).is_err());
    annotations.images[3].name = "../a.jpg".to_owned();
    let escapes = yolo::write(folder, "train", &annotations, Task::Detect).unwrap_err();
    assert!(matches!(escapes, Error::PathEscapes { .. }), "{escapes}");
}

const VOC: &str = r#"<annotation verified="yes">
  <folder>VOC2012</folder>
  <filename>a &amp; b.jpg</filename>
  <size>
    <width>30</width>
    <height>40</height>
    <depth>1</depth>
    <bits>12</bits>
  </size>
  <source><database>x</database></source>
  <segmented>0</segmented>
  <object>
    <name>nodule</name>
    <pose>Left</pose>
    <truncated>1</truncated>
    <difficult>0</difficult>
    <attributes>
      <attribute>
        <name>grade</name>
        <value>II</value>
      </attribute>
    </attributes>
    <bndbox>
      <xmin>3</xmin>
      <ymin>8</ymin>
      <xmax>5</xmax>
      <ymax>8.25</ymax>
    </bndbox>
    <polygon>
      <x1>3</x1>
      <y1>8</y1>
      <x2>5.1</x2>
      <y2>8</y2>
      <x3>4</x3>
      <y3>9</y3>
    </polygon>
    <part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>
  </object>
</annotation>
"#;

#[test]
fn a_voc_file_is_written_as_it_was_read_in_every_convention() {
    let lowest = [
        (PixelConvention::FromOne, [6.5, 1.5], [7.75, 4.5]),
        (PixelConvention::FromZero, [7.5, 2.5], [8.75, 5.5]),
        (PixelConvention::Edges, [7.5, 2.5], [7.75, 4.5]),
    ];
    for (convention, min, max) in lowest {
        let read = pascal_voc::decode(VOC.as_bytes(), convention, &budget()).unwrap();
        let image = &read.images[0];
        assert_eq!(
            (image.name.as_str(), image.size),
            ("a & b.jpg", Some([40, 30]))
        );
        let bounds = image.objects[0].bounding_box.unwrap();
        assert_eq!((bounds.min(), bounds.max()), (min, max), "{convention:?}");
        let (texts, losses) = pascal_voc::encode(&read, convention).unwrap();
        assert!(losses.is_lossless(), "{losses}");
        assert_eq!(texts[0], VOC, "{convention:?}");
    }
}

#[test]
fn folders_of_voc_and_label_me_files_come_back() {
    let annotations = everything();
    let folder = tempfile::tempdir().unwrap();
    let voc = folder.path().join("voc");
    pascal_voc::write_folder(&voc, &annotations, PixelConvention::Edges).unwrap();
    let back = pascal_voc::read_folder(&voc, PixelConvention::Edges).unwrap();
    assert_eq!(back.images[0].name, "folder/scan.png");
    assert_eq!(back.images[0].objects.len(), 9);
    let label_me = folder.path().join("label_me");
    label_me::write_folder(&label_me, &annotations).unwrap();
    let back = label_me::read_folder(&label_me).unwrap();
    assert_eq!(back.images[0].size, annotations.images[0].size);
}

const CVAT: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><id>4</id><labels><label><name>nodule</name><color>#fff</color></label><label><name>hand</name><type>skeleton</type></label><label><name>tip</name><type>points</type><parent>hand</parent></label><label><name>base</name><type>points</type><parent>hand</parent></label></labels></task><dumped>2026</dumped></meta>
  <image id="0" name="a/b.png" width="30" height="40" subset="train">
    <box label="nodule" occluded="1" xtl="2.10" ytl="3.07" xbr="12.23" ybr="8.57" source="manual" z_order="3">
      <attribute name="grade">II &lt; III</attribute>
    </box>
    <box label="nodule" occluded="0" xtl="2" ytl="3" xbr="12" ybr="9" rotation="30.5" source="auto" z_order="0">
    </box>
    <polygon label="nodule" occluded="0" points="1.5,2;3,4.25;5,1" group_id="7" source="manual" z_order="0">
    </polygon>
    <polyline label="nodule" occluded="0" points="1,2;3,4" source="manual" z_order="0">
    </polyline>
    <points label="nodule" occluded="0" points="1,2" source="manual" z_order="0">
    </points>
    <ellipse label="nodule" occluded="0" cx="10" cy="20.5" rx="4" ry="2" source="manual" z_order="0">
    </ellipse>
    <mask label="nodule" occluded="0" rle="1, 3, 2" left="4" top="5" width="3" height="2" source="manual" z_order="0">
    </mask>
    <skeleton label="hand" occluded="0" source="manual" z_order="0">
      <points label="tip" outside="0" occluded="1" points="3.5,4.5"/>
      <points label="base" source="manual" outside="0" occluded="0" points="5,6"><attribute name="x">y</attribute></points>
    </skeleton>
    <tag label="nodule" source="manual">
    </tag>
    <cuboid label="nodule" xtl1="1"/>
  </image>
</annotations>
"#;

#[test]
fn a_cvat_file_is_written_as_it_was_read() {
    let read = cvat::decode(CVAT.as_bytes(), &budget()).unwrap();
    let (text, losses) = cvat::encode(&read).unwrap();
    assert!(losses.is_lossless(), "{losses}");
    assert_eq!(text, CVAT.replace("2.10", "2.1"));
    let image = &read.images[0];
    let kinds: Vec<_> = image.objects.iter().map(Object::kind).collect();
    use ShapeKind::*;
    assert_eq!(
        kinds,
        [
            Box, RotatedBox, Polygon, Polyline, Points, Ellipse, Mask, Keypoints
        ]
    );
    let Some(Shape::Mask(mask)) = &image.objects[6].shape else {
        panic!("a mask")
    };
    // Rows of the block at row 5, column 4: outside, inside, inside; inside, outside, outside.
    assert_eq!((mask.start(), mask.area()), ([5, 4], 3));
    assert_eq!(mask.bounds().unwrap().end(), [7, 7]);
    let hand = &read.categories[image.objects[7].category];
    assert_eq!(hand.keypoints, ["tip", "base"]);
    assert_eq!(image.objects[7].keypoints[0].visibility, Visibility::Hidden);
    assert_eq!(image.objects[7].keypoints[0].position, [4.0, 3.0]);
    assert_eq!(image.labels.len(), 1);
}

const LABEL_ME: &str = r##"{"version": "5.2.1", "flags": {"sharp": true, "motion": false}, "shapes": [
  {"label": "nodule", "points": [[2.1, 3.07], [12.23, 3.07], [12.23, 8.57]], "group_id": null, "description": "",
   "shape_type": "polygon", "flags": {"benign": true}, "other": [1.50]},
  {"label": "nodule", "points": [[12, 9], [2, 3]], "group_id": 4, "shape_type": "rectangle", "flags": {}},
  {"label": "nodule", "points": [[12, 9], [15, 13]], "group_id": null, "shape_type": "circle", "flags": {}},
  {"label": "nodule", "points": [[1, 2], [3, 4]], "group_id": null, "shape_type": "line", "flags": {}},
  {"label": "nodule", "points": [[1, 2], [3, 4]], "group_id": null, "shape_type": "linestrip", "flags": {}},
  {"label": "nodule", "points": [[1, 2]], "group_id": null, "shape_type": "point", "flags": {}}
 ], "imagePath": "..\\a.png", "imageData": null, "imageHeight": 40, "imageWidth": 30, "text": "x"}"##;

#[test]
fn a_label_me_file_is_written_as_it_was_read() {
    let read = label_me::decode(LABEL_ME.as_bytes(), &budget()).unwrap();
    let (texts, losses) = label_me::encode(&read).unwrap();
    assert!(losses.is_lossless(), "{losses}");
    assert_eq!(json(&texts[0]), json(LABEL_ME));
    let image = &read.images[0];
    assert_eq!(image.objects[1].bounding_box.unwrap().min(), [2.5, 1.5]);
    let Some(Shape::Ellipse(circle)) = &image.objects[2].shape else {
        panic!("a circle")
    };
    assert_eq!((circle.center, circle.radii), ([8.5, 11.5], [5.0, 5.0]));
    let present: Vec<_> = image.labels.iter().map(|label| label.present).collect();
    assert_eq!(present.iter().filter(|present| **present).count(), 1);
    let escapes = image.path_in("folder").unwrap_err();
    assert!(matches!(escapes, Error::PathEscapes { .. }));
}

const LABEL_STUDIO: &str = r#"[{"id": 12, "data": {"image": "s3://bucket/a.png", "patient": 7}, "project": 3, "meta": {},
 "annotations": [{"id": 101, "completed_by": 5, "lead_time": 12.25, "ground_truth": false, "result": [
   {"id": "r1", "type": "rectanglelabels", "from_name": "tool", "to_name": "img", "original_width": 300, "original_height": 200,
    "image_rotation": 0, "value": {"x": 10.25, "y": 20, "width": 33.3, "height": 12.5, "rotation": 0, "rectanglelabels": ["nodule"]}},
   {"id": "r2", "type": "rectanglelabels", "from_name": "tool", "to_name": "img", "original_width": 300, "original_height": 200,
    "value": {"x": 40, "y": 20, "width": 20, "height": 10, "rotation": 30, "rectanglelabels": ["nodule", "cyst"]}},
   {"id": "r3", "type": "polygonlabels", "from_name": "poly", "to_name": "img", "original_width": 300, "original_height": 200,
    "value": {"points": [[1.5, 2.25], [10, 2], [5, 33.333]], "closed": true, "polygonlabels": ["nodule"]}},
   {"id": "r4", "type": "ellipselabels", "from_name": "e", "to_name": "img", "original_width": 300, "original_height": 200,
    "value": {"x": 50, "y": 50, "radiusX": 10, "radiusY": 5, "rotation": 45, "ellipselabels": ["cyst"]}},
   {"id": "r5", "type": "keypointlabels", "from_name": "k", "to_name": "img", "original_width": 300, "original_height": 200,
    "value": {"x": 12.5, "y": 75, "width": 0.4, "keypointlabels": ["cyst"]}},
   {"id": "r6", "type": "choices", "from_name": "c", "to_name": "img", "value": {"choices": ["sharp", "left"]}},
   {"id": "r1", "type": "textarea", "from_name": "t", "to_name": "img", "value": {"text": ["round"], "x": 1}},
   {"type": "relation", "from_id": "r1", "to_id": "r2", "direction": "right"}
 ]}],
 "predictions": [{"id": 55, "model_version": "v3", "score": 0.875, "result": [
   {"id": "p1", "type": "rectanglelabels", "from_name": "tool", "to_name": "img", "original_width": 300, "original_height": 200,
    "score": 0.75, "value": {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["nodule"]}}]}]
}]"#;

#[test]
fn a_label_studio_file_is_written_as_it_was_read() {
    let options = label_studio::Options::new();
    let read = label_studio::decode(LABEL_STUDIO.as_bytes(), &options, &budget()).unwrap();
    let (text, losses) = label_studio::encode(&read, &options).unwrap();
    assert!(losses.is_lossless(), "{losses}");
    assert_eq!(json(&text), json(LABEL_STUDIO));
    let image = &read.images[0];
    assert_eq!((image.size, image.layers.len()), (Some([200, 300]), 2));
    assert_eq!(image.layers[1].kind, LayerKind::Prediction);
    assert_eq!(image.objects.last().unwrap().layer, 1);
    assert_eq!(image.labels.len(), 2);
    // 40 % of 300 and 20 % of 200 is the corner; the centre is half of 60x20, turned by 30 degrees, away.
    let Some(Shape::RotatedBox(turned)) = &image.objects[1].shape else {
        panic!("a turned box")
    };
    let (sin, cos) = 30_f64.to_radians().sin_cos();
    let center = [
        40.0 + 30.0 * sin + 10.0 * cos - 0.5,
        120.0 + 30.0 * cos - 10.0 * sin - 0.5,
    ];
    assert!((turned.center[0] - center[0]).abs() + (turned.center[1] - center[1]).abs() < 1e-9);
    // The people's work alone.
    let mut truth = read.clone();
    truth.retain_layers(|_, layer| layer.kind == LayerKind::Annotation);
    assert_eq!(
        (truth.images[0].layers.len(), truth.images[0].objects.len()),
        (1, 5)
    );
}

/// Everything the model can say, on one image.
fn everything() -> Annotations {
    let mut image = AnnotatedImage::new("folder/scan.png", [60, 80]);
    let bounds = |a: f64| BoundingBox::new([a, a + 0.5], [a + 10.0, a + 20.25]).unwrap();
    let ring = |a: f64| vec![[a, a], [a, a + 9.0], [a + 7.0, a + 4.0]];
    let pixels: Vec<bool> = (0..60 * 80)
        .map(|i| i % 80 > 20 && i % 80 < 30 && i / 80 % 7 < 4)
        .collect();
    let mask = Mask::from_pixels([0, 0], [60, 80], &pixels).unwrap();
    let turned = RotatedBox {
        center: [30.0, 40.0],
        extent: [10.0, 20.0],
        degrees: 20.0,
    };
    let ellipse = Ellipse {
        center: [30.0, 40.0],
        radii: [5.0, 8.0],
        degrees: 0.0,
    };
    let point = |row, visibility| Keypoint {
        position: [row, 5.0],
        visibility,
        score: None,
    };
    image.objects = vec![
        Object {
            score: Some(0.5),
            ..Object::boxed(0, bounds(3.0))
        },
        Object::shaped(0, Shape::Polygon(vec![ring(4.0)])),
        Object {
            group: Some(1),
            ..Object::shaped(1, Shape::Polygon(vec![ring(4.0), ring(30.0)]))
        },
        Object::shaped(1, Shape::RotatedBox(turned)),
        Object::shaped(0, Shape::Ellipse(ellipse)),
        Object {
            crowd: true,
            ..Object::shaped(0, Shape::Mask(mask))
        },
        Object::shaped(1, Shape::Polyline(vec![[1.0, 2.0], [3.0, 4.0], [5.0, 5.0]])),
        Object {
            keypoints: vec![
                point(6.0, Visibility::Visible),
                point(9.0, Visibility::Absent),
            ],
            bounding_box: Some(bounds(2.0)),
            ..Object {
                category: 2,
                ..Object::default()
            }
        },
    ];
    image.objects[0].attributes = vec![
        Attribute::flag("benign", true),
        Attribute::text("grade", "II"),
    ];
    image.labels.push(ImageLabel {
        category: 1,
        present: true,
        score: None,
        layer: 0,
        attributes: Vec::new(),
        extra: medio::annotations::Extra::default(),
    });
    let mut hand = Category::new("hand");
    hand.keypoints = vec!["tip".to_owned(), "base".to_owned()];
    Annotations {
        images: vec![image],
        categories: vec![Category::new("nodule"), Category::new("cyst"), hand],
        ..Annotations::default()
    }
}

fn count(losses: &medio::annotations::LossReport, shape: ShapeKind, by: ShapeKind) -> usize {
    losses.count(&Loss::ShapeReplaced { shape, by })
}

#[test]
fn every_format_says_what_it_can_and_counts_the_rest() {
    use ShapeKind as Kind;
    let all = everything();
    all.check().unwrap();

    let (text, losses) = coco::encode(&all).unwrap();
    let back = coco::decode(text.as_bytes(), &budget()).unwrap();
    assert_eq!(back.images[0].objects.len(), 8);
    assert_eq!(count(&losses, Kind::RotatedBox, Kind::Polygon), 1);
    assert_eq!(count(&losses, Kind::Ellipse, Kind::Polygon), 1);
    assert_eq!(count(&losses, Kind::Polyline, Kind::Box), 1);
    assert_eq!(
        (losses.count(&Loss::ImageLabel), losses.count(&Loss::Group)),
        (1, 1)
    );
    assert_eq!(losses.iter().count(), 5, "{losses}");
    let (a, b) = (&all.images[0].objects[5], &back.images[0].objects[5]);
    let (Some(Shape::Mask(a)), Some(Shape::Mask(b))) = (&a.shape, &b.shape) else {
        panic!("masks")
    };
    assert_eq!(&b.in_image([60, 80], Order::Rows, &budget()).unwrap(), a);

    let (text, losses) = cvat::encode(&all).unwrap();
    let back = cvat::decode(text.as_bytes(), &budget()).unwrap();
    assert_eq!(back.images[0].objects.len(), 9, "{losses}");
    assert_eq!(
        back.images[0].objects[2].group,
        back.images[0].objects[3].group
    );
    assert_eq!(count(&losses, Kind::PolygonParts, Kind::Polygon), 1);
    let counts = [Loss::Score, Loss::Crowd, Loss::BoxDropped].map(|loss| losses.count(&loss));
    assert_eq!((counts, losses.iter().count()), ([1, 1, 1], 4), "{losses}");
    assert_eq!(back.categories, all.categories);

    let options = label_studio::Options::new().predictions_of("model");
    let (text, losses) = label_studio::encode(&all, &options).unwrap();
    let back = label_studio::decode(text.as_bytes(), &options, &budget()).unwrap();
    assert_eq!(
        back.images[0].layers[0].model_version.as_deref(),
        Some("model")
    );
    assert_eq!(back.images[0].objects.len(), 9, "{losses}");
    assert_eq!(losses.count(&Loss::Keypoints), 1);
    assert_eq!(
        losses.count(&Loss::Attribute {
            name: "grade".to_owned()
        }),
        1
    );
    let (a, b) = (
        &all.images[0].objects[5].shape,
        &back.images[0].objects[6].shape,
    );
    assert_eq!(a, b);
    let interface = label_studio::interface(&all, &options).unwrap();
    assert!(interface.contains("<Label value=\"cyst\"/>"));

    let (texts, losses) = label_me::encode(&all).unwrap();
    let back = label_me::decode(texts[0].as_bytes(), &budget()).unwrap();
    assert_eq!(back.images[0].objects.len(), 9, "{losses}");
    assert_eq!(count(&losses, Kind::Ellipse, Kind::Polygon), 1);
    assert_eq!(
        losses.count(&Loss::Attribute {
            name: "grade".to_owned()
        }),
        1
    );
    let Some(Shape::Mask(b)) = &back.images[0].objects[6].shape else {
        panic!("a mask")
    };
    assert_eq!(a.as_ref(), Some(&Shape::Mask(b.clone())));

    let (_, losses) = pascal_voc::encode(&all, PixelConvention::FromOne).unwrap();
    assert_eq!(count(&losses, Kind::Mask, Kind::Box), 1, "{losses}");
    assert_eq!(losses.count(&Loss::Keypoints), 1);

    let image = &all.images[0];
    let (text, losses) = yolo::encode(image, &yolo::Options::new(Task::Segment)).unwrap();
    assert_eq!(text.lines().count(), 7);
    assert_eq!(losses.count(&Loss::ObjectDropped { shape: Kind::Mask }), 1);
    assert_eq!(count(&losses, Kind::Box, Kind::Polygon), 2, "{losses}");
    let (text, _) = yolo::encode(image, &yolo::Options::new(Task::Detect)).unwrap();
    assert_eq!(text.lines().count(), 9);
}

#[test]
fn keys_of_one_format_are_counted_as_lost_by_the_others() {
    let read = coco::decode(COCO.as_bytes(), &budget()).unwrap();
    let (_, losses) = cvat::encode(&read).unwrap();
    let key = |key: &str| {
        losses.count(&Loss::Extra {
            format: medio::annotations::Format::Coco,
            key: key.to_owned(),
        })
    };
    assert_eq!(
        [
            key("info"),
            key("licenses"),
            key("license"),
            key("color"),
            key("extra")
        ],
        [1; 5]
    );
    assert!(
        losses
            .to_string()
            .contains("COCO key \"color\" left out, first category \"nodule\"")
    );
}

#[test]
fn classes_are_put_in_an_order_and_objects_follow() {
    let mut all = everything();
    all.arrange_categories(&["hand", "new", "cyst", "nodule"])
        .unwrap();
    let names: Vec<_> = all.categories.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["hand", "new", "cyst", "nodule"]);
    assert_eq!(all.images[0].objects[0].category, 3);
    assert_eq!(all.images[0].labels[0].category, 2);
    assert_eq!(all.categories[0].keypoints.len(), 2);
    assert!(all.arrange_categories(&["hand", "new", "cyst"]).is_err());
    assert!(
        all.arrange_categories(&["hand", "hand", "new", "cyst", "nodule"])
            .is_err()
    );
}

#[test]
fn annotations_that_contradict_themselves_are_not_written() {
    let edits: [fn(&mut Annotations); 5] = [
        |a| a.images[0].objects[1].category = 3,
        |a| a.images[0].objects[1].layer = 1,
        |a| a.images[0].objects[1].shape = Some(Shape::Polyline(vec![[f64::NAN, 0.0]])),
        |a| a.images[0].objects[0].score = Some(f64::INFINITY),
        |a| a.images[0].objects[7].keypoints.truncate(1),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        let mut all = everything();
        edit(&mut all);
        assert!(all.check().is_err(), "{number}");
        assert!(
            coco::encode(&all).is_err() && cvat::encode(&all).is_err(),
            "{number}"
        );
        assert!(label_me::encode(&all).is_err(), "{number}");
        assert!(
            label_studio::encode(&all, &label_studio::Options::new()).is_err(),
            "{number}"
        );
        assert!(
            pascal_voc::encode(&all, PixelConvention::Edges).is_err(),
            "{number}"
        );
    }
}
