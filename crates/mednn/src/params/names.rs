//! Names of weights as data: which names a file has for the tensors of a network.

use serde::{Deserialize, Serialize};

/// Longer names are no network's, and no pattern is tried on them.
const LONGEST: usize = 1024;

/// How often the rules of a map are applied to one name: wrappers within wrappers, aliases of aliases.
const MOST_STEPS: usize = 16;

/// A pattern of names, compared part by part between the dots.
///
/// `*` stands for one or more characters of a part, and `**`, which must be a whole part, for any number of parts, also
/// none. Whatever else stands there stands for itself.
///
/// ```
/// use mednn::params::NamePattern;
///
/// let norms = NamePattern::new("encoder.**.norm*.weight");
/// assert!(norms.matches("encoder.norm1.weight"));
/// assert!(norms.matches("encoder.stages.0.norm2.weight"));
/// assert!(!norms.matches("decoder.norm1.weight"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NamePattern(String);

impl NamePattern {
    /// The pattern that is written so.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether a name is one of those it stands for.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.captures(name).is_some()
    }

    /// What its wildcards stand for in a name, the shortest first where there is a choice.
    fn captures(&self, name: &str) -> Option<Vec<String>> {
        if name.len() > LONGEST {
            return None;
        }
        let pattern: Vec<&str> = self.0.split('.').collect();
        let parts: Vec<&str> = name.split('.').collect();
        let mut captures = Vec::new();
        match_parts(&pattern, &parts, &mut captures).then_some(captures)
    }
}

fn match_parts(pattern: &[&str], parts: &[&str], captures: &mut Vec<String>) -> bool {
    let Some((&first, pattern)) = pattern.split_first() else {
        return parts.is_empty();
    };
    let found = captures.len();
    if first == "**" {
        return (0..=parts.len()).any(|n| {
            captures.truncate(found);
            captures.push(parts[..n].join("."));
            match_parts(pattern, &parts[n..], captures)
        });
    }
    parts.split_first().is_some_and(|(part, parts)| {
        match_part(first, part, captures) && match_parts(pattern, parts, captures)
    })
}

fn match_part(pattern: &str, part: &str, captures: &mut Vec<String>) -> bool {
    let Some((literal, pattern)) = pattern.split_once('*') else {
        return pattern == part;
    };
    let Some(rest) = part.strip_prefix(literal) else {
        return false;
    };
    let found = captures.len();
    let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
    ends.into_iter().any(|end| {
        captures.truncate(found);
        captures.push(rest[..end].to_owned());
        match_part(pattern, &rest[end..], captures)
    })
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Rule(NamePattern, String);

/// Rules that turn the names of a file into those of a network.
///
/// A rule is a [`NamePattern`] and what it becomes: `$1` to `$9` are what its wildcards stand for, and a part that is empty
/// then disappears with its dot. The first rule that matches counts, and rules are applied again to what comes out, 16
/// times at most.
///
/// Several names may become the same. They are names of one tensor then, and loading refuses a file in which their values
/// differ.
///
/// ```
/// use mednn::params::NameMap;
///
/// let names = NameMap::new()
///     .with("module.**", "$1")
///     .with("**.norm.*.weight", "$1.norm$2.weight");
/// assert_eq!(names.apply("module.layer3.norm.2.weight"), "layer3.norm2.weight");
/// assert_eq!(serde_json::to_string(&names)?, r#"[["module.**","$1"],["**.norm.*.weight","$1.norm$2.weight"]]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NameMap {
    rules: Vec<Rule>,
}

impl NameMap {
    /// No rules: names stay as they are.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule behind the others.
    #[must_use]
    pub fn with(mut self, pattern: impl Into<String>, replacement: impl Into<String>) -> Self {
        let rule = Rule(NamePattern::new(pattern), replacement.into());
        self.rules.push(rule);
        self
    }

    /// Adds the rules of another map behind the others.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.rules.extend(other.rules);
        self
    }

    /// The network's name for a name of the file.
    #[must_use]
    pub fn apply(&self, name: &str) -> String {
        let mut name = name.to_owned();
        for _ in 0..MOST_STEPS {
            let mut rules = self.rules.iter();
            let renamed = rules.find_map(|Rule(pattern, replacement)| {
                Some(substitute(replacement, &pattern.captures(&name)?))
            });
            match renamed {
                Some(renamed) if renamed != name => name = renamed,
                _ => break,
            }
        }
        name
    }
}

impl<P: Into<String>, R: Into<String>> FromIterator<(P, R)> for NameMap {
    fn from_iter<I: IntoIterator<Item = (P, R)>>(rules: I) -> Self {
        { rules.into_iter() }.fold(Self::new(), |map, (from, to)| map.with(from, to))
    }
}

/// A replacement with captures in the places of `$1` to `$9`; those of which there is no capture stay.
fn substitute(replacement: &str, captures: &[String]) -> String {
    let parts = replacement.split('.').map(|part| {
        let capture = |(i, value): (usize, &String)| (format!("${}", i + 1), value.clone());
        let numbered = captures.iter().enumerate().map(capture);
        numbered.fold(part.to_owned(), |part, (key, value)| {
            part.replace(&key, &value)
        })
    });
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_characters_of_a_part_or_for_parts() {
        for (pattern, name, captures) in [
            ("a.b", "a.b", Some(vec![])),
            ("a.b", "a.b.c", None),
            ("a.*", "a.b", Some(vec!["b"])),
            ("a.*", "a.", None),
            ("a.*", "a.b.c", None),
            ("**", "a.b", Some(vec!["a.b"])),
            ("a.**", "a", Some(vec![""])),
            ("**.w", "w", Some(vec![""])),
            ("**.b.**", "b.b.b", Some(vec!["", "b.b"])),
            ("l*.n*.w", "l12.norm.w", Some(vec!["12", "orm"])),
            ("x*y*z", "xaybyz", Some(vec!["a", "by"])),
            ("ä*ö", "äéö", Some(vec!["é"])),
        ] {
            let found = NamePattern::new(pattern).captures(name);
            let captures = captures.map(|c| c.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(found, captures, "{pattern} {name}");
        }
        assert!(!NamePattern::new("**").matches(&"a".repeat(LONGEST + 1)));
    }

    #[test]
    fn rules_are_applied_until_none_changes_the_name() {
        let names = NameMap::new()
            .with("decoder.encoder.**", "encoder.$1")
            .with("**.all_modules.0.*", "$1.conv.$2")
            .with("module.**", "$1");
        assert_eq!(
            names.apply("module.module.decoder.encoder.0.all_modules.0.bias"),
            "encoder.0.conv.bias"
        );
        assert_eq!(names.apply("head.bias"), "head.bias");
        // A rule that matches its own result comes to an end, and captures that are not there stay visible.
        assert!(NameMap::new().with("**", "a.$1").apply("b").len() < 64);
        assert_eq!(NameMap::new().with("b", "a.$1").apply("b"), "a.$1");
    }
}
