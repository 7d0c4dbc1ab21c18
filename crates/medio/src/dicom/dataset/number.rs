//! Numbers in values: binary ones, decimal strings and integer strings (PS3.5 section 6.2).

use super::super::fault::Fault;
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::value::{Element, Value};

/// Whole numbers of a binary representation, or none if it holds none.
fn binary_integers(element: &Element, bytes: &[u8]) -> Result<Option<Vec<i64>>, Fault> {
    macro_rules! numbers {
        ($t:ty) => {{
            let (whole, rest) = bytes.as_chunks::<{ size_of::<$t>() }>();
            if !rest.is_empty() {
                let got = format_args!("{} bytes of {}", bytes.len(), element.vr());
                return Err(Fault::attribute(element.tag(), "whole numbers", got));
            }
            let read = whole.iter().map(|b| i64::try_from(<$t>::from_le_bytes(*b)));
            let values: Result<Vec<i64>, _> = read.collect();
            values
                .map(Some)
                .map_err(|_| Fault::attribute(element.tag(), "below 2^63", "a larger number"))
        }};
    }
    match element.vr() {
        Vr::OB => numbers!(u8),
        Vr::US | Vr::OW => numbers!(u16),
        Vr::SS => numbers!(i16),
        Vr::UL | Vr::OL => numbers!(u32),
        Vr::SL => numbers!(i32),
        Vr::UV | Vr::OV => numbers!(u64),
        Vr::SV => numbers!(i64),
        _ => Ok(None),
    }
}

fn bytes_of(element: &Element) -> Result<&[u8], Fault> {
    match element.value() {
        Value::Bytes(bytes) => Ok(bytes),
        _ => Err(Fault::attribute(
            element.tag(),
            "numbers",
            "a value that was not read",
        )),
    }
}

/// The parts of a text of numbers; none if there is nothing but padding.
fn parts(bytes: &[u8]) -> impl Iterator<Item = &str> {
    // What is no ASCII is no number either: it stays in one part, which is refused.
    let text = std::str::from_utf8(bytes).unwrap_or("\u{fffd}");
    let text = text.trim_matches([' ', '\0']);
    let parts = (!text.is_empty()).then(|| text.split('\\'));
    parts
        .into_iter()
        .flatten()
        .map(|part| part.trim_matches([' ', '\0']))
}

pub(super) fn decimal(tag: Tag, part: &str) -> Result<f64, Fault> {
    let refused = || Fault::attribute(tag, "a finite decimal number", part);
    // Rust also reads words like `inf`.
    let allowed = |b: u8| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    if !part.bytes().all(allowed) {
        return Err(refused());
    }
    let number: f64 = part.parse().map_err(|_| refused())?;
    number.is_finite().then_some(number).ok_or_else(refused)
}

pub(super) fn whole(tag: Tag, part: &str) -> Result<i64, Fault> {
    let refused = || Fault::attribute(tag, "a whole number", part);
    let digits = match part.split_once('.') {
        // Some writers append a fraction of nothing.
        Some((digits, fraction)) if fraction.bytes().all(|b| b == b'0') => digits,
        _ => part,
    };
    digits.parse().map_err(|_| refused())
}

pub(super) fn floats(element: &Element) -> Result<Vec<f64>, Fault> {
    let (tag, bytes) = (element.tag(), bytes_of(element)?);
    let refused = |got| Fault::attribute(tag, "numbers", got);
    match element.vr() {
        Vr::DS | Vr::IS => parts(bytes).map(|part| decimal(tag, part)).collect(),
        Vr::FL | Vr::OF => match bytes.as_chunks::<4>() {
            (whole, []) => Ok({ whole.iter() }
                .map(|b| f64::from(f32::from_le_bytes(*b)))
                .collect()),
            _ => Err(refused("bytes left over")),
        },
        Vr::FD | Vr::OD => match bytes.as_chunks::<8>() {
            (whole, []) => Ok(whole.iter().map(|b| f64::from_le_bytes(*b)).collect()),
            _ => Err(refused("bytes left over")),
        },
        vr => match binary_integers(element, bytes)? {
            Some(values) => Ok(values.into_iter().map(wide).collect()),
            None => Err(refused(vr.code())),
        },
    }
}

#[expect(clippy::as_conversions, reason = "rounds above 2^53, as said")]
fn wide(value: i64) -> f64 {
    value as f64
}

pub(super) fn integers(element: &Element) -> Result<Vec<i64>, Fault> {
    let (tag, bytes) = (element.tag(), bytes_of(element)?);
    match element.vr() {
        Vr::IS | Vr::DS => parts(bytes).map(|part| whole(tag, part)).collect(),
        vr => binary_integers(element, bytes)?
            .ok_or_else(|| Fault::attribute(tag, "whole numbers", vr)),
    }
}

/// The decimal string of at most 16 characters that is nearest to a number: the shortest exact one if it
/// fits.
///
/// # Errors
/// Refuses NaN and infinities.
pub(crate) fn decimal_string(tag: Tag, value: f64) -> Result<String, Fault> {
    const MOST: usize = 16;
    if !value.is_finite() {
        return Err(Fault::attribute(tag, "a finite number", value));
    }
    let shortest = [format!("{value}"), format!("{value:e}")];
    if let Some(exact) = { shortest }.into_iter().find(|text| text.len() <= MOST) {
        return Ok(exact);
    }
    // The more digits, the nearer: the first that fits is the best of its kind.
    let fixed = (0..=15).rev().map(|digits| format!("{value:.digits$}"));
    let scientific = (0..=15).rev().map(|digits| format!("{value:.digits$e}"));
    let finite = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
    let fits = |text: &String| text.len() <= MOST && finite(text);
    let fitting = |mut texts: Box<dyn Iterator<Item = String>>| texts.find(fits);
    let distance = |text: &String| text.parse::<f64>().map_or(f64::MAX, |v| (v - value).abs());
    let mut best = [fitting(Box::new(fixed)), fitting(Box::new(scientific))]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    best.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    let best = best.into_iter().next();
    best.ok_or_else(|| Fault::attribute(tag, "a number of 16 characters", value))
}

pub(super) fn encode_floats(tag: Tag, vr: Vr, values: &[f64]) -> Result<Vec<u8>, Fault> {
    match vr {
        Vr::DS => {
            let texts: Result<Vec<_>, _> = values.iter().map(|&v| decimal_string(tag, v)).collect();
            Ok(texts?.join("\\").into_bytes())
        }
        #[expect(clippy::as_conversions, reason = "single precision was asked for")]
        Vr::FL | Vr::OF => Ok({ values.iter() }
            .flat_map(|&v| (v as f32).to_le_bytes())
            .collect()),
        Vr::FD | Vr::OD => Ok(values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        _ => {
            let whole: Result<Vec<i64>, Fault> = values.iter().map(|&v| exact(tag, v)).collect();
            encode_integers(tag, vr, &whole?)
        }
    }
}

fn exact(tag: Tag, value: f64) -> Result<i64, Fault> {
    let whole = value.fract() == 0.0 && value.abs() <= 9e15;
    #[expect(clippy::as_conversions, reason = "a whole number in range")]
    whole
        .then_some(value as i64)
        .ok_or_else(|| Fault::attribute(tag, "a whole number", value))
}

pub(super) fn encode_integers(tag: Tag, vr: Vr, values: &[i64]) -> Result<Vec<u8>, Fault> {
    macro_rules! numbers {
        ($t:ty) => {{
            let mut bytes = Vec::with_capacity(values.len().saturating_mul(size_of::<$t>()));
            for &value in values {
                let number = <$t>::try_from(value).map_err(|_| {
                    Fault::attribute(tag, concat!("in the range of ", stringify!($t)), value)
                })?;
                bytes.extend(number.to_le_bytes());
            }
            Ok(bytes)
        }};
    }
    match vr {
        Vr::IS | Vr::DS => {
            let texts: Vec<_> = values.iter().map(i64::to_string).collect();
            if vr == Vr::IS && values.iter().any(|&v| i32::try_from(v).is_err()) {
                return Err(Fault::attribute(tag, "within 32 bits", texts.join("\\")));
            }
            Ok(texts.join("\\").into_bytes())
        }
        Vr::OB => numbers!(u8),
        Vr::US | Vr::OW => numbers!(u16),
        Vr::SS => numbers!(i16),
        Vr::UL | Vr::OL => numbers!(u32),
        Vr::SL => numbers!(i32),
        Vr::UV | Vr::OV => numbers!(u64),
        Vr::SV => numbers!(i64),
        _ => Err(Fault::attribute(tag, "an attribute of numbers", vr)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_strings_are_exact_where_sixteen_characters_allow_it_and_near_elsewhere() {
        for value in [
            0.0,
            1.0,
            -0.5,
            0.1,
            1e-7,
            1e300,
            -1024.0,
            123_456_789.125,
            5e-324,
        ] {
            let text = decimal_string(Tag::PIXEL_SPACING, value).unwrap();
            assert_eq!(text.parse::<f64>().unwrap(), value, "{text}");
            assert!(text.len() <= 16);
        }
        for value in [
            1.0 / 3.0,
            -1.0 / 3.0,
            -std::f64::consts::PI * 1e-5,
            1e15 / 7.0,
            -1.234_567_890_123_456_7e-200,
        ] {
            let text = decimal_string(Tag::PIXEL_SPACING, value).unwrap();
            assert!(text.len() <= 16, "{text}");
            let error = (text.parse::<f64>().unwrap() - value).abs() / value.abs();
            assert!(error < 1e-8, "{text} for {value}");
        }
        for value in [f64::NAN, f64::INFINITY] {
            assert!(decimal_string(Tag::PIXEL_SPACING, value).is_err());
        }
    }

    #[test]
    fn words_and_overflows_are_no_numbers() {
        for text in ["nan", "inf", "1e400", "1,5", "abc", "--1", "1 2", "é"] {
            let value = Value::Bytes(text.as_bytes().into());
            let element = Element::new(Tag::RESCALE_SLOPE, Vr::DS, value);
            assert!(element.floats().is_err(), "{text}");
        }
        let spaced = Value::Bytes((*b" 1.5 \\ -2\\+3 ").into());
        let element = Element::new(Tag::RESCALE_SLOPE, Vr::DS, spaced);
        assert_eq!(element.floats().unwrap(), [1.5, -2.0, 3.0]);
    }

    #[test]
    fn half_a_number_is_refused() {
        let value = Value::Bytes([1, 2, 3].into());
        assert!(Element::new(Tag::ROWS, Vr::US, value).integers().is_err());
    }
}
