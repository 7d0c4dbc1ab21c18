//! Which numbers of a recorded graph are the batch.
//!
//! A graph is recorded with two sizes of the batch, 2 and 3. A length that is the same in both is fixed; one that grew in
//! proportion, from `2 k` to `3 k`, is `k` for each item of the batch. Whatever else differs, a length that grew otherwise
//! or a setting of an operator, cannot be written for any batch and is refused. Shapes given to a reshape are lengths too.

use mednn::graph::{Graph, Node, Op};

use super::fault::Fault;

/// The two sizes of the batch.
pub(super) const SIZES: [usize; 2] = [2, 3];

/// The length of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dim {
    /// Whatever the batch.
    Fixed(usize),
    /// As many for each item of the batch.
    Batch(usize),
}

impl Dim {
    /// The length seen with both sizes of the batch.
    fn of([small, large]: [usize; 2]) -> Option<Self> {
        let [a, b] = SIZES;
        if small == large {
            Some(Self::Fixed(small))
        } else if small * b == large * a {
            Some(Self::Batch(small / a))
        } else {
            None
        }
    }

    pub(super) fn times(self, factor: usize) -> Self {
        match self {
            Self::Fixed(length) => Self::Fixed(length * factor),
            Self::Batch(each) => Self::Batch(each * factor),
        }
    }

    /// A part of it, if it can be divided into `parts` whatever the batch.
    pub(super) fn divided(self, parts: usize) -> Option<Self> {
        let divides = |length: usize| parts > 0 && length.is_multiple_of(parts);
        match self {
            Self::Fixed(length) if divides(length) => Some(Self::Fixed(length / parts)),
            Self::Batch(each) if divides(each) => Some(Self::Batch(each / parts)),
            _ => None,
        }
    }

    pub(super) fn fixed(self) -> Option<usize> {
        match self {
            Self::Fixed(length) => Some(length),
            Self::Batch(_) => None,
        }
    }

    /// The length of axes that are joined, unless two of them grow with the batch.
    pub(super) fn product(dims: &[Self]) -> Option<Self> {
        dims.iter()
            .try_fold(Self::Fixed(1), |product, dim| match (product, dim) {
                (product, Self::Fixed(length)) => Some(product.times(*length)),
                (Self::Fixed(length), each) => Some(each.times(length)),
                (Self::Batch(_), Self::Batch(_)) => None,
            })
    }
}

/// All lengths of a graph that is written as it was recorded.
pub(super) fn fixed(graph: &Graph) -> Vec<Vec<Dim>> {
    let values = graph.values().iter();
    values
        .map(|value| value.shape.iter().copied().map(Dim::Fixed).collect())
        .collect()
}

/// All lengths of a graph that was recorded with both [`SIZES`] of the batch.
pub(super) fn common(small: &Graph, large: &Graph) -> Result<Vec<Vec<Dim>>, Fault> {
    for (place, node) in small.nodes().iter().enumerate() {
        let same = large.nodes().get(place).is_some_and(|other| {
            node.inputs == other.inputs
                && node.outputs == other.outputs
                && match (&node.op, &other.op) {
                    // The shape is that of the result.
                    (Op::Reshape(_), Op::Reshape(_)) => true,
                    (a, b) => a == b,
                }
        });
        if !same {
            return Err(refused(
                small,
                node,
                "its settings depend on the size of the batch",
            ));
        }
    }
    if small.nodes().len() != large.nodes().len() || small.outputs() != large.outputs() {
        let last = small.nodes().last().map_or("input", |node| node.op.name());
        return Err(Fault::Operator {
            op: last,
            layer: None,
            reason: "the operators behind it depend on the size of the batch".to_owned(),
        });
    }
    let mut all = Vec::with_capacity(small.values().len());
    for (id, (a, b)) in small.values().iter().zip(large.values()).enumerate() {
        let dims: Option<Vec<Dim>> = (a.shape.len() == b.shape.len())
            .then(|| a.shape.iter().zip(&b.shape))
            .and_then(|lengths| lengths.map(|(&a, &b)| Dim::of([a, b])).collect());
        let Some(dims) = dims else {
            let reason = format!(
                "a tensor of shape {:?} for a batch of 2 has shape {:?} for one of 3, which is not in proportion",
                a.shape, b.shape
            );
            let maker =
                (small.nodes().iter()).find(|node| node.outputs.iter().any(|o| o.index() == id));
            return Err(match maker {
                Some(node) => refused(small, node, reason),
                None => Fault::Operator {
                    op: "input",
                    layer: None,
                    reason,
                },
            });
        };
        all.push(dims);
    }
    Ok(all)
}

/// An operator that cannot be written, with the last layer that has parameters.
pub(super) fn refused(graph: &Graph, node: &Node, reason: impl Into<String>) -> Fault {
    let until = graph.nodes().iter().position(|n| std::ptr::eq(n, node));
    let before = &graph.nodes()[..until.map_or(0, |place| place + 1)];
    Fault::Operator {
        op: node.op.name(),
        layer: before.iter().rev().find_map(|node| node.layer.clone()),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_in_proportion_is_the_batch() {
        assert_eq!(Dim::of([7, 7]), Some(Dim::Fixed(7)));
        assert_eq!(Dim::of([2, 3]), Some(Dim::Batch(1)));
        assert_eq!(Dim::of([8, 12]), Some(Dim::Batch(4)));
        assert_eq!(Dim::of([3, 4]), None);
        assert_eq!(Dim::of([3, 2]), None);
    }

    #[test]
    fn joined_axes_grow_once() {
        let (batch, three) = (Dim::Batch(2), Dim::Fixed(3));
        assert_eq!(Dim::product(&[three, batch, three]), Some(Dim::Batch(18)));
        assert_eq!(Dim::product(&[batch, batch]), None);
        assert_eq!(Dim::Batch(6).divided(3), Some(batch));
        assert_eq!(Dim::Batch(1).divided(2), None);
    }
}
