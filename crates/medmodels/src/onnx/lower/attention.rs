//! Attention, as products and a softmax.

use mednn::graph::{AttentionAttributes, Op};

use super::super::batch::Dim;
use super::super::builder::{Builder, Lowered, Operator, Value, unsayable};
use super::super::proto::Element;
use super::Arguments;

/// Queries `[batch, heads, queries, dim]`, keys `[batch, heads, dim, keys]`, values `[batch, heads, keys, value dim]`.
struct Heads {
    query: Value,
    key: Value,
    value: Value,
}

impl Builder {
    pub(super) fn attention(&mut self, op: &Op, a: &Arguments<'_>) -> Lowered<Value> {
        if let Op::Attention(attributes)
        | Op::SelfAttention(attributes)
        | Op::CrossAttention(attributes) = op
            && attributes.dropped.is_some()
        {
            return unsayable("weights that training drops are no part of a file");
        }
        let (heads, attributes, bias) = match op {
            Op::Attention(attributes) => {
                let heads = Heads {
                    query: a.get(0)?.clone(),
                    key: self.transpose(a.get(1)?, &[0, 1, 3, 2]),
                    value: a.get(2)?.clone(),
                };
                return self.attend(&heads, attributes, a, 3);
            }
            Op::SelfAttention(attributes) => {
                let parts = self.parts(a.get(0)?, 3)?;
                (
                    self.heads([&parts[0], &parts[1], &parts[2]], attributes)?,
                    attributes,
                    1,
                )
            }
            Op::CrossAttention(attributes) => {
                let parts = self.parts(a.get(1)?, 2)?;
                (
                    self.heads([a.get(0)?, &parts[0], &parts[1]], attributes)?,
                    attributes,
                    2,
                )
            }
            _ => return unsayable("it is no attention"),
        };
        let found = self.attend(&heads, attributes, a, bias)?;
        let tokens = self.transpose(&found, &[0, 2, 1, 3]);
        self.reshape(&tokens, a.result())
    }

    /// Queries and keys of length 1, queries with their head's factor.
    pub(super) fn unit_query_key(&mut self, x: &Value, log_factor: &Value) -> Lowered<Value> {
        let (heads, last) = (log_factor.length(0)?, x.dims.len() - 1);
        let parts = self.parts(x, 3)?;
        let most = self.float("most", 100.0_f64.ln());
        let factor = self.combine("Min", log_factor, &most);
        let factor = self.map("Exp", &factor);
        let factor = self.reshape(&factor, &[Dim::Fixed(heads), Dim::Fixed(1)])?;
        let mut vectors = parts[0].dims.clone();
        vectors[last] = Dim::Fixed(heads);
        vectors.push(Dim::Fixed(parts[0].length(last)? / heads));
        let mut packed = Operator::new("Concat").int("axis", last);
        for (place, part) in parts.iter().enumerate() {
            let mut part = part.clone();
            if place < 2 {
                let vector = self.reshape(&part, &vectors)?;
                let length = self.reduce("ReduceL2", &vector, &[last + 1]);
                let shortest = self.float("shortest", 1e-12);
                let length = self.combine("Max", &length, &shortest);
                let mut unit = self.combine("Div", &vector, &length);
                if place == 0 {
                    unit = self.combine("Mul", &unit, &factor);
                }
                part = self.reshape(&unit, &part.dims)?;
            }
            packed = packed.input(&part);
        }
        Ok(self.push(packed, &x.dims))
    }

    /// Equal parts of the last axis.
    fn parts(&mut self, x: &Value, parts: usize) -> Lowered<Vec<Value>> {
        let axis = x.dims.len() - 1;
        let each = x.length(axis)? / parts;
        let mut dims = x.dims.clone();
        dims[axis] = Dim::Fixed(each);
        let sizes = self.list("sizes", vec![each; parts]);
        let split = Operator::new("Split")
            .input(x)
            .input(&sizes)
            .int("axis", axis);
        Ok(self.push_all(split, &vec![(&dims[..], Element::F32); parts]))
    }

    /// The heads of tokens brought apart.
    fn heads(
        &mut self,
        [query, key, value]: [&Value; 3],
        attributes: &AttentionAttributes,
    ) -> Lowered<Heads> {
        let mut apart = |tokens: &Value, order: &[usize]| {
            let dim = tokens.length(2)? / attributes.heads;
            let split = [
                tokens.dims[0],
                tokens.dims[1],
                Dim::Fixed(attributes.heads),
                Dim::Fixed(dim),
            ];
            let split = self.reshape(tokens, &split)?;
            Lowered::Ok(self.transpose(&split, order))
        };
        Ok(Heads {
            query: apart(query, &[0, 2, 1, 3])?,
            key: apart(key, &[0, 2, 3, 1])?,
            value: apart(value, &[0, 2, 1, 3])?,
        })
    }

    /// `softmax(scale query key^T + bias + mask) value`; bias and mask are arguments from `bias` on.
    fn attend(
        &mut self,
        heads: &Heads,
        attributes: &AttentionAttributes,
        a: &Arguments<'_>,
        bias: usize,
    ) -> Lowered<Value> {
        let Heads { query, key, value } = heads;
        let dim = query.length(3)? as f64;
        let scale = self.float("scale", attributes.scale.unwrap_or(1.0 / dim.sqrt()));
        let query = self.combine("Mul", query, &scale);
        let mut dims = query.dims.clone();
        dims[3] = key.dims[3];
        let scores = Operator::new("MatMul").input(&query).input(key);
        let mut scores = self.push(scores, &dims);
        if let Some(bias) = a.optional(bias) {
            scores = self.combine("Add", &scores, bias);
        }
        let mut hidden = match attributes.causal {
            true => Some(self.causal(scores.length(2)?, scores.length(3)?)),
            false => None,
        };
        let mut blind = false;
        if let Some(mask) = a.optional(bias + 1) {
            // A token sees itself in its window; in another mask there may be a query that sees nothing.
            blind = attributes.causal || !matches!(a.maker(bias + 1), Some(Op::ShiftMask(_)));
            let (mask, grouped) = self.mask(mask, &dims)?;
            scores = self.reshape(&scores, &grouped)?;
            hidden = Some(match hidden {
                Some(causal) => {
                    let mut dims = mask.dims.clone();
                    let rank = dims.len();
                    dims[rank - 2] = causal.dims[0];
                    let both = Operator::new("Add").input(&mask).input(&causal);
                    self.push(both, &dims)
                }
                None => mask,
            });
        }
        if let Some(hidden) = &hidden {
            scores = self.combine("Add", &scores, hidden);
        }
        let softmax = Operator::new("Softmax").input(&scores).axis_from_end(1);
        let mut weights = self.push(softmax, &scores.dims);
        if let Some(hidden) = hidden.filter(|_| blind) {
            weights = self.zeros_where_hidden(&weights, &hidden);
        }
        let weights = self.reshape(&weights, &dims)?;
        dims[3] = value.dims[3];
        let product = Operator::new("MatMul").input(&weights).input(value);
        Ok(self.push(product, &dims))
    }

    /// Minus infinity where a key comes after the query, `[queries, keys]`.
    fn causal(&mut self, queries: usize, keys: usize) -> Value {
        let hidden = |i: usize| match i % keys > i / keys {
            true => f32::NEG_INFINITY,
            false => 0.0,
        };
        let values: Vec<f32> = (0..queries * keys).map(hidden).collect();
        self.floats("causal", &[queries, keys], &values)
    }

    /// A mask `[masks, rows, keys]` as numbers to add to scores of the second shape, which are `dims` with the batch split
    /// where there are several masks: batch item `b` takes mask `b % masks`.
    fn mask(&mut self, mask: &Value, dims: &[Dim]) -> Lowered<(Value, Vec<Dim>)> {
        let mut added = mask.clone();
        if mask.element != Element::F32 {
            let seen = self.cast(mask, Element::Bool);
            let (zero, hidden) = (
                self.float("seen", 0.0),
                self.float("hidden", f64::NEG_INFINITY),
            );
            let choice = Operator::new("Where")
                .input(&seen)
                .input(&zero)
                .input(&hidden);
            added = self.push(choice, &mask.dims);
        }
        let (masks, one) = (mask.dims[0], Dim::Fixed(1));
        if masks == one || masks == dims[0] {
            let added = self.reshape(&added, &[masks, one, mask.dims[1], mask.dims[2]])?;
            return Ok((added, dims.to_vec()));
        }
        let Some((masks, groups)) = (masks.fixed()).and_then(|m| Some((m, dims[0].divided(m)?)))
        else {
            return unsayable("the number of masks must divide the batch whatever its size");
        };
        let split = [one, Dim::Fixed(masks), one, mask.dims[1], mask.dims[2]];
        let added = self.reshape(&added, &split)?;
        Ok((added, [&[groups, Dim::Fixed(masks)], &dims[1..]].concat()))
    }

    /// A query that sees no key has weights that are no numbers, and gets zeros.
    fn zeros_where_hidden(&mut self, weights: &Value, hidden: &Value) -> Value {
        let lowest = self.float("lowest", f64::from(f32::MIN));
        let seen = Operator::new("GreaterOrEqual").input(hidden).input(&lowest);
        let seen = self.push_as(seen, &hidden.dims, Element::Bool);
        let zero = self.float("zero", 0.0);
        let choice = Operator::new("Where")
            .input(&seen)
            .input(weights)
            .input(&zero);
        self.push(choice, &weights.dims)
    }
}
