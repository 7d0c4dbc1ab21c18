//! Free text cleaned by a list of what may stay: what no list knows is taken out.

use std::collections::HashSet;

use super::table::lines;

/// Words that may stay in descriptions; numbers of up to three digits stay too, with a unit.
///
/// ```
/// use medio::dicom::deidentify::Vocabulary;
///
/// let words = Vocabulary::radiology().with_words(["bladder"]);
/// assert_eq!(words.clean("CT Thorax 1.25mm Jane Doe 5551234"), "CT Thorax 1.25mm");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    words: HashSet<String>,
}

/// What may follow a number without a space.
const UNITS: &[&str] = &[
    "", "mm", "cm", "ml", "ms", "s", "sec", "min", "kv", "kvp", "ma", "mas", "t", "x", "d", "f",
    "hu",
];

impl Vocabulary {
    /// No words at all: only numbers stay.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// English words for anatomy, directions, techniques and reconstructions.
    #[must_use]
    pub fn radiology() -> Self {
        let words = lines(include_str!("words.txt")).flat_map(|line| line.split(' '));
        Self::default().with_words(words)
    }

    /// More words; case does not matter, and a word is letters and digits of ASCII.
    #[must_use]
    pub fn with_words<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        let words = words.into_iter().map(str::to_ascii_lowercase);
        self.words.extend(words);
        self
    }

    fn knows(&self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        if self.words.contains(&word) {
            return true;
        }
        // 5, 0.75, 120kV, b1000
        let (digits, longest) = match word.strip_prefix('b') {
            Some(rest) => (rest, 4),
            None => (word.as_str(), 3),
        };
        let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, unit) = digits.split_at(end.unwrap_or(digits.len()));
        let mut parts = number.split('.');
        let whole = |part: &str| (1..=longest).contains(&part.len());
        let number = parts.next().is_some_and(whole)
            && parts
                .next()
                .is_none_or(|part| (1..=3).contains(&part.len()))
            && parts.next().is_none();
        number && UNITS.contains(&unit)
    }

    /// The words of a text that are known, with one space between them.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        self.clean_unless(text, |_| false)
    }

    /// As [`Self::clean`], without the words that `identifies` knows.
    pub(super) fn clean_unless(&self, text: &str, identifies: impl Fn(&str) -> bool) -> String {
        let kept = words(text).filter(|word| self.knows(word) && !identifies(word));
        kept.collect::<Vec<_>>().join(" ")
    }
}

/// Runs of letters and digits, with the points inside numbers.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '.');
    let parts = parts.flat_map(|part| {
        let number = part.starts_with(|c: char| c.is_ascii_digit());
        // A point that ends a word, or stands between words, parts them.
        let ends: &[char] = if number { &[] } else { &['.'] };
        part.trim_matches('.').split(ends)
    });
    parts.filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_and_short_numbers_stay() {
        let words = Vocabulary::radiology();
        let cases = [
            ("THORAX^ROUTINE (Adult)", "THORAX ROUTINE"),
            ("t2_tse_sag 4mm", "t2 tse sag 4mm"),
            ("ep2d_diff b1000 ADC", "b1000 ADC"),
            ("Müller, Jürgen *12.03.1950", ""),
            ("brain.Doe", "brain"),
            ("0.625mm 120kVp 20240131 1234", "0.625mm 120kVp"),
            ("1.2.840.113619", ""),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(words.clean(text), expected, "{text}");
        }
        assert_eq!(Vocabulary::none().clean("head 5 mm"), "5");
    }

    #[test]
    fn words_are_lower_case_letters_and_digits() {
        for word in &Vocabulary::radiology().words {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            assert!(!word.is_empty() && word.bytes().all(plain), "{word}");
        }
    }
}
