//! JPEG (ITU-T T.81): sequential DCT with Huffman coding in 8 and 12 bits (processes 1, 2, 4), and
//! lossless by prediction (process 14).
//!
//! Decoded here and not by a crate because the images of medicine need 12 and 16 bits, every predictor
//! with point transform and restarts, memory that grows with what was decoded, and the arithmetic of the
//! reference decoder, so that values agree to the bit with what other readers give.

mod bits;
mod dct;
mod huffman;
mod idct;
mod lossless;
mod upsample;

use super::decoder::{CodecFault, Codestream, Colour, Wanted};
use huffman::Table;

const CODEC: &str = "JPEG";

fn fault(offset: usize, problem: impl std::fmt::Display) -> CodecFault {
    CodecFault {
        codec: CODEC,
        offset,
        problem: problem.to_string(),
    }
}

/// How the samples are coded.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Process {
    /// Discrete cosine transform, sequential.
    Dct,
    /// Prediction.
    Lossless,
}

/// A colour of the frame header.
#[derive(Debug, Clone, Copy)]
struct Component {
    id: u8,
    horizontal: usize,
    vertical: usize,
    quantization: usize,
}

/// The frame header (T.81 section B.2.2).
#[derive(Debug, Clone)]
struct Frame {
    process: Process,
    precision: u32,
    rows: usize,
    columns: usize,
    components: Vec<Component>,
}

/// The scan header (T.81 section B.2.3).
#[derive(Debug, Clone)]
struct Scan {
    /// Index in the frame, DC table, AC table.
    components: Vec<(usize, usize, usize)>,
    /// Predictor of lossless scans.
    start: u8,
    /// Point transform of lossless scans.
    point_transform: u32,
}

/// Tables that hold until they are replaced.
#[derive(Default)]
struct Tables {
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    quantization: [Option<Box<[u16; 64]>>; 4],
    restart_interval: usize,
}

/// A segment without its marker and length.
struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    /// The next marker; bytes between segments are passed over.
    fn marker(&mut self) -> Result<u8, CodecFault> {
        loop {
            match self.bytes.get(self.at..) {
                Some([0xff, 0xff, ..]) => self.at += 1,
                Some([0xff, code, ..]) if *code != 0 => {
                    let code = *code;
                    self.at += 2;
                    return Ok(code);
                }
                Some([_, _, ..]) => self.at += 1,
                _ => return Err(fault(self.at, "it ends before its end marker")),
            }
        }
    }

    fn segment(&mut self) -> Result<&'a [u8], CodecFault> {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let length = match rest {
            [a, b, ..] => usize::from(u16::from_be_bytes([*a, *b])),
            _ => 0,
        };
        let body = rest.get(2..length);
        let body = body.ok_or_else(|| fault(self.at, format!("a segment of {length} bytes")))?;
        self.at += length;
        Ok(body)
    }
}

/// Decodes one image.
pub(super) fn decode(bytes: &[u8], wanted: &Wanted) -> Result<Codestream, CodecFault> {
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(fault(0, "it does not start with a JPEG marker"));
    }
    let mut segments = Segments { bytes, at: 2 };
    let mut tables = Tables::default();
    let mut adobe = None;
    let mut decoder: Option<Decoder> = None;
    loop {
        let marker_at = segments.at;
        let marker = match segments.marker() {
            // All that was promised was decoded: a missing end marker changes nothing.
            Err(_) if decoder.as_ref().is_some_and(Decoder::is_complete) => break,
            marker => marker?,
        };
        match marker {
            0xd9 => break,
            0xd0..=0xd7 | 0x01 | 0xd8 => {}
            0xc0 | 0xc1 | 0xc3 => {
                if decoder.is_some() {
                    return Err(fault(marker_at, "a second frame header"));
                }
                let frame = frame_header(marker, segments.segment()?, marker_at)?;
                wanted.check(CODEC, frame.rows, frame.columns, frame.components.len())?;
                let left = bytes.len() - segments.at.min(bytes.len());
                decoder = Some(Decoder::new(frame, left, marker_at)?);
            }
            0xc2 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Err(fault(
                    marker_at,
                    format!("coding process FF{marker:02X} is not one of DICOM's"),
                ));
            }
            0xc4 => huffman_tables(segments.segment()?, &mut tables, marker_at)?,
            0xdb => quantization_tables(segments.segment()?, &mut tables, marker_at)?,
            0xdd => match segments.segment()? {
                [a, b] => tables.restart_interval = usize::from(u16::from_be_bytes([*a, *b])),
                _ => return Err(fault(marker_at, "a restart interval of another length")),
            },
            0xee => {
                let body = segments.segment()?;
                if body.starts_with(b"Adobe") {
                    adobe = body.get(11).copied();
                }
            }
            0xda => {
                let body = segments.segment()?;
                let Some(decoder) = &mut decoder else {
                    return Err(fault(marker_at, "a scan before the frame header"));
                };
                let scan = scan_header(body, decoder.frame(), marker_at)?;
                segments.at = decoder.scan(bytes, segments.at, &scan, &tables)?;
            }
            _ => {
                segments.segment()?;
            }
        }
    }
    let Some(decoder) = decoder.filter(Decoder::is_complete) else {
        return Err(fault(segments.at, "not every component was coded"));
    };
    let frame = decoder.frame();
    let ids: Vec<u8> = frame.components.iter().map(|c| c.id).collect();
    let colour = match (adobe, ids.as_slice()) {
        (_, [_]) => Colour::Unsaid,
        (Some(0), [_, _, _]) => Colour::Rgb,
        (Some(1), [_, _, _]) => Colour::YCbCr,
        (_, b"RGB") => Colour::Rgb,
        _ => Colour::Unsaid,
    };
    Ok(Codestream {
        precision: frame.precision,
        samples: decoder.finish(),
        raised: false,
        colour,
    })
}

enum Decoder {
    Narrow(dct::Dct<u8>),
    Wide(dct::Dct<u16>),
    Lossless(lossless::Lossless),
}

impl Decoder {
    fn new(frame: Frame, compressed: usize, at: usize) -> Result<Self, CodecFault> {
        match (frame.process, frame.precision) {
            (Process::Lossless, 2..=16) => {
                lossless::Lossless::new(frame, compressed, at).map(Self::Lossless)
            }
            (Process::Dct, 8) => dct::Dct::new(frame, compressed, at).map(Self::Narrow),
            (Process::Dct, 12) => dct::Dct::new(frame, compressed, at).map(Self::Wide),
            (_, precision) => Err(fault(at, format!("samples of {precision} bits"))),
        }
    }

    fn frame(&self) -> &Frame {
        match self {
            Self::Narrow(d) => d.frame(),
            Self::Wide(d) => d.frame(),
            Self::Lossless(d) => d.frame(),
        }
    }

    fn scan(
        &mut self,
        bytes: &[u8],
        at: usize,
        scan: &Scan,
        tables: &Tables,
    ) -> Result<usize, CodecFault> {
        match self {
            Self::Narrow(d) => d.scan(bytes, at, scan, tables),
            Self::Wide(d) => d.scan(bytes, at, scan, tables),
            Self::Lossless(d) => d.scan(bytes, at, scan, tables),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Narrow(d) => d.is_complete(),
            Self::Wide(d) => d.is_complete(),
            Self::Lossless(d) => d.is_complete(),
        }
    }

    fn finish(self) -> super::decoder::Decoded {
        use super::decoder::Decoded;
        match self {
            Self::Narrow(d) => Decoded::Narrow(d.finish()),
            Self::Wide(d) => Decoded::Wide(d.finish()),
            Self::Lossless(d) => d.finish(),
        }
    }
}

fn frame_header(marker: u8, body: &[u8], at: usize) -> Result<Frame, CodecFault> {
    let wrong = || fault(at, "a frame header of another length");
    let (&[precision, r1, r0, c1, c0, count], list) =
        body.split_first_chunk::<6>().ok_or_else(wrong)?;
    let (list, rest) = list.as_chunks::<3>();
    if !rest.is_empty() || list.len() != usize::from(count) || !(1..=4).contains(&count) {
        return Err(wrong());
    }
    let mut components = Vec::new();
    for &[id, factors, quantization] in list {
        let (horizontal, vertical) = (usize::from(factors >> 4), usize::from(factors & 15));
        if !(1..=4).contains(&horizontal) || !(1..=4).contains(&vertical) || quantization > 3 {
            return Err(fault(at, format!("sampling factors {factors:#x}")));
        }
        components.push(Component {
            id,
            horizontal,
            vertical,
            quantization: usize::from(quantization),
        });
    }
    // One component alone is never subsampled, whatever its factors say.
    if let [only] = components.as_mut_slice() {
        (only.horizontal, only.vertical) = (1, 1);
    }
    Ok(Frame {
        process: if marker == 0xc3 {
            Process::Lossless
        } else {
            Process::Dct
        },
        precision: u32::from(precision),
        rows: usize::from(u16::from_be_bytes([r1, r0])),
        columns: usize::from(u16::from_be_bytes([c1, c0])),
        components,
    })
}

fn scan_header(body: &[u8], frame: &Frame, at: usize) -> Result<Scan, CodecFault> {
    let wrong = || fault(at, "a scan header that does not fit the frame");
    let (&count, rest) = body.split_first().ok_or_else(wrong)?;
    let (list, tail) = rest
        .split_at_checked(2 * usize::from(count))
        .ok_or_else(wrong)?;
    let &[start, _end, approximation] = tail.first_chunk::<3>().ok_or_else(wrong)?;
    let mut components: Vec<(usize, usize, usize)> = Vec::new();
    for &[id, selectors] in list.as_chunks::<2>().0 {
        let index = frame.components.iter().position(|c| c.id == id);
        let index = index.filter(|index| components.iter().all(|(other, ..)| other != index));
        let (dc, ac) = (usize::from(selectors >> 4), usize::from(selectors & 15));
        if dc > 3 || ac > 3 {
            return Err(wrong());
        }
        components.push((index.ok_or_else(wrong)?, dc, ac));
    }
    if components.is_empty() {
        return Err(wrong());
    }
    Ok(Scan {
        components,
        start,
        point_transform: u32::from(approximation & 15),
    })
}

fn huffman_tables(mut body: &[u8], tables: &mut Tables, at: usize) -> Result<(), CodecFault> {
    while let Some((&class, rest)) = body.split_first() {
        let wrong = || fault(at, "a Huffman table that is no prefix code");
        let (counts, rest) = rest.split_first_chunk::<16>().ok_or_else(wrong)?;
        let total: usize = counts.iter().map(|n| usize::from(*n)).sum();
        let (symbols, rest) = rest.split_at_checked(total).ok_or_else(wrong)?;
        let table = Table::new(counts, symbols).ok_or_else(wrong)?;
        let kind = match class >> 4 {
            0 => &mut tables.dc,
            1 => &mut tables.ac,
            _ => return Err(wrong()),
        };
        *kind.get_mut(usize::from(class & 15)).ok_or_else(wrong)? = Some(table);
        body = rest;
    }
    Ok(())
}

fn quantization_tables(mut body: &[u8], tables: &mut Tables, at: usize) -> Result<(), CodecFault> {
    while let Some((&class, rest)) = body.split_first() {
        let wrong = || fault(at, "a quantization table of another length");
        let wide = class >> 4 == 1;
        let size = if wide { 128 } else { 64 };
        let (values, rest) = rest.split_at_checked(size).ok_or_else(wrong)?;
        let mut table = Box::new([0_u16; 64]);
        if wide {
            for (place, value) in table.iter_mut().zip(values.as_chunks::<2>().0) {
                *place = u16::from_be_bytes(*value);
            }
        } else {
            for (place, value) in table.iter_mut().zip(values) {
                *place = u16::from(*value);
            }
        }
        let slot = tables.quantization.get_mut(usize::from(class & 15));
        *slot.ok_or_else(wrong)? = Some(table);
        body = rest;
    }
    Ok(())
}
