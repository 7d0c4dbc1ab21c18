//! Drawings and texts on images (PS3.3 sections C.10.5 and C.10.7).

use super::super::structured_report::ImageReference;

/// A layer of drawings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphicLayer {
    /// Its name, at most 16 capitals, digits, spaces and underscores.
    pub name: String,
    /// Its place from below; if nothing is given, the order of the layers counts.
    pub order: Option<i64>,
    /// What it holds.
    pub description: String,
    /// Its brightness, 0 to 65535.
    pub grey: Option<u16>,
    /// Its colour as `RecommendedDisplayCIELabValue` is written: L, a and b scaled to 65535.
    pub cie_lab: Option<[u16; 3]>,
}

impl GraphicLayer {
    /// A layer.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            order: None,
            description: String::new(),
            grey: None,
            cie_lab: None,
        }
    }
}

/// What coordinates count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AnnotationUnits {
    /// `[column, row]` of the image: 0 at the outer corner of the first pixel, 0.5 at its centre.
    #[default]
    Pixel,
    /// `[across, down]` of the displayed area, 0 to 1.
    Display,
}

/// How points make a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FigureKind {
    /// One point.
    Point,
    /// Points joined by straight lines; closed if the last is the first.
    Polyline,
    /// Points joined by a smooth line; closed if the last is the first.
    Interpolated,
    /// Centre, and a point on the circle.
    Circle,
    /// Ends of the major axis, then of the minor one.
    Ellipse,
}

/// A figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// How the points make it.
    pub kind: FigureKind,
    /// The points.
    pub points: Vec<[f32; 2]>,
    /// What they count from.
    pub units: AnnotationUnits,
    /// Whether it is filled.
    pub filled: bool,
}

/// On which side of its box a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TextAlignment {
    /// At the left.
    #[default]
    Left,
    /// In the middle.
    Center,
    /// At the right.
    Right,
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextBox {
    /// Corner above at the left.
    pub top_left: [f32; 2],
    /// Corner below at the right.
    pub bottom_right: [f32; 2],
    /// What they count from.
    pub units: AnnotationUnits,
    /// On which side of the box the text stands.
    pub alignment: TextAlignment,
}

/// A text.
#[derive(Debug, Clone, PartialEq)]
pub struct TextAnnotation {
    /// The text, at most 1024 characters.
    pub text: String,
    /// The box in which it stands.
    pub bounds: Option<TextBox>,
    /// The point that it is about, and what that counts from.
    pub anchor: Option<([f32; 2], AnnotationUnits)>,
    /// Whether a line to that point is drawn.
    pub anchor_visible: bool,
}

/// Drawings and texts on some images.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Name of its layer.
    pub layer: String,
    /// The images; none for all.
    pub images: Vec<ImageReference>,
    /// Texts.
    pub texts: Vec<TextAnnotation>,
    /// Figures.
    pub figures: Vec<Figure>,
}

impl Annotation {
    /// Nothing yet, on all images, in a layer.
    #[must_use]
    pub fn new(layer: impl Into<String>) -> Self {
        Self {
            layer: layer.into(),
            images: Vec::new(),
            texts: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// Adds an image to those that it is on.
    #[must_use]
    pub fn on(mut self, image: impl Into<ImageReference>) -> Self {
        self.images.push(image.into());
        self
    }

    /// Adds a figure.
    #[must_use]
    pub fn figure(mut self, figure: Figure) -> Self {
        self.figures.push(figure);
        self
    }

    fn drawn(self, kind: FigureKind, points: Vec<[f32; 2]>) -> Self {
        self.figure(Figure {
            kind,
            points,
            units: AnnotationUnits::Pixel,
            filled: false,
        })
    }

    /// Adds a point, `[column, row]` in pixels.
    #[must_use]
    pub fn point(self, point: [f32; 2]) -> Self {
        self.drawn(FigureKind::Point, vec![point])
    }

    /// Adds a line through points, `[column, row]` in pixels.
    #[must_use]
    pub fn polyline(self, points: impl Into<Vec<[f32; 2]>>) -> Self {
        self.drawn(FigureKind::Polyline, points.into())
    }

    /// Adds an ellipse by the ends of its major and of its minor axis, `[column, row]` in pixels.
    #[must_use]
    pub fn ellipse(self, ends: [[f32; 2]; 4]) -> Self {
        self.drawn(FigureKind::Ellipse, ends.to_vec())
    }

    /// Adds a circle by its centre and a point on it, `[column, row]` in pixels.
    #[must_use]
    pub fn circle(self, centre_and_point: [[f32; 2]; 2]) -> Self {
        self.drawn(FigureKind::Circle, centre_and_point.to_vec())
    }

    /// Adds a text at a point, `[column, row]` in pixels.
    #[must_use]
    pub fn text_at(mut self, text: impl Into<String>, point: [f32; 2]) -> Self {
        self.texts.push(TextAnnotation {
            text: text.into(),
            bounds: None,
            anchor: Some((point, AnnotationUnits::Pixel)),
            anchor_visible: false,
        });
        self
    }

    /// Adds a text with its place.
    #[must_use]
    pub fn text(mut self, text: TextAnnotation) -> Self {
        self.texts.push(text);
        self
    }
}
