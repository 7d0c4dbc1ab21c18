//! What to try on which input, where trying everything on each takes too long.

/// One of so many ways, the same every time for the same bytes.
pub fn choice(bytes: &[u8], ways: usize) -> usize {
    let sum = bytes
        .iter()
        .fold(0, |sum: usize, byte| sum.wrapping_add(usize::from(*byte)));
    sum % ways
}

/// Whether these bytes are among the eighth that is tried in the ways that cost most.
pub fn is_chosen(bytes: &[u8]) -> bool {
    choice(bytes, 8) == 0
}
