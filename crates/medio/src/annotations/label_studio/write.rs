//! The model into tasks.

use medcore::Budget;

use super::super::extra::{Extra, Format};
use super::super::fault::{Fault, Problem};
use super::super::json::{Writer, quoted};
use super::super::loss::{Loss, LossReport, Vocabulary};
use super::super::mask::Order;
use super::super::model::{
    AnnotatedImage, Annotations, Attribute, ImageLabel, Layer, LayerKind, Object,
};
use super::super::number::real;
use super::super::say::{Groups, drawings, name};
use super::super::shape::{Shape, ShapeKind};
use super::super::xml::{check_characters, escaped};
use super::Options;
use super::brush;
use super::value::Percent;

type Result<T> = std::result::Result<T, Fault>;

const WORDS: Vocabulary = Vocabulary {
    format: Format::LabelStudio,
    keypoints: false,
    score: true,
    crowd: false,
    group: false,
    attributes: false,
    labels: true,
    layers: true,
    image_ids: true,
    object_ids: false,
    category_details: false,
};

/// Tags of a labelling interface, by what they label; each is the `from_name` of its regions.
const TAGS: [(&str, &str, &str); 6] = [
    ("RectangleLabels", "rectanglelabels", "Label"),
    ("PolygonLabels", "polygonlabels", "Label"),
    ("EllipseLabels", "ellipselabels", "Label"),
    ("KeyPointLabels", "keypointlabels", "Label"),
    ("BrushLabels", "brushlabels", "Label"),
    ("Choices", "choices", "Choice"),
];

/// A labelling interface (XML) that knows what [`encode`] writes.
///
/// # Errors
/// Refuses names with control characters, which XML cannot hold.
pub fn interface(annotations: &Annotations, options: &Options) -> Result<String> {
    let names = annotations.categories.iter().map(|category| &category.name);
    for name in names.chain([&options.to_name, &options.image_key]) {
        check_characters(name).map_err(|e| Fault::new(format!("{name:?}"), e))?;
    }
    let (to, key) = (escaped(&options.to_name), escaped(&options.image_key));
    let mut text = format!("<View>\n  <Image name=\"{to}\" value=\"${key}\"/>\n");
    for (tag, from, child) in TAGS {
        let several = if tag == "Choices" {
            " choice=\"multiple\""
        } else {
            ""
        };
        text.push_str(&format!(
            "  <{tag} name=\"{from}\" toName=\"{to}\"{several}>\n"
        ));
        for category in &annotations.categories {
            let value = escaped(&category.name);
            text.push_str(&format!("    <{child} value=\"{value}\"/>\n"));
        }
        text.push_str(&format!("  </{tag}>\n"));
    }
    text.push_str("</View>\n");
    Ok(text)
}

/// The text of a file of tasks, and what Label Studio could not say.
///
/// Objects of a layer go where it says; the others are annotations, or predictions of the model that the options
/// name. A task without an id is given one when it is imported.
///
/// # Errors
/// Refuses annotations that contradict themselves (see [`Annotations::check`]) and images without a size that
/// something is drawn on.
pub fn encode(annotations: &Annotations, options: &Options) -> Result<(String, LossReport)> {
    annotations.check()?;
    let mut losses = LossReport::default();
    losses.note(annotations, &WORDS);
    for category in annotations.categories.iter().filter(|c| c.id.is_some()) {
        losses.add(Loss::Id, || format!("category {:?}", category.name));
    }
    let mut out = Writer::default();
    out.open('[');
    for image in &annotations.images {
        out.line();
        task(&mut out, annotations, image, options, &mut losses)?;
    }
    out.close(']');
    Ok((out.finish(), losses))
}

fn task(
    out: &mut Writer,
    annotations: &Annotations,
    image: &AnnotatedImage,
    options: &Options,
    losses: &mut LossReport,
) -> Result<()> {
    out.open('{');
    if let Some(id) = image.id {
        out.key("id");
        out.plain(id);
    }
    out.key("data");
    let named = image.extra.json("data").and_then(|data| {
        let name = data.get(&options.image_key)?.as_str()?;
        Some(name == image.name)
    });
    match image.extra.text(Format::LabelStudio, "data") {
        Some(data) if named == Some(true) => out.raw(data),
        _ => {
            let mut name = Attribute::text(&options.image_key, image.name.clone());
            out.attributes(std::slice::from_mut(&mut name));
        }
    }
    let alone = Layer {
        kind: options.kind,
        id: None,
        model_version: options.model_version.clone(),
        score: None,
        extra: Extra::default(),
    };
    let layers = match image.layers.as_slice() {
        [] if image.objects.is_empty() && image.labels.is_empty() => &[],
        [] => std::slice::from_ref(&alone),
        layers => layers,
    };
    for (key, kind) in [
        ("annotations", LayerKind::Annotation),
        ("predictions", LayerKind::Prediction),
    ] {
        out.key(key);
        out.open('[');
        let numbered = layers.iter().enumerate();
        for (number, layer) in numbered.filter(|(_, layer)| layer.kind == kind) {
            out.line();
            let work = Work {
                annotations,
                image,
                options,
                number,
            };
            write_layer(out, layer, &work, losses)?;
        }
        out.close(']');
    }
    out.extra(
        &image.extra,
        Format::LabelStudio,
        &["data", "annotations", "predictions"],
    );
    out.close('}');
    Ok(())
}

/// One layer of an image.
struct Work<'a> {
    annotations: &'a Annotations,
    image: &'a AnnotatedImage,
    options: &'a Options,
    number: usize,
}

fn write_layer(
    out: &mut Writer,
    layer: &Layer,
    work: &Work<'_>,
    losses: &mut LossReport,
) -> Result<()> {
    let image = work.image;
    out.open('{');
    if let Some(id) = layer.id {
        out.key("id");
        out.plain(id);
    }
    if let Some(version) = &layer.model_version {
        out.key("model_version");
        out.text(version);
    }
    if let Some(score) = layer.score {
        out.key("score");
        out.number(score);
    }
    out.key("result");
    out.open('[');
    let mut groups = Groups::of(image);
    let mut ids = 0_usize;
    for (number, object) in image.objects.iter().enumerate() {
        if object.layer != work.number {
            continue;
        }
        let place = || format!("{:?}, object {number}", image.name);
        for drawing in drawings(object, &mut groups, losses, place) {
            ids = ids.saturating_add(1);
            write_object(out, &drawing, work, &format!("object{ids}"), losses, &place)?;
        }
    }
    write_labels(out, work, losses);
    if let Some(others) = layer.extra.text(Format::LabelStudio, "result") {
        let inside = others
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        out.raw(inside.unwrap_or_default());
    }
    out.close(']');
    out.extra(&layer.extra, Format::LabelStudio, &["result"]);
    out.close('}');
    Ok(())
}

/// Keys that every item has, from its own file or by our names.
fn write_item(out: &mut Writer, extra: &Extra, kind: &str, id: &str, work: &Work<'_>) {
    let stored = |key: &str| extra.text(Format::LabelStudio, key).is_some();
    for (key, text) in [
        ("id", id),
        ("from_name", kind),
        ("to_name", work.options.to_name.as_str()),
    ] {
        if !stored(key) {
            out.key(key);
            out.text(text);
        }
    }
    out.key("type");
    out.text(kind);
    // Labels of an image name its size only where their file did.
    let sized = kind != "choices" || !extra.is_of(Format::LabelStudio);
    if let Some([height, width]) = work.image.size.filter(|_| sized) {
        out.key("original_width");
        out.plain(width);
        out.key("original_height");
        out.plain(height);
    }
    for (key, raw) in extra.of(Format::LabelStudio) {
        if !key.starts_with("value.") && key != "labels" {
            out.key(key);
            out.raw(raw);
        }
    }
}

/// Labels of the image; those that were one item are one again.
fn write_labels(out: &mut Writer, work: &Work<'_>, losses: &mut LossReport) {
    let image = work.image;
    let mine: Vec<&ImageLabel> = image
        .labels
        .iter()
        .filter(|label| label.layer == work.number)
        .filter(|label| {
            if !label.present {
                losses.add(Loss::AbsentLabel, || format!("{:?}", image.name));
            }
            label.present
        })
        .collect();
    let same = |a: &&ImageLabel, b: &&ImageLabel| a.extra == b.extra && a.score == b.score;
    for (number, item) in mine.chunk_by(same).enumerate() {
        let Some(first) = item.first() else { continue };
        out.open('{');
        let id = format!("label{}", number.saturating_add(1));
        write_item(out, &first.extra, "choices", &id, work);
        if let Some(score) = first.score {
            out.key("score");
            out.number(score);
        }
        out.key("value");
        out.open('{');
        out.key("choices");
        out.open('[');
        item.iter()
            .for_each(|label| out.text(name(work.annotations, label.category)));
        out.close(']');
        out.close('}');
        out.close('}');
    }
}

fn write_object(
    out: &mut Writer,
    object: &Object,
    work: &Work<'_>,
    id: &str,
    losses: &mut LossReport,
    place: &impl Fn() -> String,
) -> Result<()> {
    if let Some(Shape::Points(points)) = &object.shape
        && points.len() > 1
    {
        // One region a point.
        losses.add(Loss::Group, place);
        for (number, &point) in points.iter().enumerate() {
            let single = Object {
                shape: Some(Shape::Points(vec![point])),
                extra: Extra::default(),
                ..object.clone()
            };
            write_object(out, &single, work, &format!("{id}.{number}"), losses, place)?;
        }
        return Ok(());
    }
    let kind = match &object.shape {
        None if object.bounding_box.is_some() => "rectanglelabels",
        Some(Shape::RotatedBox(_)) => "rectanglelabels",
        Some(Shape::Polygon(_) | Shape::Polyline(_)) => "polygonlabels",
        Some(Shape::Ellipse(_)) => "ellipselabels",
        Some(Shape::Points(_)) => "keypointlabels",
        Some(Shape::Mask(_)) => "brushlabels",
        None => {
            let shape = ShapeKind::Keypoints;
            losses.add(Loss::ObjectDropped { shape }, place);
            return Ok(());
        }
    };
    let missing = || {
        Fault::new(
            place(),
            Problem::Missing {
                key: "the image's size",
            },
        )
    };
    let size = work.image.size.ok_or_else(missing)?;
    out.line();
    out.open('{');
    write_item(out, &object.extra, kind, id, work);
    if let Some(score) = object.score {
        out.key("score");
        out.number(score);
    }
    out.key("value");
    out.open('{');
    write_geometry(out, object, size).map_err(|problem| Fault::new(place(), problem))?;
    out.key(kind);
    let category = name(work.annotations, object.category);
    let stored = object.extra.text(Format::LabelStudio, "labels");
    match stored.filter(|text| {
        text.replace(' ', "")
            .starts_with(&format!("[{}", quoted(category).replace(' ', "")))
    }) {
        Some(text) => out.raw(text),
        None => {
            out.open('[');
            out.text(category);
            out.close(']');
        }
    }
    for (key, raw) in object.extra.of(Format::LabelStudio) {
        if let Some(key) = key.strip_prefix("value.") {
            out.key(key);
            out.raw(raw);
        }
    }
    out.close('}');
    out.close('}');
    Ok(())
}

fn write_geometry(
    out: &mut Writer,
    object: &Object,
    size: [usize; 2],
) -> std::result::Result<(), Problem> {
    let percent = Percent::of(size);
    let mut numbers = |pairs: &[(&str, f64)]| {
        for (key, value) in pairs {
            out.key(key);
            out.number(*value);
        }
    };
    let rectangle = |[x, y, w, h]: [f64; 4], degrees: f64| {
        [
            ("x", x),
            ("y", y),
            ("width", w),
            ("height", h),
            ("rotation", degrees),
        ]
    };
    match &object.shape {
        None => {
            if let Some(bounds) = &object.bounding_box {
                numbers(&rectangle(percent.xywh(bounds), 0.0));
            }
        }
        Some(Shape::RotatedBox(turned)) => {
            numbers(&rectangle(percent.rotated_xywh(turned), turned.degrees));
        }
        Some(Shape::Ellipse(ellipse)) => {
            let ([x, y], [rx, ry]) = (percent.xy(ellipse.center), percent.size(ellipse.radii));
            let turn = ("rotation", ellipse.degrees);
            numbers(&[("x", x), ("y", y), ("radiusX", rx), ("radiusY", ry), turn]);
        }
        Some(Shape::Points(points)) => {
            if let Some(&point) = points.first() {
                let [x, y] = percent.xy(point);
                numbers(&[("x", x), ("y", y)]);
            }
            if object
                .extra
                .text(Format::LabelStudio, "value.width")
                .is_none()
            {
                // The dot's own size on the screen, half a percent.
                numbers(&[("width", 0.5)]);
            }
        }
        Some(Shape::Polygon(parts)) => write_points(out, &parts.concat(), true, percent),
        Some(Shape::Polyline(points)) => write_points(out, points, false, percent),
        Some(Shape::Mask(mask)) => {
            let whole = mask.in_image(size, Order::Rows, &Budget::default())?;
            out.key("format");
            out.text("rle");
            out.key("rle");
            out.numbers(
                brush::pack(&whole)?
                    .into_iter()
                    .map(|byte| real(usize::from(byte))),
            );
        }
    }
    Ok(())
}

fn write_points(out: &mut Writer, points: &[[f64; 2]], closed: bool, percent: Percent) {
    out.key("points");
    out.open('[');
    points
        .iter()
        .for_each(|&point| out.numbers(percent.xy(point)));
    out.close(']');
    out.key("closed");
    out.plain(closed);
}
