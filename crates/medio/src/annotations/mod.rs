//! Boxes, outlines, masks, key points and labels on images, in the formats that people draw them in.
//!
//! [`Annotations`] is what no format in particular says: images with [`Object`]s and [`ImageLabel`]s, and
//! [`Category`] names. Each format's module reads into it and writes from it:
//!
//! | module | format | boxes in the file |
//! | --- | --- | --- |
//! | [`coco`] | COCO JSON: instances, key points, results | `x, y, width, height`, pixel edges |
//! | [`yolo`] | YOLO text and `data.yaml`: detect, segment, pose, OBB | centre and extent over the image's |
//! | [`pascal_voc`] | Pascal VOC XML | pixels from 1, both ends inside (or as told) |
//! | [`cvat`] | CVAT XML 1.1 for images | corners, pixel edges |
//! | [`label_studio`] | Label Studio JSON | percent of the image |
//! | [`label_me`] | LabelMe JSON | corners, pixel edges |
//!
//! "Pixel edges" means that pixel `i` covers `[i, i + 1)`. Here a whole number is a pixel's centre, so all
//! of them are half a pixel lower; writing gives back the file's own digits.
//!
//! What a file says beyond the model is kept as [`Extra`] and written again by the same format. What a
//! format cannot say is in the [`LossReport`] that writing returns: typed, counted, never silent.
//!
//! Files are held for hostile: a reader works inside a [`Budget`](medcore::Budget), never follows a name in a
//! file, and refuses what breaks the format with the place and the rule ([`Fault`]).
//!
//! ```
//! use medio::annotations::{coco, yolo};
//! use medio::medcore::Budget;
//!
//! let text = br#"{"images": [{"id": 1, "file_name": "a.png", "width": 200, "height": 100}],
//!     "categories": [{"id": 7, "name": "nodule"}],
//!     "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "iscrowd": 0, "bbox": [20, 30, 40, 10]}]}"#;
//! let annotations = coco::decode(text, &Budget::default())?;
//! let nodule = &annotations.images[0].objects[0];
//! assert_eq!(nodule.bounding_box.unwrap().min(), [29.5, 19.5]);
//!
//! let (lines, losses) = yolo::encode(&annotations.images[0], &yolo::Options::new(yolo::Task::Detect))?;
//! assert_eq!(lines, "0 0.2 0.35 0.2 0.1\n");
//! assert!(!losses.is_lossless()); // YOLO has no numbers for images and objects
//! # Ok::<(), medio::annotations::Fault>(())
//! ```

pub mod coco;
pub mod cvat;
mod edges;
mod extra;
mod fault;
mod file;
mod json;
pub mod label_me;
pub mod label_studio;
mod loss;
mod mask;
mod model;
mod names;
mod number;
pub mod pascal_voc;
mod say;
mod shape;
mod xml;
mod yaml;
pub mod yolo;

pub use extra::{Extra, Format};
pub use fault::{Fault, Problem};
pub use loss::{Loss, LossReport, Lost};
pub use mask::{Mask, Order};
pub use model::{
    AnnotatedImage, Annotations, Attribute, AttributeValue, Category, ImageLabel, Keypoint, Layer,
    LayerKind, Object, Visibility,
};
pub use shape::{Ellipse, RotatedBox, Shape, ShapeKind};
