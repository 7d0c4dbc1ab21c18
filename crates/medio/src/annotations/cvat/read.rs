//! CVAT files into the model.

use medcore::Budget;

use super::super::edges;
use super::super::extra::{Extra, Format};
use super::super::fault::{Fault, Problem};
use super::super::json::utf8;
use super::super::mask::{Mask, Order};
use super::super::model::{
    AnnotatedImage, Annotations, Attribute, ImageLabel, Keypoint, Object, Visibility,
};
use super::super::names::Names;
use super::super::number::wide;
use super::super::shape::{Ellipse, RotatedBox, Shape};
use super::super::xml::{Cursor, Element, finite};

type Result<T> = std::result::Result<T, Fault>;

/// Reads the text of a file.
///
/// # Errors
/// Returns the line and the rule for text that breaks the format or declares types or entities, and refuses
/// files of videos.
pub fn decode(bytes: &[u8], budget: &Budget) -> Result<Annotations> {
    let (mut cursor, root) = Cursor::enter(utf8(bytes, budget)?, "annotations")?;
    let mut names = Names::default();
    let mut images = Vec::new();
    let mut extra = root.rest(Format::Cvat);
    while let Some(element) = cursor.next()? {
        match element.name.as_str() {
            "image" => {
                let claimed = budget.claim_bytes("an image", wide(size_of::<AnnotatedImage>()));
                claimed.map_err(|e| element.fault(e.into()))?;
                images.push(image(&mut cursor, element, &mut names, budget)?);
            }
            "track" => {
                let what = "a CVAT file of a video (track)";
                return Err(element.fault(Problem::Unsupported { what }));
            }
            "meta" => {
                labels(&mut cursor, &mut names)?;
                extra.push("meta".to_owned(), cursor.since(&element).to_owned());
            }
            _ => {
                let element = cursor.fill(element)?;
                extra.keep(&element)?;
            }
        }
    }
    cursor.finish()?;
    Ok(Annotations {
        images,
        categories: names.finish(),
        extra,
    })
}

/// Names the labels of a `meta` that was just entered, and leaves it; labels of a skeleton's points become the
/// key points of its label.
pub(super) fn labels(cursor: &mut Cursor<'_>, names: &mut Names) -> Result<()> {
    let inside = cursor.depth();
    while cursor.depth() >= inside {
        let Some(element) = cursor.next()? else {
            continue;
        };
        if element.name != "label" {
            continue;
        }
        let mut label = cursor.fill(element)?;
        let name = label.need_child("name")?.text;
        match label.take_child("parent") {
            Some(parent) => {
                let place = names.place(&parent.text);
                if let Some(category) = names.category(place) {
                    category.keypoints.push(name);
                }
            }
            None => drop(names.place(&name)),
        }
    }
    Ok(())
}

fn image(
    cursor: &mut Cursor<'_>,
    mut element: Element<'_>,
    names: &mut Names,
    budget: &Budget,
) -> Result<AnnotatedImage> {
    let side = "a number of pixels";
    let [height, width] = ["height", "width"].map(|key| element.need_value::<u32>(key, side));
    let size = [height?, width?].map(|side| usize::try_from(side).unwrap_or(usize::MAX));
    if size.contains(&0) {
        return Err(element.fault(Problem::expected("an image with pixels", "none")));
    }
    let mut image = AnnotatedImage {
        name: element.need("name")?,
        id: Some(element.need_value("id", "a whole number")?),
        size: Some(size),
        ..AnnotatedImage::default()
    };
    image.extra = element.rest(Format::Cvat);
    while let Some(child) = cursor.next()? {
        let child = cursor.fill(child)?;
        if matches!(
            child.name.as_str(),
            "box" | "polygon" | "polyline" | "points" | "ellipse" | "mask" | "skeleton"
        ) {
            let claimed = budget.claim_bytes("an object", wide(size_of::<Object>()));
            claimed.map_err(|e| child.fault(e.into()))?;
            image.objects.push(object(child, size, names)?);
        } else if child.name == "tag" {
            image.labels.push(tag(child, names)?);
        } else {
            image.extra.keep(&child)?;
        }
    }
    Ok(image)
}

fn tag(mut element: Element<'_>, names: &mut Names) -> Result<ImageLabel> {
    Ok(ImageLabel {
        category: names.place(&element.need("label")?),
        present: true,
        score: None,
        layer: 0,
        attributes: attributes(&mut element)?,
        extra: element.rest(Format::Cvat),
    })
}

/// Takes the children `attribute` out.
fn attributes(element: &mut Element<'_>) -> Result<Vec<Attribute>> {
    let mut found = Vec::new();
    let mut others = Vec::new();
    for mut child in std::mem::take(&mut element.children) {
        if child.name == "attribute" {
            let name = child.need("name")?;
            found.push(Attribute::text(&name, child.text));
        } else {
            others.push(child);
        }
    }
    element.children = others;
    Ok(found)
}

fn object(mut element: Element<'_>, size: [usize; 2], names: &mut Names) -> Result<Object> {
    let mut object = Object {
        category: names.place(&element.need("label")?),
        attributes: attributes(&mut element)?,
        ..Object::default()
    };
    match element.take("occluded").as_deref() {
        None | Some("0") => {}
        Some("1") => object
            .attributes
            .insert(0, Attribute::flag("occluded", true)),
        Some(other) => return Err(element.fault(Problem::expected("occluded as 0 or 1", other))),
    }
    if element
        .attributes
        .iter()
        .any(|(name, _)| name == "group_id")
    {
        object.group = Some(element.need_value("group_id", "a whole number")?);
    }
    let kind = element.name.clone();
    match kind.as_str() {
        "box" => {
            let [x1, y1, x2, y2] = ["xtl", "ytl", "xbr", "ybr"].map(|key| element.need_number(key));
            let corners = [x1?, y1?, x2?, y2?];
            let bounds = edges::from_corners(corners);
            let bounds = bounds.map_err(|_| {
                let got = format!("{corners:?}");
                element.fault(Problem::expected("a box that is not inside out", &got))
            })?;
            let degrees = degrees(&mut element)?;
            match degrees == 0.0 {
                true => object.bounding_box = Some(bounds),
                false => {
                    object.shape = Some(Shape::RotatedBox(turned(corners, degrees)));
                }
            }
        }
        "ellipse" => {
            let [cx, cy, rx, ry] = ["cx", "cy", "rx", "ry"].map(|key| element.need_number(key));
            let (center, radii) = ([cx?, cy?], [ry?, rx?]);
            if radii.iter().any(|radius| *radius < 0.0) {
                let got = format!("{radii:?}");
                return Err(element.fault(Problem::expected("radii that are not negative", &got)));
            }
            object.shape = Some(Shape::Ellipse(Ellipse {
                center: edges::point(center),
                radii,
                degrees: degrees(&mut element)?,
            }));
        }
        "mask" => object.shape = Some(Shape::Mask(mask(&mut element, size)?)),
        "skeleton" => object.keypoints = skeleton(&mut element, object.category, names)?,
        kind => {
            let list = points(&mut element)?;
            let least = if kind == "polygon" { 3 } else { 1 };
            if list.len() < least {
                let got = list.len().to_string();
                return Err(element.fault(Problem::expected("more points", &got)));
            }
            object.shape = Some(match kind {
                "polygon" => Shape::Polygon(vec![list]),
                "polyline" => Shape::Polyline(list),
                _ => Shape::Points(list),
            });
        }
    }
    let rest = element.rest(Format::Cvat);
    let mut extra = Extra::new(Format::Cvat);
    for (key, value) in rest.iter() {
        extra.push(key.to_owned(), value.to_owned());
    }
    object.extra = extra;
    Ok(object)
}

/// A box turned about its centre, from its corners before the turn.
pub(super) fn turned([x1, y1, x2, y2]: [f64; 4], degrees: f64) -> RotatedBox {
    RotatedBox {
        center: edges::point([(x1 + x2) / 2.0, (y1 + y2) / 2.0]),
        extent: [y2 - y1, x2 - x1],
        degrees,
    }
}

/// The turn; one of nothing stays where it is, to be written again.
fn degrees(element: &mut Element<'_>) -> Result<f64> {
    let given = element
        .attributes
        .iter()
        .find(|(name, _)| name == "rotation");
    match given.map(|(_, text)| finite(text)) {
        None | Some(Some(0.0)) => Ok(0.0),
        Some(_) => element.need_number("rotation"),
    }
}

/// `x,y;x,y`.
fn points(element: &mut Element<'_>) -> Result<Vec<[f64; 2]>> {
    let text = element.need("points")?;
    let point = |pair: &str| {
        let (x, y) = pair.split_once(',')?;
        Some(edges::point([finite(x)?, finite(y)?]))
    };
    let points: Option<Vec<_>> = text.split(';').map(point).collect();
    points.ok_or_else(|| element.fault(Problem::expected("points as x,y;x,y", &text)))
}

fn mask(element: &mut Element<'_>, image: [usize; 2]) -> Result<Mask> {
    let pixels = "a number of pixels";
    let [left, top, width, height] =
        ["left", "top", "width", "height"].map(|key| element.need_value::<u32>(key, pixels));
    let [left, top, width, height] =
        [left?, top?, width?, height?].map(|value| usize::try_from(value).unwrap_or(usize::MAX));
    let ends = [top.saturating_add(height), left.saturating_add(width)];
    if ends.iter().zip(&image).any(|(end, side)| end > side) {
        let got = format!("{height}x{width} at row {top}, column {left}");
        return Err(element.fault(Problem::expected("a mask inside its image", &got)));
    }
    let text = element.need("rle")?;
    let mut runs = Vec::new();
    for run in text.split(',') {
        let run = run.trim().parse();
        let run = run.map_err(|_| element.fault(Problem::expected("runs as n, n, n", &text)))?;
        runs.push(run);
    }
    let mask = Mask::new([top, left], [height, width], Order::Rows, runs);
    mask.map_err(|problem| element.fault(problem))
}

/// The points of a skeleton in the order of its label's.
fn skeleton(
    element: &mut Element<'_>,
    category: usize,
    names: &mut Names,
) -> Result<Vec<Keypoint>> {
    let mut found: Vec<(usize, Keypoint)> = Vec::new();
    let mut others = Vec::new();
    for mut child in std::mem::take(&mut element.children) {
        if child.name != "points" {
            others.push(child);
            continue;
        }
        let name = child.need("label")?;
        let position = match points(&mut child)?.as_slice() {
            [position] => *position,
            many => {
                let got = many.len().to_string();
                return Err(child.fault(Problem::expected("one point", &got)));
            }
        };
        let mut marked = |key: &str| child.take(key).as_deref() == Some("1");
        let visibility = match (marked("outside"), marked("occluded")) {
            (true, _) => Visibility::Absent,
            (_, true) => Visibility::Hidden,
            _ => Visibility::Visible,
        };
        let Some(known) = names.category(category).map(|c| &mut c.keypoints) else {
            continue;
        };
        let place = known
            .iter()
            .position(|other| *other == name)
            .unwrap_or_else(|| {
                known.push(name.clone());
                known.len().saturating_sub(1)
            });
        if found.iter().any(|(other, _)| *other == place) {
            return Err(child.fault(Problem::Duplicate {
                what: "point",
                value: name,
            }));
        }
        if !(child.attributes.is_empty() && child.children.is_empty()) {
            // What a point says beyond its place is kept under its name.
            let raw = child.raw().to_owned();
            element.attributes.push((format!("points/{name}"), raw));
        }
        let keypoint = Keypoint {
            position,
            visibility,
            score: None,
        };
        found.push((place, keypoint));
    }
    element.children = others;
    let count = names.category(category).map_or(0, |c| c.keypoints.len());
    if count == 0 {
        return Err(element.fault(Problem::Missing { key: "points" }));
    }
    let absent = Keypoint {
        position: [0.0; 2],
        visibility: Visibility::Absent,
        score: None,
    };
    let mut keypoints = vec![absent; count];
    for (place, keypoint) in found {
        if let Some(slot) = keypoints.get_mut(place) {
            *slot = keypoint;
        }
    }
    Ok(keypoints)
}
