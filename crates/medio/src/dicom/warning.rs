//! What was doubtful in a DICOM file, and what was done about it.

use super::tag::Tag;
use crate::report::Report;

impl Report {
    /// Adds a slip, or counts it where it is known.
    pub(super) fn slip(&mut self, slip: Slip, tag: Tag, offset: u64) {
        let known = self.warnings.iter_mut().find_map(|warning| match warning {
            crate::Warning::Dicom(Warning::Tolerated { slip: s, times, .. }) if *s == slip => {
                Some(times)
            }
            _ => None,
        });
        match known {
            Some(times) => *times = times.saturating_add(1),
            None => self.add(Warning::Tolerated {
                slip,
                tag,
                offset,
                times: 1,
            }),
        }
    }
}

/// A slip of writers that does not make a file ambiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Slip {
    /// A length is odd (PS3.5 section 7.1 asks for even ones).
    #[error("its length is odd")]
    OddLength,
    /// Attributes do not stand in ascending order.
    #[error("it stands behind an attribute with a higher tag")]
    Unordered,
    /// An attribute is there twice with the same value.
    #[error("it is there twice with the same value")]
    Repeated,
    /// A delimiter closes nothing; it was skipped.
    #[error("a delimiter that closes nothing was skipped")]
    StrayDelimiter,
    /// An attribute of explicit representation `UN` was read with the dictionary's.
    #[error("its representation UN was replaced by the dictionary's")]
    UnknownWasKnown,
    /// Attributes of group 0002 stand in the dataset.
    #[error("an attribute of group 0002 stands in the dataset")]
    MetaInDataset,
}

/// One doubt or repair.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// A slip that was read as it was meant.
    #[error("{tag} at byte {offset}: {slip} ({times} times in the file)")]
    Tolerated {
        /// Which.
        slip: Slip,
        /// Where it occurred first.
        tag: Tag,
        /// Byte offset of that.
        offset: u64,
        /// How often it occurred.
        times: u64,
    },
    /// The file starts with something else than 128 bytes and `DICM`.
    #[error("the file does not start with 128 bytes and DICM")]
    NoPreamble,
    /// The preamble makes the file look like one of another kind too.
    #[error("the preamble is also that of another kind of file: {kind}")]
    Preamble {
        /// `MZ (Windows program)`, `ELF`, `TIFF` ...
        kind: &'static str,
    },
    /// The file meta information names no transfer syntax; this one fits the dataset's first bytes.
    #[error("no transfer syntax is named; {uid} was used")]
    TransferSyntaxGuessed {
        /// Unique identifier of the one used.
        uid: &'static str,
    },
    /// The dataset is not encoded as the transfer syntax says; it was read as it is.
    #[error("the dataset is not encoded as the transfer syntax says; representations are {}", if *explicit { "explicit" } else { "implicit" })]
    EncodingDisagrees {
        /// Whether representations are explicit in the dataset.
        explicit: bool,
    },
    /// The length of the file meta information is wrong or missing; its end was found by its group number.
    #[error("the file meta information is {found} bytes long, its length says {declared:?}")]
    MetaLength {
        /// What the file says.
        declared: Option<u64>,
        /// What it is.
        found: u64,
    },
    /// The file ends inside an element; that element was left out.
    #[error("the file ends inside {tag} at byte {offset}, which was left out")]
    Truncated {
        /// The element.
        tag: Tag,
        /// Where it starts.
        offset: u64,
    },
    /// Two different values of one attribute; the last was used.
    #[error("{tag} is there with two different values; the last was used")]
    Contradiction {
        /// The attribute.
        tag: Tag,
    },
    /// `SpecificCharacterSet` names an encoding that is not known; text outside ASCII is replaced.
    #[error("the character set {term:?} is not known; text outside ASCII was replaced")]
    UnknownCharacterSet {
        /// The term.
        term: String,
    },
    /// More bytes of pixel data than the frames need.
    #[error("{bytes} bytes of pixel data follow the last frame")]
    ExcessPixelData {
        /// Bytes beyond the last frame.
        bytes: u64,
    },
    /// The image's description and its pixel data disagree about the number of frames; the latter was believed.
    #[error("{declared} frames are declared, {found} are there")]
    FrameCount {
        /// What the file says.
        declared: u64,
        /// What is there.
        found: u64,
    },
    /// Pixel data ends early; what is missing was filled with zeros, as was asked for.
    #[error("pixel data ends early; {bytes} bytes were filled with zeros")]
    PixelsFilled {
        /// Bytes missing.
        bytes: u64,
    },
    /// The codestream contradicts an attribute of the image; the codestream was believed.
    #[error("the codestream was believed: {tag} is {found} there, {declared} in the file")]
    CodestreamDisagrees {
        /// The attribute.
        tag: Tag,
        /// What the file says.
        declared: String,
        /// What the codestream says.
        found: String,
    },
}

impl Warning {
    /// Whether another is of the same kind, whatever its numbers.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tolerated { slip: a, .. }, Self::Tolerated { slip: b, .. }) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}
