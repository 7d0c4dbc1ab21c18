//! The objects of a COCO file with what was found, image by image.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use medcore::Budget;
use medcore::rle::Rle;
use medio::annotations::{Annotations, Mask, Object, Order, Shape, coco};
use medmetrics::detection::{
    Annotation, AnnotationKind, Detection, DetectionImage, DetectionImages,
};
use serde::Serialize;

/// What of objects must overlap, under the names of pycocotools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IouType {
    /// Their boxes.
    #[default]
    Bbox,
    /// Their masks; sizes are areas of masks, also where a result has a box.
    Segm,
}

/// The images of the truth with what was found in them; what belongs nowhere is a problem.
pub(crate) fn images(
    truth: &Annotations,
    results: &Path,
    iou_type: IouType,
    problems: &mut Vec<String>,
) -> Result<DetectionImages<2>> {
    let mut finds = Finds::none(truth)?;
    match iou_type {
        IouType::Bbox => finds.add_boxes(results)?,
        IouType::Segm => finds.add_masks(results, truth)?,
    }
    for (what, ids) in ["image", "category"].iter().zip(&finds.unknown) {
        let ids = ids.iter();
        problems.extend(ids.map(|id| format!("detections of unknown {what} {id}")));
    }
    let mut images = DetectionImages::new();
    for image in &truth.images {
        let id = image.id.unwrap_or_default();
        let mut objects = Vec::new();
        for object in &image.objects {
            let class = finds.class_of(truth, object);
            match annotation(object, class, image.size, iou_type) {
                Ok(annotation) => objects.push(annotation),
                Err(error) => problems.push(format!("{}: {error:#}", image.name)),
            }
        }
        let detections = finds.by_image.remove(&id).unwrap_or_default();
        images.push(DetectionImage::new(id, objects, detections))?;
    }
    Ok(images)
}

/// What was found in each image, and the ids of images and categories that the truth does not have.
struct Finds {
    by_image: BTreeMap<i64, Vec<Detection<2>>>,
    classes: BTreeMap<i64, u32>,
    unknown: [BTreeSet<i64>; 2],
}

impl Finds {
    fn none(truth: &Annotations) -> Result<Self> {
        let mut classes = BTreeMap::new();
        for category in &truth.categories {
            let id = category
                .id
                .and_then(|id| Some((id, u32::try_from(id).ok()?)));
            classes
                .extend([id.with_context(|| format!("category {:?} has no id", category.name))?]);
        }
        let mut by_image = BTreeMap::new();
        for image in &truth.images {
            let id = { image.id }.with_context(|| format!("image {:?} has no id", image.name))?;
            by_image.insert(id, Vec::new());
        }
        Ok(Self {
            by_image,
            classes,
            unknown: Default::default(),
        })
    }

    fn class_of(&self, truth: &Annotations, object: &Object) -> u32 {
        let id = truth.categories[object.category].id.unwrap_or_default();
        self.classes[&id]
    }

    /// Where a find of an image and a category belongs; what belongs nowhere is noted.
    fn place(&mut self, image: i64, category: i64) -> Option<(&mut Vec<Detection<2>>, u32)> {
        match (self.by_image.get_mut(&image), self.classes.get(&category)) {
            (Some(list), Some(&class)) => return Some((list, class)),
            (None, _) => self.unknown[0].insert(image),
            (_, None) => self.unknown[1].insert(category),
        };
        None
    }

    fn add_boxes(&mut self, results: &Path) -> Result<()> {
        for found in coco::read_boxes(results)? {
            if let Some((list, class)) = self.place(found.image, found.category) {
                let (origin, sides) = (found.origin, found.extent);
                list.push(Detection::from_origin(class, origin, sides, found.score)?);
            }
        }
        Ok(())
    }

    fn add_masks(&mut self, results: &Path, truth: &Annotations) -> Result<()> {
        let place = || results.display().to_string();
        let text = std::fs::read(results).with_context(place)?;
        let mut rows: Vec<serde_json::Value> = serde_json::from_slice(&text).with_context(place)?;
        // The reader refuses ids that the truth does not have; here they are named and left out.
        rows.retain(|row| {
            let ids = row["image_id"].as_i64().zip(row["category_id"].as_i64());
            ids.is_none_or(|(image, category)| self.place(image, category).is_some())
        });
        let known = serde_json::to_vec(&rows)?;
        let found = coco::decode_results(&known, truth, &Budget::default()).with_context(place)?;
        for image in &found.images {
            for object in &image.objects {
                let class = self.class_of(truth, object);
                let what = || format!("{}: a result on {}", place(), image.name);
                let found = detection(object, class, image.size).with_context(what)?;
                let list = self.by_image.entry(image.id.unwrap_or_default());
                list.or_default().push(found);
            }
        }
        Ok(())
    }
}

/// An object of the truth.
fn annotation(
    object: &Object,
    class: u32,
    image: Option<[usize; 2]>,
    iou_type: IouType,
) -> Result<Annotation<2>> {
    let bounds = object.extent().context("an object without a box")?;
    let [_, _, width, height] = coco::box_numbers(&bounds);
    let mut annotation = Annotation::from_origin(class, bounds.min(), [height, width])?;
    if object.crowd {
        annotation = annotation.with_kind(AnnotationKind::Crowd);
    }
    if let Some(area) = object.area {
        annotation = annotation.with_area(area);
    }
    if iou_type == IouType::Segm {
        annotation = annotation.with_mask(mask(object, image)?);
    }
    Ok(annotation)
}

/// A find with a mask; what its box is matters to nobody.
fn detection(object: &Object, class: u32, image: Option<[usize; 2]>) -> Result<Detection<2>> {
    let score = object.score.context("no score")?;
    let nowhere = Detection::at_point(class, [0.0; 2], score)?;
    Ok(nowhere.with_mask(mask(object, image)?))
}

/// The pixels of an object, run by run or filled as pycocotools fills polygons.
fn mask(object: &Object, image: Option<[usize; 2]>) -> Result<Rle<2>> {
    let budget = Budget::default();
    let filled: Mask = match &object.shape {
        Some(Shape::Mask(mask)) => {
            mask.in_image(image.unwrap_or(mask.size()), Order::Columns, &budget)?
        }
        Some(Shape::Polygon(parts)) => {
            let size = image.context("a polygon on an image without width and height")?;
            coco::fill_polygons(parts, size, &budget)?
        }
        _ => anyhow::bail!("an object without a mask"),
    };
    Ok(Rle::new(filled.size(), filled.runs().to_vec())?)
}
