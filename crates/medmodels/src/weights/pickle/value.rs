//! The values of a pickle: kept in one list and named by their places in it, so that what is shared is stored once and
//! nothing nests on the stack.

use std::sync::Arc;

/// The place of a value in its [`Heap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id(u32);

/// A value that a pickle builds. Classes are names; nothing of them is executed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Set(Vec<Id>),
    /// In the order of insertion; the last of equal keys counts.
    Dict(Vec<(Id, Id)>),
    Global(Arc<str>),
    /// What a class or a function would have made, and what it would have been given.
    Object(Box<Object>),
    /// What the pickle refers to outside of itself, by these values.
    Persistent(Id),
}

/// What a class or a function would have made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    /// Module and name.
    pub(crate) class: Arc<str>,
    /// What it was made of, a tuple.
    pub(crate) arguments: Id,
    /// What it was given afterwards.
    pub(crate) state: Option<Id>,
    /// What was put into it as into a dictionary.
    pub(crate) items: Vec<(Id, Id)>,
    /// What was put into it as into a list.
    pub(crate) elements: Vec<Id>,
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    values: Vec<Value>,
    /// How deep what cannot change any more is nested.
    depths: Vec<u8>,
}

/// Tuples in tuples, and what is made of them.
const DEEPEST: u8 = 64;

impl Heap {
    /// Keeps a value; none if there are too many, or if it is nested too deep.
    pub(crate) fn add(&mut self, value: Value) -> Option<Id> {
        let id = u32::try_from(self.values.len()).ok()?;
        let below = match &value {
            Value::Tuple(elements) => elements.iter().map(|id| self.depth(*id)).max(),
            Value::Object(object) => Some(self.depth(object.arguments)),
            Value::Persistent(reference) => Some(self.depth(*reference)),
            _ => None,
        };
        let depth = below.map_or(0, |depth| depth + 1);
        (depth <= DEEPEST).then(|| {
            self.values.push(value);
            self.depths.push(depth);
            Id(id)
        })
    }

    fn depth(&self, id: Id) -> u8 {
        self.depths.get(id.0 as usize).copied().unwrap_or(0)
    }

    pub(crate) fn get(&self, id: Id) -> &Value {
        // Places are given out by `add` alone, and values are never removed.
        self.values.get(id.0 as usize).unwrap_or(&Value::None)
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut Value> {
        self.values.get_mut(id.0 as usize)
    }

    /// The places of all values.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        // No more were given out than fit.
        (0..u32::try_from(self.values.len()).unwrap_or(u32::MAX)).map(Id)
    }

    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn int(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The elements of a list or a tuple.
    pub(crate) fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::List(elements) | Value::Tuple(elements) => Some(elements),
            _ => None,
        }
    }

    /// The entries of a dictionary, or of an object that was filled like one.
    pub(crate) fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.get(id) {
            Value::Dict(entries) => Some(entries),
            Value::Object(object) if !object.items.is_empty() || is_mapping(&object.class) => {
                Some(&object.items)
            }
            _ => None,
        }
    }

    /// The last entry of a dictionary under a key of text.
    pub(crate) fn entry(&self, id: Id, key: &str) -> Option<Id> {
        let entries = self.entries(id)?.iter().rev();
        let found = entries.copied().find(|(k, _)| self.text(*k) == Some(key));
        found.map(|(_, value)| value)
    }

    /// An attribute of an object: an entry of its state.
    pub(crate) fn attribute(&self, id: Id, name: &str) -> Option<Id> {
        let Value::Object(object) = self.get(id) else {
            return None;
        };
        let state = object.state?;
        // Objects with slots have a pair of states.
        match self.get(state) {
            Value::Tuple(pair) => pair.iter().find_map(|state| self.entry(*state, name)),
            _ => self.entry(state, name),
        }
    }
}

/// Whether a class is a dictionary under another name.
pub(crate) fn is_mapping(class: &str) -> bool {
    matches!(
        class,
        "collections.OrderedDict" | "collections.defaultdict" | "collections.Counter"
    )
}
