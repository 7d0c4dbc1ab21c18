//! PNG and TIFF from images.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "what is written comes from an image, not from a file"
)]

use std::io::Cursor;
use std::path::Path;

use ::png::{BitDepth, ColorType, Encoder};
use ::tiff::encoder::compression::DeflateLevel;
use ::tiff::encoder::{Compression as TiffCompression, TiffEncoder, TiffKind, TiffKindBig};
use ::tiff::encoder::{TiffKindStandard, colortype};

use crate::error::{Error, Result};
use crate::raw::{Endian, swap};
use crate::voxel::Datatype;
use crate::write::{Compression, Subject, WriteOptions, without_description};

fn refused(path: &Path, rule: &'static str) -> impl Fn(String) -> Error {
    move |got| Error::NotWritable {
        path: path.to_owned(),
        rule,
        got,
    }
}

/// Writes a plane of `u8` or `u16` in one to four channels; the grid is not kept.
pub(crate) fn write_png(path: &Path, subject: &Subject<'_>, options: &WriteOptions) -> Result<()> {
    without_description(path, options)?;
    let refused = refused(
        path,
        "one slice of u8 or u16 in one to four channels, for PNG",
    );
    let depth = match subject.datatype {
        Datatype::U8 => BitDepth::Eight,
        Datatype::U16 => BitDepth::Sixteen,
        other => return Err(refused(other.name().to_owned())),
    };
    let color = match subject.channels {
        1 => ColorType::Grayscale,
        2 => ColorType::GrayscaleAlpha,
        3 => ColorType::Rgb,
        4 => ColorType::Rgba,
        other => return Err(refused(format!("{other} channels"))),
    };
    let [slices, height, width] = subject.geometry.shape();
    let (Ok(width), Ok(height), 1) = (u32::try_from(width), u32::try_from(height), slices) else {
        return Err(refused(format!("{:?}", subject.geometry.shape())));
    };
    let mut samples = subject.interleaved(path)?;
    if Endian::NATIVE != Endian::Big && depth == BitDepth::Sixteen {
        swap(subject.datatype, samples.to_mut());
    }
    crate::write::single(path, |out| {
        let mut encoder = Encoder::new(out, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        encoder.set_compression(match options.compression {
            Compression::None => ::png::Compression::NoCompression,
            Compression::Level(0..=3) => ::png::Compression::Fast,
            Compression::Level(4..=6) => ::png::Compression::Balanced,
            Compression::Level(_) => ::png::Compression::High,
        });
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&samples)?;
        writer.finish()?;
        Ok(())
    })
}

/// Writes a page a slice, of any number type; the grid is not kept.
pub(crate) fn write_tiff(path: &Path, subject: &Subject<'_>, options: &WriteOptions) -> Result<()> {
    without_description(path, options)?;
    let compression = match options.compression {
        Compression::None => TiffCompression::Uncompressed,
        Compression::Level(0..=3) => TiffCompression::Deflate(DeflateLevel::Fast),
        Compression::Level(4..=6) => TiffCompression::Deflate(DeflateLevel::Balanced),
        Compression::Level(_) => TiffCompression::Deflate(DeflateLevel::Best),
    };
    let pages = Pages {
        path,
        subject,
        samples: &subject.interleaved(path)?,
    };
    let mut bytes = Vec::new();
    let fails = |e: ::tiff::TiffError| Error::io("encode", path)(std::io::Error::other(e));
    // Offsets of the usual kind end at 4 GiB; directories and strips need a little.
    if (subject.bytes.len() as u64) < u64::from(u32::MAX) - (64 << 20) {
        let encoder = TiffEncoder::<_, TiffKindStandard>::new_generic(Cursor::new(&mut bytes));
        pages.encode(encoder.map_err(fails)?.with_compression(compression))?;
    } else {
        let encoder = TiffEncoder::<_, TiffKindBig>::new_generic(Cursor::new(&mut bytes));
        pages.encode(encoder.map_err(fails)?.with_compression(compression))?;
    }
    crate::write::single(path, |out| out.write_all(&bytes))
}

struct Pages<'p> {
    path: &'p Path,
    subject: &'p Subject<'p>,
    samples: &'p [u8],
}

impl Pages<'_> {
    fn encode<K: TiffKind>(&self, encoder: TiffEncoder<Cursor<&mut Vec<u8>>, K>) -> Result<()> {
        use colortype as c;
        match (self.subject.channels, self.subject.datatype) {
            (1, Datatype::U8) => self.each::<c::Gray8, K>(encoder),
            (1, Datatype::I8) => self.each::<c::GrayI8, K>(encoder),
            (1, Datatype::U16) => self.each::<c::Gray16, K>(encoder),
            (1, Datatype::I16) => self.each::<c::GrayI16, K>(encoder),
            (1, Datatype::U32) => self.each::<c::Gray32, K>(encoder),
            (1, Datatype::I32) => self.each::<c::GrayI32, K>(encoder),
            (1, Datatype::U64) => self.each::<c::Gray64, K>(encoder),
            (1, Datatype::I64) => self.each::<c::GrayI64, K>(encoder),
            (1, Datatype::F32) => self.each::<c::Gray32Float, K>(encoder),
            (1, Datatype::F64) => self.each::<c::Gray64Float, K>(encoder),
            (3, Datatype::U8) => self.each::<c::RGB8, K>(encoder),
            (3, Datatype::U16) => self.each::<c::RGB16, K>(encoder),
            (3, Datatype::U32) => self.each::<c::RGB32, K>(encoder),
            (3, Datatype::U64) => self.each::<c::RGB64, K>(encoder),
            (3, Datatype::F32) => self.each::<c::RGB32Float, K>(encoder),
            (3, Datatype::F64) => self.each::<c::RGB64Float, K>(encoder),
            (4, Datatype::U8) => self.each::<c::RGBA8, K>(encoder),
            (4, Datatype::U16) => self.each::<c::RGBA16, K>(encoder),
            (channels, datatype) => {
                let rule = "one channel, three of unsigned integers or floats, or four of u8 or u16, for TIFF";
                Err(refused(self.path, rule)(format!(
                    "{channels} of {}",
                    datatype.name()
                )))
            }
        }
    }

    fn each<C, K: TiffKind>(&self, mut encoder: TiffEncoder<Cursor<&mut Vec<u8>>, K>) -> Result<()>
    where
        C: colortype::ColorType,
        C::Inner: medcore::Plain,
        [C::Inner]: ::tiff::encoder::TiffValue,
    {
        let [slices, height, width] = self.subject.geometry.shape();
        let (Ok(across), Ok(down)) = (u32::try_from(width), u32::try_from(height)) else {
            let rule = "width and height below 2^32, for TIFF";
            return Err(refused(self.path, rule)(format!("{width} x {height}")));
        };
        let mut page = vec![C::Inner::default(); height * width * self.subject.channels];
        for slice in 0..slices {
            let bytes = medcore::buffer::as_bytes_mut(&mut page);
            let len = bytes.len();
            bytes.copy_from_slice(&self.samples[slice * len..][..len]);
            encoder
                .write_image::<C>(across, down, &page)
                .map_err(|e| Error::io("encode", self.path)(std::io::Error::other(e)))?;
        }
        Ok(())
    }
}
