//! The model into LabelMe files.

use medcore::{BoundingBox, Budget, Region};

use super::super::edges;
use super::super::extra::Format;
use super::super::fault::{Fault, Problem};
use super::super::json::{Json, Writer, quoted};
use super::super::loss::{Loss, LossReport, Vocabulary};
use super::super::model::{AnnotatedImage, Annotations, Attribute, AttributeValue, Object};
use super::super::number::real;
use super::super::say::{Groups, drawings, name};
use super::super::shape::{Shape, ShapeKind};
use super::png;
use super::read::{Drawn, drawn, points};

type Result<T> = std::result::Result<T, Fault>;

const WORDS: Vocabulary = Vocabulary {
    format: Format::LabelMe,
    keypoints: false,
    score: false,
    crowd: false,
    group: true,
    attributes: true,
    labels: true,
    layers: false,
    image_ids: false,
    object_ids: false,
    category_details: false,
};

/// The text of one file an image, and what LabelMe could not say.
///
/// Turned boxes and ellipses that are no circles become polygons. Attributes other than yes and no are lost.
///
/// # Errors
/// Refuses annotations that contradict themselves (see [`Annotations::check`]), images without a size and masks
/// that leave their image.
pub fn encode(annotations: &Annotations) -> Result<(Vec<String>, LossReport)> {
    annotations.check()?;
    let mut losses = LossReport::default();
    losses.note(annotations, &WORDS);
    let images = annotations.images.iter();
    let texts = images.map(|image| document(annotations, image, &mut losses));
    Ok((texts.collect::<Result<_>>()?, losses))
}

fn document(
    annotations: &Annotations,
    image: &AnnotatedImage,
    losses: &mut LossReport,
) -> Result<String> {
    let place = || format!("{:?}", image.name);
    if image.size.is_none() && !image.extra.is_of(Format::LabelMe) {
        return Err(Fault::new(
            place(),
            Problem::Missing {
                key: "the image's size",
            },
        ));
    }
    let mut out = Writer::default();
    out.open('{');
    if image.extra.text(Format::LabelMe, "version").is_none() {
        out.key("version");
        out.text("5.5.0");
    }
    let mut flags: Vec<Attribute> = image
        .labels
        .iter()
        .map(|label| Attribute::flag(name(annotations, label.category), label.present))
        .collect();
    flags.extend(image.attributes.iter().cloned());
    out.key("flags");
    out.attributes(&yes_and_no(
        &flags,
        losses,
        place,
        image.extra.is_of(Format::LabelMe),
    ));
    out.key("shapes");
    out.open('[');
    let mut groups = Groups::of(image);
    for (number, object) in image.objects.iter().enumerate() {
        let place = || format!("{:?}, object {number}", image.name);
        for drawing in drawings(object, &mut groups, losses, place) {
            let written = write_object(&mut out, annotations, &drawing, losses, &place);
            written.map_err(|problem| Fault::new(place(), problem))?;
        }
    }
    out.close(']');
    out.key("imagePath");
    out.text(&image.name);
    if image.extra.text(Format::LabelMe, "imageData").is_none() {
        out.key("imageData");
        out.raw("null");
    }
    if let Some([height, width]) = image.size {
        out.key("imageHeight");
        out.plain(height);
        out.key("imageWidth");
        out.plain(width);
    }
    out.extra(&image.extra, Format::LabelMe, &["flags"]);
    out.close('}');
    Ok(out.finish())
}

/// The attributes that are yes or no; of a LabelMe file all are kept, as they stood.
fn yes_and_no(
    attributes: &[Attribute],
    losses: &mut LossReport,
    place: impl Fn() -> String,
    all: bool,
) -> Vec<Attribute> {
    let mut kept: Vec<Attribute> = Vec::new();
    for attribute in attributes {
        let flag = matches!(attribute.value, AttributeValue::Flag(_));
        if (flag || all) && kept.iter().all(|other| other.name != attribute.name) {
            kept.push(attribute.clone());
        } else {
            let name = attribute.name.clone();
            losses.add(Loss::Attribute { name }, &place);
        }
    }
    kept
}

fn write_object(
    out: &mut Writer,
    annotations: &Annotations,
    object: &Object,
    losses: &mut LossReport,
    place: &impl Fn() -> String,
) -> std::result::Result<(), Problem> {
    let stored = stored_kind(object);
    let stored = stored.as_deref();
    let mut mask_text = None;
    let mut replaced = |by| {
        let shape = object.kind();
        losses.add(Loss::ShapeReplaced { shape, by }, place);
    };
    let (kind, outline) = match &object.shape {
        None => match &object.bounding_box {
            Some(bounds) => ("rectangle", rectangle(bounds)),
            None => {
                let shape = object.kind();
                losses.add(Loss::ObjectDropped { shape }, place);
                return Ok(());
            }
        },
        Some(Shape::Polygon(parts)) => ("polygon", parts.concat()),
        Some(Shape::Polyline(points)) if points.len() == 2 && stored != Some("linestrip") => {
            ("line", points.clone())
        }
        Some(Shape::Polyline(points)) => ("linestrip", points.clone()),
        Some(Shape::Points(points)) if points.len() == 1 && stored != Some("points") => {
            ("point", points.clone())
        }
        Some(Shape::Points(points)) => ("points", points.clone()),
        Some(Shape::RotatedBox(turned)) if stored == Some("oriented_rectangle") => {
            ("oriented_rectangle", turned.corners().to_vec())
        }
        Some(Shape::RotatedBox(turned)) => {
            replaced(ShapeKind::Polygon);
            ("polygon", turned.corners().to_vec())
        }
        Some(Shape::Ellipse(ellipse)) if ellipse.radii[0] == ellipse.radii[1] => {
            let ([row, column], [radius, _]) = (ellipse.center, ellipse.radii);
            ("circle", vec![[row, column], [row, column + radius]])
        }
        Some(Shape::Ellipse(ellipse)) => {
            replaced(ShapeKind::Polygon);
            ("polygon", ellipse.polygon(64))
        }
        Some(Shape::Mask(mask)) => {
            let end = [0, 1].map(|a: usize| {
                let pick = |of: [usize; 2]| of.get(a).copied().unwrap_or(0);
                pick(mask.start()).saturating_add(pick(mask.size()))
            });
            let block = Region::new(mask.start(), end)
                .ok()
                .filter(|block| block.len() <= 1 << 24);
            let Some(block) = block.or_else(|| mask.bounds()) else {
                let shape = object.kind();
                losses.add(Loss::ObjectDropped { shape }, place);
                return Ok(());
            };
            mask_text = Some(png::encode(mask, &block, &Budget::default())?);
            // The points of a mask name its first and last pixel.
            let ([top, left], [bottom, right]) = (block.start(), block.end());
            let corner = |row: usize, column: usize| [real(row) - 0.5, real(column) - 0.5];
            let last = corner(bottom.saturating_sub(1), right.saturating_sub(1));
            ("mask", vec![corner(top, left), last])
        }
    };
    out.line();
    out.open('{');
    out.key("label");
    out.text(name(annotations, object.category));
    out.key("shape_type");
    let same = stored == Some("ai_polygon") && kind == "polygon";
    out.text(if same { "ai_polygon" } else { kind });
    out.key("points");
    match stored_points(object, kind) {
        Some(text) => out.raw(text),
        None => {
            out.open('[');
            outline
                .iter()
                .for_each(|&point| out.numbers(edges::xy(point)));
            out.close(']');
        }
    }
    out.key("group_id");
    match object.group {
        Some(group) => out.plain(group),
        None => out.raw("null"),
    }
    out.key("flags");
    let all = object.extra.is_of(Format::LabelMe);
    out.attributes(&yes_and_no(&object.attributes, losses, place, all));
    if let Some(text) = mask_text {
        out.key("mask");
        out.raw(&quoted(&text));
    }
    out.extra(
        &object.extra,
        Format::LabelMe,
        &["shape_type", "points", "group_id", "flags"],
    );
    out.close('}');
    Ok(())
}

fn rectangle(bounds: &BoundingBox<2>) -> Vec<[f64; 2]> {
    vec![bounds.min(), bounds.max()]
}

fn stored_kind(object: &Object) -> Option<String> {
    let text = object.extra.text(Format::LabelMe, "shape_type")?;
    serde_json::from_str(text).ok()
}

/// The points as they stood in a LabelMe file, if they still say where the object is.
fn stored_points<'a>(object: &'a Object, kind: &str) -> Option<&'a str> {
    let text = object.extra.text(Format::LabelMe, "points")?;
    let points = points(&Json::parse(text).ok()?).ok()?;
    let same = match drawn(kind, &points).ok()? {
        Drawn::Box(bounds) => object.shape.is_none() && object.bounding_box == Some(bounds),
        Drawn::Shape(shape) => object.shape.as_ref() == Some(&shape),
    };
    same.then_some(text)
}
