//! The Python of a configuration as far as it is data: literals, lists, references, arithmetic of numbers, and calls, which
//! become objects with `_target_` and are not made.

use crate::bundles::value::Value;

/// An expression nested deeper than this is none of a configuration.
const DEEPEST: usize = 24;
/// Nor is a longer one.
const LONGEST: usize = 4096;

/// Under this key of a call are its arguments without a name.
pub(super) const POSITIONAL: &str = "_args_";
/// Under this one is what is called.
pub(super) const TARGET: &str = "_target_";

/// The value of an expression, without its `$`; none where it is more than data. References are left as
/// expressions, which text in quotes is not.
pub(super) fn read(text: &str) -> Option<Value> {
    if text.len() > LONGEST {
        return None;
    }
    let mut parser = Parser { text, at: 0 };
    let value = parser.sum(DEEPEST)?;
    parser.skip();
    parser.rest().is_empty().then_some(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes a token if it is the next one.
    fn take(&mut self, token: &str) -> bool {
        self.skip();
        let is = self.rest().starts_with(token);
        if is {
            self.at += token.len();
        }
        is
    }

    /// Takes what consists of such characters.
    fn word(&mut self, of: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !of(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn sum(&mut self, depth: usize) -> Option<Value> {
        let mut left = self.product(depth)?;
        loop {
            let operator = match () {
                () if self.take("+") => '+',
                () if self.take("-") => '-',
                () => return Some(left),
            };
            let right = self.product(depth)?;
            left = arithmetic(operator, &left, &right)?;
        }
    }

    fn product(&mut self, depth: usize) -> Option<Value> {
        let mut left = self.power(depth)?;
        loop {
            let operator = match () {
                () if self.take("//") => 'f',
                () if self.take("/") => '/',
                () if self.take("*") => '*',
                () => return Some(left),
            };
            let right = self.power(depth)?;
            left = arithmetic(operator, &left, &right)?;
        }
    }

    fn power(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        if self.take("-") {
            let value = self.power(depth)?;
            return arithmetic('-', &Value::Integer(0), &value);
        }
        if self.take("+") {
            return arithmetic('+', &Value::Integer(0), &self.power(depth)?);
        }
        let base = self.atom(depth)?;
        match self.take("**") {
            true => arithmetic('p', &base, &self.power(depth)?),
            false => Some(base),
        }
    }

    fn atom(&mut self, depth: usize) -> Option<Value> {
        self.skip();
        match self.rest().chars().next()? {
            '0'..='9' | '.' => self.number(),
            quote @ ('"' | '\'') => self.text(quote),
            '@' => {
                let start = self.at;
                self.at += 1;
                self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '#' | ':'));
                // An attribute or an element of it would be a step further.
                let value = &self.text[start..self.at];
                let step = self.rest().starts_with(['.', '[', '(']);
                (!step).then(|| Value::Expression(value.to_owned()))
            }
            '[' => {
                self.at += 1;
                let (values, _) = self.items("]", depth)?;
                Some(Value::List(values))
            }
            '(' => {
                self.at += 1;
                match self.items(")", depth)? {
                    (mut values, false) if values.len() == 1 => values.pop(),
                    (values, _) => Some(Value::List(values)),
                }
            }
            '{' => self.object(depth),
            _ => self.name(depth),
        }
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        self.word(|c| c.is_ascii_digit() || matches!(c, '.' | '_'));
        if self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            if self.rest().starts_with(['+', '-']) {
                self.at += 1;
            }
            self.word(|c| c.is_ascii_digit());
        }
        let digits = self.text[start..self.at].replace('_', "");
        let integer = digits.parse().ok().map(Value::Integer);
        integer.or_else(|| finite(digits.parse().ok()?))
    }

    /// Text in quotes; with an escape in it, it is more than is read.
    fn text(&mut self, quote: char) -> Option<Value> {
        self.at += 1;
        let value = self.word(|c| c != quote && c != '\\');
        self.rest().starts_with(quote).then(|| {
            self.at += 1;
            Value::Text(value.to_owned())
        })
    }

    /// Values up to a bracket, and whether a comma follows the last.
    fn items(&mut self, end: &str, depth: usize) -> Option<(Vec<Value>, bool)> {
        let mut values = Vec::new();
        let mut comma = false;
        while !self.take(end) {
            if !values.is_empty() && !comma {
                return None;
            }
            values.push(self.sum(depth)?);
            comma = self.take(",");
        }
        Some((values, comma))
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut comma = true;
        while !self.take("}") {
            let Value::Text(key) = self.sum(depth).filter(|_| comma)? else {
                return None;
            };
            let known = entries.iter().any(|(k, _)| *k == key);
            let value = self.take(":").then(|| self.sum(depth))??;
            if known {
                return None;
            }
            entries.push((key, value));
            comma = self.take(",");
        }
        Some(Value::Object(entries))
    }

    /// `True`, `False`, `None`, or a call.
    fn name(&mut self, depth: usize) -> Option<Value> {
        let name = self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        match name {
            "" => return None,
            "True" => return Some(Value::Bool(true)),
            "False" => return Some(Value::Bool(false)),
            "None" => return Some(Value::Null),
            _ if !self.take("(") => return None,
            _ => {}
        }
        let mut entries = vec![(TARGET.to_owned(), Value::Text(name.to_owned()))];
        let mut positional = Vec::new();
        let mut comma = true;
        while !self.take(")") {
            if !comma {
                return None;
            }
            self.skip();
            let start = self.at;
            let key = self.word(|c| c.is_ascii_alphanumeric() || c == '_');
            if !key.is_empty() && self.take("=") {
                if entries.iter().any(|(known, _)| known == key) {
                    return None;
                }
                entries.push((key.to_owned(), self.sum(depth)?));
            } else {
                self.at = start;
                positional.push(self.sum(depth)?);
            }
            comma = self.take(",");
        }
        // No call goes on behind it.
        if self.rest().starts_with(['.', '[', '(']) {
            return None;
        }
        if !positional.is_empty() {
            entries.push((POSITIONAL.to_owned(), Value::List(positional)));
        }
        Some(Value::Object(entries))
    }
}

fn arithmetic(operator: char, left: &Value, right: &Value) -> Option<Value> {
    if let (Value::Integer(left), Value::Integer(right)) = (left, right) {
        let whole = match operator {
            '+' => left.checked_add(*right),
            '-' => left.checked_sub(*right),
            '*' => left.checked_mul(*right),
            'f' if *right > 0 => Some(left.div_euclid(*right)),
            'p' if *right >= 0 => left.checked_pow(u32::try_from(*right).ok()?),
            '/' => return finite(*left as f64 / *right as f64),
            _ => None,
        };
        return whole.map(Value::Integer);
    }
    let number = |value: &Value| match *value {
        Value::Integer(value) => Some(value as f64),
        Value::Number(value) => Some(value),
        _ => None,
    };
    let (left, right) = (number(left)?, number(right)?);
    finite(match operator {
        '+' => left + right,
        '-' => left - right,
        '*' => left * right,
        '/' => left / right,
        'f' => (left / right).floor(),
        _ => left.powf(right),
    })
}

fn finite(value: f64) -> Option<Value> {
    value.is_finite().then_some(Value::Number(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        read(text).map_or_else(|| "none".to_owned(), |value| value.to_string())
    }

    #[test]
    fn literals_and_arithmetic_are_data() {
        let cases = [
            ("3", "3"),
            ("-2 * (1 + 3)", "-8"),
            ("2 ** 3 ** 2", "512"),
            ("-2 ** 2", "-4"),
            ("7 // 2, 1", "none"),
            ("(7 // 2, 1)", "[3, 1]"),
            ("1 / 4", "0.25"),
            ("(5)", "5"),
            ("(5,)", "[5]"),
            ("[1, 2.5, 'a', None, True,]", "[1, 2.5, \"a\", null, true]"),
            ("{'a': [1], \"b\": False}", "{\"a\": [1], \"b\": false}"),
            ("1e-3", "0.001"),
            ("@a#0", "\"@a#0\", which is not executed"),
            ("'@a#0'", "\"@a#0\""),
        ];
        for (text, value) in cases {
            assert_eq!(shown(text), value, "{text}");
        }
    }

    #[test]
    fn calls_are_described_and_not_made() {
        assert_eq!(
            shown("nets.resnet50(@dims, stride=[2, 2, 1])"),
            "{\"_target_\": \"nets.resnet50\", \"stride\": [2, 2, 1], \"_args_\": [\"@dims\", which is not executed]}"
        );
    }

    #[test]
    fn all_else_is_no_data() {
        let nested = "[".repeat(1000);
        let calls = "f(".repeat(1000);
        let signs = "-".repeat(1000) + "1";
        let cases = [
            "",
            "@network.to(@device)",
            "lambda x: x",
            "[x for x in range(3)]",
            "a.b",
            "f(1).g",
            "f(1)(2)",
            "f(a=1, a=2)",
            "1 if True else 2",
            "'a' + 'b'",
            "'\\x41'",
            "'open",
            "[1 2]",
            "1 / 0",
            "9223372036854775807 + 1",
            "10 ** 400",
            "1e999",
            "{1: 2}",
            "{'a': 1, 'a': 2}",
            "é",
            &nested,
            &calls,
            &signs,
        ];
        for text in cases {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
