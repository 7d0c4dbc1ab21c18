//! Grids that become one voxel, and voxels that become a grid, all weights the same: global average pooling and its gradient.

use super::GridMap;
use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::reduce;
use crate::cpu::taps::AxisMap;

/// The output grid, if the map is one of these.
pub(super) fn forward<T: Real>(map: &GridMap, rows: usize, input: &[T]) -> Option<Vec<T>> {
    let len: usize = map.input().iter().product();
    let out_len: usize = map.output().iter().product();
    if len != 1 && out_len != 1 {
        return None;
    }
    let mut weight = 1.0;
    for axis in &map.axes {
        weight *= shared_weight(axis)?;
    }
    Some(if out_len == 1 {
        buffer::build_rows_of_cost(rows, 1, len, |row, out: &mut [T]| {
            let sum = reduce::sum(&input[row * len..(row + 1) * len]);
            out.fill(T::from_f64(sum * weight));
        })
    } else {
        let weight = T::from_f64(weight);
        buffer::build_whole_rows(rows, out_len, |row, out| out.fill(input[row] * weight))
    })
}

/// The weight with which every input is in every output once.
fn shared_weight(axis: &AxisMap) -> Option<f64> {
    let weight = axis.of(0).first()?.weight;
    let shared = axis.iter().all(|taps| {
        taps.len() == axis.input()
            && taps
                .iter()
                .enumerate()
                .all(|(i, tap)| tap.index == i && tap.weight == weight)
    });
    shared.then_some(weight)
}
