//! LabelMe files into the model.

use medcore::{BoundingBox, Budget};

use super::super::edges;
use super::super::extra::Format;
use super::super::fault::{Fault, Problem};
use super::super::json::{self, Json, quoted, utf8};
use super::super::model::{AnnotatedImage, Annotations, AttributeValue, ImageLabel, Object};
use super::super::names::Names;
use super::super::number::{whole, wide};
use super::super::shape::{Ellipse, RotatedBox, Shape};
use super::png;

type Result<T> = std::result::Result<T, Fault>;

/// Reads the text of one file.
///
/// # Errors
/// Returns the line, the keys and the rule for text that breaks the format.
pub fn decode(bytes: &[u8], budget: &Budget) -> Result<Annotations> {
    let mut names = Names::default();
    let image = image(bytes, &mut names, budget)?;
    Ok(Annotations {
        images: vec![image],
        categories: names.finish(),
        ..Annotations::default()
    })
}

pub(super) fn image(bytes: &[u8], names: &mut Names, budget: &Budget) -> Result<AnnotatedImage> {
    let root = Json::parse(utf8(bytes, budget)?)?;
    let mut fields = root.fields()?;
    let height = fields.take_some("imageHeight", json::pixels)?;
    let width = fields.take_some("imageWidth", json::pixels)?;
    let mut image = AnnotatedImage {
        name: fields.need("imagePath", json::text)?,
        size: height.zip(width).map(|(height, width)| [height, width]),
        ..AnnotatedImage::default()
    };
    if image.size.is_some_and(|size| size.contains(&0)) {
        return Err(root.fault(Problem::expected("an image with pixels", "none")));
    }
    fields.need("shapes", |list| {
        list.each(|value| {
            let claimed = budget.claim_bytes("an object", wide(size_of::<Object>()));
            claimed.map_err(|e| value.fault(e.into()))?;
            image.objects.push(object(&value, names, budget)?);
            Ok(())
        })
    })?;
    let flags = fields.take_some("flags", |flags| Ok(flags.fields()?.attributes()))?;
    for flag in flags.unwrap_or_default() {
        match flag.value {
            AttributeValue::Flag(present) => image.labels.push(ImageLabel {
                category: names.place(&flag.name),
                present,
                score: None,
                layer: 0,
                attributes: Vec::new(),
                extra: super::super::extra::Extra::new(Format::LabelMe),
            }),
            _ => image.attributes.push(flag),
        }
    }
    image.extra = fields.rest(Format::LabelMe);
    Ok(image)
}

/// What the kind and the points of a shape give, masks apart.
pub(super) enum Drawn {
    Box(BoundingBox<2>),
    Shape(Shape),
}

fn object(value: &Json<'_, '_>, names: &mut Names, budget: &Budget) -> Result<Object> {
    let mut fields = value.fields()?;
    let kind = fields.take_some("shape_type", json::text)?;
    let kind = kind.unwrap_or_else(|| "polygon".to_owned());
    let (points, text) =
        fields.need("points", |list| Ok((points(list)?, list.raw().to_owned())))?;
    let flags = fields.take_some("flags", |flags| Ok(flags.fields()?.attributes()))?;
    let mut object = Object {
        category: names.place(&fields.need("label", json::text)?),
        group: fields.take_some("group_id", json::integer)?,
        attributes: flags.unwrap_or_default(),
        ..Object::default()
    };
    let mut keep_points = false;
    if kind == "mask" {
        let wrong = || value.expected("a mask with two points of whole pixels and a picture");
        let (start, size) = block(&points).ok_or_else(wrong)?;
        let mask = fields.take_some("mask", |mask| {
            let mask_text = mask.text()?;
            png::decode(&mask_text, start, size, budget).map_err(|problem| mask.fault(problem))
        })?;
        object.shape = Some(Shape::Mask(mask.ok_or_else(wrong)?));
    } else {
        match drawn(&kind, &points).map_err(|problem| value.fault(problem))? {
            Drawn::Box(bounds) => object.bounding_box = Some(bounds),
            Drawn::Shape(shape) => object.shape = Some(shape),
        }
        // Kinds that say the same in several ways keep theirs.
        keep_points = matches!(kind.as_str(), "circle" | "rectangle" | "oriented_rectangle");
    }
    object.extra = fields.rest(Format::LabelMe);
    object.extra.put("shape_type", quoted(&kind));
    if keep_points {
        object.extra.put("points", text);
    }
    Ok(object)
}

/// Pairs of numbers.
pub(super) fn points(list: &Json<'_, '_>) -> Result<Vec<[f64; 2]>> {
    let mut points = Vec::new();
    list.each(|pair| {
        points.push(pair.numbers("two numbers: x, y")?);
        Ok(())
    })?;
    Ok(points)
}

/// The block of pixels whose first and last one a mask's points name.
fn block(points: &[[f64; 2]]) -> Option<([usize; 2], [usize; 2])> {
    let &[[x1, y1], [x2, y2]] = points else {
        return None;
    };
    let [top, left, bottom, right] = [whole(y1)?, whole(x1)?, whole(y2)?, whole(x2)?];
    let side = |first: usize, last: usize| last.checked_sub(first)?.checked_add(1);
    Some(([top, left], [side(top, bottom)?, side(left, right)?]))
}

pub(super) fn drawn(kind: &str, xy: &[[f64; 2]]) -> std::result::Result<Drawn, Problem> {
    let count = |rule| Err(Problem::expected(rule, &format!("{} points", xy.len())));
    let points: Vec<[f64; 2]> = xy.iter().map(|&point| edges::point(point)).collect();
    let around = || super::super::shape::bounds_of(&points).map(Drawn::Box);
    let shape = match (kind, points.as_slice()) {
        ("polygon" | "ai_polygon", [_, _, _, ..]) => Shape::Polygon(vec![points]),
        ("polygon" | "ai_polygon", _) => return count("a polygon of three or more points"),
        ("rectangle", [_, _] | [_, _, _, _]) => {
            return around().ok_or_else(|| Problem::expected("finite numbers", "others"));
        }
        ("rectangle", _) => return count("a rectangle of two or four points"),
        ("oriented_rectangle", &[a, b, c, d]) => {
            match RotatedBox::from_corners([a, b, c, d], 1e-3) {
                Some(turned) => Shape::RotatedBox(turned),
                None => Shape::Polygon(vec![points]),
            }
        }
        ("oriented_rectangle", _) => return count("a turned rectangle of four points"),
        ("circle", &[center, rim]) => {
            let radius = (rim[0] - center[0]).hypot(rim[1] - center[1]);
            Shape::Ellipse(Ellipse {
                center,
                radii: [radius; 2],
                degrees: 0.0,
            })
        }
        ("circle", _) => return count("a circle of two points"),
        ("line", [_, _]) => Shape::Polyline(points),
        ("line", _) => return count("a line of two points"),
        ("linestrip", [_, _, ..]) => Shape::Polyline(points),
        ("linestrip", _) => return count("a line of two or more points"),
        ("point", [_]) | ("points", [_, ..]) => Shape::Points(points),
        ("point" | "points", _) => return count("a point, or points"),
        _ => {
            return Err(Problem::Unknown {
                what: "shape_type",
                value: kind.chars().take(40).collect(),
            });
        }
    };
    Ok(Drawn::Shape(shape))
}
