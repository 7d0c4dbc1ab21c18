//! The model into CVAT files.

use std::borrow::Cow;

use medcore::Budget;

use super::super::edges;
use super::super::extra::Format;
use super::super::fault::{Fault, Problem};
use super::super::loss::{Loss, LossReport, Vocabulary};
use super::super::mask::{Mask, Order};
use super::super::model::{
    AnnotatedImage, Annotations, Attribute, AttributeValue, LayerKind, Object, Visibility,
};
use super::super::names::{Names, numbered};
use super::super::number::{number_text, shortest};
use super::super::say::{Groups, drawings, name};
use super::super::shape::{RotatedBox, Shape};
use super::super::xml::{Cursor, Writer};
use super::read::{labels, turned};

type Result<T> = std::result::Result<T, Fault>;
type Pair<'a> = (&'a str, Cow<'a, str>);

const WORDS: Vocabulary = Vocabulary {
    format: Format::Cvat,
    keypoints: true,
    score: false,
    crowd: false,
    group: true,
    attributes: true,
    labels: true,
    layers: false,
    image_ids: true,
    object_ids: false,
    category_details: true,
};

/// The text of a file, and what CVAT could not say.
///
/// # Errors
/// Refuses annotations that contradict themselves (see [`Annotations::check`]), image ids that are there twice,
/// images without a size, and what XML cannot hold: control characters, and [`Extra`](super::super::Extra) that
/// is neither attribute nor element.
pub fn encode(annotations: &Annotations) -> Result<(String, LossReport)> {
    annotations.check()?;
    let ids = numbered("image id", annotations.images.iter().map(|image| image.id));
    let ids = ids.map_err(|problem| Fault::new("images", problem))?;
    let mut losses = LossReport::default();
    losses.note(annotations, &WORDS);
    let mut out = Writer::default();
    out.declare();
    out.open(
        "annotations",
        annotations.extra.xml_attributes(Format::Cvat),
    );
    if annotations.extra.text(Format::Cvat, "version").is_none() {
        out.leaf("version", "1.1");
    }
    let meta = annotations.extra.text(Format::Cvat, "meta");
    let meta = meta.filter(|meta| names_all(meta, annotations));
    if meta.is_none() {
        write_meta(&mut out, annotations, &mut losses);
    }
    for (key, raw) in annotations.extra.xml_elements(Format::Cvat) {
        if key != "meta" || meta.is_some() {
            out.kept(raw);
        }
    }
    for (image, id) in annotations.images.iter().zip(ids) {
        write_image(&mut out, annotations, image, id, &mut losses)?;
    }
    out.close();
    Ok((out.finish()?, losses))
}

/// Whether a stored `meta` has a label for every category.
fn names_all(meta: &str, annotations: &Annotations) -> bool {
    let mut names = Names::default();
    let read =
        Cursor::enter(meta, "meta").and_then(|(mut cursor, _)| labels(&mut cursor, &mut names));
    let known = |category: &super::super::model::Category| names.find(&category.name).is_some();
    read.is_ok() && annotations.categories.iter().all(known)
}

fn write_meta(out: &mut Writer, annotations: &Annotations, losses: &mut LossReport) {
    out.open("meta", []);
    out.open("task", []);
    out.open("labels", []);
    for category in &annotations.categories {
        out.open("label", []);
        out.leaf("name", &category.name);
        if !category.keypoints.is_empty() {
            out.leaf("type", "skeleton");
        }
        out.open("attributes", []);
        out.close();
        out.close();
        for point in &category.keypoints {
            out.open("label", []);
            out.leaf("name", point);
            out.leaf("type", "points");
            out.leaf("parent", &category.name);
            out.close();
        }
        if category.supercategory.is_some()
            || !category.skeleton.is_empty()
            || category.id.is_some()
        {
            losses.add(Loss::CategoryDetails, || {
                format!("category {:?}", category.name)
            });
        }
    }
    out.close();
    out.close();
    out.close();
}

fn write_image(
    out: &mut Writer,
    annotations: &Annotations,
    image: &AnnotatedImage,
    id: i64,
    losses: &mut LossReport,
) -> Result<()> {
    let missing = || {
        Fault::new(
            format!("{:?}", image.name),
            Problem::Missing {
                key: "the image's size",
            },
        )
    };
    let [height, width] = image.size.ok_or_else(missing)?;
    let own: [Pair<'_>; 4] = [
        ("id", id.to_string().into()),
        ("name", image.name.as_str().into()),
        ("width", width.to_string().into()),
        ("height", height.to_string().into()),
    ];
    out.open(
        "image",
        own.into_iter()
            .chain(image.extra.xml_attributes(Format::Cvat)),
    );
    for attribute in &image.attributes {
        let name = attribute.name.clone();
        losses.add(Loss::Attribute { name }, || format!("{:?}", image.name));
    }
    let mut groups = Groups::of(image);
    for (number, object) in image.objects.iter().enumerate() {
        let place = || format!("{:?}, object {number}", image.name);
        for drawing in drawings(object, &mut groups, losses, place) {
            let target = Target {
                annotations,
                image,
                place: &place,
            };
            write_object(out, &drawing, &target, losses)?;
        }
    }
    for label in &image.labels {
        if !label.present {
            losses.add(Loss::AbsentLabel, || format!("{:?}", image.name));
            continue;
        }
        let name = name(annotations, label.category);
        let mut pairs: Vec<Pair<'_>> = vec![("label", name.into())];
        if !label.extra.iter().any(|(key, _)| key == "@source") {
            pairs.push(("source", source(image, label.layer).into()));
        }
        pairs.extend(label.extra.xml_attributes(Format::Cvat));
        out.open("tag", pairs);
        write_attributes(out, &label.attributes);
        label
            .extra
            .xml_elements(Format::Cvat)
            .for_each(|(_, raw)| out.kept(raw));
        out.close();
    }
    image
        .extra
        .xml_elements(Format::Cvat)
        .for_each(|(_, raw)| out.kept(raw));
    out.close();
    out.check(|| format!("{:?}", image.name))
}

fn source(image: &AnnotatedImage, layer: usize) -> &'static str {
    match image.layers.get(layer).map(|layer| layer.kind) {
        Some(LayerKind::Prediction) => "auto",
        _ => "manual",
    }
}

/// Where an object belongs.
struct Target<'a> {
    annotations: &'a Annotations,
    image: &'a AnnotatedImage,
    place: &'a dyn Fn() -> String,
}

fn write_object(
    out: &mut Writer,
    object: &Object,
    target: &Target<'_>,
    losses: &mut LossReport,
) -> Result<()> {
    let Some((element, geometry)) =
        geometry(object).map_err(|p| Fault::new((target.place)(), p))?
    else {
        losses.add(
            Loss::ObjectDropped {
                shape: object.kind(),
            },
            target.place,
        );
        return Ok(());
    };
    if element != "skeleton" && !object.keypoints.is_empty() {
        losses.add(Loss::Keypoints, target.place);
    }
    if element == "skeleton" && object.bounding_box.is_some() {
        losses.add(Loss::BoxDropped, target.place);
    }
    let stored = |key: &str| object.extra.text(Format::Cvat, key).is_some();
    let is_hidden =
        |a: &&Attribute| a.name == "occluded" && matches!(a.value, AttributeValue::Flag(_));
    let hidden = object.attributes.iter().find(is_hidden);
    let occluded = matches!(hidden.map(|a| &a.value), Some(AttributeValue::Flag(true)));
    let mut pairs: Vec<Pair<'_>> =
        vec![("label", name(target.annotations, object.category).into())];
    if !stored("@source") {
        pairs.push(("source", source(target.image, object.layer).into()));
    }
    pairs.push(("occluded", if occluded { "1" } else { "0" }.into()));
    pairs.extend(geometry);
    if !stored("@z_order") {
        pairs.push(("z_order", "0".into()));
    }
    if let Some(group) = object.group {
        pairs.push(("group_id", group.to_string().into()));
    }
    let plain = object
        .extra
        .xml_attributes(Format::Cvat)
        .filter(|(key, _)| !key.starts_with("points/"));
    pairs.extend(plain.filter(|(key, _)| !(*key == "rotation" && turn(object) != 0.0)));
    out.open(element, pairs);
    if element == "skeleton" {
        write_points(out, object, target, losses);
    }
    let attributes = object.attributes.iter();
    let others: Vec<Attribute> = attributes.filter(|a| !is_hidden(a)).cloned().collect();
    write_attributes(out, &others);
    object
        .extra
        .xml_elements(Format::Cvat)
        .for_each(|(_, raw)| out.kept(raw));
    out.close();
    Ok(())
}

fn turn(object: &Object) -> f64 {
    match &object.shape {
        Some(Shape::RotatedBox(turned)) => turned.degrees,
        Some(Shape::Ellipse(ellipse)) => ellipse.degrees,
        _ => 0.0,
    }
}

fn write_attributes(out: &mut Writer, attributes: &[Attribute]) {
    for attribute in attributes {
        let value = match &attribute.value {
            AttributeValue::Text(text) | AttributeValue::Json(text) => text.clone(),
            AttributeValue::Number(value) => number_text(*value),
            AttributeValue::Flag(flag) => flag.to_string(),
        };
        out.named("attribute", &attribute.name, &value);
    }
}

/// The element and the attributes that say where an object is.
fn geometry(
    object: &Object,
) -> std::result::Result<Option<(&'static str, Vec<Pair<'_>>)>, Problem> {
    let pairs = |keys: [&'static str; 4], numbers: [f64; 4], degrees: f64| -> Vec<Pair<'_>> {
        let numbers = numbers.map(|value| Cow::Owned(number_text(value)));
        let mut pairs: Vec<Pair<'_>> = keys.into_iter().zip(numbers).collect();
        if degrees != 0.0 {
            pairs.push(("rotation", number_text(degrees).into()));
        }
        pairs
    };
    const CORNERS: [&str; 4] = ["xtl", "ytl", "xbr", "ybr"];
    let list = |points: &[[f64; 2]]| -> Vec<Pair<'_>> {
        let pair = |&point: &[f64; 2]| {
            let [x, y] = edges::xy(point).map(number_text);
            format!("{x},{y}")
        };
        let pairs: Vec<String> = points.iter().map(pair).collect();
        vec![("points", pairs.join(";").into())]
    };
    Ok(Some(match &object.shape {
        Some(Shape::Polygon(parts)) => ("polygon", list(&parts.concat())),
        Some(Shape::Polyline(points)) => ("polyline", list(points)),
        Some(Shape::Points(points)) => ("points", list(points)),
        Some(Shape::RotatedBox(turned)) => ("box", pairs(CORNERS, corners(turned), turned.degrees)),
        Some(Shape::Ellipse(ellipse)) => {
            let ([x, y], [ry, rx]) = (edges::xy(ellipse.center), ellipse.radii);
            (
                "ellipse",
                pairs(["cx", "cy", "rx", "ry"], [x, y, rx, ry], ellipse.degrees),
            )
        }
        Some(Shape::Mask(mask)) => match mask_pairs(mask, object.extra.is_of(Format::Cvat))? {
            Some(pairs) => ("mask", pairs),
            None => return Ok(None),
        },
        None if !object.keypoints.is_empty() => ("skeleton", Vec::new()),
        None => match &object.bounding_box {
            Some(bounds) => ("box", pairs(CORNERS, edges::corners(bounds), 0.0)),
            None => return Ok(None),
        },
    }))
}

/// The corners of a turned box before its turn.
fn corners(of: &RotatedBox) -> [f64; 4] {
    let axis = |center: f64,
                extent: f64,
                pick: fn(RotatedBox) -> [f64; 2],
                place: fn(f64, f64) -> [f64; 4]| {
        let middle = center + 0.5;
        let estimates = [middle - extent / 2.0, middle + extent / 2.0];
        shortest(estimates, [center, extent], |[low, high]| {
            pick(turned(place(low, high), of.degrees))
        })
    };
    let [y1, y2] = axis(
        of.center[0],
        of.extent[0],
        |b| [b.center[0], b.extent[0]],
        |low, high| [0.0, low, 0.0, high],
    );
    let [x1, x2] = axis(
        of.center[1],
        of.extent[1],
        |b| [b.center[1], b.extent[1]],
        |low, high| [low, 0.0, high, 0.0],
    );
    [x1, y1, x2, y2]
}

/// A mask by the rows of its block: of a CVAT file as it stood, others inside their bounds.
fn mask_pairs(
    mask: &Mask,
    stored: bool,
) -> std::result::Result<Option<Vec<Pair<'static>>>, Problem> {
    let rows = match (stored && mask.order() == Order::Rows, mask.bounds()) {
        (true, _) => mask.clone(),
        (false, None) => return Ok(None),
        (false, Some(bounds)) => {
            let pixels = mask.pixels(&bounds, &Budget::default())?;
            Mask::from_pixels(bounds.start(), bounds.shape(), &pixels)?
        }
    };
    let runs: Vec<String> = rows.runs().iter().map(u64::to_string).collect();
    let ([top, left], [height, width]) = (rows.start(), rows.size());
    Ok(Some(vec![
        ("rle", runs.join(", ").into()),
        ("left", left.to_string().into()),
        ("top", top.to_string().into()),
        ("width", width.to_string().into()),
        ("height", height.to_string().into()),
    ]))
}

fn write_points(out: &mut Writer, object: &Object, target: &Target<'_>, losses: &mut LossReport) {
    let names = target
        .annotations
        .categories
        .get(object.category)
        .map(|c| &c.keypoints);
    for (number, point) in object.keypoints.iter().enumerate() {
        let numbered = || number.saturating_add(1).to_string();
        let name = names
            .and_then(|names| names.get(number))
            .cloned()
            .unwrap_or_else(numbered);
        if point.score.is_some() {
            losses.add(Loss::Score, target.place);
        }
        let [x, y] = edges::xy(point.position).map(number_text);
        let stored = object.extra.text(Format::Cvat, &format!("@points/{name}"));
        let place = format!("{x},{y}");
        let says = |raw: &&str| {
            raw.contains(&format!("\"{place}\""))
                && raw.contains("outside=\"1\"") == (point.visibility == Visibility::Absent)
                && raw.contains("occluded=\"1\"") == (point.visibility == Visibility::Hidden)
        };
        if let Some(raw) = stored.filter(says) {
            out.kept(raw);
            continue;
        }
        let flag = |set: bool| Cow::Borrowed(if set { "1" } else { "0" });
        out.empty(
            "points",
            [
                ("label", name.into()),
                ("outside", flag(point.visibility == Visibility::Absent)),
                ("occluded", flag(point.visibility == Visibility::Hidden)),
                ("points", place.into()),
            ],
        );
    }
}
