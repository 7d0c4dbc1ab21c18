//! Text in charts: how wide it is, where it breaks, how numbers are written.

/// Size of ordinary text in pixels.
pub(super) const TEXT: f64 = 13.0;
/// Size of a title.
pub(super) const TITLE: f64 = 17.0;

/// The width of a text in pixels, on the ample side: only the renderer knows its font.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let letter = |c: char| match c {
        'i' | 'j' | 'l' | '\'' | '|' | '.' | ',' | ':' | ';' | '!' | 'I' => 0.34,
        'f' | 't' | 'r' | ' ' | '(' | ')' | '[' | ']' | '/' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.96,
        'A'..='Z' => 0.74,
        c if c.is_ascii() => 0.63,
        _ => 0.9,
    };
    size * text.chars().map(letter).sum::<f64>()
}

/// Breaks a text between words into lines of at most `room` pixels; a longer word is shortened.
pub(super) fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(word, size) + 0.42 * size <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(shorten(word, size, room)),
        }
    }
    lines
}

/// A text of at most `room` pixels, with dots where its end was.
pub(super) fn shorten(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        short.push(letter);
        if width(&short, size) + width("...", size) > room {
            short.pop();
            break;
        }
    }
    short.push_str("...");
    short
}

/// A number without the minus sign of a zero.
pub(super) fn number(value: f64, decimals: usize) -> String {
    if value.abs() >= 1e6 {
        return format!("{value:.2e}");
    }
    let text = format!("{value:.decimals$}");
    if text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.')) {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

/// Text for XML; control characters, which XML forbids, become spaces.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML 1.0, section 2.2: these two are no characters.
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_long_texts_end_in_dots() {
        assert_eq!(wrap("one two three", 10.0, 60.0), ["one two", "three"]);
        assert!(wrap("  ", 10.0, 60.0).is_empty());
        assert_eq!(wrap("a segmentation", 10.0, 60.0), ["a", "segment..."]);
        assert_eq!(shorten("left", 10.0, 60.0), "left");
        let short = shorten("left adrenal gland", 10.0, 60.0);
        assert!(short.ends_with("...") && width(&short, 10.0) <= 60.0);
    }
}
