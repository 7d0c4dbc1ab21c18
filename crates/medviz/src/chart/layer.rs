//! What is drawn between the axes of a chart, in the units of the axes.

/// One thing in a chart: a curve, a cloud of points, bars, a reference line.
///
/// Layers lie on top of one another in the order in which they were added. Each takes the next colour unless
/// [`Layer::painted`] says otherwise; what is not finite is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub(super) shape: Shape,
    pub(super) paint: Option<Paint>,
    pub(super) name: Option<String>,
    pub(super) note: Option<String>,
    pub(super) opacity: Option<f64>,
    pub(super) dash: Dash,
    pub(super) width: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Curve(Vec<(f64, f64)>, Path),
    Band(Vec<(f64, f64, f64)>),
    Area(Vec<(f64, f64)>),
    Points(Vec<(f64, f64)>, f64),
    Rule(Rule),
    Rectangles(Vec<Rectangle>),
    Whiskers(Vec<Whisker>),
    Boxes(Vec<BoxGlyph>),
    Cells(Vec<Cell>),
    Notes(Vec<Note>),
}

/// How a curve goes from one point to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Path {
    Straight,
    AcrossThenUp,
    UpThenAcross,
}

/// The colour of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Paint {
    /// The colour of a series by its number, from 0; after eight they come again.
    Series(usize),
    /// Grey, for what data are compared with.
    Neutral,
}

/// How a line is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Dash {
    /// Not at all up to the fourth colour of a chart; dashed from there on.
    #[default]
    Automatic,
    /// Not at all.
    Solid,
    /// Dashes.
    Dashed,
    /// Dots.
    Dotted,
}

/// A reference line across the whole chart.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// At a value of the vertical axis.
    Horizontal(f64),
    /// At a value of the horizontal axis.
    Vertical(f64),
    /// `y = intercept + slope * x`.
    Through {
        /// Where it meets x = 0.
        intercept: f64,
        /// Its rise for a step of 1 to the right.
        slope: f64,
    },
}

impl Rule {
    /// The line on which both axes have the same value.
    #[must_use]
    pub fn diagonal() -> Self {
        Self::Through {
            intercept: 0.0,
            slope: 1.0,
        }
    }
}

/// A filled rectangle, such as a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectangle {
    /// Its ends along the horizontal axis.
    pub x: (f64, f64),
    /// Its ends along the vertical axis.
    pub y: (f64, f64),
}

/// A line with caps: an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Whisker {
    /// An interval of the vertical axis.
    Vertical {
        /// Its place on the horizontal axis.
        x: f64,
        /// Its ends.
        y: (f64, f64),
    },
    /// An interval of the horizontal axis.
    Horizontal {
        /// Its ends.
        x: (f64, f64),
        /// Its place on the vertical axis.
        y: f64,
    },
}

/// An upright box with whiskers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxGlyph {
    /// Its middle on the horizontal axis.
    pub at: f64,
    /// Its width on the horizontal axis.
    pub width: f64,
    /// The ends of the box, such as the quartiles.
    pub ends: (f64, f64),
    /// The line inside the box, such as the median.
    pub middle: f64,
    /// The ends of the whiskers.
    pub whiskers: (f64, f64),
}

/// A cell of a heat map, one unit wide and high around whole numbers of both axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Its column, from 0 on the left.
    pub column: usize,
    /// Its row, from 0 at the bottom.
    pub row: usize,
    /// How dark it is, from 0 to 1; grey without a share.
    pub share: Option<f64>,
    /// What stands in it, if there is room: the first line bold, the others small.
    pub lines: Vec<String>,
    /// What a viewer says about it.
    pub tip: String,
}

/// A text beside a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// The point on both axes.
    pub at: (f64, f64),
    /// The text.
    pub text: String,
    /// On which side of the point it stands.
    pub side: Side,
}

/// Where a text stands beside its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Side {
    /// Wherever it lies on no other text and no other point with a text.
    #[default]
    Free,
    /// Right of it, at the same height.
    Right,
}

impl Layer {
    fn new(shape: Shape) -> Self {
        Self {
            shape,
            paint: None,
            name: None,
            note: None,
            opacity: None,
            dash: Dash::default(),
            width: 2.0,
        }
    }

    /// A curve through points from left to right; points that are not finite interrupt it.
    ///
    /// Of a run of more than two thousand points those that would lie on top of one another are left out.
    #[must_use]
    pub fn line(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(Shape::Curve(points.into_iter().collect(), Path::Straight))
    }

    /// A curve that keeps its value until the next point.
    #[must_use]
    pub fn steps(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let points = points.into_iter().collect();
        Self::new(Shape::Curve(points, Path::AcrossThenUp))
    }

    /// A curve that takes the value of the next point at once.
    #[must_use]
    pub fn steps_before(points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let points = points.into_iter().collect();
        Self::new(Shape::Curve(points, Path::UpThenAcross))
    }

    /// A band between a lower and an upper curve: `(x, low, high)` from left to right.
    #[must_use]
    pub fn band(points: impl IntoIterator<Item = (f64, f64, f64)>) -> Self {
        Self::new(Shape::Band(points.into_iter().collect()))
    }

    /// A filled outline, such as a violin.
    #[must_use]
    pub fn area(outline: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self::new(Shape::Area(outline.into_iter().collect()))
    }

    /// Dots of a radius in pixels.
    #[must_use]
    pub fn points(points: impl IntoIterator<Item = (f64, f64)>, radius: f64) -> Self {
        Self::new(Shape::Points(points.into_iter().collect(), radius))
    }

    /// A reference line across the chart, grey and dashed.
    #[must_use]
    pub fn rule(rule: Rule) -> Self {
        Self {
            paint: Some(Paint::Neutral),
            dash: Dash::Dashed,
            width: 1.3,
            ..Self::new(Shape::Rule(rule))
        }
    }

    /// Filled rectangles.
    #[must_use]
    pub fn rectangles(rectangles: impl IntoIterator<Item = Rectangle>) -> Self {
        Self::new(Shape::Rectangles(rectangles.into_iter().collect()))
    }

    /// Lines with caps.
    #[must_use]
    pub fn whiskers(whiskers: impl IntoIterator<Item = Whisker>) -> Self {
        Self {
            width: 1.5,
            ..Self::new(Shape::Whiskers(whiskers.into_iter().collect()))
        }
    }

    /// Boxes with whiskers.
    #[must_use]
    pub fn boxes(boxes: impl IntoIterator<Item = BoxGlyph>) -> Self {
        Self {
            width: 1.5,
            ..Self::new(Shape::Boxes(boxes.into_iter().collect()))
        }
    }

    /// Cells of a heat map.
    #[must_use]
    pub fn cells(cells: impl IntoIterator<Item = Cell>) -> Self {
        Self {
            paint: Some(Paint::Neutral),
            ..Self::new(Shape::Cells(cells.into_iter().collect()))
        }
    }

    /// Texts beside points, moved so that they do not lie on one another.
    #[must_use]
    pub fn notes(notes: impl IntoIterator<Item = Note>) -> Self {
        Self {
            paint: Some(Paint::Neutral),
            ..Self::new(Shape::Notes(notes.into_iter().collect()))
        }
    }

    /// Gives the layer an entry in the legend, which stands above the axes.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Writes a text right of the axes, where a horizontal rule or a curve ends.
    #[must_use]
    pub fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Sets the colour.
    #[must_use]
    pub fn painted(mut self, paint: Paint) -> Self {
        self.paint = Some(paint);
        self
    }

    /// Sets how opaque it is, from 0 to 1.
    #[must_use]
    pub fn opacity(mut self, opacity: f64) -> Self {
        self.opacity = Some(opacity.clamp(0.0, 1.0));
        self
    }

    /// Sets how lines are interrupted.
    #[must_use]
    pub fn dash(mut self, dash: Dash) -> Self {
        self.dash = dash;
        self
    }

    /// Sets the width of lines in pixels.
    #[must_use]
    pub fn width(mut self, width: f64) -> Self {
        self.width = width.clamp(0.1, 20.0);
        self
    }

    /// The values that the axes must reach.
    pub(super) fn corners(&self) -> Vec<(f64, f64)> {
        // What has no place on one axis is given on the other alone.
        const NONE: f64 = f64::NAN;
        match &self.shape {
            Shape::Curve(points, _) | Shape::Area(points) | Shape::Points(points, _) => {
                points.clone()
            }
            Shape::Band(band) => {
                let ends = |&(x, low, high): &(f64, f64, f64)| [(x, low), (x, high)];
                band.iter().flat_map(ends).collect()
            }
            Shape::Rule(Rule::Horizontal(y)) => vec![(NONE, *y)],
            Shape::Rule(Rule::Vertical(x)) => vec![(*x, NONE)],
            Shape::Rule(Rule::Through { .. }) => Vec::new(),
            Shape::Rectangles(rectangles) => {
                let ends = |r: &Rectangle| [(r.x.0, r.y.0), (r.x.1, r.y.1)];
                rectangles.iter().flat_map(ends).collect()
            }
            Shape::Whiskers(whiskers) => {
                let ends = |whisker: &Whisker| match *whisker {
                    Whisker::Vertical { x, y } => [(x, y.0), (x, y.1)],
                    Whisker::Horizontal { x, y } => [(x.0, y), (x.1, y)],
                };
                whiskers.iter().flat_map(ends).collect()
            }
            Shape::Boxes(boxes) => {
                let ends = |b: &BoxGlyph| {
                    let half = b.width / 2.0;
                    [(b.at - half, b.whiskers.0), (b.at + half, b.whiskers.1)]
                };
                boxes.iter().flat_map(ends).collect()
            }
            Shape::Cells(cells) => {
                let ends = |cell: &Cell| {
                    let (x, y) = (cell.column as f64, cell.row as f64);
                    [(x - 0.5, y - 0.5), (x + 0.5, y + 0.5)]
                };
                cells.iter().flat_map(ends).collect()
            }
            Shape::Notes(notes) => notes.iter().map(|note| note.at).collect(),
        }
    }
}
