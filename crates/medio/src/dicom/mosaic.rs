//! Mosaics of Siemens scanners: a volume's slices side by side in one image.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "vectors of millimetres; whole numbers are checked"
)]

use medcore::Vector;

use super::csa::Csa;
use super::dataset::Dataset;
use super::fault::Fault;
use super::instance::Tile;
use super::pixels::{FramePlane, ImagePixels};
use super::private::Private;
use super::tag::Tag;
use super::vr::Vr;

const IMAGES: Private = Private {
    creator: "SIEMENS MR HEADER",
    group: 0x0019,
    element: 0x0a,
    vr: Vr::US,
};

/// More tiles than any scanner makes.
const MOST_TILES: f64 = 4096.0;

/// How a mosaic is made up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mosaic {
    /// Where each slice begins, and where it lies in the patient.
    pub(super) tiles: Vec<(Tile, FramePlane)>,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Mosaic {
    /// The slices of a mosaic; none if the image is no mosaic.
    ///
    /// The position that the file gives is that of an image as large as the mosaic around the same centre:
    /// half of the difference leads to the slice's own first pixel.
    pub(super) fn of(
        dataset: &Dataset,
        image: &ImagePixels,
        plane: &FramePlane,
    ) -> Result<Option<Self>, Fault> {
        let kind = dataset.strings(Tag::IMAGE_TYPE);
        if !kind.iter().any(|term| term == "MOSAIC") {
            return Ok(None);
        }
        let csa = Csa::of(dataset);
        let number = IMAGES.float(dataset);
        let number = number.or_else(|| csa?.float("NumberOfImagesInMosaic"));
        // A derived image may keep the word and hold no tiles.
        let Some(number) = number else {
            return Ok(None);
        };
        let fault =
            |got: String| Fault::attribute(Tag::IMAGE_TYPE, "of a mosaic of whole tiles", got);
        let wrong = || {
            fault(format!(
                "{number} tiles in {} x {}",
                image.rows, image.columns
            ))
        };
        let fits = (1.0..=MOST_TILES).contains(&number) && number.fract() == 0.0;
        #[expect(clippy::as_conversions, reason = "a small whole number")]
        let count = if fits {
            number as usize
        } else {
            return Err(wrong());
        };
        let mut side = count.isqrt();
        if side.checked_mul(side).is_none_or(|tiles| tiles < count) {
            side = side.saturating_add(1);
        }
        let whole = |n: usize| n.checked_div(side).filter(|part| *part > 0);
        let (Some(rows), Some(columns)) = (whole(image.rows), whole(image.columns)) else {
            return Err(wrong());
        };
        if !image.rows.is_multiple_of(side)
            || !image.columns.is_multiple_of(side)
            || image.samples != 1
        {
            return Err(wrong());
        }
        let mut first = *plane;
        let mut between = Vector::new(0.0, 0.0, 0.0);
        if let (Some(position), Some([row, column]), Some([dy, dx])) =
            (plane.position, plane.orientation, plane.spacing)
        {
            let half = |whole: usize, part: usize| {
                u32::try_from(whole.saturating_sub(part)).map_or(0.0, |n| f64::from(n) / 2.0)
            };
            let down = column * (dy * half(image.rows, rows));
            let across = row * (dx * half(image.columns, columns));
            first.position = Some(position + down + across);
            let normal = row.cross(column);
            // The header's own normal tells which way the slices go.
            let says = csa.and_then(|csa| csa.floats::<3>("SliceNormalVector"));
            let sign = match says {
                Some([x, y, z]) if normal.dot(Vector::new(x, y, z)) < 0.0 => -1.0,
                _ => 1.0,
            };
            let spacing = dataset.float(Tag::SPACING_BETWEEN_SLICES)?;
            let spacing = spacing.filter(|mm| *mm > 0.0);
            let thickness = dataset.float(Tag::SLICE_THICKNESS)?;
            let spacing = spacing.or(thickness.filter(|mm| *mm > 0.0));
            let missing = Fault::MissingAttribute {
                tag: Tag::SPACING_BETWEEN_SLICES,
            };
            between = normal * (sign * spacing.ok_or(missing)?);
        }
        let tile = |index: usize| {
            let (down, across) = (index.checked_div(side)?, index.checked_rem(side)?);
            let mut plane = first;
            let steps = f64::from(u32::try_from(index).ok()?);
            plane.position = first.position.map(|position| position + between * steps);
            let tile = Tile {
                row: down.checked_mul(rows)?,
                column: across.checked_mul(columns)?,
            };
            Some((tile, plane))
        };
        Ok(Some(Self {
            tiles: (0..count).filter_map(tile).collect(),
            rows,
            columns,
        }))
    }
}
