//! Data files that a header names: only those below the header's own folder are opened.

use std::path::{Component, Path, PathBuf};

use crate::fault::{Fault, shortened};

/// More files than any scan has slices.
const MOST_FILES: u64 = 1 << 20;

/// The file that a header names, if it lies in the header's folder or below it, links resolved.
pub(crate) fn below(header: &Path, key: &'static str, name: &str) -> Result<PathBuf, Fault> {
    let escapes = || Fault::PathEscapes {
        key,
        value: shortened(name),
    };
    let relative = Path::new(name);
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if name.is_empty() || name.contains('\0') || !relative.components().all(inside) {
        return Err(escapes());
    }
    let folder = match header.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let path = folder.join(relative);
    let unreadable = |cause| Fault::DataFile {
        key,
        name: shortened(name),
        cause,
    };
    let resolved = path.canonicalize().map_err(unreadable)?;
    if !resolved.starts_with(folder.canonicalize()?) {
        return Err(escapes());
    }
    if !resolved.is_file() {
        return Err(unreadable(std::io::Error::other("not a regular file")));
    }
    Ok(path)
}

/// Names made by a printf pattern with one whole number: `slice%03d.raw` from `first` to `last`.
///
/// The pattern is never given to printf: only `%d`, `%i` and `%u` with a width are understood.
pub(crate) fn series(
    key: &'static str,
    pattern: &str,
    [first, last, step]: [i64; 3],
) -> Result<Vec<String>, Fault> {
    let refused = |rule| Fault::InvalidEntry {
        key: key.to_owned(),
        line: 0,
        rule,
        value: shortened(pattern),
    };
    let pattern = Pattern::parse(pattern).ok_or_else(|| refused("a pattern with one %d"))?;
    if step == 0 {
        return Err(refused("a pattern with a step other than 0"));
    }
    let span = if step > 0 {
        last.checked_sub(first)
    } else {
        first.checked_sub(last)
    };
    let count = span
        .and_then(|span| u64::try_from(span).ok())
        .and_then(|span| span.checked_div(step.unsigned_abs())?.checked_add(1))
        .filter(|&count| count <= MOST_FILES)
        .ok_or_else(|| refused("a pattern of one to 2^20 files"))?;
    let mut number = first;
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(pattern.name(number));
        number = number.saturating_add(step);
    }
    Ok(names)
}

struct Pattern<'a> {
    before: &'a str,
    width: usize,
    zeros: bool,
    after: &'a str,
}

impl<'a> Pattern<'a> {
    fn parse(pattern: &'a str) -> Option<Self> {
        let (before, rest) = pattern.split_once('%')?;
        let at = rest.find(['d', 'i', 'u'])?;
        let (width, after) = rest.split_at_checked(at)?;
        let after = after.get(1..)?;
        if after.contains('%') || width.len() > 3 || !width.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let value = if width.is_empty() {
            0
        } else {
            width.parse().ok()?
        };
        Some(Self {
            before,
            width: Some(value).filter(|&w| w <= 32)?,
            zeros: width.starts_with('0'),
            after,
        })
    }

    fn name(&self, number: i64) -> String {
        let Self {
            before,
            width,
            zeros,
            after,
        } = self;
        if *zeros {
            format!("{before}{number:0width$}{after}")
        } else {
            format!("{before}{number:width$}{after}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_count_up_and_down_with_their_width() {
        let names = series("key", "a%03d.raw", [8, 12, 2]).unwrap();
        assert_eq!(names, ["a008.raw", "a010.raw", "a012.raw"]);
        assert_eq!(series("key", "%d", [2, 1, -1]).unwrap(), ["2", "1"]);
        assert_eq!(series("key", "%4u", [5, 5, 1]).unwrap(), ["   5"]);
    }

    #[test]
    fn other_conversions_and_endless_series_are_refused() {
        for bad in [
            "%s%n.raw", "%n", "%d%d", "plain", "%", "%999d", "%-3d", "%1$d",
        ] {
            assert!(series("key", bad, [1, 2, 1]).is_err(), "{bad}");
        }
        for range in [
            [1, 100_000_000, 1],
            [2, 1, 1],
            [1, 2, 0],
            [i64::MIN, i64::MAX, 1],
        ] {
            assert!(series("key", "%d", range).is_err(), "{range:?}");
        }
    }

    #[test]
    fn names_outside_the_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let header = folder.path().join("inner/a.mhd");
        std::fs::create_dir(folder.path().join("inner")).unwrap();
        std::fs::write(folder.path().join("secret"), b"x").unwrap();
        std::fs::write(folder.path().join("inner/a.raw"), b"x").unwrap();
        assert!(below(&header, "key", "a.raw").is_ok());
        assert!(below(&header, "key", "./a.raw").is_ok());
        for bad in ["none.raw", "."] {
            let refused = below(&header, "key", bad);
            assert!(matches!(refused, Err(Fault::DataFile { .. })), "{bad:?}");
        }
        for bad in ["../secret", "/etc/passwd", "", "a/../../secret", "a\0b"] {
            let refused = below(&header, "key", bad);
            assert!(matches!(refused, Err(Fault::PathEscapes { .. })), "{bad:?}");
        }
        #[cfg(unix)]
        {
            let link = folder.path().join("inner/link");
            std::os::unix::fs::symlink(folder.path().join("secret"), link).unwrap();
            let refused = below(&header, "key", "link");
            assert!(matches!(refused, Err(Fault::PathEscapes { .. })));
        }
    }
}
