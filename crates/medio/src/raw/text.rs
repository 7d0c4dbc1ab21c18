//! Voxels as text: decimal numbers, or the hexadecimal digits of their bytes.

use super::stored::Stored;
use super::{Endian, len64};
use crate::fault::{Fault, shortened};
use crate::voxel::Datatype;

/// What the characters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// Numbers with white space or commas between them.
    Decimal,
    /// Two digits a byte, white space anywhere.
    Hexadecimal,
}

/// No number needs more characters.
const LONGEST_TOKEN: usize = 400;

impl Digits {
    /// The fewest characters that can hold the voxels.
    pub(crate) fn least_bytes(self, stored: &Stored) -> u64 {
        match self {
            Self::Decimal => len64(stored.samples).saturating_mul(2).saturating_sub(1),
            Self::Hexadecimal => stored.bytes.saturating_mul(2),
        }
    }

    /// The byte order of what [`Text::fill`] writes.
    pub(crate) fn endian(self, stored: &Stored) -> Endian {
        match self {
            Self::Decimal => Endian::NATIVE,
            Self::Hexadecimal => stored.endian,
        }
    }
}

/// Text that has been read up to a place.
pub(crate) struct Text<'a> {
    digits: Digits,
    sample: Datatype,
    rest: &'a [u8],
    samples_read: u64,
}

impl<'a> Text<'a> {
    pub(crate) fn new(digits: Digits, sample: Datatype, bytes: &'a [u8]) -> Self {
        Self {
            digits,
            sample,
            rest: bytes,
            samples_read: 0,
        }
    }

    /// The bytes of the next numbers.
    pub(crate) fn fill(&mut self, block: &mut [u8]) -> Result<(), Fault> {
        match self.digits {
            Digits::Hexadecimal => block.iter_mut().try_for_each(|byte| {
                let (high, low) = (self.digit()?, self.digit()?);
                *byte = (high << 4) | low;
                Ok(())
            }),
            Digits::Decimal => block
                .chunks_exact_mut(self.sample.voxel_bytes())
                .try_for_each(|bytes| {
                    let token = self.token()?;
                    number(token, self.sample, bytes).map_err(|rule| Fault::Token {
                        sample: self.samples_read,
                        rule,
                        token: shortened(&String::from_utf8_lossy(token)),
                    })?;
                    self.samples_read = self.samples_read.saturating_add(1);
                    Ok(())
                }),
        }
    }

    fn digit(&mut self) -> Result<u8, Fault> {
        loop {
            let Some((&first, rest)) = self.rest.split_first() else {
                return Err(self.ended());
            };
            self.rest = rest;
            if first.is_ascii_whitespace() {
                continue;
            }
            let digit = char::from(first).to_digit(16);
            return digit
                .and_then(|d| u8::try_from(d).ok())
                .ok_or_else(|| Fault::Token {
                    sample: self.samples_read,
                    rule: "hexadecimal digits",
                    token: char::from(first).to_string(),
                });
        }
    }

    fn token(&mut self) -> Result<&'a [u8], Fault> {
        let between = |b: &u8| b.is_ascii_whitespace() || *b == b',';
        let start = self.rest.iter().position(|b| !between(b));
        let start = start.ok_or_else(|| self.ended())?;
        let rest = self.rest.get(start..).unwrap_or_default();
        // One character more than a number may have shows that it is too long.
        let window = rest.get(..=LONGEST_TOKEN).unwrap_or(rest);
        let end = window.iter().position(between).unwrap_or(window.len());
        self.rest = rest.get(end..).unwrap_or_default();
        Ok(rest.get(..end).unwrap_or_default())
    }

    fn ended(&self) -> Fault {
        Fault::Truncated {
            what: "the text behind its last number",
            needed: self.samples_read.saturating_add(1),
            available: self.samples_read,
        }
    }
}

/// A number's bytes in this machine's order.
fn number(token: &[u8], sample: Datatype, out: &mut [u8]) -> Result<(), &'static str> {
    if token.len() > LONGEST_TOKEN {
        return Err("a number of at most 400 characters");
    }
    let text = std::str::from_utf8(token).map_err(|_| "a number")?;
    // Only the word is infinite; digits that overflow are damage.
    let is_word = text.bytes().any(|b| matches!(b, b'n' | b'N'));
    macro_rules! integer {
        ($t:ty) => {
            out.copy_from_slice(
                &text
                    .parse::<$t>()
                    .map_err(|_| "a whole number of its type")?
                    .to_ne_bytes(),
            )
        };
    }
    macro_rules! float {
        ($t:ty) => {{
            let value: $t = text.parse().map_err(|_| "a number")?;
            if !value.is_finite() && !is_word {
                return Err("a finite number of its type");
            }
            out.copy_from_slice(&value.to_ne_bytes());
        }};
    }
    match sample {
        Datatype::U8 | Datatype::Rgb24 | Datatype::Rgba32 => integer!(u8),
        Datatype::I8 => integer!(i8),
        Datatype::U16 => integer!(u16),
        Datatype::I16 => integer!(i16),
        Datatype::U32 => integer!(u32),
        Datatype::I32 => integer!(i32),
        Datatype::U64 => integer!(u64),
        Datatype::I64 => integer!(i64),
        Datatype::F32 => float!(f32),
        Datatype::F64 => float!(f64),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, sample: Datatype, count: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; count * sample.voxel_bytes()];
        Text::new(Digits::Decimal, sample, text.as_bytes()).fill(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn numbers_between_any_white_space_are_read_exactly() {
        let bytes = read(" 1 -2,\n3\t32767", Datatype::I16, 4).unwrap();
        let numbers: Vec<i16> = bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| i16::from_ne_bytes(*b))
            .collect();
        assert_eq!(numbers, [1, -2, 3, 32767]);
        let bytes = read("0.1 nan -inf", Datatype::F64, 3).unwrap();
        assert_eq!(bytes[..8], 0.1_f64.to_ne_bytes());
    }

    #[test]
    fn what_is_no_number_of_the_type_is_refused_with_its_place() {
        for bad in ["1 256", "1 -1", "1 1.5", "1 x", "1 "] {
            assert!(read(bad, Datatype::U8, 2).is_err(), "{bad:?}");
        }
        for bad in ["1e400", &"9".repeat(5000), "0x10"] {
            assert!(read(bad, Datatype::F64, 1).is_err(), "{bad:?}");
        }
        let Err(Fault::Token {
            sample: 2, token, ..
        }) = read("1 2 x3", Datatype::U8, 3)
        else {
            panic!("accepted");
        };
        assert_eq!(token, "x3");
    }

    #[test]
    fn hexadecimal_digits_are_bytes() {
        let mut bytes = [0; 3];
        let mut text = Text::new(Digits::Hexadecimal, Datatype::U8, b"0a F\nf 10");
        text.fill(&mut bytes).unwrap();
        assert_eq!(bytes, [10, 255, 16]);
        assert!(text.fill(&mut bytes).is_err());
    }
}
