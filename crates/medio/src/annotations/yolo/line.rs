//! One file of labels: lines of numbers, and the objects they are.

use medcore::{BoundingBox, Budget};

use super::super::edges;
use super::super::extra::{Extra, Format};
use super::super::fault::{Fault, Problem};
use super::super::json::utf8;
use super::super::loss::{Loss, LossReport, Vocabulary};
use super::super::model::{AnnotatedImage, Annotations, Category, Keypoint, Object, Visibility};
use super::super::number::{number_text, real, shortest, wide, write_number};
use super::super::say::{Groups, drawings};
use super::super::shape::{RotatedBox, Shape, ShapeKind};
use super::super::xml::finite;

type Result<T> = std::result::Result<T, Fault>;

/// What the lines of a file describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Task {
    /// Upright boxes.
    Detect,
    /// Polygons of one ring.
    Segment,
    /// Upright boxes with key points.
    Pose {
        /// Key points of every object.
        keypoints: usize,
        /// Numbers of every key point: 2 (`x y`) or 3 (`x y visible`).
        dims: usize,
    },
    /// Turned boxes by their corners.
    OrientedBox,
}

/// How lines are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub(super) task: Task,
    pub(super) classes: Option<usize>,
}

impl Options {
    /// Lines of a task.
    #[must_use]
    pub fn new(task: Task) -> Self {
        Self {
            task,
            classes: None,
        }
    }

    /// Refuses classes from this number on.
    #[must_use]
    pub fn classes(self, classes: usize) -> Self {
        Self {
            classes: Some(classes),
            ..self
        }
    }
}

/// Fractions of an image of this size.
#[derive(Clone, Copy)]
struct Frame {
    height: f64,
    width: f64,
}

impl Frame {
    fn of([height, width]: [usize; 2]) -> Self {
        Self {
            height: real(height),
            width: real(width),
        }
    }

    fn point(self, [x, y]: [f64; 2]) -> [f64; 2] {
        edges::point([x * self.width, y * self.height])
    }

    fn xy(self, [row, column]: [f64; 2]) -> [f64; 2] {
        let axis = |index: f64, extent: f64| {
            let [fraction] = shortest([(index + 0.5) / extent], [index], |[fraction]| {
                [edges::to_index(fraction * extent)]
            });
            fraction
        };
        [axis(column, self.width), axis(row, self.height)]
    }

    /// From centre and extent.
    fn bounds(self, [x, y, width, height]: [f64; 4]) -> medcore::Result<BoundingBox<2>> {
        let ([left, right], [top, bottom]) =
            (ends([x, width], self.width), ends([y, height], self.height));
        BoundingBox::new([top, left], [bottom, right])
    }

    fn center_extent(self, bounds: &BoundingBox<2>) -> [f64; 4] {
        let axis = |low: f64, high: f64, extent: f64| {
            let estimates = [(low + high + 1.0) / 2.0 / extent, (high - low) / extent];
            shortest(estimates, [low, high], |numbers| ends(numbers, extent))
        };
        let ([top, left], [bottom, right]) = (bounds.min(), bounds.max());
        let ([x, width], [y, height]) = (
            axis(left, right, self.width),
            axis(top, bottom, self.height),
        );
        [x, y, width, height]
    }
}

/// Both ends of a stretch that is given by its centre and extent.
fn ends([center, extent]: [f64; 2], of: f64) -> [f64; 2] {
    [
        edges::to_index((center - extent / 2.0) * of),
        edges::to_index((center + extent / 2.0) * of),
    ]
}

/// Reads the text of a file of labels of an image of `size` (height, width).
///
/// # Errors
/// Returns the line and the rule: a class that is no number or too large, numbers that are no fractions of an
/// image, another count of numbers than the task has, a box inside out.
pub fn decode(
    bytes: &[u8],
    size: [usize; 2],
    options: &Options,
    budget: &Budget,
) -> Result<Vec<Object>> {
    let text = utf8(bytes, budget)?;
    let frame = Frame::of(size);
    // Objects are larger than their lines: all lines are found good before the first one is kept.
    let mut count = 0_usize;
    for (number, line) in lines(text) {
        let fault = |problem| Fault {
            at: "(line)".to_owned(),
            line: number.checked_add(1),
            problem,
        };
        let claimed = budget.claim_bytes("an object", wide(size_of::<Object>()));
        claimed.map_err(|e| fault(e.into()))?;
        object(line, frame, options).map_err(fault)?;
        count = count.saturating_add(1);
    }
    let mut objects = Vec::with_capacity(count);
    objects.extend(lines(text).filter_map(|(_, line)| object(line, frame, options).ok()));
    Ok(objects)
}

/// Lines that are not empty, with their numbers from 0.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate();
    numbered.filter(|(_, line)| !line.trim().is_empty())
}

fn object(line: &str, frame: Frame, options: &Options) -> std::result::Result<Object, Problem> {
    let mut words = line.split_ascii_whitespace();
    let class = words.next().unwrap_or_default();
    let category = class.parse::<usize>().ok();
    let category = category.filter(|c| *c < options.classes.unwrap_or(usize::MAX));
    let category = category.ok_or_else(|| match options.classes {
        Some(_) => Problem::Unknown {
            what: "class",
            value: class.chars().take(40).collect(),
        },
        None => Problem::expected("a class number", class),
    })?;
    let mut numbers = Vec::new();
    for word in words {
        let value = finite(word).ok_or_else(|| Problem::expected("a finite number", word))?;
        numbers.push(value);
    }
    let score = split_score(&mut numbers, options.task, line)?;
    // Pixels where fractions belong are the usual mistake; a little outside the image is none.
    let coordinates = match options.task {
        Task::Pose { dims, .. } => coordinates_of_pose(&numbers, dims),
        _ => numbers.clone(),
    };
    if let Some(value) = coordinates.iter().find(|v| !(-1.0..=2.0).contains(*v)) {
        let rule = "fractions of the image, between -1 and 2";
        return Err(Problem::expected(rule, &number_text(*value)));
    }
    let mut object = Object {
        category,
        score,
        ..Object::default()
    };
    let inside_out = |_| Problem::expected("a box that is not inside out", line);
    match (options.task, numbers.as_slice()) {
        (Task::Detect, &[x, y, w, h]) => {
            object.bounding_box = Some(frame.bounds([x, y, w, h]).map_err(inside_out)?);
        }
        (Task::Pose { dims, .. }, [x, y, w, h, points @ ..]) => {
            object.bounding_box = Some(frame.bounds([*x, *y, *w, *h]).map_err(inside_out)?);
            object.keypoints = points
                .chunks_exact(dims)
                .map(|p| keypoint(p, frame))
                .collect();
        }
        (Task::OrientedBox, numbers) => {
            let corners: Vec<[f64; 2]> = numbers
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&xy| frame.point(xy))
                .collect();
            let shape = oriented(&corners);
            // A turned box has five numbers for the file's eight: those are kept.
            if matches!(shape, Shape::RotatedBox(_)) {
                object.extra = Extra::new(Format::Yolo);
                object
                    .extra
                    .put("corners", text_of(numbers.iter().copied()));
            }
            object.shape = Some(shape);
        }
        (_, numbers) => {
            let points = numbers.as_chunks::<2>().0.iter();
            let ring = points.map(|&xy| frame.point(xy)).collect();
            object.shape = Some(Shape::Polygon(vec![ring]));
        }
    }
    Ok(object)
}

/// The confidence, which is there when one number is left over.
fn split_score(
    numbers: &mut Vec<f64>,
    task: Task,
    line: &str,
) -> std::result::Result<Option<f64>, Problem> {
    let got = numbers.len();
    let (rule, needed) = match task {
        Task::Detect => ("four numbers behind the class, or five", 4),
        Task::OrientedBox => ("eight numbers behind the class, or nine", 8),
        Task::Pose { keypoints, dims } => {
            if !(2..=3).contains(&dims) {
                return Err(Problem::expected(
                    "2 or 3 numbers a key point",
                    &dims.to_string(),
                ));
            }
            let points = keypoints.saturating_mul(dims);
            (
                "four numbers behind the class and those of the key points",
                points.saturating_add(4),
            )
        }
        Task::Segment => ("three or more pairs of numbers behind the class", got & !1),
    };
    let enough = task != Task::Segment || got >= 6;
    match got.checked_sub(needed) {
        Some(0) if enough => Ok(None),
        Some(1) if enough => Ok(numbers.pop()),
        _ => Err(Problem::expected(rule, line)),
    }
}

/// All numbers but the marks of visibility.
fn coordinates_of_pose(numbers: &[f64], dims: usize) -> Vec<f64> {
    let (bounds, points) = numbers.split_at_checked(4).unwrap_or((numbers, &[]));
    let positions = points
        .chunks(dims.max(1))
        .flat_map(|point| point.iter().take(2));
    bounds.iter().chain(positions).copied().collect()
}

fn keypoint(numbers: &[f64], frame: Frame) -> Keypoint {
    let (x, y, flag) = match numbers {
        [x, y] => (*x, *y, None),
        [x, y, flag, ..] => (*x, *y, Some(*flag)),
        _ => (0.0, 0.0, Some(0.0)),
    };
    let (visibility, score) = match flag {
        // Without a mark, the corner of the image means that there is none.
        None if [x, y] == [0.0; 2] => (Visibility::Absent, None),
        None => (Visibility::Visible, None),
        Some(0.0) => (Visibility::Absent, None),
        Some(1.0) => (Visibility::Hidden, None),
        Some(2.0) => (Visibility::Visible, None),
        Some(score) => (Visibility::Visible, Some(score)),
    };
    Keypoint {
        position: frame.point([x, y]),
        visibility,
        score,
    }
}

/// A turned box where the corners are a rectangle to within a pixel, otherwise their polygon.
fn oriented(corners: &[[f64; 2]]) -> Shape {
    let turned = <[[f64; 2]; 4]>::try_from(corners).ok();
    match turned.and_then(|corners| RotatedBox::from_corners(corners, 1.0)) {
        Some(turned) => Shape::RotatedBox(turned),
        None => Shape::Polygon(vec![corners.to_vec()]),
    }
}

fn text_of(numbers: impl IntoIterator<Item = f64>) -> String {
    let mut text = String::new();
    for number in numbers {
        if !text.is_empty() {
            text.push(' ');
        }
        write_number(&mut text, number);
    }
    text
}

/// The lines of an image, and what they could not say.
///
/// Objects of another kind than the task's are written as what stands for them (a box around a polygon, the
/// corners of a box) or left out; the report says which.
///
/// # Errors
/// Refuses an image without a size, numbers that are not finite, and another number of key points than the
/// task's.
pub fn encode(image: &AnnotatedImage, options: &Options) -> Result<(String, LossReport)> {
    let missing = || {
        Fault::new(
            format!("{:?}", image.name),
            Problem::Missing {
                key: "the image's size",
            },
        )
    };
    let frame = Frame::of(image.size.ok_or_else(missing)?);
    let largest = image
        .objects
        .iter()
        .map(|object| object.category)
        .max()
        .unwrap_or(0);
    let classes = options.classes.unwrap_or_else(|| largest.saturating_add(1));
    let alone = Annotations {
        images: vec![image.clone()],
        categories: vec![Category::default(); classes.min(largest.saturating_add(1))],
        ..Annotations::default()
    };
    alone.check()?;
    let mut losses = LossReport::default();
    losses.note(
        &alone,
        &Vocabulary {
            format: Format::Yolo,
            keypoints: matches!(options.task, Task::Pose { .. }),
            score: true,
            crowd: false,
            group: false,
            attributes: false,
            labels: false,
            layers: false,
            image_ids: false,
            object_ids: false,
            category_details: true,
        },
    );
    let mut groups = Groups::of(image);
    let mut text = String::new();
    for (number, object) in image.objects.iter().enumerate() {
        let place = || format!("{:?}, object {number}", image.name);
        for drawing in drawings(object, &mut groups, &mut losses, place) {
            let numbers = numbers_of(&drawing, frame, options.task, &mut losses, &place);
            let Some(numbers) = numbers.map_err(|problem| Fault::new(place(), problem))? else {
                let shape = drawing.kind();
                losses.add(Loss::ObjectDropped { shape }, place);
                continue;
            };
            text.push_str(&drawing.category.to_string());
            text.push(' ');
            text.push_str(&numbers);
            if let Some(score) = drawing.score {
                text.push(' ');
                write_number(&mut text, score);
            }
            text.push('\n');
        }
    }
    Ok((text, losses))
}

/// The numbers behind the class, or `None` for an object that the task has no words for.
fn numbers_of(
    object: &Object,
    frame: Frame,
    task: Task,
    losses: &mut LossReport,
    place: &impl Fn() -> String,
) -> std::result::Result<Option<String>, Problem> {
    let kind = object.kind();
    let mut replaced = |by| losses.add(Loss::ShapeReplaced { shape: kind, by }, place);
    let bounds = |replaced: &mut dyn FnMut(ShapeKind)| {
        if object.bounding_box.is_none() || object.shape.is_some() {
            replaced(ShapeKind::Box);
        }
        object.extent().map(|bounds| frame.center_extent(&bounds))
    };
    let outline = |ring: &[[f64; 2]]| text_of(ring.iter().flat_map(|&point| frame.xy(point)));
    Ok(match (task, &object.shape) {
        (Task::Detect, _) => bounds(&mut replaced).map(text_of),
        (Task::Pose { keypoints, dims }, _) => {
            if object.keypoints.len() != keypoints {
                let got = object.keypoints.len().to_string();
                return Err(Problem::expected(
                    "as many key points as the task has",
                    &got,
                ));
            }
            let points = object
                .keypoints
                .iter()
                .flat_map(|point| pose_point(point, frame, dims));
            bounds(&mut replaced).map(|bounds| text_of(bounds.into_iter().chain(points)))
        }
        (_, Some(Shape::Polygon(parts))) => {
            if task == Task::OrientedBox && parts.first().is_some_and(|ring| ring.len() != 4) {
                replaced(ShapeKind::Box);
                object.extent().map(|bounds| outline(&corners(&bounds)))
            } else {
                parts.first().map(|ring| outline(ring))
            }
        }
        (_, Some(Shape::RotatedBox(turned))) => {
            if task == Task::Segment {
                replaced(ShapeKind::Polygon);
            }
            let stored = object.extra.text(Format::Yolo, "corners").filter(|text| {
                let numbers: Option<Vec<f64>> = text.split(' ').map(finite).collect();
                let corners = numbers.map(|n| {
                    let points = n.as_chunks::<2>().0.iter();
                    points.map(|&xy| frame.point(xy)).collect::<Vec<_>>()
                });
                let shape = corners.map(|corners| oriented(&corners));
                shape.as_ref() == object.shape.as_ref()
            });
            Some(stored.map_or_else(|| outline(&turned.corners()), str::to_owned))
        }
        (Task::Segment, Some(Shape::Ellipse(ellipse))) => {
            replaced(ShapeKind::Polygon);
            Some(outline(&ellipse.polygon(64)))
        }
        (Task::OrientedBox, Some(Shape::Ellipse(ellipse))) => {
            replaced(ShapeKind::RotatedBox);
            let around = RotatedBox {
                center: ellipse.center,
                extent: ellipse.radii.map(|radius| 2.0 * radius),
                degrees: ellipse.degrees,
            };
            Some(outline(&around.corners()))
        }
        (_, None) => {
            replaced(if task == Task::Segment {
                ShapeKind::Polygon
            } else {
                ShapeKind::RotatedBox
            });
            object.extent().map(|bounds| outline(&corners(&bounds)))
        }
        // A box for a mask or a line would teach a network to draw boxes.
        (_, Some(_)) => None,
    })
}

fn pose_point(point: &Keypoint, frame: Frame, dims: usize) -> Vec<f64> {
    let [x, y] = match point.visibility {
        Visibility::Absent if dims == 2 => [0.0; 2],
        _ => frame.xy(point.position),
    };
    let flag = point.score.unwrap_or(match point.visibility {
        Visibility::Absent => 0.0,
        Visibility::Hidden => 1.0,
        Visibility::Visible => 2.0,
    });
    match dims {
        2 => vec![x, y],
        _ => vec![x, y, flag],
    }
}

/// The corners of an upright box, clockwise from the top left.
fn corners(bounds: &BoundingBox<2>) -> [[f64; 2]; 4] {
    let ([top, left], [bottom, right]) = (bounds.min(), bounds.max());
    [[top, left], [top, right], [bottom, right], [bottom, left]]
}
