//! Doubts about a file's pixels, without decoding them.

use super::super::dataset::{Element, Value};
use super::super::file::DicomFile;
use super::super::tag::Tag;
use super::super::warning::Warning;
use super::description::ImagePixels;
use crate::report::Report;

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
        report.add(Warning::ExcessPixelData { bytes });
    } else if needed > place.length && file.lenient {
        let bytes = needed - place.length;
        report.add(Warning::PixelsFilled { bytes });
    }
}
