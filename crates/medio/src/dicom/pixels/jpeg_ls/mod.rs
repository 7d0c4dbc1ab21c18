//! JPEG-LS (ITU-T T.87): lossless and near-lossless, every interleaving.

mod bits;
mod coder;
mod image;
mod scan;

use self::image::Image;
use super::decoder::{CodecFault, Codestream, Colour, Wanted};

const CODEC: &str = "JPEG-LS";

fn fault(offset: usize, problem: impl std::fmt::Display) -> CodecFault {
    CodecFault {
        codec: CODEC,
        offset,
        problem: problem.to_string(),
    }
}

struct Frame {
    precision: u32,
    rows: usize,
    columns: usize,
    ids: Vec<u8>,
}

/// Decodes one image.
pub(super) fn decode(bytes: &[u8], wanted: &Wanted) -> Result<Codestream, CodecFault> {
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(fault(0, "it does not start with a JPEG marker"));
    }
    let mut at = 2_usize;
    let mut frame: Option<Frame> = None;
    let mut preset: Option<[u16; 5]> = None;
    let mut image: Option<Image> = None;
    loop {
        let (marker, body) = segment(bytes, at)?;
        match marker {
            0xd9 => break,
            0xf7 => {
                let header = frame_header(body).ok_or_else(|| fault(at, "a wrong frame header"))?;
                wanted.check(CODEC, header.rows, header.columns, header.ids.len())?;
                if frame.is_some() {
                    return Err(fault(at, "a second frame header"));
                }
                image = Some(Image::new(&header, bytes.len() - at, at)?);
                frame = Some(header);
            }
            0xf8 => match body {
                [1, rest @ ..] if rest.len() == 10 => {
                    let mut numbers = [0; 5];
                    for (place, pair) in numbers.iter_mut().zip(rest.as_chunks::<2>().0) {
                        *place = u16::from_be_bytes(*pair);
                    }
                    preset = Some(numbers);
                }
                _ => {
                    return Err(fault(
                        at,
                        "mapping tables and extended sizes are not supported",
                    ));
                }
            },
            0xdd => return Err(fault(at, "restart intervals are not supported")),
            0xe8 if body.starts_with(b"mrfx") && body.get(4).is_some_and(|kind| *kind != 0) => {
                return Err(fault(at, "a private colour transform"));
            }
            0xda => {
                let (Some(frame), Some(image)) = (&frame, &mut image) else {
                    return Err(fault(at, "a scan before the frame header"));
                };
                let scan = scan::header(body, frame, preset.as_ref())
                    .ok_or_else(|| fault(at, "a scan header that does not fit the frame"))?;
                let start = at + 4 + body.len();
                let data = bytes.get(start..).unwrap_or(&[]);
                let used = image
                    .scan(data, &scan)
                    .map_err(|(used, problem)| fault(start + used, problem))?;
                at = start + used;
                if image.is_complete() {
                    break;
                }
                continue;
            }
            _ => {}
        }
        at += if matches!(marker, 0xd0..=0xd8 | 0x01) {
            2
        } else {
            4 + body.len()
        };
    }
    let frame = frame.ok_or_else(|| fault(at, "no frame header"))?;
    let image = image.filter(Image::is_complete);
    let image = image.ok_or_else(|| fault(at, "not every component was coded"))?;
    Ok(Codestream {
        samples: image.samples,
        precision: frame.precision,
        raised: false,
        colour: Colour::Unsaid,
    })
}

/// The marker at a place and its segment's contents.
fn segment(bytes: &[u8], at: usize) -> Result<(u8, &[u8]), CodecFault> {
    match bytes.get(at..).unwrap_or(&[]) {
        [0xff, marker @ (0xd0..=0xd9 | 0x01), ..] => Ok((*marker, &[])),
        [0xff, marker, a, b, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*a, *b]));
            let body = length.checked_sub(2).and_then(|length| rest.get(..length));
            let body = body.ok_or_else(|| fault(at, format!("a segment of {length} bytes")))?;
            Ok((*marker, body))
        }
        _ => Err(fault(at, "no marker where one is due")),
    }
}

fn frame_header(body: &[u8]) -> Option<Frame> {
    let (&[precision, r1, r0, c1, c0, count], list) = body.split_first_chunk::<6>()?;
    let (list, []) = list.as_chunks::<3>() else {
        return None;
    };
    let plain = list.iter().all(|[_, factors, _]| *factors == 0x11);
    let right = list.len() == usize::from(count) && (1..=4).contains(&count);
    (plain && right && (2..=16).contains(&precision)).then(|| Frame {
        precision: u32::from(precision),
        rows: usize::from(u16::from_be_bytes([r1, r0])),
        columns: usize::from(u16::from_be_bytes([c1, c0])),
        ids: list.iter().map(|[id, ..]| *id).collect(),
    })
}
