//! Run lengths as the strings of COCO's files.

use crate::error::{Error, Result};

/// Run lengths as COCO writes them into a string.
///
/// ```
/// use medcore::rle::{compress, decompress};
///
/// // The runs of a 5x4 mask, as pycocotools writes them.
/// assert_eq!(compress(&[6, 1, 40, 4, 5, 4, 5, 4, 21])?, "61X13mN000`0");
/// assert_eq!(decompress("61X13mN000`0")?, [6, 1, 40, 4, 5, 4, 5, 4, 21]);
/// # Ok::<(), medcore::Error>(())
/// ```
///
/// # Errors
/// Refuses runs of 2^62 pixels and more.
pub fn compress(runs: &[u64]) -> Result<String> {
    if let Some(run) = runs.iter().find(|run| **run >= 1 << 62) {
        return Err(Error::InvalidRuns {
            rule: "a run below 2^62",
            got: run.to_string(),
        });
    }
    let mut text = String::new();
    for (i, &run) in runs.iter().enumerate() {
        let before = if i > 2 { runs[i - 2] } else { 0 };
        let mut left = run as i64 - before as i64;
        loop {
            let group = (left & 0x1f) as u8;
            left >>= 5;
            let done = left == if group & 0x10 == 0 { 0 } else { -1 };
            let code = group | if done { 0 } else { 0x20 };
            text.push(char::from(code + 48));
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
pub fn decompress(text: &str) -> Result<Vec<u64>> {
    let wrong = |rule| Error::InvalidRuns {
        rule,
        got: text.to_owned(),
    };
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
            shift += 5;
            if group & 0x20 == 0 {
                if group & 0x10 != 0 {
                    value |= -1_i64 << shift;
                }
                break;
            }
            let next = bytes.next();
            byte = next.ok_or_else(|| wrong("whole numbers, the last one ends early"))?;
        }
        if let Some(at) = runs.len().checked_sub(2).filter(|at| *at > 0) {
            let before = i64::try_from(runs[at]).unwrap_or(i64::MAX);
            value = value.saturating_add(before);
        }
        runs.push(u64::try_from(value).map_err(|_| wrong("runs that are not negative"))?);
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    #[test]
    fn what_is_compressed_comes_back() {
        let mut random = Key::new(3).stream("runs");
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
