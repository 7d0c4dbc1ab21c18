//! Text as the representation of its attribute allows it (PS3.5 section 6.2).

use super::super::fault::Fault;
use super::super::tag::Tag;

fn checked<'a>(fits: bool, tag: Tag, rule: &'static str, text: &'a str) -> Result<&'a str, Fault> {
    fits.then_some(text)
        .ok_or_else(|| Fault::attribute(tag, rule, text))
}

fn characters(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.contains('\\')
}

/// A name of one value for programs (CS).
pub(in super::super) fn code_string(tag: Tag, text: &str) -> Result<&str, Fault> {
    let allowed = |b: u8| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'_');
    let fits = (1..=16).contains(&text.len()) && text.bytes().all(allowed);
    let rule = "1 to 16 capitals, digits, spaces and underscores";
    checked(fits, tag, rule, text)
}

/// A short text of one value (SH).
pub(in super::super) fn short_string(tag: Tag, text: &str) -> Result<&str, Fault> {
    let rule = "of 1 to 16 characters without backslash";
    checked(characters(text, 16), tag, rule, text)
}

/// A text of one value (LO).
pub(in super::super) fn long_string(tag: Tag, text: &str) -> Result<&str, Fault> {
    let rule = "of 1 to 64 characters without backslash";
    checked(characters(text, 64), tag, rule, text)
}

/// The value of a code that is no short text (UC); longer ones exist nowhere.
pub(super) fn long_code(tag: Tag, text: &str) -> Result<&str, Fault> {
    let rule = "of 1 to 1024 characters without backslash";
    checked(characters(text, 1024), tag, rule, text)
}

/// A unique identifier (UI).
pub(in super::super) fn unique_identifier(tag: Tag, uid: &str) -> Result<&str, Fault> {
    let allowed = uid.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let fits = allowed && (1..=64).contains(&uid.len());
    checked(fits, tag, "1 to 64 digits and full stops", uid)
}
