//! Rows of places, moved together.

use medcore::cpu::Work;

use super::{DisplacementLattice, Kernel, LatticeGrid};
use crate::deformation::Row;

const fn kernel<const KERNEL: u8>() -> Kernel {
    match KERNEL {
        0 => Kernel::Linear,
        1 => Kernel::BSpline,
        _ => Kernel::Cubic,
    }
}

/// A row along the last axis: the lattice is blended to one line of points first.
pub(super) struct Straight<'a, const D: usize, const KERNEL: u8> {
    pub(super) lattice: &'a DisplacementLattice<D>,
    pub(super) row: &'a mut Row<D>,
}

impl<const D: usize, const KERNEL: u8> Work for Straight<'_, D, KERNEL> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { lattice, row } = self;
        let Some(&last) = row.at[D - 1].first() else {
            return;
        };
        let LatticeGrid {
            points,
            start,
            step,
        } = lattice.grid;
        let width = points[D - 1];
        let mut base = [0; D];
        let mut weights = [[0.0_f32; 4]; D];
        for a in 0..D - 1 {
            let (cell, f) = lattice.cell(a, if a == D - 1 { last } else { row.at[a][0] });
            base[a] = cell;
            weights[a] = kernel::<KERNEL>().weights(f as f32);
        }
        let mut line = vec![[0.0_f32; 4]; width];
        for tap in 0..4_usize.pow(D as u32 - 1) {
            let (mut weight, mut at) = (1.0, 0);
            for a in 0..D - 1 {
                let k = tap >> (2 * (D - 2 - a)) & 3;
                weight *= weights[a][k];
                at = at * points[a] + base[a] + k;
            }
            if weight == 0.0 {
                continue;
            }
            let values = &lattice.values[at * width..(at + 1) * width];
            let sums = line.as_flattened_mut().iter_mut();
            for (sum, value) in sums.zip(values.as_flattened()) {
                *sum += weight * value;
            }
        }
        let cells = width - 3;
        let (start, rate) = (start[D - 1], 1.0 / step[D - 1]);
        let n = row.at[D - 1].len();
        let rows = row.at.each_mut().map(|at| &mut at[..n]);
        for x in 0..n {
            let u = (rows[D - 1][x] - start) * rate;
            let u = if u > 0.0 { u } else { 0.0 };
            let u = if u < cells as f64 { u } else { cells as f64 };
            let cell = (u as i32).min(cells as i32 - 1);
            let w = kernel::<KERNEL>().weights((u - f64::from(cell)) as f32);
            let Some(four) = line[cell as usize..].first_chunk::<4>() else {
                continue;
            };
            let moved = blended(&w, four);
            for a in 0..D {
                rows[a][x] += f64::from(moved[a]);
            }
        }
    }
}

/// The weighted sum of four points; in pairs, so that none waits for the one before.
#[inline(always)]
fn blended(w: &[f32; 4], four: &[[f32; 4]; 4]) -> [f32; 4] {
    std::array::from_fn(|c| {
        (w[0] * four[0][c] + w[1] * four[1][c]) + (w[2] * four[2][c] + w[3] * four[3][c])
    })
}

/// Places whose lines of points are added up before the last axis is blended: one loop for both would not become
/// vectors.
const BLOCK: usize = 32;

/// Places anywhere, of two axes and more.
pub(super) struct Free<'a, const D: usize, const KERNEL: u8> {
    pub(super) lattice: &'a DisplacementLattice<D>,
    pub(super) row: &'a mut Row<D>,
}

impl<const D: usize, const KERNEL: u8> Work for Free<'_, D, KERNEL> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { lattice, row } = self;
        let LatticeGrid {
            points,
            start,
            step,
        } = lattice.grid;
        let rate = step.map(f64::recip);
        let lines = 4_usize.pow(D as u32 - 1);
        // Where the lines of four points around a cell begin.
        let behind: [usize; 16] = std::array::from_fn(|line| {
            (0..D - 1).fold(0, |at, a| {
                (at + (line >> (2 * (D - 2 - a)) & 3)) * points[a + 1]
            })
        });
        let n = row.at[0].len();
        let rows = row.at.each_mut().map(|at| &mut at[..n]);
        let mut blended_lines = [[[0.0_f32; 4]; 4]; BLOCK];
        let mut last_weights = [[0.0_f32; 4]; BLOCK];
        for begin in (0..n).step_by(BLOCK) {
            let end = (begin + BLOCK).min(n);
            for x in begin..end {
                let mut first = 0;
                let mut weights = [[0.0_f32; 4]; D];
                for a in 0..D {
                    let cells = points[a] - 3;
                    let u = (rows[a][x] - start[a]) * rate[a];
                    let u = if u > 0.0 { u } else { 0.0 };
                    let u = if u < cells as f64 { u } else { cells as f64 };
                    let cell = (u as i32).min(cells as i32 - 1);
                    weights[a] = kernel::<KERNEL>().weights((u - f64::from(cell)) as f32);
                    first = first * points[a] + cell as usize;
                }
                let weight: [f32; 16] = std::array::from_fn(|line| {
                    (0..D - 1).fold(1.0, |product, a| {
                        product * weights[a][line >> (2 * (D - 2 - a)) & 3]
                    })
                });
                // Even and odd lines are added up apart, so that none waits for the one before.
                let (mut even, mut odd) = ([0.0_f32; 16], [0.0_f32; 16]);
                for line in (0..lines).step_by(2) {
                    add_line(
                        &mut even,
                        weight[line],
                        &lattice.values,
                        first + behind[line],
                    );
                    add_line(
                        &mut odd,
                        weight[line + 1],
                        &lattice.values,
                        first + behind[line + 1],
                    );
                }
                let line = blended_lines[x - begin].as_flattened_mut();
                for (k, sum) in line.iter_mut().enumerate() {
                    *sum = even[k] + odd[k];
                }
                last_weights[x - begin] = weights[D - 1];
            }
            for x in begin..end {
                let moved = blended(&last_weights[x - begin], &blended_lines[x - begin]);
                for a in 0..D {
                    rows[a][x] += f64::from(moved[a]);
                }
            }
        }
    }
}

#[inline(always)]
fn add_line(sum: &mut [f32; 16], weight: f32, values: &[[f32; 4]], at: usize) {
    if let Some(four) = values[at..].as_flattened().first_chunk::<16>() {
        for (sum, value) in sum.iter_mut().zip(four) {
            *sum += weight * value;
        }
    }
}
