//! The pixel data of a file: found, checked and decoded frame by frame.

use std::borrow::Cow;

use super::super::dataset::{Deferred, Element, Value};
use super::super::fault::Fault;
use super::super::file::DicomFile;
use super::super::tag::Tag;
use super::super::transfer_syntax::Codec;
use super::convert::{Bits, Raw};
use super::decoder::{CodecFault, Codestream, Colour, Wanted};
use super::description::{ImagePixels, SampleKind};
use super::frames::{Encapsulated, FrameIndex};
use super::quantity::Quantity;
use super::{colour, jpeg, jpeg_ls, jpeg2000, rle};
use crate::report::Report;

/// The pixel data of a file, described and indexed.
pub(super) struct Source<'a> {
    pub(super) file: &'a DicomFile,
    pub(super) image: ImagePixels,
    /// Which values are asked for.
    pub(super) quantity: Quantity,
    place: &'a Deferred,
    pub(super) codec: Codec,
    index: Option<FrameIndex>,
    /// All native bytes, where they cannot be had frame by frame.
    whole: Option<Cow<'a, [u8]>>,
    /// Bytes that are missing at the end and read as zeros.
    missing: u64,
    word: bool,
}

impl<'a> Source<'a> {
    pub(super) fn of(file: &'a DicomFile) -> Result<Self, Fault> {
        Self::with(file, Quantity::Modality)
    }

    pub(super) fn with(file: &'a DicomFile, quantity: Quantity) -> Result<Self, Fault> {
        let dataset = file.dataset();
        let image = ImagePixels::of(dataset, &mut Report::default())?;
        let Some(syntax) = file.transfer_syntax() else {
            return Err(Fault::UnsupportedTransferSyntax {
                uid: file.transfer_syntax_uid().chars().take(64).collect(),
                name: "unknown",
            });
        };
        let tags = [
            Tag::PIXEL_DATA,
            Tag::FLOAT_PIXEL_DATA,
            Tag::DOUBLE_FLOAT_PIXEL_DATA,
        ];
        let element = tags.into_iter().find_map(|tag| dataset.get(tag));
        let element = element.ok_or(Fault::NoPixelData)?;
        let Value::Deferred(place) = element.value() else {
            return Err(Fault::NoPixelData);
        };
        let mut source = Self {
            file,
            image,
            quantity,
            place,
            codec: syntax.codec,
            index: None,
            whole: None,
            missing: 0,
            word: element.vr().unit() == 2,
        };
        match (&place.fragments, syntax.codec) {
            (_, Codec::Video | Codec::JpegXl | Codec::Other) => {
                Err(Fault::UnsupportedTransferSyntax {
                    uid: syntax.uid.to_owned(),
                    name: syntax.name,
                })
            }
            (Some(fragments), codec) if codec != Codec::Native => {
                let index = FrameIndex::of(&Encapsulated {
                    dataset,
                    store: file.store(),
                    fragments,
                    codec,
                    frames: source.image.frames,
                    lenient: file.lenient,
                })?;
                source.index = Some(index);
                Ok(source)
            }
            (None, Codec::Native) => {
                source.check_native(element)?;
                Ok(source)
            }
            (fragments, _) => Err(Fault::attribute(
                element.tag(),
                "in fragments exactly if the transfer syntax is encapsulated",
                match fragments {
                    Some(_) => "fragments",
                    None => "native bytes",
                },
            )),
        }
    }

    /// Native pixels have to be there.
    fn check_native(&mut self, element: &Element) -> Result<(), Fault> {
        let bits = self.image.frame_bits()?;
        let frames = u64::try_from(self.image.frames).unwrap_or(u64::MAX);
        let needed = { bits.checked_mul(frames) }.map(|bits| bits.div_ceil(8));
        let needed = needed.unwrap_or(u64::MAX);
        let available = self.place.length;
        if needed > available {
            if !self.file.lenient || needed - available > available {
                return Err(Fault::Truncated {
                    what: element.tag().to_string(),
                    offset: self.place.offset,
                    needed,
                    available,
                });
            }
            self.missing = needed - available;
        }
        // Inflating starts from the front each time: once is enough.
        if self.file.store().length().is_none() {
            let claimed = self.file.budget.claim_bytes("pixel data", needed);
            claimed.map_err(Fault::core("pixels"))?;
            let there = needed.min(available);
            let bytes = self.file.store().range(self.place.offset, there)?;
            let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if found < there {
                return Err(Fault::Truncated {
                    what: element.tag().to_string(),
                    offset: self.place.offset,
                    needed: there,
                    available: found,
                });
            }
            self.whole = Some(bytes);
        }
        Ok(())
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            rows: self.image.rows,
            columns: self.image.columns,
            samples: self.image.samples,
            bits_allocated: self.image.bits_allocated,
        }
    }

    /// The bytes of a native frame, and the bits before its first sample.
    fn native(&self, frame: usize) -> Result<(Cow<'_, [u8]>, usize), Fault> {
        let bits = self.image.frame_bits()?;
        let first = bits.saturating_mul(u64::try_from(frame).unwrap_or(u64::MAX));
        let (start, skip) = (first / 8, usize::try_from(first % 8).unwrap_or(0));
        let end = first.saturating_add(bits).div_ceil(8);
        let length = end - start;
        if self.place.big_endian && self.word && self.image.bits_allocated == 8 {
            return Ok((Cow::Owned(self.swapped(start, length)?), 0));
        }
        let mut bytes = match &self.whole {
            Some(whole) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let end = usize::try_from(end).unwrap_or(usize::MAX).min(whole.len());
                Cow::Borrowed(whole.get(start..end).unwrap_or(&[]))
            }
            None => {
                let left = self.place.length.saturating_sub(start);
                let store = self.file.store();
                store.range(self.place.offset.saturating_add(start), length.min(left))?
            }
        };
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if found < length {
            if self.missing == 0 {
                return Err(Fault::Truncated {
                    what: format!("frame {frame}"),
                    offset: self.place.offset.saturating_add(start),
                    needed: length,
                    available: found,
                });
            }
            let size = usize::try_from(length).unwrap_or(usize::MAX);
            bytes.to_mut().resize(size, 0);
        }
        Ok((bytes, skip))
    }

    /// Bytes that stand in big-endian words, the second of each first.
    fn swapped(&self, start: u64, length: u64) -> Result<Vec<u8>, Fault> {
        let aligned = start - start % 2;
        let whole = (start + length).next_multiple_of(2) - aligned;
        let offset = self.place.offset.saturating_add(aligned);
        let mut bytes = self.file.store().range(offset, whole)?.into_owned();
        bytes.resize(usize::try_from(whole).unwrap_or(usize::MAX), 0);
        bytes
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .for_each(|word| word.reverse());
        bytes.drain(..usize::try_from(start % 2).unwrap_or(0));
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(bytes)
    }

    /// The compressed bytes of a frame.
    fn compressed(&self, frame: usize) -> Result<Cow<'_, [u8]>, Fault> {
        let no_frame = || Fault::NoSuchFrame {
            frame,
            frames: self.image.frames,
        };
        let index = self.index.as_ref().and_then(|index| index.fragments(frame));
        let range = index.ok_or_else(no_frame)?;
        let fragments = self.place.fragments.as_deref().unwrap_or(&[]);
        // The first fragment is the offset table.
        let fragments = fragments.get(range.start + 1..range.end + 1);
        let fragments = fragments.ok_or_else(no_frame)?;
        let store = self.file.store();
        if let [only] = fragments {
            return store.range(only.offset, u64::from(only.length));
        }
        let mut bytes = Vec::new();
        for fragment in fragments {
            let part = store.range(fragment.offset, u64::from(fragment.length))?;
            bytes.extend_from_slice(&part);
        }
        Ok(Cow::Owned(bytes))
    }

    /// The raw samples of a frame, what their bits mean, and what the codestream says of colours.
    pub(super) fn raw(&self, frame: usize) -> Result<(Raw<'_>, Bits, Colour), Fault> {
        let image = &self.image;
        let bits = Bits::native(image);
        let native = |bytes, skip, planar, big_endian| Raw::Bytes {
            bytes,
            big_endian,
            skip,
            planar,
            width: image.bits_allocated,
        };
        if self.codec == Codec::Native {
            let (bytes, skip) = self.native(frame)?;
            if image.is_subsampled() {
                if image.bits_allocated != 8 || image.columns % 2 == 1 {
                    return Err(Fault::Unsupported {
                        what: "YBR_FULL_422 of odd width or of more than 8 bits".to_owned(),
                    });
                }
                let bytes = Cow::Owned(colour::full_from_422(&bytes));
                return Ok((native(bytes, 0, false, false), bits, Colour::Unsaid));
            }
            let big_endian = self.place.big_endian;
            return Ok((
                native(bytes, skip, image.planar, big_endian),
                bits,
                Colour::Unsaid,
            ));
        }
        let compressed = self.compressed(frame)?;
        let wanted = self.wanted();
        let at_frame = |fault: CodecFault| Fault::Codec {
            frame,
            codec: fault.codec,
            offset: fault.offset,
            problem: fault.problem,
        };
        if image.bits_allocated < 8 {
            return Err(Fault::Unsupported {
                what: format!("compressed BitsAllocated {}", image.bits_allocated),
            });
        }
        if self.codec == Codec::Rle {
            let planes = rle::decode(&compressed, &wanted).map_err(at_frame)?;
            return Ok((
                native(Cow::Owned(planes), 0, true, false),
                bits,
                Colour::Unsaid,
            ));
        }
        if matches!(self.codec, Codec::EncapsulatedNative | Codec::DeflatedFrame) {
            let size = image.frame_bits()?.div_ceil(8);
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let bytes = match self.codec {
                Codec::DeflatedFrame => Cow::Owned(inflate(&compressed, size).map_err(at_frame)?),
                _ => compressed,
            };
            if bytes.len() < size {
                return Err(at_frame(CodecFault {
                    codec: "native frame",
                    offset: 0,
                    problem: format!("{} bytes, {size} are needed", bytes.len()),
                }));
            }
            return Ok((native(bytes, 0, image.planar, false), bits, Colour::Unsaid));
        }
        let decode = match self.codec {
            Codec::Jpeg => jpeg::decode,
            Codec::JpegLs => jpeg_ls::decode,
            _ => jpeg2000::decode,
        };
        let stream = decode(&compressed, &wanted).map_err(at_frame)?;
        if stream.precision > image.bits_allocated {
            return Err(at_frame(CodecFault {
                codec: "codestream",
                offset: 0,
                problem: format!(
                    "samples of {} bits, {} are allocated",
                    stream.precision, image.bits_allocated
                ),
            }));
        }
        let bits = self.stream_bits(&stream);
        Ok((Raw::Decoded(stream.samples), bits, stream.colour))
    }

    /// Codestreams hold whole samples: their precision counts, and their own sign where they have one.
    fn stream_bits(&self, stream: &Codestream) -> Bits {
        let half = 1_i32 << (stream.precision - 1);
        Bits {
            shift: 0,
            stored: stream.precision,
            signed: self.image.kind == SampleKind::Signed && !stream.raised,
            raised: if stream.raised { half } else { 0 },
        }
    }
}

/// Inflates a frame of known size.
fn inflate(bytes: &[u8], size: usize) -> Result<Vec<u8>, CodecFault> {
    let fault = |problem: String| CodecFault {
        codec: "deflate",
        offset: 0,
        problem,
    };
    if bytes.len().saturating_mul(1032) < size {
        return Err(fault(format!("{} bytes cannot give {size}", bytes.len())));
    }
    let mut out = vec![0; size];
    let mut state = libdeflater::Decompressor::new();
    match state.deflate_decompress(bytes, &mut out) {
        Ok(n) if n == size => Ok(out),
        Ok(n) => Err(fault(format!("{n} bytes, {size} are needed"))),
        Err(error) => Err(fault(error.to_string())),
    }
}
