//! What can be wrong inside one DICOM file.

use std::path::Path;

use super::tag::Tag;

/// Why the contents of a DICOM file were refused; [`crate::Error::Dicom`] adds the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes are neither a DICOM file nor a bare dataset.
    #[error("not a DICOM file: {reason}")]
    NotDicom {
        /// Which mark was missing.
        reason: &'static str,
    },
    /// There are fewer bytes than a length promises.
    #[error("truncated: {what} at byte {offset} needs {needed} bytes, {available} are there")]
    Truncated {
        /// The attribute, or the part of it, that was being read.
        what: String,
        /// Where it starts, in the inflated dataset if that is deflated.
        offset: u64,
        /// Bytes needed.
        needed: u64,
        /// Bytes there.
        available: u64,
    },
    /// The encoding of an element breaks its rule.
    #[error("{tag} at byte {offset}: {rule}, got {got}")]
    InvalidElement {
        /// The attribute.
        tag: Tag,
        /// Where it starts, in the inflated dataset if that is deflated.
        offset: u64,
        /// The rule.
        rule: &'static str,
        /// What was found.
        got: String,
    },
    /// A deflated dataset is damaged.
    #[error("deflated dataset: {problem}")]
    Deflate {
        /// What the decompressor said.
        problem: String,
    },
    /// Neither a keyword nor two hexadecimal numbers.
    #[error("no attribute is called {text:?}")]
    UnknownTag {
        /// The refused name.
        text: String,
    },
    /// An attribute that is needed is absent or empty.
    #[error("{tag} is missing")]
    MissingAttribute {
        /// The attribute.
        tag: Tag,
    },
    /// The value of an attribute breaks its rule.
    #[error("{tag} must be {rule}, got {value:?}")]
    InvalidAttribute {
        /// The attribute.
        tag: Tag,
        /// The rule.
        rule: &'static str,
        /// The refused value.
        value: String,
    },
    /// The pixels are in an encoding that is not decoded here.
    #[error("transfer syntax {name} ({uid}) is not supported")]
    UnsupportedTransferSyntax {
        /// Its unique identifier.
        uid: String,
        /// Its name in PS3.6, or `unknown`.
        name: &'static str,
    },
    /// The file is valid, but holds something this reader does not turn into an image.
    #[error("{what} is not supported")]
    Unsupported {
        /// The attribute and what it means.
        what: String,
    },
    /// The file holds no image.
    #[error("the dataset holds no pixel data")]
    NoPixelData,
    /// A frame was asked for that is not there.
    #[error("frame {frame} was asked for, the file has {frames}")]
    NoSuchFrame {
        /// Its index, from 0.
        frame: usize,
        /// Number of frames.
        frames: usize,
    },
    /// The fragments of encapsulated pixel data do not give the frames that the image declares.
    #[error("frames of the pixel data: {problem}")]
    FrameIndex {
        /// What does not fit, with numbers.
        problem: String,
    },
    /// The compressed data of a frame is damaged or contradicts the image's description.
    #[error("frame {frame}, {codec} byte {offset}: {problem}")]
    Codec {
        /// Its index, from 0.
        frame: usize,
        /// `RLE`, `JPEG`, `JPEG-LS`, `JPEG 2000`.
        codec: &'static str,
        /// Where in the frame's compressed data.
        offset: usize,
        /// What is wrong.
        problem: String,
    },
    /// A pixel cannot be represented in the requested type.
    #[error("value {value} of pixel {index:?} (frame {frame}) cannot be represented as {target}")]
    Value {
        /// The value.
        value: f64,
        /// Frame, from 0.
        frame: usize,
        /// `[channel, row, column]`.
        index: [usize; 3],
        /// The requested type.
        target: &'static str,
    },
    /// A part of DICOM JSON breaks PS3.18 annex F.
    #[error("DICOM JSON, {path}: {problem}")]
    Json {
        /// The attributes on the way there.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// Labels and a grid do not fit one another.
    #[error(transparent)]
    Labels(Box<super::LabelFault>),
    /// The file does not say what a length is in millimetres.
    #[error("no length in millimetres: {problem}")]
    Uncalibrated {
        /// Why not.
        problem: String,
    },
    /// A geometry, a limit or the memory was refused.
    #[error("{what}: {cause}")]
    Core {
        /// `pixels`, `dataset`, `geometry` ...
        what: &'static str,
        /// The rule that was broken.
        cause: Box<medcore::Error>,
    },
    /// Text that identifies somebody may be burned into the pixels, and no rule says where.
    #[error("text may be burned into the pixels: {reason}")]
    BurnedInText {
        /// Why that is likely.
        reason: &'static str,
    },
    /// The system refused to read on.
    #[error("read: {0}")]
    Io(std::io::Error),
}

impl From<std::io::Error> for Fault {
    fn from(cause: std::io::Error) -> Self {
        Self::Io(cause)
    }
}

impl Fault {
    pub(crate) fn core(what: &'static str) -> impl Fn(medcore::Error) -> Self {
        move |cause| Self::Core {
            what,
            cause: Box::new(cause),
        }
    }

    pub(crate) fn attribute(tag: Tag, rule: &'static str, value: impl std::fmt::Display) -> Self {
        // A value of any length comes from the file; its beginning tells enough.
        let value = value.to_string().chars().take(80).collect();
        Self::InvalidAttribute { tag, rule, value }
    }
}

impl From<super::LabelFault> for Fault {
    fn from(fault: super::LabelFault) -> Self {
        Self::Labels(Box::new(fault))
    }
}

impl crate::Error {
    pub(crate) fn dicom(path: &Path) -> impl Fn(Fault) -> Self + use<> {
        let path = path.to_owned();
        move |fault| Self::Dicom {
            path: path.clone(),
            fault: Box::new(fault),
        }
    }
}
