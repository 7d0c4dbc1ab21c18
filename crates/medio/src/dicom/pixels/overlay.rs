//! Overlays: graphics and regions of one bit a pixel (PS3.3 section C.9.2).

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::tag::Tag;

/// One overlay plane.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Overlay {
    /// Its group, 0x6000 to 0x601E.
    pub group: u16,
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Row and column of the image that its first pixel lies on, from 0; it may lie outside.
    pub origin: [i64; 2],
    /// Number of frames.
    pub frames: usize,
    /// Whether it marks a region (`R`), and not graphics (`G`).
    pub is_region: bool,
    /// What it shows.
    pub description: Option<String>,
    /// `[frames, rows, columns]`
    pub mask: Vec<bool>,
}

const ROWS: u16 = 0x0010;
const COLUMNS: u16 = 0x0011;
const FRAMES: u16 = 0x0015;
const DESCRIPTION: u16 = 0x0022;
const TYPE: u16 = 0x0040;
const ORIGIN: u16 = 0x0050;
const BIT_POSITION: u16 = 0x0102;
const DATA: u16 = 0x3000;

/// An overlay that shares its words with the pixels (retired): which bit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Embedded {
    pub(super) group: u16,
    pub(super) bit: u32,
}

/// The overlays of a dataset that stand on their own, and those that share the pixels' words.
pub(super) fn overlays(dataset: &Dataset) -> Result<(Vec<Overlay>, Vec<Embedded>), Fault> {
    let (mut own, mut embedded) = (Vec::new(), Vec::new());
    for group in (0x6000..=0x601e).step_by(2) {
        let tag = |element| Tag::new(group, element);
        if dataset.has_value(tag(DATA)) {
            own.push(read(dataset, group)?);
        } else if let Some(bit) = dataset.integer(tag(BIT_POSITION))? {
            let bit = u32::try_from(bit).ok().filter(|bit| *bit < 32);
            let bit = bit.ok_or_else(|| Fault::attribute(tag(BIT_POSITION), "0 to 31", group))?;
            embedded.push(Embedded { group, bit });
        }
    }
    Ok((own, embedded))
}

fn read(dataset: &Dataset, group: u16) -> Result<Overlay, Fault> {
    let tag = |element| Tag::new(group, element);
    let size = |element| -> Result<usize, Fault> {
        let tag = tag(element);
        let value = dataset.required_integer(tag)?;
        let number = usize::try_from(value)
            .ok()
            .filter(|n| (1..=65535).contains(n));
        number.ok_or_else(|| Fault::attribute(tag, "1 to 65535", value))
    };
    let shape = [size(ROWS)?, size(COLUMNS)?];
    let [rows, columns] = shape;
    let frames = match dataset.integer(tag(FRAMES))? {
        None => 1,
        Some(_) => size(FRAMES)?,
    };
    let bytes = dataset.bytes(tag(DATA)).unwrap_or(&[]);
    let bits = rows.saturating_mul(columns).saturating_mul(frames);
    if bits.div_ceil(8) > bytes.len() {
        let got = format_args!(
            "{} bytes for {frames} x {rows} x {columns} bits",
            bytes.len()
        );
        return Err(Fault::attribute(tag(DATA), "one bit a pixel", got));
    }
    let mask = bytes
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| (byte >> bit) & 1 == 1));
    let mut overlay = placed(dataset, group, shape, frames)?;
    overlay.mask = mask.take(bits).collect();
    Ok(overlay)
}

/// An overlay without its mask.
pub(super) fn placed(
    dataset: &Dataset,
    group: u16,
    shape: [usize; 2],
    frames: usize,
) -> Result<Overlay, Fault> {
    let tag = |element| Tag::new(group, element);
    let origin = match dataset.integers(tag(ORIGIN))?.as_slice() {
        [] => [0, 0],
        // Rows and columns count from 1.
        [row, column] => [row.saturating_sub(1), column.saturating_sub(1)],
        _ => return Err(Fault::attribute(tag(ORIGIN), "two numbers", group)),
    };
    Ok(Overlay {
        group,
        shape,
        origin,
        frames,
        is_region: dataset.string(tag(TYPE)).as_deref() == Some("R"),
        description: dataset.text(tag(DESCRIPTION)),
        mask: Vec::new(),
    })
}
