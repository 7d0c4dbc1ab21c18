//! COCO files into the model.

use std::collections::HashMap;

use medcore::Budget;

use super::super::edges;
use super::super::extra::{Extra, Format};
use super::super::fault::{Fault, Problem};
use super::super::json::{self, Fields, Json, utf8};
use super::super::mask::{Mask, Order};
use super::super::model::{
    AnnotatedImage, Annotations, Attribute, Category, Keypoint, Object, Visibility,
};
use super::super::number::wide;
use super::super::shape::Shape;

type Result<T> = std::result::Result<T, Fault>;

/// Reads the text of a file of images, categories and annotations.
///
/// # Errors
/// Returns the place and the rule for text that breaks the format: ids that are there twice or lead nowhere,
/// boxes and polygons that are none, runs that do not fill their image.
pub fn decode(bytes: &[u8], budget: &Budget) -> Result<Annotations> {
    let root = Json::parse(utf8(bytes, budget)?)?;
    let mut fields = root.fields()?;
    let mut categories = Vec::new();
    let mut category_places = HashMap::new();
    fields.take("categories", |list| {
        list.each(|value| {
            let category = category(&value)?;
            let id = category.id.unwrap_or(0);
            insert(
                &mut category_places,
                "category id",
                id,
                categories.len(),
                &value,
            )?;
            categories.push(category);
            Ok(())
        })
    })?;
    let mut images = Vec::new();
    let mut image_places = HashMap::new();
    fields.need("images", |list| {
        list.each(|value| {
            let image = image(&value)?;
            let id = image.id.unwrap_or(0);
            insert(&mut image_places, "image id", id, images.len(), &value)?;
            claim::<AnnotatedImage>("an image", &value, budget)?;
            images.push(image);
            Ok(())
        })
    })?;
    let mut target = Target {
        images,
        categories: &categories,
        category_places,
        image_places,
        budget,
    };
    let mut ids = HashMap::new();
    fields.take("annotations", |list| {
        target.make_room(list)?;
        list.each(|value| {
            let fields = value.fields()?;
            if fields.has("segments_info") {
                let what = "a COCO panoptic annotation";
                return Err(value.fault(Problem::Unsupported { what }));
            }
            let object = target.object(fields, Meaning::Truth)?;
            if let Some(id) = object {
                insert(&mut ids, "annotation id", id, 0, &value)?;
            }
            Ok(())
        })
    })?;
    let images = target.images;
    Ok(Annotations {
        images,
        categories,
        extra: fields.rest(Format::Coco),
    })
}

/// Reads the text of a file of results for the images and categories of `truth`.
///
/// # Errors
/// As [`decode`], also for results that name another image or category.
pub fn decode_results(bytes: &[u8], truth: &Annotations, budget: &Budget) -> Result<Annotations> {
    let root = Json::parse(utf8(bytes, budget)?)?;
    let places = |ids: &mut dyn Iterator<Item = Option<i64>>| -> HashMap<i64, usize> {
        let numbered = ids.enumerate();
        numbered
            .filter_map(|(place, id)| Some((id?, place)))
            .collect()
    };
    let images = truth.images.iter().map(|image| AnnotatedImage {
        name: image.name.clone(),
        size: image.size,
        id: image.id,
        ..AnnotatedImage::default()
    });
    let mut target = Target {
        images: images.collect(),
        categories: &truth.categories,
        category_places: places(&mut truth.categories.iter().map(|c| c.id)),
        image_places: places(&mut truth.images.iter().map(|i| i.id)),
        budget,
    };
    target.make_room(&root)?;
    root.each(|value| target.object(value.fields()?, Meaning::Result).map(drop))?;
    Ok(Annotations {
        images: target.images,
        categories: truth.categories.clone(),
        extra: Extra::default(),
    })
}

/// What the numbers behind key points mean.
#[derive(Clone, Copy, PartialEq)]
enum Meaning {
    Truth,
    Result,
}

fn insert(
    places: &mut HashMap<i64, usize>,
    what: &'static str,
    id: i64,
    place: usize,
    value: &Json<'_, '_>,
) -> Result<()> {
    match places.insert(id, place) {
        None => Ok(()),
        Some(_) => {
            let id = id.to_string();
            Err(value.fault(Problem::Duplicate { what, value: id }))
        }
    }
}

fn claim<T>(what: &'static str, value: &Json<'_, '_>, budget: &Budget) -> Result<()> {
    let claimed = budget.claim_bytes(what, wide(size_of::<T>()));
    claimed.map_err(|e| value.fault(e.into()))
}

fn category(value: &Json<'_, '_>) -> Result<Category> {
    let mut fields = value.fields()?;
    Ok(Category {
        id: Some(fields.need("id", json::integer)?),
        name: fields.need("name", json::text)?,
        supercategory: fields.take_some("supercategory", json::text)?,
        keypoints: fields.take_some("keypoints", texts)?.unwrap_or_default(),
        skeleton: fields.take_some("skeleton", skeleton)?.unwrap_or_default(),
        extra: fields.rest(Format::Coco),
    })
}

fn texts(list: &Json<'_, '_>) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    list.each(|value| {
        texts.push(value.text()?);
        Ok(())
    })?;
    Ok(texts)
}

/// Pairs of key points, which COCO counts from 1.
fn skeleton(list: &Json<'_, '_>) -> Result<Vec<[usize; 2]>> {
    let mut pairs = Vec::new();
    list.each(|value| {
        let mut pair = [0; 2];
        let mut ends = pair.iter_mut();
        value.each(|end| {
            let place = end.pixels()?.checked_sub(1);
            let place = place.ok_or_else(|| end.expected("a key point, counted from 1"))?;
            let slot = ends.next().ok_or_else(|| value.expected("a pair"))?;
            *slot = place;
            Ok(())
        })?;
        if ends.next().is_some() {
            return Err(value.expected("a pair"));
        }
        pairs.push(pair);
        Ok(())
    })?;
    Ok(pairs)
}

fn image(value: &Json<'_, '_>) -> Result<AnnotatedImage> {
    let mut fields = value.fields()?;
    let height = fields.take_some("height", json::pixels)?;
    let width = fields.take_some("width", json::pixels)?;
    let size = match (height, width) {
        (Some(height), Some(width)) => Some([height, width]),
        (None, None) => None,
        (None, _) => return Err(value.fault(Problem::Missing { key: "height" })),
        (_, None) => return Err(value.fault(Problem::Missing { key: "width" })),
    };
    if size.is_some_and(|size| size.contains(&0)) {
        return Err(value.fault(Problem::expected("an image with pixels", "none")));
    }
    Ok(AnnotatedImage {
        id: Some(fields.need("id", json::integer)?),
        name: fields.need("file_name", json::text)?,
        size,
        attributes: fields
            .take_some("attributes", attributes)?
            .unwrap_or_default(),
        extra: fields.rest(Format::Coco),
        ..AnnotatedImage::default()
    })
}

/// Images that objects are put on.
struct Target<'a> {
    images: Vec<AnnotatedImage>,
    categories: &'a [Category],
    category_places: HashMap<i64, usize>,
    image_places: HashMap<i64, usize>,
    budget: &'a Budget,
}

impl Target<'_> {
    /// Counts the objects of every image beforehand, so that none takes more room than it needs.
    fn make_room(&mut self, list: &Json<'_, '_>) -> Result<()> {
        let mut counts = vec![0_usize; self.images.len()];
        list.each(|value| {
            let mut fields = value.fields()?;
            let place = fields.need("image_id", |id| find(&self.image_places, "image id", id))?;
            if let Some(count) = counts.get_mut(place) {
                *count = count.saturating_add(1);
            }
            claim::<Object>("an annotation", &value, self.budget)
        })?;
        for (image, count) in self.images.iter_mut().zip(counts) {
            image.objects.reserve_exact(count);
        }
        Ok(())
    }

    /// Reads one annotation onto its image and gives its id.
    fn object(&mut self, mut fields: Fields<'_, '_>, meaning: Meaning) -> Result<Option<i64>> {
        let place = fields.need("image_id", |id| find(&self.image_places, "image id", id))?;
        let category = fields.need("category_id", |id| {
            find(&self.category_places, "category id", id)
        })?;
        let size = self.images.get(place).and_then(|image| image.size);
        let declared = self
            .categories
            .get(category)
            .map_or(0, |c| c.keypoints.len());
        let points = |list: &Json<'_, '_>| keypoints(list, declared, meaning);
        let crowd = match fields.take_some("iscrowd", json::count)? {
            None | Some(0) => false,
            Some(1) => true,
            Some(other) => {
                let problem = Problem::expected("0 or 1", &other.to_string());
                return Err(fields.node().fault(problem));
            }
        };
        let shape = match fields.take_some("segmentation", |value| segmentation(value, size))? {
            Some(Drawn::Shape(shape)) => (Some(shape), None),
            Some(Drawn::Nothing(text)) => (None, Some(text)),
            None => (None, None),
        };
        let mut object = Object {
            category,
            id: fields.take_some("id", json::integer)?,
            bounding_box: fields.take_some("bbox", bounding_box)?,
            shape: shape.0,
            keypoints: fields.take_some("keypoints", points)?.unwrap_or_default(),
            score: fields.take_some("score", json::number)?,
            area: fields.take_some("area", json::number)?,
            crowd,
            attributes: fields
                .take_some("attributes", attributes)?
                .unwrap_or_default(),
            ..Object::default()
        };
        let annotated = object
            .keypoints
            .iter()
            .filter(|k| k.visibility != Visibility::Absent);
        let counted = Some(wide(annotated.count()));
        let stated = fields.take_some("num_keypoints", json::count)?;
        object.extra = fields.rest(Format::Coco);
        // What the format would write again by itself is not kept, what it would not is.
        if let Some(stated) = stated.filter(|_| stated != counted) {
            object.extra.put("num_keypoints", stated.to_string());
        }
        if let Some(text) = shape.1 {
            object.extra.put("segmentation", text);
        }
        let id = object.id;
        if let Some(image) = self.images.get_mut(place) {
            image.objects.push(object);
        }
        Ok(id)
    }
}

fn find(places: &HashMap<i64, usize>, what: &'static str, id: &Json<'_, '_>) -> Result<usize> {
    let found = places.get(&id.integer()?).copied();
    found.ok_or_else(|| {
        let value = id.raw().to_owned();
        id.fault(Problem::Unknown { what, value })
    })
}

fn attributes(value: &Json<'_, '_>) -> Result<Vec<Attribute>> {
    Ok(value.fields()?.attributes())
}

fn bounding_box(value: &Json<'_, '_>) -> Result<medcore::BoundingBox<2>> {
    let numbers = value.numbers("four numbers: x, y, width, height")?;
    edges::from_xywh(numbers).map_err(|_| value.expected("a box of finite numbers, not inside out"))
}

enum Drawn {
    Shape(Shape),
    /// An empty list, as it stands.
    Nothing(String),
}

fn segmentation(value: &Json<'_, '_>, size: Option<[usize; 2]>) -> Result<Drawn> {
    if value.is_object() {
        return Ok(Drawn::Shape(Shape::Mask(runs(value, size)?)));
    }
    let mut parts = Vec::new();
    value.each(|ring| {
        let numbers = ring.number_list()?;
        let (points, odd) = numbers.as_chunks::<2>();
        if points.len() < 3 || !odd.is_empty() {
            return Err(ring.expected("three or more pairs of numbers"));
        }
        parts.push(points.iter().map(|&xy| edges::point(xy)).collect());
        Ok(())
    })?;
    Ok(match parts.is_empty() {
        true => Drawn::Nothing(value.raw().to_owned()),
        false => Drawn::Shape(Shape::Polygon(parts)),
    })
}

fn runs(value: &Json<'_, '_>, size: Option<[usize; 2]>) -> Result<Mask> {
    let mut fields = value.fields()?;
    let [height, width] = fields.need("size", |list| {
        let wrong = || list.expected("two numbers of pixels: height, width");
        let numbers = list.numbers("two numbers of pixels: height, width")?;
        let [height, width] = numbers.map(super::super::number::whole);
        Ok([height.ok_or_else(wrong)?, width.ok_or_else(wrong)?])
    })?;
    if let Some(size) = size.filter(|size| *size != [height, width]) {
        let rule = "as large as its image";
        let got = format!("{height}x{width} on {}x{}", size[0], size[1]);
        return Err(value.fault(Problem::expected(rule, &got)));
    }
    let counts = fields.need("counts", |counts| match counts.is_list() {
        true => counts.count_list(),
        false => {
            let text = counts.text()?;
            super::decompress(&text).map_err(|problem| counts.fault(problem))
        }
    })?;
    let mask = Mask::new([0, 0], [height, width], Order::Columns, counts);
    mask.map_err(|problem| value.fault(problem))
}

/// `x, y, v` for every key point.
fn keypoints(list: &Json<'_, '_>, declared: usize, meaning: Meaning) -> Result<Vec<Keypoint>> {
    let numbers = list.number_list()?;
    let (triples, rest) = numbers.as_chunks::<3>();
    if !rest.is_empty() {
        return Err(list.expected("three numbers a key point"));
    }
    if declared != 0 && triples.len() != declared {
        return Err(list.expected("as many key points as the category has"));
    }
    let point = |&[x, y, flag]: &[f64; 3]| {
        let (visibility, score) = match (flag, meaning) {
            (0.0, Meaning::Truth) => (Visibility::Absent, None),
            (1.0, Meaning::Truth) => (Visibility::Hidden, None),
            (2.0, Meaning::Truth) => (Visibility::Visible, None),
            (_, Meaning::Truth) => return Err(list.expected("0, 1 or 2 behind each x, y")),
            // In results the third number is the model's own.
            (score, Meaning::Result) => (Visibility::Visible, Some(score)),
        };
        Ok(Keypoint {
            position: [y, x],
            visibility,
            score,
        })
    };
    let mut points = Vec::with_capacity(triples.len());
    for triple in triples {
        points.push(point(triple)?);
    }
    Ok(points)
}
