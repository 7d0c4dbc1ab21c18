//! What can be wrong inside one image file, whatever its format.

use crate::format::Format;

/// Why the contents of a file were refused; [`crate::Error::File`] adds the path and the format.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes are not of the format.
    #[error("not a {format} file: {reason}")]
    Unrecognised {
        /// The format they were read as.
        format: Format,
        /// Which mark was missing, and what stood there.
        reason: String,
    },
    /// A field of a binary header breaks its rule.
    #[error("{field} (byte {offset}) must be {rule}, got {value}")]
    InvalidField {
        /// Name of the field in the standard.
        field: &'static str,
        /// Its byte offset in the header.
        offset: usize,
        /// The rule.
        rule: &'static str,
        /// The refused value.
        value: String,
    },
    /// An entry of a text header breaks its rule.
    #[error("{key} (line {line}) must be {rule}, got {value:?}")]
    InvalidEntry {
        /// Its key as the format spells it.
        key: String,
        /// Line of the header, from 1.
        line: usize,
        /// The rule.
        rule: &'static str,
        /// The refused value, shortened.
        value: String,
    },
    /// An entry that a text header needs is not there.
    #[error("the header has no {key}")]
    MissingEntry {
        /// Its key as the format spells it.
        key: &'static str,
    },
    /// Two parts of a header contradict each other.
    #[error("{rule}, got {got}")]
    Contradiction {
        /// What must agree.
        rule: &'static str,
        /// What was found.
        got: String,
    },
    /// The file is valid, but holds something this reader does not turn into an image.
    #[error("{what} is not supported")]
    Unsupported {
        /// The field and what it means.
        what: String,
    },
    /// There are fewer bytes than the header promises.
    #[error("truncated: {what} needs {needed} bytes, {available} are there")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Bytes needed.
        needed: u64,
        /// Bytes there.
        available: u64,
    },
    /// The compressed data is damaged.
    #[error("{packing} data at byte {offset}: {problem}")]
    Compressed {
        /// `gzip`, `zlib`, `bzip2` or `deflate`.
        packing: &'static str,
        /// Where the damaged member starts in the compressed data.
        offset: u64,
        /// What the decompressor said.
        problem: String,
    },
    /// Data goes on far beyond what the header announces.
    #[error("more than {limit} bytes of {what}")]
    Oversized {
        /// `the header`, `data behind the last voxel` ...
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Voxels stored as text hold something that is no number of their type.
    #[error("sample {sample} of the text must be {rule}, got {token:?}")]
    Token {
        /// Position among the samples, from 0.
        sample: u64,
        /// The rule.
        rule: &'static str,
        /// What stands there, shortened.
        token: String,
    },
    /// A header names a data file outside its own folder.
    #[error("{key} names {value:?}, which leaves the header's folder")]
    PathEscapes {
        /// `ElementDataFile`, `data file` ...
        key: &'static str,
        /// The refused name, shortened.
        value: String,
    },
    /// A data file that a header names cannot be opened.
    #[error("{key} names {name:?}: {cause}")]
    DataFile {
        /// `ElementDataFile`, `data file` ...
        key: &'static str,
        /// The name, shortened.
        name: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A voxel cannot be represented in the requested type.
    #[error(
        "value {value} at voxel {voxel:?} (channel {channel}) cannot be represented as {target} exactly"
    )]
    Value {
        /// The value after scaling.
        value: f64,
        /// Channel of the voxel.
        channel: usize,
        /// `[depth, height, width]`.
        voxel: [usize; 3],
        /// The requested type.
        target: &'static str,
    },
    /// The image has another rank or number of channels than the caller asked for.
    #[error("{wanted} was asked for, the file holds {channels} channels of shape {shape:?}")]
    Shape {
        /// What was asked for.
        wanted: &'static str,
        /// Channels in the file.
        channels: usize,
        /// `[depth, height, width]`.
        shape: [usize; 3],
    },
    /// The decoder of a picture format refused the file.
    #[error("{what}: {problem}")]
    Codec {
        /// What was being decoded.
        what: &'static str,
        /// What the decoder said.
        problem: String,
    },
    /// The affine maps, a limit or the memory were refused.
    #[error("{what}: {cause}")]
    Core {
        /// `sform`, `qform`, `voxels` ...
        what: &'static str,
        /// The rule that was broken.
        cause: Box<medcore::Error>,
    },
    /// The system refused to open or to read on.
    #[error("read: {0}")]
    Io(std::io::Error),
}

impl From<std::io::Error> for Fault {
    fn from(cause: std::io::Error) -> Self {
        Self::Io(cause)
    }
}

impl Fault {
    pub(crate) fn core(what: &'static str) -> impl FnOnce(medcore::Error) -> Self {
        move |cause| Self::Core {
            what,
            cause: Box::new(cause),
        }
    }
}

/// Text of a file for a message: its beginning if it is long.
pub(crate) fn shortened(text: &str) -> String {
    const ROOM: usize = 60;
    match text.char_indices().nth(ROOM) {
        None => text.to_owned(),
        Some((end, _)) => {
            let mut short = text.get(..end).unwrap_or_default().to_owned();
            short.push('…');
            short
        }
    }
}
