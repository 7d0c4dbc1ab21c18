//! Frames of a file: found, decoded and converted, many at a time.

use std::borrow::Cow;

use medcore::{Image, buffer};
use rayon::prelude::*;

use super::super::dataset::{Deferred, Element, Value};
use super::super::fault::Fault;
use super::super::file::DicomFile;
use super::super::report::{Report, Warning};
use super::super::tag::Tag;
use super::super::transfer_syntax::Codec;
use super::convert::{Bits, Map, Misfit, Raw, convert};
use super::decoder::{CodecFault, Codestream, Colour, Wanted};
use super::description::{ImagePixels, Photometric, SampleKind};
use super::frames::{Encapsulated, FrameIndex};
use super::functional_group::group_or_top;
use super::modality::Modality;
use super::overlay::{self, Overlay};
use super::palette::Palette;
use super::plane::FramePlane;
use super::sample::Sample;
use super::voi::Voi;
use super::{colour, jpeg, jpeg_ls, jpeg2000, rle};

/// Pixels of all frames.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelArray<T> {
    shape: [usize; 4],
    pixels: Vec<T>,
}

impl<T> PixelArray<T> {
    /// `[frames, channels, rows, columns]`
    #[must_use]
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// All pixels in the order of [`Self::shape`].
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.pixels
    }

    /// The pixels of one frame, `[channels, rows, columns]`.
    ///
    /// # Panics
    /// Panics when there is no such frame.
    #[must_use]
    pub fn frame(&self, frame: usize) -> &[T] {
        let [frames, channels, rows, columns] = self.shape;
        assert!(frame < frames, "frame {frame} of {frames}");
        let size = channels * rows * columns;
        self.pixels
            .get(frame * size..(frame + 1) * size)
            .unwrap_or(&[])
    }

    /// The pixels in the order of [`Self::shape`].
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.pixels
    }
}

/// The pixel data of a file, described and indexed.
struct Source<'a> {
    file: &'a DicomFile,
    image: ImagePixels,
    place: &'a Deferred,
    codec: Codec,
    index: Option<FrameIndex>,
    /// All native bytes, where they cannot be had frame by frame.
    whole: Option<Cow<'a, [u8]>>,
    /// Bytes that are missing at the end and read as zeros.
    missing: u64,
    word: bool,
}

/// What to make of stored values.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ask {
    Stored,
    /// Modality values, and colours as red, green, blue.
    Values,
    /// Colours as red, green, blue in 8 bits.
    Colours8,
}

impl DicomFile {
    /// What the file says of its pixels.
    ///
    /// # Errors
    /// Refuses files without an image, and attributes that break their rules.
    pub fn image(&self) -> crate::Result<ImagePixels> {
        ImagePixels::of(self.dataset(), &mut Report::default()).map_err(self.fault())
    }

    fn fault(&self) -> impl Fn(Fault) -> crate::Error + use<> {
        crate::Error::dicom(self.path())
    }

    /// One frame as an image in its place: modality values, or red, green and blue as channels.
    ///
    /// Pixels of `MONOCHROME1` keep their values; only showing them inverts them.
    ///
    /// # Errors
    /// Refuses damaged pixels, unsupported encodings, and values that `T` cannot hold.
    pub fn frame<T: Sample>(&self, frame: usize) -> crate::Result<Image<T, 2>> {
        self.frame_image(frame).map_err(self.fault())
    }

    fn frame_image<T: Sample>(&self, frame: usize) -> Result<Image<T, 2>, Fault> {
        let source = Source::of(self)?;
        let (rows, columns) = (source.image.rows, source.image.columns);
        let geometry = FramePlane::of(self.dataset(), frame)?.geometry(rows, columns)?;
        let array = source.read::<T>(Ask::Values, Some(frame))?;
        let [_, channels, _, _] = array.shape;
        Image::with_channels(channels, geometry, array.pixels).map_err(Fault::core("frame"))
    }

    /// Modality values of some frames, each into its place.
    pub(in super::super) fn values_into<T: Sample>(
        &self,
        frames: Vec<(usize, &mut [T])>,
    ) -> crate::Result<()> {
        let read = || {
            let source = Source::of(self)?;
            frames.into_par_iter().try_for_each(|(frame, out)| {
                source.check_frame(frame)?;
                if out.len() != source.image.frame_samples() {
                    return Err(Fault::FrameIndex {
                        problem: "the file is not the one that was scanned".to_owned(),
                    });
                }
                source.finish(frame, Ask::Values, source.raw(frame)?, None, out)
            })
        };
        read().map_err(self.fault())
    }

    /// The frames as they are stored, found once and then read one at a time.
    pub(in super::super) fn stored_frames(&self) -> Result<StoredFrames<'_>, Fault> {
        Ok(StoredFrames(Source::of(self)?))
    }

    /// All frames as they are stored: no rescaling, no palette, no change of colours.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn stored<T: Sample>(&self) -> crate::Result<PixelArray<T>> {
        let read = || Source::of(self)?.read(Ask::Stored, None);
        read().map_err(self.fault())
    }

    /// One frame as it is stored.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn stored_frame<T: Sample>(&self, frame: usize) -> crate::Result<PixelArray<T>> {
        let read = || Source::of(self)?.read(Ask::Stored, Some(frame));
        read().map_err(self.fault())
    }

    /// All frames as values: rescaled or looked up for the modality, each frame by its own rule; colours as
    /// red, green and blue.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn values<T: Sample>(&self) -> crate::Result<PixelArray<T>> {
        let read = || Source::of(self)?.read(Ask::Values, None);
        read().map_err(self.fault())
    }

    /// All frames of a colour image as red, green and blue in 8 bits.
    ///
    /// # Errors
    /// Refuses monochrome images, and what [`Self::frame`] refuses.
    pub fn colours(&self) -> crate::Result<PixelArray<u8>> {
        let read = || Source::of(self)?.read(Ask::Colours8, None);
        read().map_err(self.fault())
    }

    /// The transform from stored values to those of the modality.
    ///
    /// # Errors
    /// Refuses attributes that break their rules.
    pub fn modality(&self, frame: usize) -> crate::Result<Modality> {
        Modality::of(self.dataset(), frame, self.is_signed()).map_err(self.fault())
    }

    /// The windows and tables with which a frame asks to be shown.
    ///
    /// # Errors
    /// Refuses attributes that break their rules.
    pub fn voi(&self, frame: usize) -> crate::Result<Voi> {
        let group = group_or_top(self.dataset(), frame, Tag::FRAME_VOI_LUT_SEQUENCE);
        Voi::of(group, self.is_signed()).map_err(self.fault())
    }

    /// The palette of a `PALETTE COLOR` image.
    ///
    /// # Errors
    /// Refuses files without one, and tables that break their rules.
    pub fn palette(&self) -> crate::Result<Palette> {
        Palette::of(self.dataset(), self.is_signed()).map_err(self.fault())
    }

    /// Position, orientation and spacing of a frame.
    ///
    /// # Errors
    /// Refuses attributes that break their rules.
    pub fn plane(&self, frame: usize) -> crate::Result<FramePlane> {
        FramePlane::of(self.dataset(), frame).map_err(self.fault())
    }

    /// The overlays: of their own, and those in unused bits of the pixels.
    ///
    /// # Errors
    /// Refuses attributes that break their rules, and damaged pixels.
    pub fn overlays(&self) -> crate::Result<Vec<Overlay>> {
        let read = || {
            let (mut own, embedded) = overlay::overlays(self.dataset())?;
            if embedded.is_empty() {
                return Ok(own);
            }
            let source = Source::of(self)?;
            for overlay in embedded {
                own.push(source.embedded(overlay)?);
            }
            Ok(own)
        };
        read().map_err(self.fault())
    }

    fn is_signed(&self) -> bool {
        let representation = self.dataset().integer(Tag::PIXEL_REPRESENTATION);
        matches!(representation, Ok(Some(1)))
    }
}

/// Frames of a file for a reader that puts each in a place of its own.
pub(in super::super) struct StoredFrames<'a>(Source<'a>);

impl StoredFrames<'_> {
    pub(in super::super) fn image(&self) -> &ImagePixels {
        &self.0.image
    }

    /// Fills `out`, `[samples, rows, columns]`, with a frame as it is stored.
    pub(in super::super) fn read<T: Sample>(
        &self,
        frame: usize,
        out: &mut [T],
    ) -> Result<(), Fault> {
        self.0.check_frame(frame)?;
        self.0
            .finish(frame, Ask::Stored, self.0.raw(frame)?, None, out)
    }
}

impl<'a> Source<'a> {
    fn of(file: &'a DicomFile) -> Result<Self, Fault> {
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
            place,
            codec: syntax.codec,
            index: None,
            whole: None,
            missing: 0,
            word: element.vr().unit() == 2,
        };
        match (&place.fragments, syntax.codec) {
            (_, Codec::Video | Codec::HighThroughputJpeg2000 | Codec::JpegXl | Codec::Other) => {
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
    fn raw(&self, frame: usize) -> Result<(Raw<'_>, Bits, Colour), Fault> {
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

    fn check_frame(&self, frame: usize) -> Result<(), Fault> {
        let frames = self.image.frames;
        if frame < frames {
            return Ok(());
        }
        Err(Fault::NoSuchFrame { frame, frames })
    }

    fn channels(&self, ask: Ask) -> usize {
        match ask {
            Ask::Stored => self.image.samples,
            _ if self.image.photometric == Photometric::PaletteColor => 3,
            _ => self.image.samples,
        }
    }

    /// One frame or all of them, in parallel; the first is decoded before room is made for the rest.
    fn read<T: Sample>(&self, ask: Ask, only: Option<usize>) -> Result<PixelArray<T>, Fault> {
        let frames = self.image.frames;
        only.map_or(Ok(()), |frame| self.check_frame(frame))?;
        if ask == Ask::Colours8 && self.image.photometric.is_monochrome() {
            return Err(Fault::attribute(
                Tag::PHOTOMETRIC_INTERPRETATION,
                "one of colours",
                "a monochrome image",
            ));
        }
        let (first, count) = only.map_or((0, frames), |frame| (frame, 1));
        let channels = self.channels(ask);
        let shape = [count, channels, self.image.rows, self.image.columns];
        let dimensions = shape.map(|n| u64::try_from(n).unwrap_or(u64::MAX));
        let element = u64::try_from(size_of::<T>()).unwrap_or(8);
        let total = self.file.budget.claim_array("pixels", &dimensions, element);
        let total = total.map_err(Fault::core("pixels"))?;
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        let palette = match ask {
            Ask::Values | Ask::Colours8 if self.image.photometric == Photometric::PaletteColor => {
                let signed = self.image.kind == SampleKind::Signed;
                Some(Palette::of(self.file.dataset(), signed)?)
            }
            _ => None,
        };
        let raw = self.raw(first)?;
        let mut pixels: Vec<T> = buffer::zeroed(total, "pixels").map_err(Fault::core("pixels"))?;
        let size = total / count.max(1);
        let (head, rest) = pixels.split_at_mut(size);
        self.finish(first, ask, raw, palette.as_ref(), head)?;
        { rest.par_chunks_mut(size.max(1)).enumerate() }.try_for_each(|(index, out)| {
            let frame = first + 1 + index;
            self.finish(frame, ask, self.raw(frame)?, palette.as_ref(), out)
        })?;
        Ok(PixelArray { shape, pixels })
    }

    /// Turns raw samples into what was asked for.
    fn finish<T: Sample>(
        &self,
        frame: usize,
        ask: Ask,
        (raw, bits, said): (Raw<'_>, Bits, Colour),
        palette: Option<&Palette>,
        out: &mut [T],
    ) -> Result<(), Fault> {
        let image = &self.image;
        let misfit = |misfit: Misfit| Fault::Value {
            value: misfit.value,
            frame,
            index: {
                let pixels = image.frame_pixels().max(1);
                let (channel, pixel) = (misfit.at / pixels, misfit.at % pixels);
                [channel, pixel / image.columns, pixel % image.columns]
            },
            target: T::NAME,
        };
        let signed = image.kind == SampleKind::Signed;
        if ask == Ask::Stored {
            return convert(&raw, image, bits, &Map::Identity, out).map_err(misfit);
        }
        if image.photometric.is_monochrome() {
            let modality = Modality::of(self.file.dataset(), frame, signed)?;
            return convert(&raw, image, bits, &modality.map(), out).map_err(misfit);
        }
        if let Some(palette) = palette {
            let mut stored = vec![0_i32; image.frame_pixels()];
            convert(&raw, image, bits, &Map::Identity, &mut stored).map_err(misfit)?;
            let pixels = stored.len();
            for (at, &value) in stored.iter().enumerate() {
                let colour = match ask {
                    Ask::Colours8 => palette.colour8(i64::from(value)).map(i32::from),
                    _ => palette.colour(i64::from(value)).map(i32::from),
                };
                for (channel, value) in colour.into_iter().enumerate() {
                    put(out, channel * pixels + at, value).map_err(misfit)?;
                }
            }
            return Ok(());
        }
        let kind = colour_of(&image.photometric, said)?;
        let depth = bits.stored;
        if kind == Model::Rgb && (ask == Ask::Values || depth == 8) {
            return convert(&raw, image, bits, &Map::Identity, out).map_err(misfit);
        }
        if image.samples != 3 || depth > 16 {
            return Err(Fault::Unsupported {
                what: format!("colours of {} samples of {depth} bits", image.samples),
            });
        }
        let mut stored = vec![0_u16; image.frame_samples()];
        convert(&raw, image, bits, &Map::Identity, &mut stored).map_err(misfit)?;
        let pixels = image.frame_pixels();
        let (a, rest) = stored.split_at(pixels);
        let (b, c) = rest.split_at(pixels);
        for (at, ((a, b), c)) in a.iter().zip(b).zip(c).enumerate() {
            let narrow = || [*a, *b, *c].map(|v| u8::try_from(v).unwrap_or(u8::MAX));
            let mut rgb = match (kind, depth) {
                (Model::Rgb, _) => [*a, *b, *c],
                (Model::YbrPartial, 8) => colour::rgb_of_partial8(narrow()).map(u16::from),
                (Model::YbrPartial, _) => {
                    return Err(Fault::Unsupported {
                        what: format!("YBR_PARTIAL of {depth} bits"),
                    });
                }
                (Model::Ybr, 8) => colour::rgb_of_ybr8(narrow()).map(u16::from),
                (Model::Ybr, depth) => colour::rgb_of_ybr16([*a, *b, *c], depth.max(2)),
            };
            if ask == Ask::Colours8 && depth > 8 {
                rgb = rgb.map(|v| v >> (depth - 8));
            }
            for (channel, value) in rgb.into_iter().enumerate() {
                put(out, channel * pixels + at, i32::from(value)).map_err(misfit)?;
            }
        }
        Ok(())
    }

    /// An overlay in an unused bit of native samples (retired; PS3.5-2004 section 8.1.2).
    fn embedded(&self, overlay: overlay::Embedded) -> Result<Overlay, Fault> {
        let image = &self.image;
        if self.codec != Codec::Native || image.samples != 1 || image.kind == SampleKind::Float {
            return Err(Fault::Unsupported {
                what: format!(
                    "the overlay in group {:04X} in compressed pixels",
                    overlay.group
                ),
            });
        }
        let bit = Bits {
            shift: overlay.bit,
            stored: 1,
            signed: false,
            raised: 0,
        };
        let shape = [image.rows, image.columns];
        let dataset = self.file.dataset();
        let mut result = overlay::placed(dataset, overlay.group, shape, image.frames)?;
        for frame in 0..image.frames {
            let (raw, _, _) = self.raw(frame)?;
            let mut plane = vec![0_u8; image.frame_pixels()];
            let none = |m: Misfit| Fault::Value {
                value: m.value,
                frame,
                index: [0; 3],
                target: "bool",
            };
            convert(&raw, image, bit, &Map::Identity, &mut plane).map_err(none)?;
            result.mask.extend(plane.iter().map(|v| *v == 1));
        }
        Ok(result)
    }
}

fn put<T: Sample>(out: &mut [T], at: usize, value: i32) -> Result<(), Misfit> {
    match (T::from_i32(value), out.get_mut(at)) {
        (Some(value), Some(place)) => {
            *place = value;
            Ok(())
        }
        _ => Err(Misfit {
            at,
            value: f64::from(value),
        }),
    }
}

/// What three samples are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Model {
    Rgb,
    Ybr,
    YbrPartial,
}

/// The codestream knows what it holds; where it says nothing the attribute counts.
fn colour_of(photometric: &Photometric, said: Colour) -> Result<Model, Fault> {
    Ok(match (said, photometric) {
        (Colour::Rgb, _) => Model::Rgb,
        (Colour::YCbCr, _) => Model::Ybr,
        (_, Photometric::Rgb | Photometric::YbrIct | Photometric::YbrRct) => Model::Rgb,
        (_, Photometric::YbrFull | Photometric::YbrFull422) => Model::Ybr,
        (_, Photometric::YbrPartial) => Model::YbrPartial,
        (_, other) => {
            return Err(Fault::Unsupported {
                what: format!("photometric interpretation {other:?} as colours"),
            });
        }
    })
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

/// Doubts about a file's pixels, without decoding them.
pub(in super::super) fn doubts(file: &DicomFile, report: &mut Report) {
    let Ok(image) = ImagePixels::of(file.dataset(), report) else {
        return;
    };
    let tags = [
        Tag::PIXEL_DATA,
        Tag::FLOAT_PIXEL_DATA,
        Tag::DOUBLE_FLOAT_PIXEL_DATA,
    ];
    let element = tags.into_iter().find_map(|tag| file.dataset().get(tag));
    let (Some(Value::Deferred(place)), Ok(bits)) =
        (element.map(Element::value), image.frame_bits())
    else {
        return;
    };
    let frames = u64::try_from(image.frames).unwrap_or(u64::MAX);
    let needed = bits.saturating_mul(frames).div_ceil(8);
    if place.fragments.is_some() {
        return;
    }
    let even = needed.saturating_add(needed % 2);
    if place.length > even {
        let bytes = place.length - needed;
        report.push(Warning::ExcessPixelData { bytes });
    } else if needed > place.length && file.lenient {
        let bytes = needed - place.length;
        report.push(Warning::PixelsFilled { bytes });
    }
}
