//! Exchange of channels and voxels, patches, and windows of tokens: a reshape, a transposition and a reshape each.

use mednn::graph::{Op, WindowAttributes};

use super::super::batch::Dim;
use super::super::builder::{Builder, Lowered, Operator, Unsayable, Value};
use super::conv::ends;

/// The axes of an image with each spatial one split into blocks and voxels of a block.
fn blocks(x: &Value, block: &[usize]) -> Lowered<Vec<Dim>> {
    let mut split = x.dims[..2].to_vec();
    for (length, block) in x.lengths_from(2)?.iter().zip(block) {
        split.extend([Dim::Fixed(length / block), Dim::Fixed(*block)]);
    }
    Ok(split)
}

fn fixed(lengths: impl IntoIterator<Item = usize>) -> impl Iterator<Item = Dim> {
    lengths.into_iter().map(Dim::Fixed)
}

impl Builder {
    pub(super) fn pixel_shuffle(
        &mut self,
        x: &Value,
        factor: &[usize],
        result: &[Dim],
    ) -> Lowered<Value> {
        let axes = factor.len();
        let front = [x.dims[0], result[1]];
        let split: Vec<Dim> = (front.into_iter())
            .chain(fixed(factor.iter().copied()))
            .chain(x.dims[2..].iter().copied())
            .collect();
        let pairs = (0..axes).flat_map(|a| [2 + axes + a, 2 + a]);
        let order: Vec<usize> = [0, 1].into_iter().chain(pairs).collect();
        self.rearrange(x, &split, &order, result)
    }

    pub(super) fn pixel_unshuffle(
        &mut self,
        x: &Value,
        factor: &[usize],
        result: &[Dim],
    ) -> Lowered<Value> {
        let axes = factor.len();
        let inside = (0..axes).map(|a| 3 + 2 * a);
        let outside = (0..axes).map(|a| 2 + 2 * a);
        let order: Vec<usize> = [0, 1].into_iter().chain(inside).chain(outside).collect();
        self.rearrange(x, &blocks(x, factor)?, &order, result)
    }

    pub(super) fn patchify(
        &mut self,
        x: &Value,
        patch: &[usize],
        result: &[Dim],
    ) -> Lowered<Value> {
        let axes = patch.len();
        let inside = (0..axes).map(|a| 3 + 2 * a);
        let outside = (0..axes).map(|a| 2 + 2 * a);
        let order: Vec<usize> = [0]
            .into_iter()
            .chain(outside)
            .chain([1])
            .chain(inside)
            .collect();
        self.rearrange(x, &blocks(x, patch)?, &order, result)
    }

    pub(super) fn unpatchify(
        &mut self,
        x: &Value,
        size: &[usize],
        patch: &[usize],
        result: &[Dim],
    ) -> Lowered<Value> {
        let axes = size.len();
        let split: Vec<Dim> = ([x.dims[0]].into_iter())
            .chain(fixed((0..axes).map(|a| size[a] / patch[a])))
            .chain([result[1]])
            .chain(fixed(patch.iter().copied()))
            .collect();
        let pairs = (0..axes).flat_map(|a| [1 + a, 2 + axes + a]);
        let order: Vec<usize> = [0, 1 + axes].into_iter().chain(pairs).collect();
        self.rearrange(x, &split, &order, result)
    }

    /// The grid filled up with zeros at its end, moved backwards by the shift as a ring, and cut.
    pub(super) fn window_partition(
        &mut self,
        x: &Value,
        windows: &WindowAttributes,
        result: &[Dim],
    ) -> Lowered<Value> {
        let axes = windows.window.len();
        let mut grid = x.clone();
        let mut widths = vec![(0, 0); axes + 2];
        for axis in 0..axes {
            let length = x.length(axis + 1)?;
            let padded = length.next_multiple_of(windows.window[axis]);
            widths[axis + 1].1 = padded - length;
            grid.dims[axis + 1] = Dim::Fixed(padded);
        }
        if grid.dims != x.dims {
            let pads = self.list("pads", ends(&widths));
            grid = self.push(Operator::new("Pad").input(x).input(&pads), &grid.dims);
        }
        for axis in 0..axes {
            let (length, shift) = (grid.length(axis + 1)?, windows.shift[axis]);
            if shift > 0 {
                let moved: Vec<usize> = (0..length).map(|i| (i + shift) % length).collect();
                grid = self.pick(&grid, axis + 1, &moved);
            }
        }
        let mut split = vec![grid.dims[0]];
        for (axis, &window) in windows.window.iter().enumerate() {
            split.extend(fixed([grid.length(axis + 1)? / window, window]));
        }
        split.push(grid.dims[axes + 1]);
        let corners = (0..axes).map(|a| 1 + 2 * a);
        let inside = (0..axes).map(|a| 2 + 2 * a);
        let order = [0].into_iter().chain(corners).chain(inside);
        let order: Vec<usize> = order.chain([1 + 2 * axes]).collect();
        self.rearrange(&grid, &split, &order, result)
    }

    pub(super) fn window_reverse(
        &mut self,
        x: &Value,
        windows: &WindowAttributes,
        result: &[Dim],
    ) -> Lowered<Value> {
        let axes = windows.window.len();
        let corners: Vec<usize> = (0..axes)
            .map(|a| windows.size[a].div_ceil(windows.window[a]))
            .collect();
        let padded: Vec<usize> = (0..axes).map(|a| corners[a] * windows.window[a]).collect();
        let (batch, channels) = (result[0], result[axes + 1]);
        let split: Vec<Dim> = ([batch].into_iter())
            .chain(fixed(corners))
            .chain(fixed(windows.window.iter().copied()))
            .chain([channels])
            .collect();
        let pairs = (0..axes).flat_map(|a| [1 + a, 1 + axes + a]);
        let order: Vec<usize> = [0].into_iter().chain(pairs).chain([1 + 2 * axes]).collect();
        let dims: Vec<Dim> = ([batch].into_iter())
            .chain(fixed(padded.iter().copied()))
            .chain([channels])
            .collect();
        let mut grid = self.rearrange(x, &split, &order, &dims)?;
        for axis in 0..axes {
            let (length, shift) = (padded[axis], windows.shift[axis]);
            if shift == 0 {
                grid = self.slice(&grid, axis + 1, 0, windows.size[axis])?;
                continue;
            }
            let places = 0..windows.size[axis];
            let moved: Vec<usize> = places.map(|i| (i + length - shift) % length).collect();
            grid = self.pick(&grid, axis + 1, &moved);
        }
        Ok(grid)
    }

    pub(super) fn relative_position_bias(
        &mut self,
        table: &Value,
        window: &[usize],
    ) -> Lowered<Value> {
        let tokens = Dim::Fixed(window.iter().product());
        let index = self.computed(&Op::RelativePositionIndex(window.to_vec()))?;
        let heads = table.dims[1];
        let rows = Operator::new("Gather").input(table).input(&index);
        let rows = self.push(rows.int("axis", 0), &[index.dims[0], heads]);
        let pairs = self.reshape(&rows, &[tokens, tokens, heads])?;
        Ok(self.transpose(&pairs, &[2, 0, 1]))
    }

    /// What an operator without inputs gives, as a constant.
    pub(super) fn computed(&mut self, op: &Op) -> Lowered<Value> {
        use mednn::candle_core::{DType, Device};
        let failed = |error: &dyn std::fmt::Display| Unsayable(error.to_string());
        let found = op
            .run(&[], &Device::Cpu)
            .map_err(|e| failed(&e))?
            .swap_remove(0);
        let flat = found.flatten_all().map_err(|e| failed(&e))?;
        if found.dtype() == DType::U8 {
            let values = flat.to_vec1::<u8>().map_err(|e| failed(&e))?;
            return Ok(self.bytes(op.name(), found.dims(), values));
        }
        if found.dtype() == DType::F32 {
            let values = flat.to_vec1::<f32>().map_err(|e| failed(&e))?;
            return Ok(self.floats(op.name(), found.dims(), &values));
        }
        let wide = flat.to_dtype(DType::I64).map_err(|e| failed(&e))?;
        let values = wide.to_vec1::<i64>().map_err(|e| failed(&e))?;
        Ok(self.integers(op.name(), found.dims(), &values))
    }
}
