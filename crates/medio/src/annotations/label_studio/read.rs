//! Tasks into the model.

use medcore::Budget;

use super::super::extra::{Extra, Format};
use super::super::fault::{Fault, Problem};
use super::super::json::{self, Fields, Json, utf8};
use super::super::model::{AnnotatedImage, Annotations, ImageLabel, Layer, LayerKind, Object};
use super::super::names::Names;
use super::super::number::wide;
use super::super::shape::{Ellipse, Shape};
use super::Options;
use super::brush;
use super::value::Percent;

type Result<T> = std::result::Result<T, Fault>;

/// Reads the text of a file of tasks.
///
/// Categories are in the order in which their names are met.
///
/// # Errors
/// Returns the line, the keys and the rule for text that breaks the format; refuses files of versions before 1
/// (`completions`).
pub fn decode(bytes: &[u8], options: &Options, budget: &Budget) -> Result<Annotations> {
    let root = Json::parse(utf8(bytes, budget)?)?;
    let mut names = Names::default();
    let mut images = Vec::new();
    root.each(|value| {
        let claimed = budget.claim_bytes("a task", wide(size_of::<AnnotatedImage>()));
        claimed.map_err(|e| value.fault(e.into()))?;
        images.push(task(&value, options, &mut names, budget)?);
        Ok(())
    })?;
    Ok(Annotations {
        images,
        categories: names.finish(),
        extra: Extra::default(),
    })
}

fn task(
    value: &Json<'_, '_>,
    options: &Options,
    names: &mut Names,
    budget: &Budget,
) -> Result<AnnotatedImage> {
    let mut fields = value.fields()?;
    if fields.has("completions") {
        let what = "a Label Studio file of a version before 1 (completions)";
        return Err(value.fault(Problem::Unsupported { what }));
    }
    let (name, data) = fields.need("data", |data| {
        let image = data.fields()?.take(&options.image_key, json::text)?;
        let image = image.ok_or_else(|| {
            let value = options.image_key.clone();
            data.fault(Problem::Unknown { what: "key", value })
        })?;
        Ok((image, data.raw().to_owned()))
    })?;
    let mut image = AnnotatedImage {
        name,
        id: fields.take_some("id", json::integer)?,
        ..AnnotatedImage::default()
    };
    for (key, kind) in [
        ("annotations", LayerKind::Annotation),
        ("predictions", LayerKind::Prediction),
    ] {
        fields.take_some(key, |list| {
            list.each(|value| {
                let claimed = budget.claim_bytes("a layer", wide(size_of::<Layer>()));
                claimed.map_err(|e| value.fault(e.into()))?;
                layer(&value, kind, &mut image, names, budget)
            })
        })?;
    }
    image.extra = fields.rest(Format::LabelStudio);
    image.extra.put("data", data);
    Ok(image)
}

fn layer(
    value: &Json<'_, '_>,
    kind: LayerKind,
    image: &mut AnnotatedImage,
    names: &mut Names,
    budget: &Budget,
) -> Result<()> {
    let mut fields = value.fields()?;
    let number = image.layers.len();
    let mut others: Vec<&str> = Vec::new();
    fields.take_some("result", |list| {
        list.each(|item| {
            let claimed = budget.claim_bytes("a region", wide(size_of::<Object>()));
            claimed.map_err(|e| item.fault(e.into()))?;
            match region(&item, number, image, names)? {
                true => {}
                false => others.push(item.raw()),
            }
            Ok(())
        })
    })?;
    let mut layer = Layer {
        kind,
        id: fields.take_some("id", json::integer)?,
        model_version: fields.take_some("model_version", json::text)?,
        score: fields.take_some("score", json::number)?,
        extra: fields.rest(Format::LabelStudio),
    };
    if !others.is_empty() {
        layer.extra.put("result", format!("[{}]", others.join(",")));
    }
    image.layers.push(layer);
    Ok(())
}

/// Reads one item of a result onto its image; `false` for what the model has no word for.
fn region(
    item: &Json<'_, '_>,
    layer: usize,
    image: &mut AnnotatedImage,
    names: &mut Names,
) -> Result<bool> {
    let mut fields = item.fields()?;
    let Some(kind) = fields.take_some("type", json::text)? else {
        return Ok(false);
    };
    match kind.as_str() {
        "choices" => choices(item, fields, layer, image, names),
        "rectanglelabels" | "polygonlabels" | "ellipselabels" | "keypointlabels"
        | "brushlabels" => drawing(item, fields, &kind, layer, image, names),
        _ => Ok(false),
    }
}

/// Choices for the image as a whole; those for a region stay with it, as they stand.
fn choices(
    item: &Json<'_, '_>,
    mut fields: Fields<'_, '_>,
    layer: usize,
    image: &mut AnnotatedImage,
    names: &mut Names,
) -> Result<bool> {
    let mut of_region = false;
    let mut chosen = Vec::new();
    let rest = fields.need("value", |value| {
        let mut fields = value.fields()?;
        of_region = ["x", "points", "rle"].iter().any(|key| fields.has(key));
        fields.need("choices", |list| labels(list, &mut chosen))?;
        Ok(fields.rest(Format::LabelStudio))
    })?;
    if of_region || chosen.is_empty() || !rest.is_empty() {
        return Ok(false);
    }
    let score = fields.take_some("score", json::number)?;
    let sized = size(item, &mut fields, image, false)?;
    let mut extra = fields.rest(Format::LabelStudio);
    if let Some([height, width]) = sized {
        extra.put("original_width", width.to_string());
        extra.put("original_height", height.to_string());
    }
    for name in chosen {
        image.labels.push(ImageLabel {
            category: names.place(&name),
            present: true,
            score,
            layer,
            attributes: Vec::new(),
            extra: extra.clone(),
        });
    }
    Ok(true)
}

fn labels(list: &Json<'_, '_>, into: &mut Vec<String>) -> Result<()> {
    list.each(|label| {
        into.push(label.text()?);
        Ok(())
    })
}

/// The size of the image that an item names, which must be that of the others.
fn size(
    item: &Json<'_, '_>,
    fields: &mut Fields<'_, '_>,
    image: &mut AnnotatedImage,
    needed: bool,
) -> Result<Option<[usize; 2]>> {
    let height = fields.take_some("original_height", json::pixels)?;
    let width = fields.take_some("original_width", json::pixels)?;
    let found = match (height, width) {
        (Some(height @ 1..), Some(width @ 1..)) => [height, width],
        (None, None) if !needed => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(item.fault(Problem::expected("an image with pixels", "none")));
        }
        (None, _) => {
            return Err(item.fault(Problem::Missing {
                key: "original_height",
            }));
        }
        (_, None) => {
            return Err(item.fault(Problem::Missing {
                key: "original_width",
            }));
        }
    };
    match image.size.filter(|size| *size != found) {
        None => {
            image.size = Some(found);
            Ok(Some(found))
        }
        Some([height, width]) => {
            let got = format!("{}x{} beside {height}x{width}", found[0], found[1]);
            Err(item.fault(Problem::expected("one size of the image", &got)))
        }
    }
}

fn drawing(
    item: &Json<'_, '_>,
    mut fields: Fields<'_, '_>,
    kind: &str,
    layer: usize,
    image: &mut AnnotatedImage,
    names: &mut Names,
) -> Result<bool> {
    let mut object = Object {
        layer,
        score: fields.take_some("score", json::number)?,
        ..Object::default()
    };
    let Some(size) = size(item, &mut fields, image, true)? else {
        return Ok(false);
    };
    let mut names_of = Vec::new();
    let mut names_text = String::new();
    let value_rest = fields.need("value", |value| {
        let mut fields = value.fields()?;
        fields.take_some(kind, |list| {
            names_text = list.raw().to_owned();
            labels(list, &mut names_of)
        })?;
        shape(value, &mut fields, kind, size, &mut object)?;
        Ok(fields.rest(Format::LabelStudio))
    })?;
    let Some(name) = names_of.first() else {
        return Ok(false);
    };
    object.category = names.place(name);
    object.extra = fields.rest(Format::LabelStudio);
    for (key, text) in value_rest.iter() {
        object.extra.put(&format!("value.{key}"), text.to_owned());
    }
    if names_of.len() > 1 {
        object.extra.put("labels", names_text);
    }
    image.objects.push(object);
    Ok(true)
}

fn shape(
    value: &Json<'_, '_>,
    fields: &mut Fields<'_, '_>,
    kind: &str,
    size: [usize; 2],
    object: &mut Object,
) -> Result<()> {
    let percent = Percent::of(size);
    let mut number = |key: &'static str| fields.need(key, json::number);
    let negative = |rule| value.fault(Problem::expected(rule, value.raw()));
    match kind {
        "rectanglelabels" => {
            let numbers = [
                number("x")?,
                number("y")?,
                number("width")?,
                number("height")?,
            ];
            let wrong = |_| negative("a box that is not inside out");
            let bounds = percent.bounds(numbers).map_err(wrong)?;
            match rotation(fields)? {
                0.0 => object.bounding_box = Some(bounds),
                degrees => {
                    object.shape = Some(Shape::RotatedBox(percent.rotated(numbers, degrees)));
                }
            }
        }
        "ellipselabels" => {
            let center = percent.point([number("x")?, number("y")?]);
            let radii = percent.extent([number("radiusX")?, number("radiusY")?]);
            if radii.iter().any(|radius| *radius < 0.0) {
                return Err(negative("radii that are not negative"));
            }
            let degrees = rotation(fields)?;
            object.shape = Some(Shape::Ellipse(Ellipse {
                center,
                radii,
                degrees,
            }));
        }
        "keypointlabels" => {
            let point = percent.point([number("x")?, number("y")?]);
            object.shape = Some(Shape::Points(vec![point]));
        }
        "polygonlabels" => {
            let mut points = Vec::new();
            fields.need("points", |list| {
                list.each(|pair| {
                    points.push(percent.point(pair.numbers("two numbers: x, y")?));
                    Ok(())
                })
            })?;
            let open = fields.take_some("closed", |closed| match closed.raw() {
                "true" => Ok(false),
                "false" => Ok(true),
                _ => Err(closed.fault(Problem::expected("true or false", closed.raw()))),
            })?;
            let least = if open == Some(true) { 1 } else { 3 };
            if points.len() < least {
                return Err(
                    value.fault(Problem::expected("more points", &points.len().to_string()))
                );
            }
            object.shape = Some(match open {
                Some(true) => Shape::Polyline(points),
                _ => Shape::Polygon(vec![points]),
            });
        }
        _ => {
            fields.need("format", |format| match format.raw() {
                "\"rle\"" => Ok(()),
                _ => Err(format.fault(Problem::expected("rle", format.raw()))),
            })?;
            let mask = fields.need("rle", |list| {
                let bytes: Vec<u8> = serde_json::from_str(list.raw())
                    .map_err(|_| list.expected("a list of bytes"))?;
                brush::unpack(&bytes, size).map_err(|problem| list.fault(problem))
            })?;
            object.shape = Some(Shape::Mask(mask));
        }
    }
    Ok(())
}

fn rotation(fields: &mut Fields<'_, '_>) -> Result<f64> {
    Ok(fields.take_some("rotation", json::number)?.unwrap_or(0.0))
}
