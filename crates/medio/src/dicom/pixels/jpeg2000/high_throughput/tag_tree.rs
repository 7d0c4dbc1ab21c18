//! Tag trees (T.800 section B.10.2): numbers on a grid, each known as far as it was asked for.

use super::bits::HeaderBits;

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// The number, or what it is not below.
    least: u32,
    known: bool,
}

#[derive(Debug)]
struct Level {
    columns: usize,
    nodes: Vec<Node>,
}

/// Numbers of `[rows, columns]` leaves, and the least of every four of them, up to one root.
#[derive(Debug)]
pub(super) struct TagTree {
    /// The leaves first.
    levels: Vec<Level>,
}

impl TagTree {
    pub(super) fn new(mut columns: usize, mut rows: usize) -> Self {
        let mut levels = Vec::new();
        loop {
            levels.push(Level {
                columns,
                nodes: vec![Node::default(); columns * rows],
            });
            if columns * rows <= 1 {
                return Self { levels };
            }
            (columns, rows) = (columns.div_ceil(2), rows.div_ceil(2));
        }
    }

    /// The number at a leaf if it is below `limit`; nothing outside where the bits end.
    pub(super) fn number(
        &mut self,
        [row, column]: [usize; 2],
        limit: u32,
        bits: &mut HeaderBits<'_>,
    ) -> Option<Option<u32>> {
        let mut least = 0;
        let mut known = false;
        for (depth, level) in self.levels.iter_mut().enumerate().rev() {
            let place = (row >> depth) * level.columns + (column >> depth);
            let node = level.nodes.get_mut(place)?;
            node.least = node.least.max(least);
            while !node.known && node.least < limit {
                match bits.bit()? {
                    1 => node.known = true,
                    _ => node.least += 1,
                }
            }
            (least, known) = (node.least, node.known);
        }
        Some((known && least < limit).then_some(least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_reads_as_it_says() {
        // T.800, figure B.12: six by three leaves, the first rows 1 3 2 3 2 3 and 2 2 1 4 3 2.
        let bits = [0b0111_1001, 0b0110_1011, 0b0100_0000];
        let mut bits = HeaderBits::new(&bits);
        let mut tree = TagTree::new(6, 3);
        let mut leaf = |column| tree.number([0, column], 100, &mut bits);
        assert_eq!(leaf(0), Some(Some(1)));
        assert_eq!(leaf(1), Some(Some(3)));
        assert_eq!(leaf(2), Some(Some(2)));
    }
}
