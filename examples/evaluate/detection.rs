//! Detected boxes against a COCO file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use medio::annotations::Annotations;
use medio::annotations::coco::{self, ScoredBox};
use medmetrics::Estimate;
use medmetrics::detection::{
    Annotation, AnnotationKind, Coco, CocoNumber, CocoSelection, Detection, DetectionImage,
    DetectionImages,
};
use medmetrics::plot::{Curve, Plot as _, PrecisionRecallPlot};
use medmetrics::statistics::Bootstrap;
use medmetrics::table::Table;
use serde::Serialize;

use super::Outcome;

/// All that is written as JSON.
#[derive(Serialize)]
struct Written<'a> {
    summary: &'a [CocoNumber],
    /// Average precision of each class.
    classes: &'a [(String, Estimate)],
    problems: &'a [String],
}

/// Evaluates the detections and writes the report.
pub(crate) fn run(truth: &Path, detections: &Path, out: &Path) -> Result<Outcome> {
    let annotations = coco::read(truth)?;
    let boxes = coco::read_boxes(detections)?;
    let mut problems = Vec::new();
    let images = images(&annotations, boxes, &mut problems)?;
    let matches = Coco::default().matches(&images)?;
    let result = matches.result();
    let mut summary = result.summary();
    if images.len() > 1
        && let Some(main) = summary.iter_mut().find(|number| number.name == "AP")
    {
        main.estimate.interval = matches.average_precision(&Bootstrap::default())?.interval;
    }
    let mut classes = Vec::new();
    let mut curves = Vec::new();
    for &class in result.classes() {
        let name = { annotations.categories.iter() }
            .find(|category| category.id == Some(class.into()))
            .map_or_else(|| format!("category {class}"), |c| c.name.clone());
        let selection = CocoSelection::default().of_class(class);
        if let Some(curve) = matches.curve(class, 0, 0) {
            let points = curve.recall.into_iter().zip(curve.precision).collect();
            curves.push(Curve::new(&name, points));
        }
        classes.push((name, result.average_precision(&selection)));
    }
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let written = Written {
        summary: &summary,
        classes: &classes,
        problems: &problems,
    };
    let json = serde_json::to_string_pretty(&written)?;
    medcore::atomic::write_bytes(&out.join("report.json"), json.as_bytes())?;
    // More lines than this cannot be told apart.
    curves.truncate(8);
    if curves.iter().any(|curve| !curve.points.is_empty()) {
        let plot = PrecisionRecallPlot::new(curves).with_title("Precision and recall at IoU 0.5");
        plot.write_svg(out.join("precision_recall.svg"))?;
    }
    let numbers = summary
        .into_iter()
        .map(|number| (number.name, number.estimate));
    let numbers = Table::of_estimates(numbers, 3)?.to_markdown();
    let classes = Table::of_estimates(classes, 3)?.to_markdown();
    let mut text = format!(
        "# Detection\n\n{} images.\n\n{numbers}\n## Classes\n\n{classes}\n\
         ![precision and recall](precision_recall.svg)\n",
        images.len()
    );
    if !problems.is_empty() {
        text += &format!("\n## Not evaluated\n\n* {}\n", problems.join("\n* "));
    }
    medcore::atomic::write_bytes(&out.join("report.md"), text.as_bytes())?;
    Ok(Outcome {
        text: format!("{numbers}\n{}", out.join("report.md").display()),
        problems,
    })
}

/// The images of the truth with what was found in them; boxes of no image or category are problems.
fn images(
    annotations: &Annotations,
    boxes: Vec<ScoredBox>,
    problems: &mut Vec<String>,
) -> Result<DetectionImages<2>> {
    let mut ids = Vec::new();
    for category in &annotations.categories {
        let id = category.id.and_then(|id| u32::try_from(id).ok());
        ids.push(id.with_context(|| format!("category {:?} has no id", category.name))?);
    }
    let mut found: BTreeMap<i64, Vec<Detection<2>>> = BTreeMap::new();
    for image in &annotations.images {
        let id = image
            .id
            .with_context(|| format!("image {:?} has no id", image.name))?;
        found.insert(id, Vec::new());
    }
    let mut unknown = [BTreeSet::new(), BTreeSet::new()];
    for ScoredBox {
        image,
        category,
        origin,
        extent,
        score,
    } in boxes
    {
        let class = u32::try_from(category).ok().filter(|id| ids.contains(id));
        match (found.get_mut(&image), class) {
            (Some(image), Some(class)) => {
                image.push(Detection::from_origin(class, origin, extent, score)?);
            }
            (None, _) => {
                unknown[0].insert(image);
            }
            (_, None) => {
                unknown[1].insert(category);
            }
        }
    }
    for (what, ids) in ["image", "category"].iter().zip(&unknown) {
        let named = ids
            .iter()
            .map(|id| format!("detections of unknown {what} {id}"));
        problems.extend(named);
    }
    let mut images = DetectionImages::new();
    for image in &annotations.images {
        let id = image.id.unwrap_or_default();
        let mut objects = Vec::new();
        for object in &image.objects {
            let Some(bounds) = object.extent() else {
                problems.push(format!("{}: an object without a box", image.name));
                continue;
            };
            let kind = match object.crowd {
                true => AnnotationKind::Crowd,
                false => AnnotationKind::Ordinary,
            };
            let class = ids[object.category];
            let mut annotation = Annotation::new(class, bounds).with_kind(kind);
            if let Some(area) = object.area {
                annotation = annotation.with_area(area);
            }
            objects.push(annotation);
        }
        let detections = found.remove(&id).unwrap_or_default();
        images.push(DetectionImage::new(id, objects, detections))?;
    }
    Ok(images)
}
