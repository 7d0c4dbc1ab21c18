//! The model into COCO files.

use medcore::Budget;

use super::super::edges;
use super::super::extra::Format;
use super::super::fault::{Fault, Problem};
use super::super::json::Writer;
use super::super::loss::{Loss, LossReport, Vocabulary};
use super::super::mask::{Mask, Order};
use super::super::model::{AnnotatedImage, Annotations, Category, Object, Visibility};
use super::super::names::numbered;
use super::super::number::real;
use super::super::shape::{Shape, ShapeKind};

type Result<T> = std::result::Result<T, Fault>;

const WORDS: Vocabulary = Vocabulary {
    format: Format::Coco,
    keypoints: true,
    score: true,
    crowd: true,
    group: false,
    attributes: true,
    labels: false,
    layers: false,
    image_ids: true,
    object_ids: true,
    category_details: true,
};

/// Corners of the polygon that stands for an ellipse.
const ELLIPSE_CORNERS: usize = 64;

/// The text of a file of images, categories and annotations, and what COCO could not say.
///
/// Turned boxes and ellipses become polygons; lines and points keep only the box around them. An area that
/// is not given is that of the shape, or of the box. Masks of crowds are written as lists of runs, others
/// as compressed text.
///
/// # Errors
/// Refuses annotations that contradict themselves (see [`Annotations::check`]), ids that are there twice,
/// and masks that leave their image.
pub fn encode(annotations: &Annotations) -> Result<(String, LossReport)> {
    let numbers = Numbers::of(annotations)?;
    let mut losses = LossReport::default();
    losses.note(annotations, &WORDS);
    let mut out = Writer::default();
    out.open('{');
    out.extra(&annotations.extra, Format::Coco, &[]);
    out.key("images");
    out.open('[');
    for (image, &id) in annotations.images.iter().zip(&numbers.images) {
        out.line();
        write_image(&mut out, image, id, &mut losses);
    }
    out.close(']');
    out.key("categories");
    out.open('[');
    for (category, &id) in annotations.categories.iter().zip(&numbers.categories) {
        out.line();
        write_category(&mut out, category, id);
    }
    out.close(']');
    out.key("annotations");
    out.open('[');
    let mut ids = numbers.objects.iter();
    for (image, &image_id) in annotations.images.iter().zip(&numbers.images) {
        for object in &image.objects {
            out.line();
            out.open('{');
            out.key("id");
            out.plain(ids.next().copied().unwrap_or_default());
            let place = Place {
                image,
                image_id,
                numbers: &numbers,
            };
            write_object(&mut out, object, &place, &mut losses)?;
            out.key("iscrowd");
            out.plain(u8::from(object.crowd));
            let area = object.area.or_else(|| area(object));
            if let Some(area) = area {
                out.key("area");
                out.number(area);
            }
            if !object.keypoints.is_empty() && object.extra.get("num_keypoints").is_none() {
                let seen = object.keypoints.iter();
                let seen = seen.filter(|k| k.visibility != Visibility::Absent);
                out.key("num_keypoints");
                out.plain(seen.count());
            }
            if !object.attributes.is_empty() {
                out.key("attributes");
                out.attributes(&object.attributes);
            }
            let segmented: &[&str] = match object.shape {
                Some(_) => &["segmentation"],
                None => &[],
            };
            out.extra(&object.extra, Format::Coco, segmented);
            out.close('}');
        }
    }
    out.close(']');
    out.close('}');
    Ok((out.finish(), losses))
}

/// The text of a file of results, and what it could not say.
///
/// An object without a score gets 1.
///
/// # Errors
/// As [`encode`]; refuses images and categories without an id, which a result could not name.
pub fn encode_results(annotations: &Annotations) -> Result<(String, LossReport)> {
    let missing = |at: String| Err(Fault::new(at, Problem::Missing { key: "id" }));
    if let Some(image) = annotations.images.iter().find(|image| image.id.is_none()) {
        return missing(format!("{:?}", image.name));
    }
    if let Some(category) = annotations.categories.iter().find(|c| c.id.is_none()) {
        return missing(format!("category {:?}", category.name));
    }
    let numbers = Numbers::of(annotations)?;
    let mut losses = LossReport::default();
    let words = Vocabulary {
        crowd: false,
        attributes: false,
        object_ids: false,
        ..WORDS
    };
    losses.note(annotations, &words);
    let mut out = Writer::default();
    out.open('[');
    for (image, &image_id) in annotations.images.iter().zip(&numbers.images) {
        for object in &image.objects {
            out.line();
            out.open('{');
            let place = Place {
                image,
                image_id,
                numbers: &numbers,
            };
            let scored = Object {
                score: object.score.or(Some(1.0)),
                ..object.clone()
            };
            write_object(&mut out, &scored, &place, &mut losses)?;
            out.extra(&object.extra, Format::Coco, &["segmentation"]);
            out.close('}');
        }
    }
    out.close(']');
    Ok((out.finish(), losses))
}

/// The ids of everything.
struct Numbers {
    images: Vec<i64>,
    categories: Vec<i64>,
    objects: Vec<i64>,
}

impl Numbers {
    fn of(annotations: &Annotations) -> Result<Self> {
        annotations.check()?;
        let refused = |problem| Fault::new("(whole file)", problem);
        let objects: Vec<_> = annotations.objects().map(|(_, object)| object.id).collect();
        Ok(Self {
            images: numbered("image id", annotations.images.iter().map(|i| i.id))
                .map_err(refused)?,
            categories: numbered("category id", annotations.categories.iter().map(|c| c.id))
                .map_err(refused)?,
            objects: numbered("annotation id", objects.into_iter()).map_err(refused)?,
        })
    }
}

/// Where an object belongs.
struct Place<'a> {
    image: &'a AnnotatedImage,
    image_id: i64,
    numbers: &'a Numbers,
}

fn write_image(out: &mut Writer, image: &AnnotatedImage, id: i64, losses: &mut LossReport) {
    out.open('{');
    out.key("id");
    out.plain(id);
    out.key("file_name");
    out.text(&image.name);
    match image.size {
        Some([height, width]) => {
            out.key("height");
            out.plain(height);
            out.key("width");
            out.plain(width);
        }
        None => losses.add(Loss::UnknownSize, || format!("{:?}", image.name)),
    }
    if !image.attributes.is_empty() {
        out.key("attributes");
        out.attributes(&image.attributes);
    }
    out.extra(&image.extra, Format::Coco, &[]);
    out.close('}');
}

fn write_category(out: &mut Writer, category: &Category, id: i64) {
    out.open('{');
    out.key("id");
    out.plain(id);
    out.key("name");
    out.text(&category.name);
    if let Some(wider) = &category.supercategory {
        out.key("supercategory");
        out.text(wider);
    }
    if !category.keypoints.is_empty() {
        out.key("keypoints");
        out.open('[');
        category.keypoints.iter().for_each(|name| out.text(name));
        out.close(']');
    }
    if !category.skeleton.is_empty() {
        out.key("skeleton");
        out.open('[');
        for pair in &category.skeleton {
            out.numbers(pair.map(|place| real(place) + 1.0));
        }
        out.close(']');
    }
    out.extra(&category.extra, Format::Coco, &[]);
    out.close('}');
}

/// What an annotation and a result have in common.
fn write_object(
    out: &mut Writer,
    object: &Object,
    place: &Place<'_>,
    losses: &mut LossReport,
) -> Result<()> {
    let category = place.numbers.categories.get(object.category).copied();
    out.key("image_id");
    out.plain(place.image_id);
    out.key("category_id");
    out.plain(category.unwrap_or_default());
    if let Some(bounds) = object.extent() {
        out.key("bbox");
        out.numbers(edges::xywh(&bounds));
    }
    if let Some(shape) = &object.shape {
        write_shape(out, shape, object.crowd, place, losses)?;
    }
    if !object.keypoints.is_empty() {
        out.key("keypoints");
        out.numbers(object.keypoints.iter().flat_map(|point| {
            let flag = point.score.unwrap_or(match point.visibility {
                Visibility::Absent => 0.0,
                Visibility::Hidden => 1.0,
                Visibility::Visible => 2.0,
            });
            [point.position[1], point.position[0], flag]
        }));
    }
    if let Some(score) = object.score {
        out.key("score");
        out.number(score);
    }
    Ok(())
}

fn write_shape(
    out: &mut Writer,
    shape: &Shape,
    crowd: bool,
    place: &Place<'_>,
    losses: &mut LossReport,
) -> Result<()> {
    let at = || format!("{:?}", place.image.name);
    let mut replaced = |by| {
        let shape = shape.kind();
        losses.add(Loss::ShapeReplaced { shape, by }, at);
    };
    match shape {
        Shape::Polygon(parts) => write_rings(out, parts.iter().map(Vec::as_slice)),
        Shape::RotatedBox(turned) => {
            replaced(ShapeKind::Polygon);
            write_rings(out, [turned.corners().as_slice()]);
        }
        Shape::Ellipse(ellipse) => {
            replaced(ShapeKind::Polygon);
            write_rings(out, [ellipse.polygon(ELLIPSE_CORNERS).as_slice()]);
        }
        Shape::Polyline(_) | Shape::Points(_) => replaced(ShapeKind::Box),
        Shape::Mask(mask) => {
            let size = place.image.size.ok_or_else(|| {
                Fault::new(
                    at(),
                    Problem::Missing {
                        key: "the image's size",
                    },
                )
            })?;
            write_mask(out, mask, size, crowd).map_err(|problem| Fault::new(at(), problem))?;
        }
    }
    Ok(())
}

fn write_rings<'a>(out: &mut Writer, rings: impl IntoIterator<Item = &'a [[f64; 2]]>) {
    out.key("segmentation");
    out.open('[');
    for ring in rings {
        out.numbers(ring.iter().flat_map(|&point| edges::xy(point)));
    }
    out.close(']');
}

fn write_mask(
    out: &mut Writer,
    mask: &Mask,
    size: [usize; 2],
    crowd: bool,
) -> std::result::Result<(), Problem> {
    let whole = mask.in_image(size, Order::Columns, &Budget::default())?;
    out.key("segmentation");
    out.open('{');
    out.key("size");
    out.numbers(size.map(real));
    out.key("counts");
    if crowd {
        out.open('[');
        whole.runs().iter().for_each(|run| out.plain(run));
        out.close(']');
    } else {
        out.text(&super::compress(whole.runs())?);
    }
    out.close('}');
    Ok(())
}

fn area(object: &Object) -> Option<f64> {
    let drawn = object
        .shape
        .as_ref()
        .map(Shape::area)
        .filter(|area| *area > 0.0);
    drawn.or_else(|| object.extent().map(|bounds| bounds.volume()))
}
