//! Numbers between files and the model: widths, and decimals with as few digits as say the same.

use std::fmt::Write;

/// A count or a place in an image as a coordinate.
#[expect(
    clippy::as_conversions,
    reason = "exact below 2^53, no image is larger"
)]
pub(super) fn real(value: usize) -> f64 {
    value as f64
}

/// As [`real`], for sums over pixels.
#[expect(
    clippy::as_conversions,
    reason = "exact below 2^53, no image is larger"
)]
pub(super) fn real64(value: u64) -> f64 {
    value as f64
}

/// A length in memory as what budgets count.
pub(super) fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// A length read from a file as an index; too large ones become one that no array has.
pub(super) fn narrow(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// The whole number of pixels that a coordinate is, if it is one.
#[expect(
    clippy::as_conversions,
    reason = "whole, not negative and below 2^53, checked above"
)]
pub(super) fn whole(value: f64) -> Option<usize> {
    let fits = (0.0..9_007_199_254_740_992.0).contains(&value) && value.fract() == 0.0;
    fits.then_some(value as usize)
}

/// Numbers near `estimates` with the fewest decimals that `decode` makes `target` of.
///
/// What a file says is a decimal; the model holds what follows from it in binary. Where a candidate leads to
/// the model's value again, the decimal is the file's own, so reading and writing changes no digit. Values
/// that no decimal leads to exactly (they come from another format) are met to a billionth of a pixel.
pub(super) fn shortest<const N: usize>(
    estimates: [f64; N],
    target: [f64; N],
    decode: impl Fn([f64; N]) -> [f64; N],
) -> [f64; N] {
    let near = |reached: [f64; N]| {
        let mut pairs = reached.iter().zip(&target);
        pairs.all(|(a, b)| (a - b).abs() < 1e-9)
    };
    let exact = rounded(estimates, |candidate| decode(candidate) == target);
    exact
        .or_else(|| rounded(estimates, |candidate| near(decode(candidate))))
        .unwrap_or(estimates)
}

/// The estimates rounded to as few decimals as will do.
fn rounded<const N: usize>(
    estimates: [f64; N],
    will_do: impl Fn([f64; N]) -> bool,
) -> Option<[f64; N]> {
    // Numbers far from all images are tried as they are, not digit by digit.
    if estimates.iter().any(|value| value.abs() > 1e15) {
        return Some(estimates).filter(|candidate| will_do(*candidate));
    }
    let mut text = String::new();
    let mut scale = 1.0;
    for decimals in 0..=17 {
        let candidate = estimates.map(|value| decimal(value, decimals, scale, &mut text));
        if will_do(candidate) {
            return Some(candidate);
        }
        scale *= 10.0;
    }
    None
}

/// A number rounded to so many decimals, `scale` being ten to that power, as a reader would read it.
fn decimal(value: f64, decimals: usize, scale: f64, text: &mut String) -> f64 {
    let whole = (value * scale).round();
    // Below 2^53 both are exact (powers of ten to 10^22), so one division rounds as reading the decimal does.
    if whole.abs() < 9e15 {
        return whole / scale;
    }
    text.clear();
    let written = write!(text, "{value:.decimals$}");
    written
        .ok()
        .and_then(|()| text.parse().ok())
        .unwrap_or(value)
}

/// Appends a number as JSON, XML and text files have it: no needless `.0`, an exponent only where it is shorter.
pub(super) fn write_number(out: &mut String, value: f64) {
    let value = if value == 0.0 { 0.0 } else { value };
    let plain = value == 0.0 || (1e-7..1e17).contains(&value.abs());
    let written = match plain {
        true => write!(out, "{value}"),
        false => write!(out, "{value:e}"),
    };
    debug_assert!(written.is_ok(), "a string takes what is written to it");
}

/// The text of a number.
pub(super) fn number_text(value: f64) -> String {
    let mut out = String::new();
    write_number(&mut out, value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_a_file_survive_a_shift_of_half_a_pixel() {
        for text in [
            "0.1",
            "10.13",
            "511.875",
            "0.000001",
            "1234.5678",
            "3",
            "0.25",
        ] {
            let model = text.parse::<f64>().unwrap() - 0.5;
            let [back] = shortest([model + 0.5], [model], |[v]| [v - 0.5]);
            assert_eq!(number_text(back), text);
        }
    }

    #[test]
    fn numbers_are_written_so_that_they_are_read_as_the_same() {
        for value in [
            0.0,
            -0.0,
            1.0,
            -2.5,
            1e-12,
            123_456_789.125,
            1e300,
            5e-324,
            0.1 + 0.2,
        ] {
            let text = number_text(value);
            assert_eq!(text.parse::<f64>().unwrap(), value, "{text}");
            assert_eq!(serde_json::from_str::<f64>(&text).unwrap(), value, "{text}");
            assert!(text.len() < 25, "{text}");
        }
    }

    #[test]
    fn whole_pixels_are_told_from_other_numbers() {
        assert_eq!(whole(12.0), Some(12));
        for other in [-1.0, 0.5, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(whole(other), None, "{other}");
        }
    }
}
