//! Detected objects against a COCO file.

use std::path::Path;

use anyhow::{Context as _, Result};
use medio::annotations::coco;
use medmetrics::Estimate;
use medmetrics::detection::{Coco, CocoNumber, CocoSelection, Overlapping};
use medmetrics::plot::{Curve, Plot as _, PrecisionRecallPlot};
use medmetrics::statistics::Bootstrap;
use medmetrics::table::Table;
use serde::Serialize;

use super::objects::{self, IouType};
use super::{Cli, Outcome};

/// All that is written as JSON.
#[derive(Serialize)]
struct Written<'a> {
    iou_type: IouType,
    summary: &'a [CocoNumber],
    /// Average precision of each class.
    classes: &'a [(String, Estimate)],
    problems: &'a [String],
}

/// Evaluates the detections and writes the report.
pub(crate) fn run(cli: &Cli, truth: &Path, detections: &Path) -> Result<Outcome> {
    let out = cli.out.as_path();
    let annotations = coco::read(truth)?;
    let mut problems = Vec::new();
    let images = objects::images(&annotations, detections, cli.iou_type, &mut problems)?;
    let (overlap, what) = match cli.iou_type {
        IouType::Bbox => (Overlapping::Boxes, "boxes"),
        IouType::Segm => (Overlapping::Masks, "masks"),
    };
    let matches = Coco::default().with_overlap(overlap).matches(&images)?;
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
            // The precision of the first point holds from no recall on.
            let start = curve.precision.first().map(|&precision| (0.0, precision));
            let points = curve.recall.into_iter().zip(curve.precision);
            curves.push(Curve::new(&name, start.into_iter().chain(points).collect()));
        }
        classes.push((name, result.average_precision(&selection)));
    }
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let written = Written {
        iou_type: cli.iou_type,
        summary: &summary,
        classes: &classes,
        problems: &problems,
    };
    let json = serde_json::to_string_pretty(&written)?;
    medcore::atomic::write_bytes(&out.join("report.json"), json.as_bytes())?;
    // More lines than this cannot be told apart.
    curves.truncate(8);
    if curves.iter().any(|curve| !curve.points.is_empty()) {
        let plot = PrecisionRecallPlot::new(curves)
            .with_title(format!("Precision and recall at IoU 0.5 of {what}"));
        plot.write_svg(out.join("precision_recall.svg"))?;
    }
    let numbers = summary
        .into_iter()
        .map(|number| (number.name, number.estimate));
    let numbers = Table::of_estimates(numbers, 3)?.to_markdown();
    let classes = Table::of_estimates(classes, 3)?.to_markdown();
    let mut text = format!(
        "# Detection\n\n{} images, overlap of {what}.\n\n{numbers}\n## Classes\n\n{classes}\n\
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
