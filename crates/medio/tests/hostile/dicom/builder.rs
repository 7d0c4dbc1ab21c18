//! DICOM files element by element, right unless a case says otherwise.

use std::io::Write;

pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(crate) const IMPLICIT: &str = "1.2.840.10008.1.2";
pub(crate) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
pub(crate) const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
pub(crate) const RLE: &str = "1.2.840.10008.1.2.5";
pub(crate) const JPEG: &str = "1.2.840.10008.1.2.4.50";
pub(crate) const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
pub(crate) const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
pub(crate) const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
pub(crate) const HTJ2K: &str = "1.2.840.10008.1.2.4.201";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// The words whose bytes are 0, 7, 14, ... modulo 256: 64 x 64 of them.
pub(crate) fn pixels() -> Vec<u8> {
    (0..64 * 64 * 2_u32).map(|i| (i * 7) as u8).collect()
}

/// An element with explicit representation, padded to an even length.
pub(crate) fn element(group: u16, number: u16, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if ["UI", "OB", "UN"].contains(&vr) {
            0
        } else {
            b' '
        });
    }
    with_length(group, number, vr, &value, value.len() as u32)
}

/// An element that claims to be so long.
pub(crate) fn with_length(group: u16, number: u16, vr: &str, value: &[u8], length: u32) -> Vec<u8> {
    let mut out = [group.to_le_bytes(), number.to_le_bytes()].concat();
    out.extend(vr.as_bytes());
    let long = [
        "OB", "OW", "OF", "OD", "OL", "OV", "SQ", "UN", "UC", "UR", "UT", "SV", "UV",
    ];
    if long.contains(&vr) {
        out.extend([0, 0]);
        out.extend(length.to_le_bytes());
    } else {
        out.extend((length as u16).to_le_bytes());
    }
    out.extend(value);
    out
}

/// The same elements with implicit representation.
pub(crate) fn implicit(mut elements: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [a, b, c, d, v, r, rest @ ..] = elements {
        let long = ["OB", "OW", "OV", "SQ", "UN"].map(str::as_bytes);
        let (length, value) = if long.contains(&&[*v, *r][..]) {
            let length = u32::from_le_bytes(rest[2..6].try_into().unwrap());
            (length, &rest[6..])
        } else {
            (
                u32::from(u16::from_le_bytes([rest[0], rest[1]])),
                &rest[2..],
            )
        };
        out.extend([*a, *b, *c, *d]);
        out.extend(length.to_le_bytes());
        out.extend(&value[..length as usize]);
        elements = &value[length as usize..];
    }
    out
}

pub(crate) fn item(value: &[u8]) -> Vec<u8> {
    item_of_length(value, value.len() as u32)
}

pub(crate) fn item_of_length(value: &[u8], length: u32) -> Vec<u8> {
    [&[0xfe, 0xff, 0x00, 0xe0][..], &length.to_le_bytes(), value].concat()
}

pub(crate) const SEQUENCE_END: [u8; 8] = [0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0];
pub(crate) const ITEM_END: [u8; 8] = [0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0];

/// The start of encapsulated pixel data.
pub(crate) fn encapsulated_start() -> Vec<u8> {
    with_length(0x7fe0, 0x10, "OB", &[], u32::MAX)
}

/// Encapsulated pixel data with an offset table.
pub(crate) fn encapsulated(fragments: &[Vec<u8>], table: &[u8]) -> Vec<u8> {
    let mut out = encapsulated_start();
    out.extend(item(table));
    for fragment in fragments {
        let mut even = fragment.clone();
        even.resize(fragment.len().next_multiple_of(2), 0);
        out.extend(item(&even));
    }
    out.extend(SEQUENCE_END);
    out
}

/// The attributes of an image; elements that are `None` are left out.
#[derive(Clone)]
pub(crate) struct Image {
    pub rows: Option<u16>,
    pub columns: Option<u16>,
    pub samples: u16,
    pub photometric: &'static str,
    pub frames: Option<String>,
    pub bits: [u16; 3],
    pub signed: Option<u16>,
    pub slope: String,
    pub spacing: String,
    pub orientation: String,
    pub character_set: String,
    pub name: Vec<u8>,
    pub instance: &'static str,
    /// Before group 0028, behind it, and instead of the pixel data.
    pub middle: Vec<u8>,
    pub behind: Vec<u8>,
    pub pixel_data: Option<Vec<u8>>,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            rows: Some(64),
            columns: Some(64),
            samples: 1,
            photometric: "MONOCHROME2",
            frames: None,
            bits: [16, 16, 15],
            signed: Some(0),
            slope: "1".to_owned(),
            spacing: "0.5\\0.5".to_owned(),
            orientation: "1\\0\\0\\0\\1\\0".to_owned(),
            character_set: "ISO_IR 100".to_owned(),
            name: b"DOE^JANE".to_vec(),
            instance: "1.2.3.4.5",
            middle: Vec::new(),
            behind: Vec::new(),
            pixel_data: None,
        }
    }
}

impl Image {
    pub(crate) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut image = Self::default();
        change(&mut image);
        image
    }

    pub(crate) fn narrow(mut self) -> Self {
        self.bits = [8, 8, 7];
        self
    }

    /// The dataset with explicit representation.
    pub(crate) fn dataset(&self) -> Vec<u8> {
        let text = |g, e, vr, value: &str| element(g, e, vr, value.as_bytes());
        let number = |e, value: u16| element(0x28, e, "US", &value.to_le_bytes());
        let mut out = text(8, 5, "CS", &self.character_set);
        out.extend(text(8, 0x16, "UI", CT));
        out.extend(text(8, 0x18, "UI", self.instance));
        out.extend(text(8, 0x60, "CS", "CT"));
        out.extend(element(0x10, 0x10, "PN", &self.name));
        out.extend(text(0x20, 0xd, "UI", "1.2.3.4"));
        out.extend(text(0x20, 0xe, "UI", "1.2.3.4.1"));
        out.extend(text(0x20, 0x13, "IS", "1"));
        out.extend(text(0x20, 0x32, "DS", "0\\0\\0"));
        out.extend(text(0x20, 0x37, "DS", &self.orientation));
        out.extend(&self.middle);
        out.extend(number(2, self.samples));
        out.extend(text(0x28, 4, "CS", self.photometric));
        if let Some(frames) = &self.frames {
            out.extend(text(0x28, 8, "IS", frames));
        }
        for (tag, value) in [(0x10, self.rows), (0x11, self.columns)] {
            out.extend(value.map(|v| number(tag, v)).unwrap_or_default());
        }
        out.extend(text(0x28, 0x30, "DS", &self.spacing));
        for (tag, value) in (0x100..).zip(self.bits) {
            out.extend(number(tag, value));
        }
        out.extend(self.signed.map(|v| number(0x103, v)).unwrap_or_default());
        out.extend(text(0x28, 0x1052, "DS", "-1024"));
        out.extend(text(0x28, 0x1053, "DS", &self.slope));
        out.extend(&self.behind);
        match &self.pixel_data {
            Some(data) => out.extend(data),
            None => out.extend(element(0x7fe0, 0x10, "OW", &pixels())),
        }
        out
    }

    /// A file with this image in explicit representation.
    pub(crate) fn file(&self) -> Vec<u8> {
        file(&self.dataset(), EXPLICIT)
    }

    /// A file with fragments and the transfer syntax that they are in.
    pub(crate) fn compressed(mut self, syntax: &str, fragments: &[Vec<u8>]) -> Vec<u8> {
        self.pixel_data = Some(encapsulated(fragments, &[]));
        file(&self.dataset(), syntax)
    }
}

/// File meta information, its group length as given or as it is.
pub(crate) fn meta(syntax: Option<&str>, group_length: Option<u32>) -> Vec<u8> {
    let mut body = element(2, 1, "OB", &[0, 1]);
    body.extend(element(2, 2, "UI", CT.as_bytes()));
    body.extend(element(2, 3, "UI", b"1.2.3.4.5"));
    if let Some(syntax) = syntax {
        body.extend(element(2, 0x10, "UI", syntax.as_bytes()));
    }
    body.extend(element(2, 0x12, "UI", b"1.2.3.9"));
    let length = group_length.unwrap_or(body.len() as u32);
    [element(2, 0, "UL", &length.to_le_bytes()), body].concat()
}

pub(crate) fn file(dataset: &[u8], syntax: &str) -> Vec<u8> {
    with_meta(dataset, &meta(Some(syntax), None), &[])
}

pub(crate) fn with_meta(dataset: &[u8], meta: &[u8], preamble: &[u8]) -> Vec<u8> {
    let mut out = preamble.to_vec();
    out.resize(128, 0);
    out.extend(b"DICM");
    out.extend(meta);
    out.extend(dataset);
    out
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(9));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A run-length frame of 16-bit words; segments and offsets as given or as they are.
pub(crate) fn rle_frame(segments: Option<u32>, offsets: Option<[u32; 2]>) -> Vec<u8> {
    let literal = |bytes: Vec<u8>| -> Vec<u8> {
        bytes
            .chunks(128)
            .flat_map(|c| [&[(c.len() - 1) as u8][..], c].concat())
            .collect()
    };
    let pixels = pixels();
    let plane = |first: usize| literal(pixels.iter().skip(first).step_by(2).copied().collect());
    let (high, low) = (plane(1), plane(0));
    let mut header = [0_u32; 16];
    header[0] = segments.unwrap_or(2);
    [header[1], header[2]] = offsets.unwrap_or([64, 64 + high.len() as u32]);
    let header: Vec<u8> = header.iter().flat_map(|n| n.to_le_bytes()).collect();
    [header, high, low].concat()
}
