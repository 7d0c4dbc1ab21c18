//! The machine itself: a stack of places in the heap, a memo of them, and one arm for each operation.

use std::sync::Arc;

use super::allowed::may_be_called;
use super::reader::{Reader, long};
use super::value::{Heap, Id, Object, Value};
use crate::weights::fault::Fault;

/// What a pickle may use up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Operations.
    pub(crate) operations: u64,
    /// Values that are remembered.
    pub(crate) memo: usize,
    /// Bytes of a text.
    pub(crate) text: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations: 50_000_000,
            memo: 1 << 20,
            text: 1 << 16,
        }
    }
}

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickle {
    pub(crate) heap: Heap,
    pub(crate) root: Id,
    /// Where the next one begins.
    pub(crate) end: usize,
}

/// Reads the pickle at a place.
///
/// # Errors
/// Says which operation, where, breaks which rule.
pub(crate) fn load(bytes: &[u8], at: usize, limits: Limits) -> Result<Pickle, Fault> {
    let mut machine = Machine {
        reader: Reader::new(bytes, at),
        limits,
        heap: Heap::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
    };
    let mut operations = 0_u64;
    loop {
        let at = machine.reader.at();
        operations += 1;
        let step = match operations > limits.operations {
            true => Err(Stop::Rule(format!(
                "more than {} operations",
                limits.operations
            ))),
            false => machine.step(),
        };
        match step {
            Ok(None) => {}
            Ok(Some(root)) => {
                return Ok(Pickle {
                    heap: machine.heap,
                    root,
                    end: machine.reader.at(),
                });
            }
            Err(Stop::Rule(problem)) => return Err(Fault::Pickle { at, problem }),
            Err(Stop::Forbidden(name)) => return Err(Fault::ForbiddenGlobal { at, name }),
        }
    }
}

/// Why the machine stops.
enum Stop {
    Rule(String),
    Forbidden(String),
}

impl From<String> for Stop {
    fn from(problem: String) -> Self {
        Self::Rule(problem)
    }
}

impl From<&str> for Stop {
    fn from(problem: &str) -> Self {
        Self::Rule(problem.to_owned())
    }
}

type Step<T> = Result<T, Stop>;

struct Machine<'a> {
    reader: Reader<'a>,
    limits: Limits,
    heap: Heap,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: Vec<Option<Id>>,
}

impl Machine<'_> {
    /// One operation; the result of the last.
    fn step(&mut self) -> Step<Option<Id>> {
        match self.reader.u8()? {
            0x80 => {
                let version = self.reader.u8()?;
                if version > 5 {
                    return Err(format!("protocol {version} is not known").into());
                }
            }
            0x95 => {
                // A frame is there for readers of streams.
                self.reader.u64()?;
            }
            b'.' => return self.pop().map(Some),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => match self.marks.last() {
                Some(mark) if *mark == self.stack.len() => {
                    self.marks.pop();
                }
                _ => {
                    self.pop()?;
                }
            },
            b'1' => {
                self.since_mark()?;
            }
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            byte => self.value(byte)?,
        }
        Ok(None)
    }

    fn value(&mut self, byte: u8) -> Step<()> {
        match byte {
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => {
                let n = self.reader.u8()?;
                self.push(Value::Int(n.into()))
            }
            b'M' => {
                let n = self.reader.u16()?;
                self.push(Value::Int(n.into()))
            }
            b'J' => {
                let n = self.reader.array().map(i32::from_le_bytes)?;
                self.push(Value::Int(n.into()))
            }
            0x8a => {
                let count = self.reader.u8()?;
                self.long(count.into())
            }
            0x8b => {
                let count = self.reader.u32()?;
                self.long(count.into())
            }
            b'I' => {
                let value = match self.reader.line()? {
                    "00" => Value::Bool(false),
                    "01" => Value::Bool(true),
                    digits => Value::Int(digits.parse().map_err(|_| "no whole number")?),
                };
                self.push(value)
            }
            b'L' => {
                let line = self.reader.line()?;
                let digits = line.strip_suffix('L').unwrap_or(line);
                self.push(Value::Int(
                    digits.parse().map_err(|_| "no whole number of 64 bits")?,
                ))
            }
            b'F' => {
                let number = self.reader.line()?.parse().map_err(|_| "no number")?;
                self.push(Value::Float(number))
            }
            b'G' => {
                let number = self.reader.array().map(f64::from_be_bytes)?;
                self.push(Value::Float(number))
            }
            _ => self.text(byte),
        }
    }

    fn long(&mut self, count: u64) -> Step<()> {
        let bytes = self.reader.take(count)?;
        // The mark of the format that came before archives.
        if bytes == [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19] {
            return self.push(Value::Bytes(bytes.into()));
        }
        let number = long(bytes).ok_or("a whole number of more than 64 bits")?;
        self.push(Value::Int(number))
    }

    fn text(&mut self, byte: u8) -> Step<()> {
        let count = match byte {
            b'X' | b'T' | b'B' => self.reader.u32()?.into(),
            0x8c | b'U' | b'C' => self.reader.u8()?.into(),
            0x8d | 0x8e | 0x96 => self.reader.u64()?,
            b'V' => {
                let line = self.reader.line()?;
                if line.contains('\\') {
                    return Err("escapes in text of protocol 0".into());
                }
                return self.push(Value::Text(line.into()));
            }
            b'S' => {
                let line = self.reader.line()?;
                let inner = |quote| line.strip_prefix(quote)?.strip_suffix(quote);
                let text = inner('\'').or_else(|| inner('"'));
                let text = text.filter(|text| !text.contains('\\'));
                let text = text.ok_or("text of protocol 0 without quotes, or with escapes")?;
                return self.push(Value::Text(text.into()));
            }
            _ => return self.collection(byte),
        };
        let bytes = self.reader.take(count)?;
        if matches!(byte, b'B' | b'C' | 0x8e | 0x96) {
            return self.push(Value::Bytes(bytes.into()));
        }
        if count > self.limits.text {
            return Err(
                format!("a text of {count} bytes; {} are allowed", self.limits.text).into(),
            );
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push(Value::Text(text.into())),
            // Strings of Python 2 are bytes.
            Err(_) if matches!(byte, b'T' | b'U') => self.push(Value::Bytes(bytes.into())),
            Err(_) => Err("text that is not UTF-8".into()),
        }
    }

    fn collection(&mut self, byte: u8) -> Step<()> {
        match byte {
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            0x8f => self.push(Value::Set(Vec::new())),
            b'l' => {
                let elements = self.since_mark()?;
                self.push(Value::List(elements))
            }
            b't' => {
                let elements = self.since_mark()?;
                self.push(Value::Tuple(elements))
            }
            0x91 => {
                let elements = self.since_mark()?;
                self.push(Value::Set(elements))
            }
            b'd' => {
                let entries = pairs(self.since_mark()?)?;
                self.push(Value::Dict(entries))
            }
            0x85..=0x87 => {
                let count = usize::from(byte - 0x84);
                let from = self.stack.len().checked_sub(count);
                let from = from.filter(|from| *from >= self.floor());
                let from = from.ok_or("the stack holds too few values")?;
                let elements = self.stack.split_off(from);
                self.push(Value::Tuple(elements))
            }
            b'a' => {
                let element = self.pop()?;
                self.extend(vec![element])
            }
            b'e' => {
                let elements = self.since_mark()?;
                self.extend(elements)
            }
            0x90 => {
                let elements = self.since_mark()?;
                let target = self.top()?;
                match self.heap.get_mut(target) {
                    Some(Value::Set(set)) => {
                        set.extend(elements);
                        Ok(())
                    }
                    _ => Err("elements are added to what is no set".into()),
                }
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(vec![(key, value)])
            }
            b'u' => {
                let entries = pairs(self.since_mark()?)?;
                self.insert(entries)
            }
            _ => self.object(byte),
        }
    }

    fn object(&mut self, byte: u8) -> Step<()> {
        match byte {
            b'c' => {
                let (module, name) = (self.reader.line()?, self.reader.line()?);
                self.push(Value::Global(format!("{module}.{name}").into()))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let texts = (self.heap.text(module), self.heap.text(name));
                let (Some(module), Some(name)) = texts else {
                    return Err("the name of a class is no text".into());
                };
                let global = Value::Global(format!("{module}.{name}").into());
                self.push(global)
            }
            b'R' => {
                let (arguments, callee) = (self.pop()?, self.pop()?);
                let class = self.class(callee)?;
                if !may_be_called(&class) {
                    return Err(Stop::Forbidden(class.to_string()));
                }
                self.make(class, arguments)
            }
            // Instances are made without a call.
            0x81 => {
                let (arguments, class) = (self.pop()?, self.pop()?);
                let class = self.class(class)?;
                self.make(class, arguments)
            }
            0x92 => {
                let (_named, arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                let class = self.class(class)?;
                self.make(class, arguments)
            }
            b'b' => {
                let state = self.pop()?;
                let target = self.top()?;
                match self.heap.get_mut(target) {
                    Some(Value::Object(object)) => {
                        object.state = Some(state);
                        Ok(())
                    }
                    _ => Err("a state is given to what is no object".into()),
                }
            }
            b'Q' => {
                let reference = self.pop()?;
                self.push(Value::Persistent(reference))
            }
            _ => self.remember(byte),
        }
    }

    fn remember(&mut self, byte: u8) -> Step<()> {
        let put = match byte {
            b'q' => Some(self.reader.u8()?.into()),
            b'r' => Some(self.reader.u32()?),
            b'p' => Some(
                self.reader
                    .line()?
                    .parse()
                    .map_err(|_| "no place in the memo")?,
            ),
            0x94 => Some(u32::try_from(self.memo.len()).unwrap_or(u32::MAX)),
            _ => None,
        };
        if let Some(place) = put {
            let place = place as usize;
            if place >= self.limits.memo {
                return Err(format!("more than {} values are remembered", self.limits.memo).into());
            }
            let top = self.top()?;
            if place >= self.memo.len() {
                self.memo.resize(place + 1, None);
            }
            if let Some(slot) = self.memo.get_mut(place) {
                *slot = Some(top);
            }
            return Ok(());
        }
        let place = match byte {
            b'h' => self.reader.u8()?.into(),
            b'j' => self.reader.u32()?,
            b'g' => self
                .reader
                .line()?
                .parse()
                .map_err(|_| "no place in the memo")?,
            _ => return Err(format!("operation {byte:#04x} is not known or not allowed").into()),
        };
        let known = self.memo.get(place as usize).copied().flatten();
        let known = known.ok_or_else(|| format!("nothing is remembered at {place}"))?;
        self.stack.push(known);
        Ok(())
    }

    fn class(&self, id: Id) -> Step<Arc<str>> {
        let named = |id: Id| match self.heap.get(id) {
            Value::Global(name) => Some(Arc::clone(name)),
            _ => None,
        };
        // The old format refers to modules by name and source: `("module", class, file, source)`.
        let referred = || {
            let Value::Persistent(reference) = self.heap.get(id) else {
                return None;
            };
            match self.heap.sequence(*reference)? {
                [kind, class, ..] if self.heap.text(*kind) == Some("module") => named(*class),
                _ => None,
            }
        };
        let class = named(id).or_else(referred);
        class.ok_or_else(|| "what is called is no class".into())
    }

    /// What a class or a function of this name makes of its arguments.
    fn make(&mut self, class: Arc<str>, arguments: Id) -> Step<()> {
        let Value::Tuple(given) = self.heap.get(arguments) else {
            return Err("arguments are no tuple".into());
        };
        let first = given.first().copied();
        let value = match &*class {
            "torch.Size" | "builtins.list" | "__builtin__.list" if first.is_some() => {
                let elements = first.and_then(|first| self.heap.sequence(first));
                let elements = elements.ok_or("a size that is no sequence")?.to_vec();
                Value::Tuple(elements)
            }
            "builtins.set" | "__builtin__.set" | "builtins.frozenset" | "__builtin__.frozenset" => {
                let elements = first.and_then(|first| self.heap.sequence(first));
                Value::Set(elements.unwrap_or(&[]).to_vec())
            }
            // Python 2 could not write bytes otherwise.
            "_codecs.encode" => {
                let text = first.and_then(|first| self.heap.text(first));
                let bytes: Option<Vec<u8>> =
                    text.and_then(|text| text.chars().map(|c| u8::try_from(c).ok()).collect());
                Value::Bytes(bytes.ok_or("text that is no Latin-1")?.into())
            }
            "copyreg._reconstructor" | "copy_reg._reconstructor" => {
                let class = self.class(first.ok_or("no class to make an object of")?)?;
                Value::Object(Box::new(bare(class, arguments)))
            }
            _ => Value::Object(Box::new(bare(class, arguments))),
        };
        self.push(value)
    }

    /// Puts elements into the list on top.
    fn extend(&mut self, elements: Vec<Id>) -> Step<()> {
        let target = self.top()?;
        match self.heap.get_mut(target) {
            Some(Value::List(list)) => list.extend(elements),
            Some(Value::Object(object)) => object.elements.extend(elements),
            _ => return Err("elements are put into what is no list".into()),
        }
        Ok(())
    }

    /// Puts entries into the dictionary on top.
    fn insert(&mut self, entries: Vec<(Id, Id)>) -> Step<()> {
        let target = self.top()?;
        match self.heap.get_mut(target) {
            Some(Value::Dict(dict)) => dict.extend(entries),
            Some(Value::Object(object)) => object.items.extend(entries),
            _ => return Err("entries are put into what is no dictionary".into()),
        }
        Ok(())
    }

    fn push(&mut self, value: Value) -> Step<()> {
        let id = self
            .heap
            .add(value)
            .ok_or("too many values, or nested more than 64 levels deep")?;
        self.stack.push(id);
        Ok(())
    }

    /// The height that values of the last mark do not go below.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Step<Id> {
        if self.stack.len() <= self.floor() {
            return Err("the stack holds too few values".into());
        }
        self.stack.pop().ok_or_else(|| "the stack is empty".into())
    }

    fn top(&self) -> Step<Id> {
        let top = self
            .stack
            .last()
            .filter(|_| self.stack.len() > self.floor());
        top.copied().ok_or_else(|| "the stack is empty".into())
    }

    /// Takes the values since the last mark.
    fn since_mark(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or("no mark is set")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }
}

fn bare(class: Arc<str>, arguments: Id) -> Object {
    Object {
        class,
        arguments,
        state: None,
        items: Vec::new(),
        elements: Vec::new(),
    }
}

fn pairs(values: Vec<Id>) -> Step<Vec<(Id, Id)>> {
    let (pairs, rest) = values.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("a key without a value".into());
    }
    Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect())
}
