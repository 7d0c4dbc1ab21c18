//! An ONNX graph in the making: nodes, constants and names.

use std::collections::HashSet;

use super::batch::Dim;
use super::proto::{Attribute, Data, Element, Initialiser, Node, Port};

/// What cannot be said in ONNX, or not for any batch.
#[derive(Debug)]
pub(super) struct Unsayable(pub(super) String);

/// What became of an operator.
pub(super) type Lowered<T> = Result<T, Unsayable>;

pub(super) fn unsayable<T>(reason: impl Into<String>) -> Lowered<T> {
    Err(Unsayable(reason.into()))
}

/// A tensor of the graph.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) name: String,
    pub(super) dims: Vec<Dim>,
    pub(super) element: Element,
}

impl Value {
    /// The length of an axis that does not depend on the batch.
    pub(super) fn length(&self, axis: usize) -> Lowered<usize> {
        match self.dims.get(axis).and_then(|dim| dim.fixed()) {
            Some(length) => Ok(length),
            None => unsayable(format!("axis {axis} must not depend on the batch")),
        }
    }

    /// The lengths of the axes from one on, which do not depend on the batch.
    pub(super) fn lengths_from(&self, axis: usize) -> Lowered<Vec<usize>> {
        (axis..self.dims.len())
            .map(|axis| self.length(axis))
            .collect()
    }
}

/// A node whose inputs and settings are being named.
#[derive(Debug)]
pub(super) struct Operator {
    op: &'static str,
    inputs: Vec<String>,
    attributes: Vec<(&'static str, Attribute)>,
}

impl Operator {
    pub(super) fn new(op: &'static str) -> Self {
        Self {
            op,
            inputs: Vec::new(),
            attributes: Vec::new(),
        }
    }

    pub(super) fn input(mut self, value: &Value) -> Self {
        self.inputs.push(value.name.clone());
        self
    }

    /// An input that may be missing; one behind which none is given is left out altogether.
    pub(super) fn optional(mut self, value: Option<&Value>) -> Self {
        let name = value.map_or_else(String::new, |value| value.name.clone());
        self.inputs.push(name);
        self
    }

    fn setting(mut self, name: &'static str, value: Attribute) -> Self {
        self.attributes.push((name, value));
        self
    }

    pub(super) fn int(self, name: &'static str, value: usize) -> Self {
        self.setting(name, Attribute::Int(value as i64))
    }

    /// An axis counted from the last, which is -1.
    pub(super) fn axis_from_end(self, place: usize) -> Self {
        self.setting("axis", Attribute::Int(-(place as i64)))
    }

    pub(super) fn float(self, name: &'static str, value: f64) -> Self {
        self.setting(name, Attribute::Float(value as f32))
    }

    pub(super) fn text(self, name: &'static str, value: &'static str) -> Self {
        self.setting(name, Attribute::Text(value))
    }

    pub(super) fn ints(self, name: &'static str, values: impl IntoIterator<Item = usize>) -> Self {
        let values = values.into_iter().map(|value| value as i64).collect();
        self.setting(name, Attribute::Ints(values))
    }
}

/// The graph.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) nodes: Vec<Node>,
    pub(super) initialisers: Vec<Initialiser>,
    names: HashSet<String>,
    /// Where the nodes that are added belong to.
    scope: String,
}

impl Builder {
    /// Keeps a name from being used again; false when it has been.
    pub(super) fn reserve(&mut self, name: &str) -> bool {
        self.names.insert(name.to_owned())
    }

    /// Says where the nodes that are added from now on belong to.
    pub(super) fn enter(&mut self, scope: String) {
        self.scope = scope;
    }

    fn fresh(&mut self, what: &str) -> String {
        let name = format!("{}/{what}", self.scope);
        if self.reserve(&name) {
            return name;
        }
        let mut numbered = (1..).map(|i| format!("{name}_{i}"));
        loop {
            // The numbers do not end.
            if let Some(name) = numbered.next().filter(|name| self.reserve(name)) {
                return name;
            }
        }
    }

    /// Adds a node with several results.
    pub(super) fn push_all(
        &mut self,
        operator: Operator,
        results: &[(&[Dim], Element)],
    ) -> Vec<Value> {
        let name = self.fresh(operator.op);
        let mut values: Vec<Value> = Vec::with_capacity(results.len());
        for (i, (dims, element)) in results.iter().enumerate() {
            let name = match i {
                0 => name.clone(),
                _ => self.fresh(&format!("{}.{i}", operator.op)),
            };
            values.push(Value {
                name,
                dims: dims.to_vec(),
                element: *element,
            });
        }
        let mut inputs = operator.inputs;
        while inputs.last().is_some_and(String::is_empty) {
            inputs.pop();
        }
        self.nodes.push(Node {
            op: operator.op,
            name,
            inputs,
            outputs: values.iter().map(|value| value.name.clone()).collect(),
            attributes: operator.attributes,
        });
        values
    }

    /// Adds a node with one result.
    pub(super) fn push_as(&mut self, operator: Operator, dims: &[Dim], element: Element) -> Value {
        self.push_all(operator, &[(dims, element)]).swap_remove(0)
    }

    /// Adds a node whose result is of f32.
    pub(super) fn push(&mut self, operator: Operator, dims: &[Dim]) -> Value {
        self.push_as(operator, dims, Element::F32)
    }

    /// Adds a node of one input whose result has its shape.
    pub(super) fn map(&mut self, op: &'static str, x: &Value) -> Value {
        self.push(Operator::new(op).input(x), &x.dims)
    }

    /// Adds a node of two inputs, the second repeated where it is 1 long, whose result has the first one's shape.
    pub(super) fn combine(&mut self, op: &'static str, x: &Value, y: &Value) -> Value {
        self.push(Operator::new(op).input(x).input(y), &x.dims)
    }

    fn constant(&mut self, what: &str, element: Element, dims: &[usize], bytes: Vec<u8>) -> Value {
        let name = self.fresh(what);
        self.initialisers.push(Initialiser {
            name: name.clone(),
            element,
            dims: dims.to_vec(),
            data: Data::Bytes(bytes),
        });
        Value {
            name,
            dims: dims.iter().copied().map(Dim::Fixed).collect(),
            element,
        }
    }

    pub(super) fn floats(&mut self, what: &str, dims: &[usize], values: &[f32]) -> Value {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.constant(what, Element::F32, dims, bytes.collect())
    }

    /// A constant without axes.
    pub(super) fn float(&mut self, what: &str, value: f64) -> Value {
        self.floats(what, &[], &[value as f32])
    }

    pub(super) fn integers(&mut self, what: &str, dims: &[usize], values: &[i64]) -> Value {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.constant(what, Element::I64, dims, bytes.collect())
    }

    /// A constant of one axis.
    pub(super) fn list(&mut self, what: &str, values: impl IntoIterator<Item = usize>) -> Value {
        let values: Vec<i64> = values.into_iter().map(|value| value as i64).collect();
        self.integers(what, &[values.len()], &values)
    }

    pub(super) fn bytes(&mut self, what: &str, dims: &[usize], values: Vec<u8>) -> Value {
        self.constant(what, Element::U8, dims, values)
    }

    /// The same elements as another type.
    pub(super) fn cast(&mut self, x: &Value, element: Element) -> Value {
        if x.element == element {
            return x.clone();
        }
        let cast = Operator::new("Cast").input(x).int("to", element as usize);
        self.push_as(cast, &x.dims, element)
    }

    /// The same elements under another shape.
    pub(super) fn reshape(&mut self, x: &Value, dims: &[Dim]) -> Lowered<Value> {
        if x.dims == dims {
            return Ok(x.clone());
        }
        let shape: Vec<i64> = (dims.iter().enumerate())
            .map(|(axis, dim)| match dim {
                Dim::Fixed(length) => *length as i64,
                // As long as the same axis of the input, or whatever is left.
                Dim::Batch(_) if x.dims.get(axis) == Some(dim) => 0,
                Dim::Batch(_) => -1,
            })
            .collect();
        if shape.iter().filter(|length| **length < 0).count() > 1 {
            return unsayable("two axes depend on the batch");
        }
        let shape = self.integers("shape", &[shape.len()], &shape);
        let reshape = Operator::new("Reshape").input(x).input(&shape);
        Ok(self.push_as(reshape, dims, x.element))
    }

    /// Axis `i` of the result is axis `order[i]`.
    pub(super) fn transpose(&mut self, x: &Value, order: &[usize]) -> Value {
        if order.is_sorted() {
            return x.clone();
        }
        let dims: Vec<Dim> = order.iter().map(|&axis| x.dims[axis]).collect();
        let transpose = Operator::new("Transpose").input(x);
        let transpose = transpose.ints("perm", order.iter().copied());
        self.push_as(transpose, &dims, x.element)
    }

    /// The input, seen with the axes `split`, with these in another order, as a tensor of `dims`.
    pub(super) fn rearrange(
        &mut self,
        x: &Value,
        split: &[Dim],
        order: &[usize],
        dims: &[Dim],
    ) -> Lowered<Value> {
        let split = self.reshape(x, split)?;
        let moved = self.transpose(&split, order);
        self.reshape(&moved, dims)
    }

    /// Indices `start..end` of an axis that does not depend on the batch.
    pub(super) fn slice(
        &mut self,
        x: &Value,
        axis: usize,
        start: usize,
        end: usize,
    ) -> Lowered<Value> {
        if (start, end) == (0, x.length(axis)?) {
            return Ok(x.clone());
        }
        let mut dims = x.dims.clone();
        dims[axis] = Dim::Fixed(end - start);
        let (starts, ends) = (self.list("start", [start]), self.list("end", [end]));
        let axes = self.list("axis", [axis]);
        let slice = Operator::new("Slice").input(x).input(&starts);
        let slice = slice.input(&ends).input(&axes);
        Ok(self.push_as(slice, &dims, x.element))
    }

    /// The slices of an axis that constant indices name.
    pub(super) fn pick(&mut self, x: &Value, axis: usize, indices: &[usize]) -> Value {
        let mut dims = x.dims.clone();
        dims[axis] = Dim::Fixed(indices.len());
        let indices = self.list("indices", indices.iter().copied());
        let gather = Operator::new("Gather").input(x).input(&indices);
        self.push_as(gather.int("axis", axis), &dims, x.element)
    }

    /// Parameters `[channels]` as a factor or summand of a tensor of this rank with channels on axis 1.
    pub(super) fn per_channel(&mut self, x: &Value, rank: usize) -> Lowered<Value> {
        let mut dims = x.dims.clone();
        dims.resize(rank - 1, Dim::Fixed(1));
        self.reshape(x, &dims)
    }

    /// A reduction along axes, which stay, 1 long.
    pub(super) fn reduce(&mut self, op: &'static str, x: &Value, axes: &[usize]) -> Value {
        let mut dims = x.dims.clone();
        for &axis in axes {
            dims[axis] = Dim::Fixed(1);
        }
        let axes = self.list("axes", axes.iter().copied());
        self.push(Operator::new(op).input(x).input(&axes), &dims)
    }

    /// Gives a tensor that a node makes another name; one that no node makes, or that has such a name, gets a copy.
    pub(super) fn publish(&mut self, value: &Value, published: &[Port], name: &str) -> Port {
        let made = self.nodes.iter().any(|n| n.outputs.contains(&value.name));
        if made && !published.iter().any(|port| port.name == value.name) {
            let names =
                (self.nodes.iter_mut()).flat_map(|n| n.inputs.iter_mut().chain(&mut n.outputs));
            for old in names.filter(|old| **old == value.name) {
                name.clone_into(old);
            }
        } else {
            self.nodes.push(Node {
                op: "Identity",
                name: format!("{name}/Identity"),
                inputs: vec![value.name.clone()],
                outputs: vec![name.to_owned()],
                attributes: vec![],
            });
        }
        Port {
            name: name.to_owned(),
            element: value.element,
            dims: value.dims.clone(),
        }
    }
}
