//! Transfer syntaxes: how a dataset and its pixels are encoded (PS3.5 section 10 and annex A, PS3.6 table A-1).

/// How the pixels of a file are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Not at all.
    Native,
    /// Encapsulated, but not compressed: each frame is its native bytes.
    EncapsulatedNative,
    /// Each frame deflated.
    DeflatedFrame,
    /// Run lengths (PS3.5 annex G).
    Rle,
    /// JPEG with discrete cosine transform, 8 or 12 bits, or lossless by prediction (ITU-T T.81).
    Jpeg,
    /// JPEG-LS, lossless or near-lossless (ITU-T T.87).
    JpegLs,
    /// JPEG 2000 (ITU-T T.800).
    Jpeg2000,
    /// High-throughput JPEG 2000 (ITU-T T.814).
    HighThroughputJpeg2000,
    /// JPEG XL (ISO/IEC 18181).
    JpegXl,
    /// MPEG-2, MPEG-4, HEVC and other moving pictures.
    Video,
    /// Anything else: references to other places, retired and private encodings.
    Other,
}

/// One transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferSyntax {
    /// Unique identifier.
    pub uid: &'static str,
    /// Name in PS3.6.
    pub name: &'static str,
    /// Compression of the pixels.
    pub codec: Codec,
    pub(crate) dataset: Encoding,
}

/// How the dataset around the pixels is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) explicit: bool,
    pub(crate) big_endian: bool,
    pub(crate) deflated: bool,
}

impl Encoding {
    pub(crate) const IMPLICIT: Self = Self {
        explicit: false,
        big_endian: false,
        deflated: false,
    };
    pub(crate) const EXPLICIT: Self = Self {
        explicit: true,
        big_endian: false,
        deflated: false,
    };
    const BIG_ENDIAN: Self = Self {
        explicit: true,
        big_endian: true,
        deflated: false,
    };
    const DEFLATED: Self = Self {
        explicit: true,
        big_endian: false,
        deflated: true,
    };
}

const fn entry(
    uid: &'static str,
    name: &'static str,
    codec: Codec,
    dataset: Encoding,
) -> TransferSyntax {
    TransferSyntax {
        uid,
        name,
        codec,
        dataset,
    }
}

macro_rules! encapsulated {
    ($($uid:literal $codec:ident $name:literal)*) => {
        &[$(entry($uid, $name, Codec::$codec, Encoding::EXPLICIT)),*]
    };
}

const ENCAPSULATED: &[TransferSyntax] = encapsulated! {
    "1.2.840.10008.1.2.1.98" EncapsulatedNative "Encapsulated Uncompressed Explicit VR Little Endian"
    "1.2.840.10008.1.2.8.1" DeflatedFrame "Deflated Image Frame Compression"
    "1.2.840.10008.1.2.5" Rle "RLE Lossless"
    "1.2.840.10008.1.2.4.50" Jpeg "JPEG Baseline (Process 1)"
    "1.2.840.10008.1.2.4.51" Jpeg "JPEG Extended (Process 2 & 4)"
    "1.2.840.10008.1.2.4.57" Jpeg "JPEG Lossless, Non-Hierarchical (Process 14)"
    "1.2.840.10008.1.2.4.70" Jpeg "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])"
    "1.2.840.10008.1.2.4.80" JpegLs "JPEG-LS Lossless Image Compression"
    "1.2.840.10008.1.2.4.81" JpegLs "JPEG-LS Lossy (Near-Lossless) Image Compression"
    "1.2.840.10008.1.2.4.90" Jpeg2000 "JPEG 2000 Image Compression (Lossless Only)"
    "1.2.840.10008.1.2.4.91" Jpeg2000 "JPEG 2000 Image Compression"
    "1.2.840.10008.1.2.4.92" Jpeg2000 "JPEG 2000 Part 2 Multi-component Image Compression (Lossless Only)"
    "1.2.840.10008.1.2.4.93" Jpeg2000 "JPEG 2000 Part 2 Multi-component Image Compression"
    "1.2.840.10008.1.2.4.94" Other "JPIP Referenced"
    "1.2.840.10008.1.2.4.100" Video "MPEG2 Main Profile / Main Level"
    "1.2.840.10008.1.2.4.100.1" Video "Fragmentable MPEG2 Main Profile / Main Level"
    "1.2.840.10008.1.2.4.101" Video "MPEG2 Main Profile / High Level"
    "1.2.840.10008.1.2.4.101.1" Video "Fragmentable MPEG2 Main Profile / High Level"
    "1.2.840.10008.1.2.4.102" Video "MPEG-4 AVC/H.264 High Profile / Level 4.1"
    "1.2.840.10008.1.2.4.102.1" Video "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1"
    "1.2.840.10008.1.2.4.103" Video "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"
    "1.2.840.10008.1.2.4.103.1" Video "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"
    "1.2.840.10008.1.2.4.104" Video "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"
    "1.2.840.10008.1.2.4.104.1" Video "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"
    "1.2.840.10008.1.2.4.105" Video "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"
    "1.2.840.10008.1.2.4.105.1" Video "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"
    "1.2.840.10008.1.2.4.106" Video "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"
    "1.2.840.10008.1.2.4.106.1" Video "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"
    "1.2.840.10008.1.2.4.107" Video "HEVC/H.265 Main Profile / Level 5.1"
    "1.2.840.10008.1.2.4.108" Video "HEVC/H.265 Main 10 Profile / Level 5.1"
    "1.2.840.10008.1.2.4.110" JpegXl "JPEG XL Lossless"
    "1.2.840.10008.1.2.4.111" JpegXl "JPEG XL JPEG Recompression"
    "1.2.840.10008.1.2.4.112" JpegXl "JPEG XL"
    "1.2.840.10008.1.2.4.201" HighThroughputJpeg2000 "High-Throughput JPEG 2000 Image Compression (Lossless Only)"
    "1.2.840.10008.1.2.4.202" HighThroughputJpeg2000 "High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)"
    "1.2.840.10008.1.2.4.203" HighThroughputJpeg2000 "High-Throughput JPEG 2000 Image Compression"
    "1.2.840.10008.1.2.4.204" Other "JPIP HTJ2K Referenced"
};

impl TransferSyntax {
    /// Implicit VR Little Endian, the default of DICOM.
    pub const IMPLICIT_LITTLE_ENDIAN: Self = entry(
        "1.2.840.10008.1.2",
        "Implicit VR Little Endian",
        Codec::Native,
        Encoding::IMPLICIT,
    );
    /// Explicit VR Little Endian.
    pub const EXPLICIT_LITTLE_ENDIAN: Self = entry(
        "1.2.840.10008.1.2.1",
        "Explicit VR Little Endian",
        Codec::Native,
        Encoding::EXPLICIT,
    );
    /// Explicit VR Big Endian (retired).
    pub const EXPLICIT_BIG_ENDIAN: Self = entry(
        "1.2.840.10008.1.2.2",
        "Explicit VR Big Endian",
        Codec::Native,
        Encoding::BIG_ENDIAN,
    );
    /// Deflated Explicit VR Little Endian.
    pub const DEFLATED: Self = entry(
        "1.2.840.10008.1.2.1.99",
        "Deflated Explicit VR Little Endian",
        Codec::Native,
        Encoding::DEFLATED,
    );

    /// The syntax of a unique identifier.
    ///
    /// ```
    /// use medio::dicom::{Codec, TransferSyntax};
    ///
    /// let syntax = TransferSyntax::from_uid("1.2.840.10008.1.2.4.80").unwrap();
    /// assert_eq!(syntax.codec, Codec::JpegLs);
    /// ```
    #[must_use]
    pub fn from_uid(uid: &str) -> Option<Self> {
        let whole = [
            Self::IMPLICIT_LITTLE_ENDIAN,
            Self::EXPLICIT_LITTLE_ENDIAN,
            Self::EXPLICIT_BIG_ENDIAN,
            Self::DEFLATED,
        ];
        let all = whole.iter().chain(ENCAPSULATED);
        all.copied().find(|syntax| syntax.uid == uid)
    }

    /// Whether pixel data is a list of fragments.
    #[must_use]
    pub fn is_encapsulated(&self) -> bool {
        self.codec != Codec::Native
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syntax_is_found_by_its_identifier() {
        for syntax in ENCAPSULATED {
            assert_eq!(TransferSyntax::from_uid(syntax.uid), Some(*syntax));
            assert!(syntax.is_encapsulated());
        }
        let implicit = TransferSyntax::from_uid("1.2.840.10008.1.2").unwrap();
        assert!(!implicit.dataset.explicit && !implicit.is_encapsulated());
        assert_eq!(TransferSyntax::from_uid("1.2.3"), None);
    }
}
