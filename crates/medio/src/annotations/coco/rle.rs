//! Run lengths as text, five bits a character.
//!
//! From the fourth run on, what is stored is the difference to the run two before; a number goes lowest
//! group first, bit 5 of a character says that more follow, and the last group's bit 4 is the sign.

use super::super::fault::Problem;

/// Run lengths as COCO writes them into a string.
///
/// ```
/// use medio::annotations::coco::{compress, decompress};
///
/// // The runs of a 5x4 mask, as pycocotools writes them.
/// assert_eq!(compress(&[6, 1, 40, 4, 5, 4, 5, 4, 21])?, "61X13mN000`0");
/// assert_eq!(decompress("61X13mN000`0")?, [6, 1, 40, 4, 5, 4, 5, 4, 21]);
/// # Ok::<(), medio::annotations::Problem>(())
/// ```
///
/// # Errors
/// Refuses runs of 2^62 pixels and more.
pub fn compress(runs: &[u64]) -> Result<String, Problem> {
    let mut text = String::new();
    let signed = |run: u64| {
        let fits = i64::try_from(run).ok().filter(|run| *run < 1 << 62);
        fits.ok_or_else(|| Problem::expected("a run below 2^62", &run.to_string()))
    };
    for (i, &run) in runs.iter().enumerate() {
        let before = match i {
            0..=2 => 0,
            _ => i
                .checked_sub(2)
                .and_then(|i| runs.get(i))
                .copied()
                .unwrap_or(0),
        };
        let mut left = signed(run)?.saturating_sub(signed(before)?);
        loop {
            let group = u8::try_from(left & 0x1f).unwrap_or(0);
            left >>= 5;
            let done = left == if group & 0x10 == 0 { 0 } else { -1 };
            let code = group | if done { 0 } else { 0x20 };
            text.push(char::from(code.saturating_add(48)));
            if done {
                break;
            }
        }
    }
    Ok(text)
}

/// The run lengths that a string holds.
///
/// # Errors
/// Refuses other characters, numbers that do not end or do not fit, and negative runs.
pub fn decompress(text: &str) -> Result<Vec<u64>, Problem> {
    let wrong = |rule| Problem::expected(rule, text);
    let mut runs: Vec<u64> = Vec::new();
    let mut bytes = text.bytes();
    while let Some(first) = bytes.next() {
        let (mut value, mut shift, mut byte) = (0_i64, 0_u32, first);
        loop {
            let group = byte.checked_sub(48).filter(|group| *group < 64);
            let group = group.ok_or_else(|| wrong("characters from '0' to 'o'"))?;
            // Twelve groups are sixty bits, more than any run.
            if shift > 55 {
                return Err(wrong("numbers of at most twelve characters"));
            }
            value |= i64::from(group & 0x1f) << shift;
            shift = shift.saturating_add(5);
            if group & 0x20 == 0 {
                if group & 0x10 != 0 {
                    value |= -1_i64 << shift;
                }
                break;
            }
            byte = bytes
                .next()
                .ok_or_else(|| wrong("whole numbers, the last one ends early"))?;
        }
        if let Some(at) = runs.len().checked_sub(2).filter(|at| *at > 0) {
            let before = runs
                .get(at)
                .and_then(|run| i64::try_from(*run).ok())
                .unwrap_or(0);
            value = value.saturating_add(before);
        }
        runs.push(u64::try_from(value).map_err(|_| wrong("runs that are not negative"))?);
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back() {
        let mut random = medcore::random::Key::new(3).stream("runs");
        for _ in 0..200 {
            let count = random.below(12);
            let runs: Vec<u64> = (0..count).map(|_| 1_u64 << random.below(58)).collect();
            assert_eq!(decompress(&compress(&runs).unwrap()).unwrap(), runs);
        }
    }

    #[test]
    fn text_that_holds_no_runs_is_refused() {
        for text in ["p", "/", "é", "P", "ooooooooooooooo0", "@", "111N"] {
            assert!(decompress(text).is_err(), "{text:?} {:?}", decompress(text));
        }
        assert!(compress(&[1 << 62]).is_err());
    }
}
