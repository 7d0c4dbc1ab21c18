//! Brushes: four values a pixel, row after row, as packed runs.
//!
//! Bits, highest first: 32 for the number of values, 5 for the width of a value less one, four times 4 for
//! widths of lengths less one; then stretches: a bit (1: one value repeated), two bits for the width of the
//! length, the length less one, and the value, or as many values. A pixel is inside where its fourth value is
//! not zero.

use super::super::fault::Problem;
use super::super::mask::{Mask, Order, Runs};
use super::super::number::wide;

/// Widths of lengths that are written.
const WIDTHS: [u32; 4] = [3, 4, 8, 16];

/// Bits of a list of bytes, highest first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// At most 32 bits as a number.
    fn read(&mut self, count: u32) -> Result<u32, Problem> {
        let mut value = 0_u32;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8);
            let ends = || Problem::expected("as many bits as the brush announces", "fewer");
            let byte = byte.ok_or_else(ends)?;
            let bit = byte.checked_shr(7_u32.saturating_sub((self.at % 8).try_into().unwrap_or(0)));
            value = value << 1 | u32::from(bit.unwrap_or(0) & 1);
            self.at = self.at.saturating_add(1);
        }
        Ok(value)
    }
}

/// The mask that a brush paints on an image of `size`.
pub(super) fn unpack(bytes: &[u8], size: [usize; 2]) -> Result<Mask, Problem> {
    let mut bits = Bits { bytes, at: 0 };
    let [height, width] = size;
    let values = u64::from(bits.read(32)?);
    let expected = wide(height)
        .checked_mul(wide(width))
        .and_then(|n| n.checked_mul(4));
    if expected != Some(values) {
        let got = format!("{values} values for {height}x{width}");
        return Err(Problem::expected("four values a pixel", &got));
    }
    let word = bits.read(5)?.saturating_add(1);
    let mut widths = [0_u32; 4];
    for width in &mut widths {
        *width = bits.read(4)?.saturating_add(1);
    }
    let mut runs = Runs::default();
    let mut at = 0_u64;
    while at < values {
        let repeated = bits.read(1)? == 1;
        let chosen = usize::try_from(bits.read(2)?).unwrap_or(0);
        let length = bits.read(widths.get(chosen).copied().unwrap_or(1))?;
        let end = u64::from(length).saturating_add(1).saturating_add(at);
        if end > values {
            return Err(Problem::expected(
                "stretches that end with the image",
                &end.to_string(),
            ));
        }
        if repeated {
            let inside = bits.read(word)? != 0;
            // Every fourth value counts: as many as lie between the two ends.
            runs.add(inside, (end / 4).saturating_sub(at / 4));
        } else {
            for place in at..end {
                let inside = bits.read(word)? != 0;
                runs.add(inside, u64::from(place % 4 == 3));
            }
        }
        at = end;
    }
    Mask::new([0, 0], size, Order::Rows, runs.finish())
}

/// Collects bits, highest first.
#[derive(Default)]
struct Packer {
    bytes: Vec<u8>,
    current: u8,
    filled: u32,
}

impl Packer {
    fn push(&mut self, value: u32, count: u32) {
        for shift in (0..count).rev() {
            let bit = u8::from(value >> shift & 1 == 1);
            self.current = self.current << 1 | bit;
            self.filled = self.filled.saturating_add(1);
            if self.filled == 8 {
                self.bytes.push(self.current);
                (self.current, self.filled) = (0, 0);
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        while self.filled != 0 {
            self.push(0, 1);
        }
        self.bytes
    }
}

/// The brush that paints a mask of a whole image, given along its rows.
pub(super) fn pack(mask: &Mask) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::expected("an image of less than 2^30 pixels", "a larger one");
    let pixels = mask
        .runs()
        .iter()
        .try_fold(0_u64, |sum, run| sum.checked_add(*run));
    let values = pixels.and_then(|pixels| pixels.checked_mul(4));
    let values = values
        .and_then(|values| u32::try_from(values).ok())
        .ok_or_else(too_large)?;
    let mut out = Packer::default();
    out.push(values, 32);
    out.push(7, 5);
    WIDTHS
        .iter()
        .for_each(|width| out.push(width.saturating_sub(1), 4));
    for (number, &run) in mask.runs().iter().enumerate() {
        let colour = if number % 2 == 1 { 255 } else { 0 };
        let mut left = u32::try_from(run.saturating_mul(4)).map_err(|_| too_large())?;
        while let Some(most) = left.checked_sub(1) {
            let length = most.min(0xffff);
            let fits = WIDTHS
                .iter()
                .zip(0_u32..)
                .find(|(width, _)| length >> **width == 0);
            let (width, number) = fits.map_or((16, 3), |(width, number)| (*width, number));
            out.push(1, 1);
            out.push(number, 2);
            out.push(length, width);
            out.push(colour, 8);
            left = most.saturating_sub(length);
        }
    }
    Ok(out.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_brush_paints_the_same_mask() {
        let mut random = medcore::random::Key::new(5).stream("brush");
        for size in [[1, 1], [3, 5], [40, 33], [300, 200]] {
            for chance in [0.0, 0.001, 0.3, 1.0] {
                let pixels: Vec<bool> = (0..size[0] * size[1])
                    .map(|_| random.chance(chance))
                    .collect();
                let mask = Mask::from_pixels([0, 0], size, &pixels).unwrap();
                let bytes = pack(&mask).unwrap();
                assert_eq!(unpack(&bytes, size).unwrap(), mask, "{size:?} {chance}");
                for cut in [0, 3, 6, bytes.len() - 1] {
                    assert!(
                        unpack(&bytes[..cut], size).is_err(),
                        "{size:?} {chance} {cut}"
                    );
                }
                assert!(unpack(&bytes, [size[0] + 1, size[1]]).is_err());
            }
        }
    }
}
