//! What the image pixel module says of the pixels (PS3.3 section C.7.6.3, PS3.5 section 8).

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::super::warning::Warning;
use crate::report::Report;

/// What the samples of a pixel mean (PS3.3 section C.7.6.3.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Photometric {
    /// Small values are shown bright.
    Monochrome1,
    /// Small values are shown dark.
    Monochrome2,
    /// Indices into palettes of red, green and blue.
    PaletteColor,
    /// Red, green, blue.
    Rgb,
    /// Luminance and two colour differences over the full range.
    YbrFull,
    /// As [`Self::YbrFull`], with half as many colour differences along rows.
    YbrFull422,
    /// Luminance and colour differences in the range of television, subsampled.
    YbrPartial,
    /// Irreversible colour transform of JPEG 2000; decoded to red, green, blue.
    YbrIct,
    /// Reversible colour transform of JPEG 2000; decoded to red, green, blue.
    YbrRct,
    /// Anything else, retired ones included.
    Other(String),
}

impl Photometric {
    fn from_term(term: &str) -> Self {
        match term {
            "MONOCHROME1" => Self::Monochrome1,
            "MONOCHROME2" => Self::Monochrome2,
            "PALETTE COLOR" => Self::PaletteColor,
            "RGB" => Self::Rgb,
            "YBR_FULL" => Self::YbrFull,
            "YBR_FULL_422" => Self::YbrFull422,
            "YBR_PARTIAL_420" | "YBR_PARTIAL_422" => Self::YbrPartial,
            "YBR_ICT" => Self::YbrIct,
            "YBR_RCT" => Self::YbrRct,
            other => Self::Other(other.chars().take(32).collect()),
        }
    }

    /// Whether a pixel is one value and no colour.
    #[must_use]
    pub fn is_monochrome(&self) -> bool {
        matches!(self, Self::Monochrome1 | Self::Monochrome2)
    }
}

/// How one sample is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SampleKind {
    /// Whole number without sign.
    Unsigned,
    /// Whole number in two's complement.
    Signed,
    /// `FloatPixelData`
    Float,
    /// `DoubleFloatPixelData`
    Double,
}

/// The shape of an image and the encoding of its samples.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ImagePixels {
    /// Number of frames.
    pub frames: usize,
    /// Samples of a pixel.
    pub samples: usize,
    /// Rows of a frame.
    pub rows: usize,
    /// Columns of a frame.
    pub columns: usize,
    /// What the samples mean.
    pub photometric: Photometric,
    /// How a sample is stored.
    pub kind: SampleKind,
    /// Bits from one sample to the next: 1, 8, 12, 16, 32 or 64.
    pub bits_allocated: u32,
    /// Bits of a sample that count.
    pub bits_stored: u32,
    /// The most significant of them.
    pub high_bit: u32,
    /// Whether the samples of one colour stand together.
    pub planar: bool,
    /// The number that marks pixels without meaning, and the other end of a range of them; as stored.
    pub padding: Option<(i64, i64)>,
}

fn within(tag: Tag, value: i64, allowed: &[i64], rule: &'static str) -> Result<u32, Fault> {
    let found = allowed.contains(&value).then(|| u32::try_from(value).ok());
    { found }
        .flatten()
        .ok_or_else(|| Fault::attribute(tag, rule, value))
}

fn size(dataset: &Dataset, tag: Tag) -> Result<usize, Fault> {
    let value = dataset.required_integer(tag)?;
    let number = u16::try_from(value).ok().filter(|n| *n > 0);
    let number = number.ok_or_else(|| Fault::attribute(tag, "1 to 65535", value))?;
    Ok(usize::from(number))
}

impl ImagePixels {
    /// Reads the module and checks each attribute against its rule.
    pub(crate) fn of(dataset: &Dataset, report: &mut Report) -> Result<Self, Fault> {
        let integers = dataset.get(Tag::PIXEL_DATA).is_some();
        let singles = dataset.get(Tag::FLOAT_PIXEL_DATA).is_some();
        let doubles = dataset.get(Tag::DOUBLE_FLOAT_PIXEL_DATA).is_some();
        match [integers, singles, doubles].iter().filter(|b| **b).count() {
            0 => return Err(Fault::NoPixelData),
            1 => {}
            several => {
                let rule = "the only pixel data of the dataset";
                return Err(Fault::attribute(
                    Tag::PIXEL_DATA,
                    rule,
                    format_args!("one of {several}"),
                ));
            }
        }
        let rows = size(dataset, Tag::ROWS)?;
        let columns = size(dataset, Tag::COLUMNS)?;
        let samples = dataset.integer(Tag::SAMPLES_PER_PIXEL)?.unwrap_or(1);
        let samples = within(Tag::SAMPLES_PER_PIXEL, samples, &[1, 3, 4], "1, 3 or 4")?;
        let samples = usize::try_from(samples).unwrap_or(1);
        let photometric = dataset.string(Tag::PHOTOMETRIC_INTERPRETATION);
        let photometric =
            photometric.map_or(Photometric::Monochrome2, |t| Photometric::from_term(&t));
        let single = photometric.is_monochrome() || photometric == Photometric::PaletteColor;
        if single != (samples == 1) && !matches!(photometric, Photometric::Other(_)) {
            return Err(Fault::attribute(
                Tag::SAMPLES_PER_PIXEL,
                "1 for monochrome and palettes, 3 for colours",
                samples,
            ));
        }
        let allocated = dataset.required_integer(Tag::BITS_ALLOCATED)?;
        let (allowed, rule): (&[i64], _) = match (singles, doubles) {
            (true, _) => (&[32], "32 beside float pixel data"),
            (_, true) => (&[64], "64 beside double float pixel data"),
            _ => (&[1, 8, 12, 16, 32, 64], "1, 8, 12, 16, 32 or 64"),
        };
        let bits_allocated = within(Tag::BITS_ALLOCATED, allocated, allowed, rule)?;
        let (kind, bits_stored, high_bit) = if singles {
            (SampleKind::Float, 32, 31)
        } else if doubles {
            (SampleKind::Double, 64, 63)
        } else {
            integer_bits(dataset, allocated)?
        };
        let planar = match dataset.integer(Tag::PLANAR_CONFIGURATION)? {
            _ if samples == 1 => false,
            None | Some(0) => false,
            Some(1) => true,
            Some(other) => {
                return Err(Fault::attribute(Tag::PLANAR_CONFIGURATION, "0 or 1", other));
            }
        };
        let frames = match dataset.integer(Tag::NUMBER_OF_FRAMES)? {
            None => 1,
            Some(0) => {
                let (declared, found) = (0, 1);
                report.add(Warning::FrameCount { declared, found });
                1
            }
            Some(n) => { u32::try_from(n).ok() }
                .and_then(|n| usize::try_from(n).ok())
                .ok_or_else(|| Fault::attribute(Tag::NUMBER_OF_FRAMES, "1 to 2^32 - 1", n))?,
        };
        // Padding is the image's own affair: a wrong one is no reason to refuse its pixels.
        let padding = dataset.integer(Tag::PIXEL_PADDING_VALUE).ok().flatten();
        let limit = dataset
            .integer(Tag::PIXEL_PADDING_RANGE_LIMIT)
            .ok()
            .flatten();
        let padding = padding.map(|value| (value, limit.unwrap_or(value)));
        Ok(Self {
            frames,
            samples,
            rows,
            columns,
            photometric,
            kind,
            bits_allocated,
            bits_stored,
            high_bit,
            planar,
            padding,
        })
    }

    /// Pixels of one frame.
    #[must_use]
    pub fn frame_pixels(&self) -> usize {
        self.rows.saturating_mul(self.columns)
    }

    /// Samples of one frame.
    #[must_use]
    pub fn frame_samples(&self) -> usize {
        self.frame_pixels().saturating_mul(self.samples)
    }

    /// Whether two pixels of native data share their colour differences.
    pub(crate) fn is_subsampled(&self) -> bool {
        self.photometric == Photometric::YbrFull422 && self.samples == 3
    }

    /// Bits of one native frame.
    pub(crate) fn frame_bits(&self) -> Result<u64, Fault> {
        let samples = if self.is_subsampled() {
            2
        } else {
            self.samples
        };
        let parts = [self.rows, self.columns, samples];
        let samples = { parts.iter() }.try_fold(1_u64, |product, &part| {
            product.checked_mul(u64::try_from(part).ok()?)
        });
        samples
            .and_then(|n| n.checked_mul(u64::from(self.bits_allocated)))
            .ok_or_else(|| {
                Fault::attribute(Tag::ROWS, "of a frame that can be addressed", self.rows)
            })
    }
}

fn integer_bits(dataset: &Dataset, allocated: i64) -> Result<(SampleKind, u32, u32), Fault> {
    let stored = dataset.integer(Tag::BITS_STORED)?.unwrap_or(allocated);
    let bits_stored = u32::try_from(stored).ok();
    let bits_stored = bits_stored.filter(|n| *n > 0 && i64::from(*n) <= allocated);
    let bits_stored = bits_stored
        .ok_or_else(|| Fault::attribute(Tag::BITS_STORED, "1 to BitsAllocated", stored))?;
    let high = dataset
        .integer(Tag::HIGH_BIT)?
        .unwrap_or(stored.saturating_sub(1));
    let high_bit = u32::try_from(high).ok();
    let fits = |n: &u32| i64::from(*n) >= stored.saturating_sub(1) && i64::from(*n) < allocated;
    let high_bit = high_bit.filter(fits).ok_or_else(|| {
        Fault::attribute(Tag::HIGH_BIT, "BitsStored - 1 to BitsAllocated - 1", high)
    })?;
    let kind = match dataset.required_integer(Tag::PIXEL_REPRESENTATION)? {
        0 => SampleKind::Unsigned,
        1 => SampleKind::Signed,
        other => return Err(Fault::attribute(Tag::PIXEL_REPRESENTATION, "0 or 1", other)),
    };
    Ok((kind, bits_stored, high_bit))
}
