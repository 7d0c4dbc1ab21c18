//! What points in an image or in the patient outline (PS3.3 sections C.18.6 and C.18.9).

use super::super::fault::Fault;
use super::super::tag::Tag;

/// How points make a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Graphic {
    /// One point.
    Point,
    /// Points on their own.
    Multipoint,
    /// Points joined in their order; closed if the last is the first.
    Polyline,
    /// A closed line through points of one plane; the last is the first.
    Polygon,
    /// Centre, and a point on the circle.
    Circle,
    /// Ends of the major axis, then of the minor one.
    Ellipse,
    /// Ends of three axes.
    Ellipsoid,
}

impl Graphic {
    const ALL: [Self; 7] = [
        Self::Point,
        Self::Multipoint,
        Self::Polyline,
        Self::Polygon,
        Self::Circle,
        Self::Ellipse,
        Self::Ellipsoid,
    ];

    /// The term of `GraphicType`.
    #[must_use]
    pub const fn term(self) -> &'static str {
        match self {
            Self::Point => "POINT",
            Self::Multipoint => "MULTIPOINT",
            Self::Polyline => "POLYLINE",
            Self::Polygon => "POLYGON",
            Self::Circle => "CIRCLE",
            Self::Ellipse => "ELLIPSE",
            Self::Ellipsoid => "ELLIPSOID",
        }
    }

    pub(super) fn from_term(term: &str) -> Result<Self, Fault> {
        let found = Self::ALL.into_iter().find(|graphic| graphic.term() == term);
        found.ok_or_else(|| Fault::attribute(Tag::GRAPHIC_TYPE, "a figure of points", term))
    }

    /// Whether there are as many points as the figure has.
    pub(super) fn check_count(self, points: usize) -> Result<(), Fault> {
        let (fits, rule) = match self {
            Self::Point => (points == 1, "one point"),
            Self::Circle => (points == 2, "two points of a circle"),
            Self::Ellipse => (points == 4, "four points of an ellipse"),
            Self::Ellipsoid => (points == 6, "six points of an ellipsoid"),
            Self::Multipoint => (points > 0, "one point or more"),
            Self::Polyline => (points > 1, "two points or more of a line"),
            Self::Polygon => (points > 3, "four points or more of a polygon"),
        };
        fits.then_some(())
            .ok_or_else(|| Fault::attribute(Tag::GRAPHIC_DATA, rule, points))
    }
}
