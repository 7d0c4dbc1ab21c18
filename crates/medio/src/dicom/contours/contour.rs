//! One contour of a region (PS3.3 section C.8.8.6).

use medcore::{Lps, Point};

use super::super::dataset::{Dataset, Element, Value};
use super::super::derived::SourceFrame;
use super::super::fault::Fault;
use super::super::file::DicomFile;
use super::super::tag::Tag;

/// What the points of a contour are (PS3.3 section C.8.8.6.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContourKind {
    /// A polygon in a plane.
    ClosedPlanar,
    /// A polygon in a plane, to be combined with others of its plane by even and odd.
    ClosedPlanarXor,
    /// A single point.
    Point,
    /// A line in a plane.
    OpenPlanar,
    /// A line in space.
    OpenNonplanar,
    /// Another term.
    Other(String),
}

impl ContourKind {
    fn of_term(term: &str) -> Self {
        match term {
            "CLOSED_PLANAR" => Self::ClosedPlanar,
            "CLOSEDPLANAR_XOR" => Self::ClosedPlanarXor,
            "POINT" => Self::Point,
            "OPEN_PLANAR" => Self::OpenPlanar,
            "OPEN_NONPLANAR" => Self::OpenNonplanar,
            other => Self::Other(other.chars().take(16).collect()),
        }
    }

    /// Whether it encloses something.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::ClosedPlanar | Self::ClosedPlanarXor)
    }
}

/// A contour of a region.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Contour {
    /// What its points are.
    pub kind: ContourKind,
    /// Its points, in LPS millimetres; of a closed one the last is joined to the first.
    pub points: Vec<Point<Lps>>,
    /// The image it was drawn on, if it names one.
    pub image: Option<SourceFrame>,
}

impl Contour {
    pub(super) fn of(file: &DicomFile, item: &Dataset) -> Result<Self, Fault> {
        let tag = Tag::CONTOUR_GEOMETRIC_TYPE;
        let kind = item.required_string(tag)?;
        let tag = Tag::CONTOUR_DATA;
        let numbers = match item.get(tag) {
            None => Vec::new(),
            // Long contours stay in the file like pixels.
            Some(element) if matches!(element.value(), Value::Deferred(_)) => {
                let value = file.load_value(element)?;
                Element::new(tag, element.vr(), value).floats()?
            }
            Some(element) => element.floats()?,
        };
        let (triples, []) = numbers.as_chunks::<3>() else {
            let got = format_args!("{} numbers", numbers.len());
            return Err(Fault::attribute(tag, "of three numbers a point", got));
        };
        let tag = Tag::NUMBER_OF_CONTOUR_POINTS;
        let declared = item.integer(tag)?;
        if declared.is_some_and(|n| usize::try_from(n) != Ok(triples.len())) && !file.lenient {
            let got = format_args!("{} for {}", declared.unwrap_or(0), triples.len());
            return Err(Fault::attribute(tag, "the number of points there are", got));
        }
        let image = item.item(Tag::CONTOUR_IMAGE_SEQUENCE);
        Ok(Self {
            kind: ContourKind::of_term(&kind),
            points: { triples.iter() }
                .map(|&[x, y, z]| Point::new(x, y, z))
                .collect(),
            image: image.map(SourceFrame::of_item).transpose()?,
        })
    }
}
