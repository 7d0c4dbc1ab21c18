//! What can be wrong inside one NIfTI file.

/// Why the contents of a NIfTI file were refused; [`crate::Error::Nifti`] adds the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes are no NIfTI header.
    #[error("not a NIfTI file: {reason}")]
    NotNifti {
        /// Which mark was missing, and what stood there.
        reason: String,
    },
    /// A header field breaks its rule.
    #[error("{field} (byte {offset}) must be {rule}, got {value}")]
    InvalidField {
        /// Name of the field in the NIfTI standard.
        field: &'static str,
        /// Its byte offset in the header.
        offset: usize,
        /// The rule.
        rule: &'static str,
        /// The refused value.
        value: String,
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
    #[error("gzip member at byte {offset}: {problem}")]
    Gzip {
        /// Where the damaged member starts in the compressed file.
        offset: u64,
        /// What the decompressor said.
        problem: String,
    },
    /// Compressed data goes on far behind the last voxel.
    #[error("more than {limit} bytes follow the last voxel in the compressed data")]
    Oversized {
        /// Bytes that were read on to find the end.
        limit: u64,
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
    /// The affine maps, a limit or the memory were refused.
    #[error("{what}: {source}")]
    Core {
        /// `sform`, `qform`, `voxels` ...
        what: &'static str,
        /// The rule that was broken.
        #[source]
        source: Box<medcore::Error>,
    },
    /// The system refused to read on.
    #[error("read: {0}")]
    Io(#[from] std::io::Error),
}

impl Fault {
    pub(crate) fn core(what: &'static str) -> impl FnOnce(medcore::Error) -> Self {
        move |source| Self::Core {
            what,
            source: Box::new(source),
        }
    }
}
