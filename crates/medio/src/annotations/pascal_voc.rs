//! Pascal VOC XML: one file an image, boxes and (as CVAT and Roboflow add them) polygons and attributes.
//!
//! The VOC devkit counts pixels from 1 and puts both ends inside the box; LabelImg and many others write
//! other numbers into the same fields. Which it is cannot be seen in a file: [`PixelConvention`] says it.
//! Format: <http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html>.

use std::path::Path;

use medcore::{BoundingBox, Budget};

use super::extra::Format;
use super::fault::{Fault, Problem};
use super::file;
use super::json::utf8;
use super::loss::{Loss, LossReport, Vocabulary};
use super::model::{AnnotatedImage, Annotations, Attribute, AttributeValue, Object};
use super::names::Names;
use super::number::{number_text, shortest, wide};
use super::say::{Groups, drawings, name};
use super::shape::{Shape, ShapeKind};
use super::xml::{Cursor, Element, Writer};
use crate::error::{Error, Result};

/// What the numbers of a box mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PixelConvention {
    /// The VOC devkit's: pixels are counted from 1, the last one is inside.
    #[default]
    FromOne,
    /// Pixels are counted from 0, the last one is inside (`torchvision.ops.masks_to_boxes`).
    FromZero,
    /// Edges of pixels, pixel `i` covers `[i, i + 1)` (LabelImg, and what COCO converters write).
    Edges,
}

impl PixelConvention {
    /// What must be added to the lower and the upper end to have index coordinates.
    fn shifts(self) -> [f64; 2] {
        match self {
            Self::FromOne => [-1.5, -0.5],
            Self::FromZero => [-0.5, 0.5],
            Self::Edges => [-0.5, -0.5],
        }
    }

    /// What must be added to a single point.
    fn point_shift(self) -> f64 {
        match self {
            Self::FromOne => -1.0,
            Self::FromZero => 0.0,
            Self::Edges => -0.5,
        }
    }

    fn bounds(self, [x1, y1, x2, y2]: [f64; 4]) -> medcore::Result<BoundingBox<2>> {
        let [low, high] = self.shifts();
        BoundingBox::new([y1 + low, x1 + low], [y2 + high, x2 + high])
    }

    fn numbers(self, bounds: &BoundingBox<2>) -> [f64; 4] {
        let [low, high] = self.shifts();
        let ([y1, x1], [y2, x2]) = (bounds.min(), bounds.max());
        [(x1, low), (y1, low), (x2, high), (y2, high)].map(|(value, shift)| unshifted(value, shift))
    }
}

/// The number of a file that `shift` makes `value` of.
fn unshifted(value: f64, shift: f64) -> f64 {
    let [number] = shortest([value - shift], [value], |[number]| [number + shift]);
    number
}

const WORDS: Vocabulary = Vocabulary {
    format: Format::PascalVoc,
    keypoints: false,
    score: false,
    crowd: false,
    group: false,
    attributes: true,
    labels: false,
    layers: false,
    image_ids: false,
    object_ids: false,
    category_details: false,
};

/// Attributes that have elements of their own, and what is written where they are not given.
const OWN: [(&str, &str); 4] = [
    ("pose", "Unspecified"),
    ("truncated", "0"),
    ("difficult", "0"),
    ("occluded", "0"),
];

/// Reads the text of one file.
///
/// # Errors
/// Returns the line and the rule for text that breaks the format or declares types or entities.
pub fn decode(
    bytes: &[u8],
    convention: PixelConvention,
    budget: &Budget,
) -> std::result::Result<Annotations, Fault> {
    let mut names = Names::default();
    let image = image(bytes, convention, &mut names, budget)?;
    Ok(Annotations {
        images: vec![image],
        categories: names.finish(),
        ..Annotations::default()
    })
}

/// Reads all files `*.xml` of a folder, in order; categories are in the order in which they are met.
///
/// # Errors
/// Returns [`Error::Annotations`] with file, line and rule, and passes on what the system says.
pub fn read_folder(folder: impl AsRef<Path>, convention: PixelConvention) -> Result<Annotations> {
    let folder = folder.as_ref();
    let budget = Budget::default();
    let mut names = Names::default();
    let mut images = Vec::new();
    for below in file::below(folder, &["xml"])? {
        let image = |bytes: &[u8], budget: &Budget| image(bytes, convention, &mut names, budget);
        images.push(file::decoded(&folder.join(below), &budget, image)?);
    }
    Ok(Annotations {
        images,
        categories: names.finish(),
        ..Annotations::default()
    })
}

/// Writes one file an image into a folder, `a.xml` for `a.png`.
///
/// # Errors
/// Refuses what [`encode`] does, names that leave the folder or whose files would be one; passes on what the
/// system says.
pub fn write_folder(
    folder: impl AsRef<Path>,
    annotations: &Annotations,
    convention: PixelConvention,
) -> Result<LossReport> {
    let folder = folder.as_ref();
    let targets = file::targets(folder, &annotations.images, "xml")?;
    let (texts, losses) = encode(annotations, convention).map_err(Error::annotations(folder))?;
    for (text, target) in texts.iter().zip(&targets) {
        file::write_below(target, text)?;
    }
    Ok(losses)
}

fn image(
    bytes: &[u8],
    convention: PixelConvention,
    names: &mut Names,
    budget: &Budget,
) -> std::result::Result<AnnotatedImage, Fault> {
    let (mut cursor, root) = Cursor::enter(utf8(bytes, budget)?, "annotation")?;
    let missing = root.fault(Problem::Missing { key: "filename" });
    let mut image = AnnotatedImage {
        extra: root.rest(Format::PascalVoc),
        ..AnnotatedImage::default()
    };
    let mut named = false;
    while let Some(element) = cursor.next()? {
        let element = cursor.fill(element)?;
        match element.name.as_str() {
            "filename" => (image.name, named) = (element.text.clone(), true),
            "size" => {
                let mut size = element;
                let [height, width] = ["height", "width"].map(|side| size.need_child(side));
                image.size = Some([height?.pixels()?, width?.pixels()?]);
                for child in size.children {
                    image
                        .extra
                        .push(format!("size/{}", child.name), child.raw().to_owned());
                }
            }
            "object" => {
                let claimed = budget.claim_bytes("an object", wide(size_of::<Object>()));
                claimed.map_err(|e| element.fault(e.into()))?;
                image.objects.push(object(element, convention, names)?);
            }
            _ => image.extra.keep(&element)?,
        }
    }
    cursor.finish()?;
    match named {
        true => Ok(image),
        false => Err(missing),
    }
}

fn object(
    mut element: Element<'_>,
    convention: PixelConvention,
    names: &mut Names,
) -> std::result::Result<Object, Fault> {
    let mut object = Object {
        category: names.place(element.need_child("name")?.text.trim()),
        ..Object::default()
    };
    for (name, _) in OWN {
        if let Some(child) = element.take_child(name) {
            object.attributes.push(match (name, child.text.trim()) {
                ("pose", text) => Attribute::text(name, text),
                (_, "0") => Attribute::flag(name, false),
                (_, "1") => Attribute::flag(name, true),
                (_, text) => Attribute::text(name, text),
            });
        }
    }
    if let Some(list) = element.take_child("attributes") {
        for mut attribute in list.children {
            let (name, value) = (
                attribute.need_child("name")?,
                attribute.need_child("value")?,
            );
            object
                .attributes
                .push(Attribute::text(&name.text, value.text));
        }
    }
    if let Some(polygon) = element.take_child("polygon") {
        object.shape = Some(Shape::Polygon(vec![ring(polygon, convention)?]));
    }
    let mut corners = match element.take_child("bndbox") {
        Some(corners) => corners,
        None if object.shape.is_some() => {
            object.extra = element.rest(Format::PascalVoc);
            return Ok(object);
        }
        None => return Err(element.fault(Problem::Missing { key: "bndbox" })),
    };
    let mut numbers = [0.0; 4];
    for (slot, key) in numbers.iter_mut().zip(["xmin", "ymin", "xmax", "ymax"]) {
        *slot = corners.need_child(key)?.number()?;
    }
    let bounds = convention.bounds(numbers);
    object.bounding_box = Some(bounds.map_err(|_| {
        let got = numbers.map(number_text).join(", ");
        corners.fault(Problem::expected("a box that is not inside out", &got))
    })?);
    object.extra = element.rest(Format::PascalVoc);
    Ok(object)
}

/// `x1, y1, x2, y2 ...` in order, whatever the order of the elements.
fn ring(
    polygon: Element<'_>,
    convention: PixelConvention,
) -> std::result::Result<Vec<[f64; 2]>, Fault> {
    let count = polygon.children.len() / 2;
    let mut ring = vec![[None; 2]; count];
    for child in &polygon.children {
        let (axis, number) = match child.name.split_at_checked(1) {
            Some(("y", number)) => (0, number),
            Some(("x", number)) => (1, number),
            _ => (2, ""),
        };
        let place = number
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1));
        let point = place.and_then(|place| ring.get_mut(place));
        let slot = point.and_then(|point| point.get_mut(axis));
        let slot = slot.ok_or_else(|| {
            child.fault(Problem::expected(
                "x1, y1, x2, y2 ... without a gap",
                &child.name,
            ))
        })?;
        *slot = Some(child.number()? + convention.point_shift());
    }
    let complete = |point: &[Option<f64>; 2]| Some([point[0]?, point[1]?]);
    let points: Option<Vec<[f64; 2]>> = ring.iter().map(complete).collect();
    match points.filter(|points| points.len() >= 3) {
        Some(points) => Ok(points),
        None => {
            let got = format!("{} numbers", polygon.children.len());
            Err(polygon.fault(Problem::expected("three or more points", &got)))
        }
    }
}

/// The text of one file an image, and what the format could not say.
///
/// Shapes other than polygons become the box around them. Numbers are whole where the boxes end on pixels.
///
/// # Errors
/// Refuses annotations that contradict themselves (see [`Annotations::check`]), images without a size, and what
/// XML cannot hold: control characters, and [`Extra`](super::Extra) that is neither attribute nor element.
pub fn encode(
    annotations: &Annotations,
    convention: PixelConvention,
) -> std::result::Result<(Vec<String>, LossReport), Fault> {
    annotations.check()?;
    let mut losses = LossReport::default();
    losses.note(annotations, &WORDS);
    for category in annotations.categories.iter().filter(|c| c.id.is_some()) {
        losses.add(Loss::Id, || format!("category {:?}", category.name));
    }
    let mut texts = Vec::new();
    for image in &annotations.images {
        texts.push(document(image, annotations, convention, &mut losses)?);
    }
    Ok((texts, losses))
}

fn document(
    image: &AnnotatedImage,
    annotations: &Annotations,
    convention: PixelConvention,
    losses: &mut LossReport,
) -> std::result::Result<String, Fault> {
    let place = || format!("{:?}", image.name);
    let Some([height, width]) = image.size else {
        return Err(Fault::new(
            place(),
            Problem::Missing {
                key: "the image's size",
            },
        ));
    };
    let mut out = Writer::default();
    let kept = |pick: fn(&str) -> bool| {
        let elements = image.extra.xml_elements(Format::PascalVoc);
        elements.filter(move |(key, _)| pick(key))
    };
    out.open("annotation", image.extra.xml_attributes(Format::PascalVoc));
    kept(|key| key == "folder").for_each(|(_, raw)| out.kept(raw));
    out.leaf("filename", &image.name);
    out.open("size", []);
    out.leaf("width", &width.to_string());
    out.leaf("height", &height.to_string());
    if image.extra.text(Format::PascalVoc, "size/depth").is_none() {
        out.leaf("depth", "3");
    }
    kept(|key| key.starts_with("size/")).for_each(|(_, raw)| out.kept(raw));
    out.close();
    kept(|key| key != "folder" && !key.starts_with("size/")).for_each(|(_, raw)| out.kept(raw));
    // VOC has no word for attributes of images.
    for attribute in &image.attributes {
        let name = attribute.name.clone();
        losses.add(Loss::Attribute { name }, place);
    }
    let mut groups = Groups::of(image);
    for (number, object) in image.objects.iter().enumerate() {
        let place = || format!("{:?}, object {number}", image.name);
        // A box beside a polygon is at home here.
        let whole = matches!(&object.shape, Some(Shape::Polygon(parts)) if parts.len() == 1);
        let drawn = match whole {
            true => vec![std::borrow::Cow::Borrowed(object)],
            false => drawings(object, &mut groups, losses, place),
        };
        for drawing in drawn {
            write_object(&mut out, &drawing, annotations, convention, &mut |loss| {
                losses.add(loss, place);
            });
        }
    }
    out.close();
    out.check(place)?;
    out.finish()
}

fn write_object(
    out: &mut Writer,
    object: &Object,
    annotations: &Annotations,
    convention: PixelConvention,
    lose: &mut dyn FnMut(Loss),
) {
    let Some(bounds) = object.extent() else {
        lose(Loss::ObjectDropped {
            shape: object.kind(),
        });
        return;
    };
    out.open("object", object.extra.xml_attributes(Format::PascalVoc));
    out.leaf("name", name(annotations, object.category));
    let kept = |attribute: &Attribute| match &attribute.value {
        AttributeValue::Text(text) => text.clone(),
        AttributeValue::Number(value) => number_text(*value),
        AttributeValue::Flag(flag) => u8::from(*flag).to_string(),
        AttributeValue::Json(raw) => raw.clone(),
    };
    for (key, otherwise) in OWN {
        let own = object.attributes.iter().find(|a| a.name == key).map(kept);
        match own {
            Some(text) => out.leaf(key, &text),
            // What a VOC file left out is left out again.
            None if key == "occluded" || object.extra.is_of(Format::PascalVoc) => {}
            None => out.leaf(key, otherwise),
        }
    }
    let others = object
        .attributes
        .iter()
        .filter(|a| OWN.iter().all(|(key, _)| a.name != *key));
    let mut others = others.peekable();
    if others.peek().is_some() {
        out.open("attributes", []);
        for attribute in others {
            out.open("attribute", []);
            out.leaf("name", &attribute.name);
            out.leaf("value", &kept(attribute));
            out.close();
        }
        out.close();
    }
    out.open("bndbox", []);
    for (key, value) in ["xmin", "ymin", "xmax", "ymax"]
        .iter()
        .zip(convention.numbers(&bounds))
    {
        out.number(key, value);
    }
    out.close();
    match &object.shape {
        Some(Shape::Polygon(parts)) => {
            out.open("polygon", []);
            for (number, point) in parts.iter().flatten().enumerate() {
                let [y, x] = point.map(|value| unshifted(value, convention.point_shift()));
                let number = number.saturating_add(1);
                out.number(&format!("x{number}"), x);
                out.number(&format!("y{number}"), y);
            }
            out.close();
        }
        Some(shape) => lose(Loss::ShapeReplaced {
            shape: shape.kind(),
            by: ShapeKind::Box,
        }),
        None if object.bounding_box.is_none() => {
            lose(Loss::ShapeReplaced {
                shape: object.kind(),
                by: ShapeKind::Box,
            });
        }
        None => {}
    }
    for (_, raw) in object.extra.xml_elements(Format::PascalVoc) {
        out.kept(raw);
    }
    out.close();
}
