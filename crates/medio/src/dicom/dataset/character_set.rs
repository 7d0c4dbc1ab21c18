//! Character sets: the default repertoire, single-byte and multi-byte sets, and switching between them
//! inside a value by escape sequences (PS3.3 section C.12.1.1.2, PS3.5 section 6.1).

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5,
    ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15, WINDOWS_874, WINDOWS_1254,
};

use super::super::tag::Tag;
use super::value::Element;

/// The encoding in which text of a dataset starts; escape sequences may change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CharacterSet(Coding);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Coding {
    #[default]
    Ascii,
    /// Part of ISO 8859, by the number that DICOM gives it.
    Single(u8),
    /// Half-width Katakana above ASCII.
    Katakana,
    Korean,
    /// GB 2312, two bytes a character.
    Chinese,
    Gbk,
    Gb18030,
    Utf8,
    Unknown,
}

impl CharacterSet {
    /// `ISO_IR 192`.
    pub const UTF_8: Self = Self(Coding::Utf8);

    /// Whether the set is none that is known; text outside ASCII then becomes replacement characters.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        self.0 == Coding::Unknown
    }

    /// The set of a defined term, for instance `ISO_IR 100` or `ISO 2022 IR 100`.
    #[must_use]
    pub fn from_term(term: &str) -> Self {
        let term = term.trim();
        Self(match term {
            "" => Coding::Ascii,
            "GB18030" => Coding::Gb18030,
            "GBK" => Coding::Gbk,
            // `ISO_IR 100`, `ISO 2022 IR 100`, and slips like `ISO-IR 100`.
            _ if term.starts_with("ISO") => {
                match term.rsplit([' ', '_', '-']).next().unwrap_or("") {
                    "6" | "87" | "159" => Coding::Ascii,
                    "13" => Coding::Katakana,
                    "58" => Coding::Chinese,
                    "149" => Coding::Korean,
                    "192" => Coding::Utf8,
                    number => match number.parse() {
                        Ok(n) if single(n).is_some() || n == 100 => Coding::Single(n),
                        _ => Coding::Unknown,
                    },
                }
            }
            _ => Coding::Unknown,
        })
    }

    /// The set that a `SpecificCharacterSet` starts with.
    pub(super) fn of(element: &Element) -> Self {
        debug_assert_eq!(element.tag(), Tag::SPECIFIC_CHARACTER_SET);
        let terms = element.strings(Self::default());
        terms
            .first()
            .map_or(Self::default(), |term| Self::from_term(term))
    }

    /// Bytes as text; what has no meaning becomes U+FFFD.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> String {
        if bytes.is_ascii() && !bytes.contains(&ESCAPE) {
            return bytes.iter().copied().map(char::from).collect();
        }
        match self.0 {
            Coding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Coding::Gb18030 => GB18030.decode_without_bom_handling(bytes).0.into_owned(),
            Coding::Gbk => GBK.decode_without_bom_handling(bytes).0.into_owned(),
            first => switched(first, bytes),
        }
    }
}

const ESCAPE: u8 = 0x1b;

/// The encoding of the upper half of a single-byte set; Latin 1 needs none.
fn single(number: u8) -> Option<&'static Encoding> {
    Some(match number {
        101 => ISO_8859_2,
        109 => ISO_8859_3,
        110 => ISO_8859_4,
        126 => ISO_8859_7,
        127 => ISO_8859_6,
        138 => ISO_8859_8,
        144 => ISO_8859_5,
        148 => WINDOWS_1254,
        166 => WINDOWS_874,
        203 => ISO_8859_15,
        _ => return None,
    })
}

/// What the lower half of the code table stands for.
#[derive(Clone, Copy, PartialEq)]
enum Lower {
    Ascii,
    /// JIS X 0208, two bytes a character.
    Kanji,
    /// JIS X 0212, two bytes a character.
    SupplementaryKanji,
}

enum Half {
    Lower(Lower),
    Upper(Coding),
}

/// The set that an escape sequence calls, and the sequence's length behind the escape itself.
fn escape(bytes: &[u8]) -> Option<(Half, usize)> {
    let upper = |coding| Some((Half::Upper(coding), 2));
    match bytes {
        [b'(', b'B' | b'J', ..] => Some((Half::Lower(Lower::Ascii), 2)),
        [b')', b'I', ..] => upper(Coding::Katakana),
        [b'-', last, ..] => upper(Coding::Single(match last {
            b'A' => 100,
            b'B' => 101,
            b'C' => 109,
            b'D' => 110,
            b'F' => 126,
            b'G' => 127,
            b'H' => 138,
            b'L' => 144,
            b'M' => 148,
            b'T' => 166,
            b'b' => 203,
            _ => return None,
        })),
        [b'$', b'B', ..] => Some((Half::Lower(Lower::Kanji), 2)),
        [b'$', b'(', b'D', ..] => Some((Half::Lower(Lower::SupplementaryKanji), 3)),
        [b'$', b')', b'C', ..] => Some((Half::Upper(Coding::Korean), 3)),
        [b'$', b')', b'A', ..] => Some((Half::Upper(Coding::Chinese), 3)),
        _ => None,
    }
}

/// Text that may switch sets (ISO/IEC 2022 as PS3.5 section 6.1.2.5 restricts it).
fn switched(first: Coding, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let (mut lower, mut upper) = (Lower::Ascii, first);
    let mut rest = bytes;
    while let Some((&byte, behind)) = rest.split_first() {
        if byte == ESCAPE {
            match escape(behind) {
                Some((half, length)) => {
                    match half {
                        Half::Lower(set) => lower = set,
                        Half::Upper(set) => upper = set,
                    }
                    rest = behind.get(length..).unwrap_or(&[]);
                }
                None => {
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = behind;
                }
            }
            continue;
        }
        // Delimiters and line ends bring back the first set. In a set of two bytes they are half a
        // character, which starts on every second byte only.
        let delimiter = matches!(byte, b'\\' | b'^' | b'=' | b'\n' | b'\r' | b'\t' | 0x0c);
        if delimiter && (lower == Lower::Ascii || byte < 0x20) {
            (lower, upper) = (Lower::Ascii, first);
        }
        let length = if byte >= 0x80 {
            // A run of the upper half belongs together.
            let run = rest.iter().take_while(|b| **b >= 0x80).count();
            let (run_bytes, _) = rest.split_at_checked(run).unwrap_or((rest, &[]));
            upper_half(upper, run_bytes, &mut text);
            run
        } else if lower == Lower::Ascii || byte <= 0x20 {
            text.push(char::from(byte));
            1
        } else if let [a, b @ 0x21..=0x7e, ..] = rest {
            let pair = [0x8f, a | 0x80, b | 0x80];
            let code = match lower {
                Lower::SupplementaryKanji => &pair[..],
                _ => &pair[1..],
            };
            text.push_str(&EUC_JP.decode_without_bom_handling(code).0);
            2
        } else {
            text.push(char::REPLACEMENT_CHARACTER);
            1
        };
        rest = rest.get(length..).unwrap_or(&[]);
    }
    text
}

fn upper_half(coding: Coding, bytes: &[u8], text: &mut String) {
    let encoding = match coding {
        Coding::Single(100) => {
            text.extend(bytes.iter().copied().map(char::from));
            return;
        }
        Coding::Katakana => {
            text.extend(bytes.iter().map(|&byte| match byte {
                0xa1..=0xdf => {
                    let code = u32::from(byte).saturating_add(0xfec0);
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
                _ => char::REPLACEMENT_CHARACTER,
            }));
            return;
        }
        Coding::Single(number) => single(number),
        Coding::Korean => Some(EUC_KR),
        Coding::Chinese => Some(GBK),
        _ => None,
    };
    match encoding {
        Some(encoding) => text.push_str(&encoding.decode_without_bom_handling(bytes).0),
        None => text.extend(bytes.iter().map(|_| char::REPLACEMENT_CHARACTER)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(term: &str, bytes: &[u8]) -> String {
        CharacterSet::from_term(term).decode(bytes)
    }

    /// The examples of PS3.5 annexes H, I and J.
    #[test]
    fn the_standard_s_examples_are_read() {
        let yamada =
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        assert_eq!(decoded("", yamada), "Yamada^Tarou=山田^太郎=やまだ^たろう");
        let katakana =
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J";
        assert_eq!(
            decoded("ISO 2022 IR 13", katakana),
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"
        );
        let hong = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
        assert_eq!(decoded("", hong), "Hong^Gildong=洪^吉洞=홍^길동");
        let wang = b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1";
        assert_eq!(decoded("ISO_IR 192", wang), "Wang^XiaoDong=王^小東");
        let gb = b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab";
        assert_eq!(decoded("GB18030", gb), "Wang^XiaoDong=王^小东");
    }

    #[test]
    fn single_byte_sets_have_their_upper_halves() {
        assert_eq!(decoded("ISO_IR 100", b"Buc^J\xe9r\xf4me"), "Buc^Jérôme");
        assert_eq!(decoded("ISO_IR 144", b"\xbb\xee\xda"), "Люк");
        assert_eq!(decoded("ISO_IR 126", b"\xc4\xe9\xef"), "Διο");
        assert_eq!(decoded("ISO-IR 166", b"\xb7\xd5"), "ที");
    }

    #[test]
    fn unknown_sets_and_broken_escapes_replace_and_go_on() {
        assert!(CharacterSet::from_term("ISO 2022 IR 999").is_unknown());
        assert_eq!(decoded("ISO 2022 IR 999", b"a\xffb"), "a\u{fffd}b");
        assert_eq!(decoded("ISO_IR 100", b"a\x1bZb"), "a\u{fffd}Zb");
        assert_eq!(decoded("", b"\x1b$B\xff\xff!"), "\u{fffd}\u{fffd}\u{fffd}");
    }
}
