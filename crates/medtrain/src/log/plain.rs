//! Names that file systems and servers take.

/// A name whose every part between slashes can name a file, and which MLflow takes: letters, digits, `_`, `-`, `.`, spaces and the
/// slashes stay, `_` stands for every other character and for parts that would lead elsewhere.
pub(super) fn plain(name: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    let part = |part: &str| match part {
        "" | "." | ".." => "_".to_owned(),
        part => part
            .chars()
            .map(|c| if fits(c) { c } else { '_' })
            .collect(),
    };
    let parts: Vec<String> = name.split('/').map(part).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_their_folder() {
        for (name, expected) in [
            ("validation/left lung", "validation/left lung"),
            ("../../etc/passwd", "_/_/etc/passwd"),
            ("/a//b/", "_/a/_/b/_"),
            ("Größe (mm)", "Größe _mm_"),
            ("a:b\\c\n", "a_b_c_"),
            ("", "_"),
        ] {
            assert_eq!(plain(name), expected);
        }
    }
}
