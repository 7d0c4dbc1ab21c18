//! The numbers that pixels can stand for, and the type that holds them.

use super::super::dataset::Dataset;
use super::description::{ImagePixels, Photometric, SampleKind};
use super::modality::Modality;
use crate::voxel::Datatype;

/// The numbers that pixels can stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum ValueRange {
    /// Whole numbers, both ends included.
    Whole(i64, i64),
    /// Any numbers, of which single precision keeps what matters.
    Single,
    /// Any numbers.
    Double,
}

impl ValueRange {
    /// The values of a frame as they are stored.
    pub(in super::super) fn stored(image: &ImagePixels) -> Self {
        let bits = image.bits_stored.clamp(1, 63);
        match image.kind {
            SampleKind::Float => Self::Single,
            SampleKind::Double => Self::Double,
            SampleKind::Unsigned => Self::Whole(0, (1 << bits) - 1),
            SampleKind::Signed => Self::Whole(-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        }
    }

    /// The values of the modality of a frame.
    pub(in super::super) fn modality(dataset: &Dataset, frame: usize, image: &ImagePixels) -> Self {
        let stored = Self::stored(image);
        if image.photometric == Photometric::PaletteColor {
            return Self::Whole(0, 65_535);
        }
        if !image.photometric.is_monochrome() {
            return stored;
        }
        let signed = image.kind == SampleKind::Signed;
        let (slope, intercept) = match Modality::of(dataset, frame, signed) {
            Ok(Modality::Rescale {
                slope, intercept, ..
            }) => (slope, intercept),
            Ok(Modality::Table { .. }) => return Self::Whole(0, 65_535),
            // What is wrong with it is said when it is read.
            Ok(Modality::Identity) | Err(_) => return stored,
        };
        let Self::Whole(least, most) = stored else {
            return stored;
        };
        let ends = [least, most].map(|stored| stored as f64 * slope + intercept);
        let [low, high] = [ends[0].min(ends[1]), ends[0].max(ends[1])];
        let whole = slope.fract() == 0.0 && intercept.fract() == 0.0;
        if whole && low.abs().max(high.abs()) < 9e15 {
            Self::Whole(low as i64, high as i64)
        } else if image.bits_stored <= 16 && low.abs().max(high.abs()) < f64::from(f32::MAX) {
            Self::Single
        } else {
            Self::Double
        }
    }

    /// All values of both.
    pub(in super::super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Whole(a, b), Self::Whole(c, d)) => Self::Whole(a.min(c), b.max(d)),
            (Self::Double, _) | (_, Self::Double) => Self::Double,
            (Self::Single, _) | (_, Self::Single) => Self::Single,
        }
    }

    /// The smallest type that holds them.
    pub(in super::super) fn datatype(self) -> Datatype {
        let types = [
            (Datatype::U8, 0, i64::from(u8::MAX)),
            (Datatype::I8, i64::from(i8::MIN), i64::from(i8::MAX)),
            (Datatype::U16, 0, i64::from(u16::MAX)),
            (Datatype::I16, i64::from(i16::MIN), i64::from(i16::MAX)),
            (Datatype::U32, 0, i64::from(u32::MAX)),
            (Datatype::I32, i64::from(i32::MIN), i64::from(i32::MAX)),
        ];
        match self {
            Self::Single => Datatype::F32,
            Self::Double => Datatype::F64,
            Self::Whole(least, most) => { types.into_iter() }
                .find(|(_, low, high)| least >= *low && most <= *high)
                .map_or(Datatype::I64, |(datatype, ..)| datatype),
        }
    }
}

/// The number type of stored samples.
pub(in super::super) fn stored_datatype(image: &ImagePixels) -> Datatype {
    let signed = image.kind == SampleKind::Signed;
    match (image.kind, image.bits_allocated) {
        (SampleKind::Float, _) => Datatype::F32,
        (SampleKind::Double, _) => Datatype::F64,
        (_, ..=8) if signed => Datatype::I8,
        (_, ..=8) => Datatype::U8,
        (_, ..=16) if signed => Datatype::I16,
        (_, ..=16) => Datatype::U16,
        (_, ..=32) if signed => Datatype::I32,
        (_, ..=32) => Datatype::U32,
        _ if signed => Datatype::I64,
        _ => Datatype::U64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_type_holds_all_values() {
        let of = |least, most| ValueRange::Whole(least, most).datatype();
        assert_eq!(of(0, 255), Datatype::U8);
        assert_eq!(of(-1024, 3071), Datatype::I16);
        assert_eq!(of(0, 4095), Datatype::U16);
        assert_eq!(of(-1024, 64_511), Datatype::I32);
        assert_eq!(of(-1, 1 << 40), Datatype::I64);
        let both = ValueRange::Whole(0, 4095).and(ValueRange::Whole(-1024, 0));
        assert_eq!(both, ValueRange::Whole(-1024, 4095));
        assert_eq!(both.and(ValueRange::Single).datatype(), Datatype::F32);
    }
}
