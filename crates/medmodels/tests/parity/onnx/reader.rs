//! A second opinion on the files: the wire format read back, written apart from the writer.

use std::collections::BTreeMap;

/// A field of a message.
#[derive(Debug, Clone, Copy)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Four([u8; 4]),
}

/// The fields of a message with their numbers, in order.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (byte, rest) = bytes.split_first().expect("a number ends");
            *bytes = rest;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            2 => {
                let length = varint(&mut bytes) as usize;
                let (value, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(value)
            }
            5 => {
                let (value, rest) = bytes.split_at(4);
                bytes = rest;
                Field::Four(value.try_into().unwrap())
            }
            wire => panic!("wire type {wire}"),
        };
        found.push((key >> 3, field));
    }
    found
}

fn all<'a>(fields: &[(u64, Field<'a>)], number: u64) -> Vec<&'a [u8]> {
    let of_number = fields.iter().filter(|(n, _)| *n == number);
    of_number
        .filter_map(|(_, field)| match field {
            Field::Bytes(bytes) => Some(*bytes),
            _ => None,
        })
        .collect()
}

fn texts(fields: &[(u64, Field<'_>)], number: u64) -> Vec<String> {
    let found = all(fields, number).into_iter();
    found
        .map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
        .collect()
}

fn text(fields: &[(u64, Field<'_>)], number: u64) -> String {
    texts(fields, number).pop().unwrap_or_default()
}

fn numbers(fields: &[(u64, Field<'_>)], number: u64) -> Vec<i64> {
    let of_number = fields.iter().filter(|(n, _)| *n == number);
    of_number
        .filter_map(|(_, field)| match field {
            Field::Number(value) => Some(*value as i64),
            _ => None,
        })
        .collect()
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Attribute {
    Float(f32),
    Int(i64),
    Text(String),
    Ints(Vec<i64>),
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) op: String,
    pub(crate) name: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) attributes: BTreeMap<String, Attribute>,
}

#[derive(Debug)]
pub(crate) struct Tensor {
    pub(crate) dims: Vec<i64>,
    pub(crate) element: i64,
    pub(crate) bytes: Vec<u8>,
}

impl Tensor {
    pub(crate) fn floats(&self) -> Vec<f32> {
        assert_eq!(self.element, 1);
        let values = self.bytes.chunks_exact(4);
        values
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    }

    pub(crate) fn integers(&self) -> Vec<i64> {
        assert_eq!(self.element, 7);
        let values = self.bytes.chunks_exact(8);
        values
            .map(|b| i64::from_le_bytes(b.try_into().unwrap()))
            .collect()
    }
}

/// An input or output: its name, and each length as a number or a symbol.
#[derive(Debug, PartialEq)]
pub(crate) struct Port {
    pub(crate) name: String,
    pub(crate) element: i64,
    pub(crate) dims: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) ir_version: i64,
    pub(crate) opset: i64,
    pub(crate) producer: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) initialisers: BTreeMap<String, Tensor>,
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    pub(crate) properties: BTreeMap<String, String>,
}

pub(crate) fn read(bytes: &[u8]) -> Model {
    let model = fields(bytes);
    let graph = fields(all(&model, 7)[0]);
    let opset = fields(all(&model, 8)[0]);
    let pairs = all(&model, 14).into_iter().map(|bytes| {
        let pair = fields(bytes);
        (text(&pair, 1), text(&pair, 2))
    });
    Model {
        ir_version: numbers(&model, 1)[0],
        opset: numbers(&opset, 2)[0],
        producer: text(&model, 2),
        nodes: all(&graph, 1).into_iter().map(node).collect(),
        initialisers: all(&graph, 5).into_iter().map(tensor).collect(),
        inputs: all(&graph, 11).into_iter().map(port).collect(),
        outputs: all(&graph, 12).into_iter().map(port).collect(),
        properties: pairs.collect(),
    }
}

fn node(bytes: &[u8]) -> Node {
    let node = fields(bytes);
    let attributes = all(&node, 5).into_iter().map(|bytes| {
        let attribute = fields(bytes);
        let value = match numbers(&attribute, 20)[..] {
            [1] => {
                let Some((_, Field::Four(value))) = attribute.iter().find(|(n, _)| *n == 2) else {
                    panic!("a float without a value");
                };
                Attribute::Float(f32::from_le_bytes(*value))
            }
            [2] => Attribute::Int(numbers(&attribute, 3)[0]),
            [3] => Attribute::Text(text(&attribute, 4)),
            [7] => Attribute::Ints(numbers(&attribute, 8)),
            ref other => panic!("attribute of type {other:?}"),
        };
        (text(&attribute, 1), value)
    });
    Node {
        op: text(&node, 4),
        name: text(&node, 3),
        inputs: texts(&node, 1),
        outputs: texts(&node, 2),
        attributes: attributes.collect(),
    }
}

fn tensor(bytes: &[u8]) -> (String, Tensor) {
    let tensor = fields(bytes);
    let found = Tensor {
        dims: numbers(&tensor, 1),
        element: numbers(&tensor, 2)[0],
        bytes: all(&tensor, 9)[0].to_vec(),
    };
    let elements: i64 = found.dims.iter().product();
    let size = match found.element {
        1 | 12 => 4,
        7 => 8,
        _ => 1,
    };
    assert_eq!(found.bytes.len() as i64, elements * size);
    (text(&tensor, 8), found)
}

fn port(bytes: &[u8]) -> Port {
    let port = fields(bytes);
    let kind = fields(all(&port, 2)[0]);
    let tensor = fields(all(&kind, 1)[0]);
    let shape = fields(all(&tensor, 2)[0]);
    let dims = all(&shape, 1).into_iter().map(|bytes| {
        let dim = fields(bytes);
        match numbers(&dim, 1)[..] {
            [length] => length.to_string(),
            _ => text(&dim, 2),
        }
    });
    Port {
        name: text(&port, 1),
        element: numbers(&tensor, 1)[0],
        dims: dims.collect(),
    }
}
