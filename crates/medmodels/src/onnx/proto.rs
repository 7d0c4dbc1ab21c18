//! The messages of ONNX in the wire format of Protocol Buffers.
//!
//! The format is small: a message is a list of fields, each a number with a value that is a varint, four bytes, or a length
//! and that many bytes (<https://protobuf.dev/programming-guides/encoding/>). The numbers of the fields are those of
//! `onnx.proto` (<https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>), which promises never to change them. Written by
//! hand, no compiler of schemas is needed to build this crate, and weights go to the file without a copy of all of them.

use std::io::{self, Write};

use mednn::candle_core::{DType, Tensor};

use super::batch::Dim;

/// An element type, with its number in `TensorProto.DataType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F32 = 1,
    U8 = 2,
    I64 = 7,
    Bool = 9,
    U32 = 12,
}

impl Element {
    pub(super) fn of(dtype: DType) -> Option<Self> {
        match dtype {
            DType::F32 => Some(Self::F32),
            DType::U8 => Some(Self::U8),
            DType::I64 => Some(Self::I64),
            DType::U32 => Some(Self::U32),
            _ => None,
        }
    }
}

/// A message in the making.
#[derive(Debug, Clone, Default)]
struct Message(Vec<u8>);

/// How the value of a field is written.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Length = 2,
    Four = 5,
}

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u64, wire: Wire) {
        self.varint(field << 3 | wire as u64);
    }

    /// The key and length of a field whose bytes follow from elsewhere.
    fn length(&mut self, field: u64, length: usize) {
        self.key(field, Wire::Length);
        self.varint(length as u64);
    }

    fn int(&mut self, field: u64, value: i64) {
        self.key(field, Wire::Varint);
        // Negative numbers are written as their two's complement.
        self.varint(value as u64);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, Wire::Four);
        self.0.extend(value.to_le_bytes());
    }

    fn text(&mut self, field: u64, text: &str) {
        self.length(field, text.len());
        self.0.extend(text.as_bytes());
    }

    fn message(&mut self, field: u64, message: &Self) {
        self.length(field, message.0.len());
        self.0.extend(&message.0);
    }
}

/// A setting of a node.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Attribute {
    Int(i64),
    Float(f32),
    Text(&'static str),
    Ints(Vec<i64>),
}

impl Attribute {
    /// `AttributeProto`.
    fn message(&self, name: &str) -> Message {
        const TYPE: u64 = 20;
        let mut message = Message::default();
        message.text(1, name);
        match self {
            Self::Float(value) => {
                message.float(2, *value);
                message.int(TYPE, 1);
            }
            Self::Int(value) => {
                message.int(3, *value);
                message.int(TYPE, 2);
            }
            Self::Text(text) => {
                message.text(4, text);
                message.int(TYPE, 3);
            }
            Self::Ints(values) => {
                for value in values {
                    message.int(8, *value);
                }
                message.int(TYPE, 7);
            }
        }
        message
    }
}

/// An operator with the names of what it reads and makes; an empty name is an optional input that is not there.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) op: &'static str,
    pub(super) name: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: Vec<(&'static str, Attribute)>,
}

impl Node {
    /// `NodeProto`.
    fn message(&self) -> Message {
        let mut message = Message::default();
        for input in &self.inputs {
            message.text(1, input);
        }
        for output in &self.outputs {
            message.text(2, output);
        }
        message.text(3, &self.name);
        message.text(4, self.op);
        for (name, attribute) in &self.attributes {
            message.message(5, &attribute.message(name));
        }
        message
    }
}

/// The elements of an initialiser.
#[derive(Debug, Clone)]
pub(super) enum Data {
    /// In storage order, lowest byte first.
    Bytes(Vec<u8>),
    /// Those of a parameter, fetched when they are written.
    Tensor(Tensor),
}

/// A tensor that is stored in the model.
#[derive(Debug, Clone)]
pub(super) struct Initialiser {
    pub(super) name: String,
    pub(super) element: Element,
    pub(super) dims: Vec<usize>,
    pub(super) data: Data,
}

impl Initialiser {
    /// `TensorProto` up to its elements.
    fn head(&self) -> Message {
        let mut message = Message::default();
        for &dim in &self.dims {
            message.int(1, dim as i64);
        }
        message.int(2, self.element as i64);
        message.text(8, &self.name);
        message.length(9, self.byte_len());
        message
    }

    fn byte_len(&self) -> usize {
        match &self.data {
            Data::Bytes(bytes) => bytes.len(),
            Data::Tensor(tensor) => tensor.elem_count() * tensor.dtype().size_in_bytes(),
        }
    }

    fn write_elements(&self, out: &mut dyn Write) -> io::Result<()> {
        let tensor = match &self.data {
            Data::Bytes(bytes) => return out.write_all(bytes),
            Data::Tensor(tensor) => tensor.flatten_all().map_err(io::Error::other)?,
        };
        /// Writes the elements of a type in blocks.
        macro_rules! write {
            ($t:ty) => {{
                let values = tensor.to_vec1::<$t>().map_err(io::Error::other)?;
                for block in values.chunks(1 << 14) {
                    let bytes: Vec<u8> = block.iter().flat_map(|v| v.to_le_bytes()).collect();
                    out.write_all(&bytes)?;
                }
                Ok(())
            }};
        }
        match self.element {
            Element::F32 => write!(f32),
            Element::I64 => write!(i64),
            Element::U32 => write!(u32),
            Element::U8 | Element::Bool => write!(u8),
        }
    }
}

/// An input or output of the graph.
#[derive(Debug, Clone)]
pub(super) struct Port {
    pub(super) name: String,
    pub(super) element: Element,
    pub(super) dims: Vec<Dim>,
}

impl Port {
    /// `ValueInfoProto`.
    fn message(&self) -> Message {
        let mut shape = Message::default();
        for dim in &self.dims {
            let mut message = Message::default();
            match dim {
                Dim::Fixed(length) => message.int(1, *length as i64),
                Dim::Batch(1) => message.text(2, "batch"),
                Dim::Batch(each) => message.text(2, &format!("{each}*batch")),
            }
            shape.message(1, &message);
        }
        let mut tensor = Message::default();
        tensor.int(1, self.element as i64);
        tensor.message(2, &shape);
        let mut kind = Message::default();
        kind.message(1, &tensor);
        let mut message = Message::default();
        message.text(1, &self.name);
        message.message(2, &kind);
        message
    }
}

/// A whole model.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) ir_version: i64,
    pub(super) opset: i64,
    pub(super) producer: (&'static str, &'static str),
    pub(super) name: String,
    pub(super) nodes: Vec<Node>,
    pub(super) initialisers: Vec<Initialiser>,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
    pub(super) properties: Vec<(String, String)>,
}

impl Model {
    /// `ModelProto` up to the elements of its graph, and the length of those.
    fn head(&self) -> (Message, usize) {
        let mut graph = Message::default();
        for node in &self.nodes {
            graph.message(1, &node.message());
        }
        graph.text(2, &self.name);
        for input in &self.inputs {
            graph.message(11, &input.message());
        }
        for output in &self.outputs {
            graph.message(12, &output.message());
        }
        let weights: usize = (self.initialisers.iter())
            .map(|tensor| {
                let (head, length) = Self::initialiser_head(tensor);
                head.0.len() + length
            })
            .sum();
        let mut opset = Message::default();
        opset.text(1, "");
        opset.int(2, self.opset);
        let mut message = Message::default();
        message.int(1, self.ir_version);
        message.text(2, self.producer.0);
        message.text(3, self.producer.1);
        message.message(8, &opset);
        for (key, value) in &self.properties {
            let mut property = Message::default();
            property.text(1, key);
            property.text(2, value);
            message.message(14, &property);
        }
        message.length(7, graph.0.len() + weights);
        message.0.extend(&graph.0);
        (message, weights)
    }

    /// An initialiser as a field of the graph, up to its elements, and the length of those.
    fn initialiser_head(tensor: &Initialiser) -> (Message, usize) {
        let (head, length) = (tensor.head(), tensor.byte_len());
        let mut message = Message::default();
        message.length(5, head.0.len() + length);
        message.0.extend(&head.0);
        (message, length)
    }

    /// The bytes of the model.
    pub(super) fn byte_len(&self) -> usize {
        let (head, weights) = self.head();
        head.0.len() + weights
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.head().0.0)?;
        for tensor in &self.initialisers {
            out.write_all(&Self::initialiser_head(tensor).0.0)?;
            tensor.write_elements(out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_format_says() {
        let mut message = Message::default();
        message.int(1, 150);
        assert_eq!(message.0, [0x08, 0x96, 0x01]);
        let mut message = Message::default();
        message.text(2, "testing");
        assert_eq!(message.0[..2], [0x12, 7]);
        let mut message = Message::default();
        message.int(20, -1);
        assert_eq!(message.0[..3], [0xA0, 0x01, 0xFF]);
        assert_eq!(message.0.len(), 12);
    }
}
