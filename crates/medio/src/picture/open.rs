//! What all picture formats share: sizes that are believed only as far as the file is long.

use std::borrow::Cow;
use std::path::PathBuf;

use medcore::Budget;

use super::{bmp, jpeg, png, tiff};
use crate::fault::Fault;
use crate::format::Format;
use crate::grid::unplaced;
use crate::options::ReadOptions;
use crate::raw::{Body, Decode, Samples, Source, Stored, len64};
use crate::report::Report;
use crate::volume::VolumeFile;
use crate::voxel::Datatype;

/// What the header of a picture says, and how to get its samples.
pub(super) struct Picture<'a> {
    pub layout: Layout,
    /// Gives all samples, those of a pixel together.
    pub decode: Decode<'a>,
}

/// Sizes and number type of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub channels: u64,
    /// Pages, rows, columns.
    pub shape: [u64; 3],
    pub sample: Datatype,
}

impl Layout {
    /// How its samples lie, if the file is long enough for them at the best compression the format has.
    pub(super) fn stored(&self, file: &[u8], most_expansion: u64) -> Result<Stored, Fault> {
        const FEW: u64 = 1 << 16;
        let stored = Stored::new(self.channels, self.shape, self.sample);
        let stored = stored.ok_or_else(|| Fault::Contradiction {
            rule: "width, height and samples must have a product that can be addressed",
            got: format!("{:?} and {}", self.shape, self.channels),
        })?;
        let most = len64(file.len())
            .saturating_mul(most_expansion)
            .saturating_add(FEW);
        match stored.bytes <= most {
            true => Ok(stored),
            false => Err(Fault::Truncated {
                what: "the picture",
                needed: stored.bytes,
                available: most,
            }),
        }
    }
}

/// Whether a picture is so much longer than its file that it is decoded once before memory is spent on it.
pub(super) fn expands(stored: &Stored, file: &[u8]) -> bool {
    stored.bytes > len64(file.len()).saturating_mul(8).saturating_add(4 << 20)
}

/// What the memory of all samples is called in messages.
const WHAT: &str = "the decoded picture";

/// Claims memory for all samples.
pub(super) fn claim(stored: &Stored, budget: &Budget) -> Result<(), Fault> {
    let claimed = budget.claim_bytes(WHAT, stored.bytes);
    claimed.map_err(Fault::core(WHAT))
}

/// Memory for all samples, claimed and zeroed.
pub(super) fn room(stored: &Stored, budget: &Budget) -> Result<Vec<u8>, Fault> {
    claim(stored, budget)?;
    let len = usize::try_from(stored.bytes).unwrap_or(usize::MAX);
    medcore::buffer::zeroed(len, WHAT).map_err(Fault::core(WHAT))
}

/// What a decoder said.
pub(super) fn codec(what: &'static str) -> impl Fn(&dyn std::fmt::Display) -> Fault {
    move |problem| Fault::Codec {
        what,
        problem: problem.to_string(),
    }
}

/// Opens a picture and checks its sizes; samples are decoded when they are asked for.
pub(crate) fn open<'a>(
    format: Format,
    source: Source<'a>,
    options: &ReadOptions,
    budget: &Budget,
) -> Result<VolumeFile<'a>, Fault> {
    let path = source
        .path()
        .map_or_else(|| PathBuf::from("memory"), PathBuf::from);
    let mut report = Report::default();
    let file: Cow<'a, [u8]> = source.span(0).load(budget)?;
    let picture = match format {
        Format::Png => png::open(file, &mut report)?,
        Format::Tiff => tiff::open(file)?,
        Format::Jpeg => jpeg::open(file)?,
        _ => bmp::open(file)?,
    };
    let Layout {
        channels,
        shape,
        sample,
    } = picture.layout;
    let stored = Stored::new(channels, shape, sample).ok_or(Fault::MissingEntry { key: "size" })?;
    let stored = Stored {
        order: Samples::Interleaved { run: 1 },
        endian: match format {
            Format::Png => crate::raw::Endian::Big,
            _ => stored.endian,
        },
        ..stored
    };
    let geometry = unplaced(stored.shape, options)?;
    Ok(VolumeFile {
        format,
        stored,
        geometry,
        report,
        body: Body::Decoded(picture.decode),
        path,
    })
}
