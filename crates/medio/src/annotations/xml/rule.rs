//! What XML 1.0 allows in a text and in a name (productions 2, 4 and 4a).

use super::super::fault::Problem;

fn is_character(c: char) -> bool {
    // Surrogates, which XML has not either, are no `char`.
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn begins_name(c: char) -> bool {
    matches!(c,
        ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}' | '\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}'
        | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

fn continues_name(c: char) -> bool {
    begins_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}')
}

/// The place of the first character that no XML file can hold, not even by its number.
pub(super) fn foreign(text: &str) -> Option<(usize, Problem)> {
    let (at, c) = text.char_indices().find(|(_, c)| !is_character(*c))?;
    let code = format!("U+{:04X}", u32::from(c));
    let rule = "text of the characters that XML 1.0 has";
    Some((at, Problem::expected(rule, &code)))
}

/// Whether XML can hold a text.
pub(in super::super) fn check_characters(text: &str) -> Result<(), Problem> {
    foreign(text).map_or(Ok(()), |(_, problem)| Err(problem))
}

/// Whether elements and attributes may have a name.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    if name.starts_with(begins_name) && name.chars().all(continues_name) {
        return Ok(());
    }
    let rule = "a name of XML 1.0 for an element or attribute";
    Err(Problem::expected(rule, &format!("{name:?}")))
}

/// Whether spaces stand between the attributes of a tag, and no `<` in their values.
pub(super) fn check_attributes(text: &str) -> Result<(), Problem> {
    let mut open = None;
    let mut closed = false;
    for c in text.chars() {
        match open {
            None if closed && !c.is_ascii_whitespace() => {
                return Err(Problem::expected("a space between two attributes", text));
            }
            Some(_) if c == '<' => {
                return Err(Problem::expected("an attribute without <", text));
            }
            Some(quote) => {
                closed = c == quote;
                open = open.filter(|_| !closed);
            }
            None => {
                closed = false;
                open = Some(c).filter(|c| matches!(c, '"' | '\''));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_has_all_characters_but_controls_and_two_that_are_none() {
        for good in [
            "",
            "a\tb\r\nc",
            "\u{7f}\u{85}",
            "ä漢\u{1f600}",
            "\u{fffd}\u{e000}",
        ] {
            assert!(check_characters(good).is_ok(), "{good:?}");
        }
        for bad in [
            '\0', '\u{8}', '\u{b}', '\u{c}', '\u{1f}', '\u{fffe}', '\u{ffff}',
        ] {
            let (at, problem) = foreign(&format!("ä{bad}{bad}")).unwrap();
            assert_eq!(at, 2);
            assert!(
                problem
                    .to_string()
                    .ends_with(&format!("U+{:04X}", u32::from(bad)))
            );
        }
    }

    #[test]
    fn names_begin_with_a_letter_and_hold_no_signs() {
        for good in ["a", "_", "x:y", "a-1.b", "größe", "名"] {
            assert!(check_name(good).is_ok(), "{good:?}");
        }
        for bad in [
            "", "@a", "1", "-a", "a b", "a=\"x\"", "a<", "a/b", "a\0", "·",
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn attributes_stand_apart() {
        for good in [
            "",
            "a=\"1\" b='2'",
            " a=\"'\" b='\"'\n",
            "a = \"1\"\tb=\"> >\"",
        ] {
            assert!(check_attributes(good).is_ok(), "{good:?}");
        }
        for bad in ["a=\"1\"b='2'", "a='1'b=\"2\"", "a=\"<\"", "a='b' c='<'"] {
            assert!(check_attributes(bad).is_err(), "{bad:?}");
        }
    }
}
