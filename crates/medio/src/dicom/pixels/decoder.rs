//! What a codec is asked for and what it gives.

/// The frame that the dataset describes, which a codestream has to agree with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) samples: usize,
    pub(super) bits_allocated: u32,
}

impl Wanted {
    pub(super) fn pixels(&self) -> usize {
        self.rows.saturating_mul(self.columns)
    }

    pub(super) fn bytes_per_sample(&self) -> usize {
        usize::try_from(self.bits_allocated.div_ceil(8)).unwrap_or(1)
    }

    /// Says whether a codestream of this shape is the frame.
    pub(super) fn check(
        &self,
        codec: &'static str,
        rows: usize,
        columns: usize,
        samples: usize,
    ) -> Result<(), CodecFault> {
        if (rows, columns, samples) == (self.rows, self.columns, self.samples) {
            return Ok(());
        }
        Err(CodecFault {
            codec,
            offset: 0,
            problem: format!(
                "the codestream has {rows} rows, {columns} columns, {samples} samples, the image \
                 {}, {}, {}",
                self.rows, self.columns, self.samples
            ),
        })
    }
}

/// Samples of a codestream, those of a pixel together, without sign.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Decoded {
    Narrow(Vec<u8>),
    Wide(Vec<u16>),
}

/// A decoded codestream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Codestream {
    pub(super) samples: Decoded,
    /// Bits of a sample in the codestream.
    pub(super) precision: u32,
    /// The codestream's own word on its sign: samples are then raised by half their range.
    pub(super) raised: bool,
    pub(super) colour: Colour,
}

/// What a codestream says of its colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    /// Nothing: the attributes decide.
    Unsaid,
    Rgb,
    YCbCr,
}

/// What is wrong with a codestream; the frame's number is added outside.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CodecFault {
    pub(super) codec: &'static str,
    pub(super) offset: usize,
    pub(super) problem: String,
}

/// Samples that a decoder may reserve before it has seen that they are there.
pub(super) fn first_reservation(samples: usize, compressed: usize) -> usize {
    samples.min(compressed.saturating_mul(8).saturating_add(4 << 20))
}
