//! Windows of tokens on a grid, cyclically shifted (Liu et al. 2021, Swin Transformer, <https://arxiv.org/abs/2103.14030>).
//!
//! Grids have three axes; 2D is depth 1.

use crate::cpu::buffer;
use crate::cpu::real::Real;

/// A division of a grid of tokens into windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Batch items.
    pub batch: usize,
    /// Tokens along each axis.
    pub size: [usize; 3],
    /// Tokens of a window along each axis.
    pub window: [usize; 3],
    /// By how many tokens the windows are moved forward along each axis; the grid closes to a ring.
    pub shift: [usize; 3],
    /// Numbers of a token.
    pub channels: usize,
}

/// The place of a number in a row-major box.
fn unravel(index: usize, shape: [usize; 3]) -> [usize; 3] {
    [
        index / (shape[1] * shape[2]),
        index / shape[2] % shape[1],
        index % shape[2],
    ]
}

fn ravel(place: [usize; 3], shape: [usize; 3]) -> usize {
    (place[0] * shape[1] + place[1]) * shape[2] + place[2]
}

impl Windows {
    /// Windows along each axis, the last one filled up with zeros where the grid does not divide.
    #[must_use]
    pub fn grid(&self) -> [usize; 3] {
        std::array::from_fn(|a| self.size[a].div_ceil(self.window[a]))
    }

    /// The number of windows of a batch item.
    #[must_use]
    pub fn count(&self) -> usize {
        self.grid().iter().product()
    }

    /// The number of tokens of a window.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.window.iter().product()
    }

    fn padded(&self) -> [usize; 3] {
        let grid = self.grid();
        std::array::from_fn(|a| grid[a] * self.window[a])
    }

    /// The place of a token of a window on the moved grid.
    fn moved_place(&self, window: usize, token: usize) -> [usize; 3] {
        let corner = unravel(window, self.grid());
        let inside = unravel(token, self.window);
        std::array::from_fn(|a| corner[a] * self.window[a] + inside[a])
    }

    /// Brings the tokens of each window together: `[batch, size, channels]` to `[batch * windows, tokens, channels]`.
    #[must_use]
    pub fn partition<T: Real>(&self, input: &[T]) -> Vec<T> {
        let (windows, tokens, channels) = (self.count(), self.tokens(), self.channels);
        let (padded, item_len) = (self.padded(), self.size.iter().product::<usize>());
        let rows = self.batch * windows * tokens;
        buffer::build_whole_rows(rows, channels, |row, out: &mut [T]| {
            let (item, row) = (row / (windows * tokens), row % (windows * tokens));
            let moved = self.moved_place(row / tokens, row % tokens);
            let place: [usize; 3] = std::array::from_fn(|a| (moved[a] + self.shift[a]) % padded[a]);
            if (0..3).all(|a| place[a] < self.size[a]) {
                let start = (item * item_len + ravel(place, self.size)) * channels;
                out.copy_from_slice(&input[start..start + channels]);
            }
        })
    }

    /// Puts the tokens back: `[batch * windows, tokens, channels]` to `[batch, size, channels]`.
    #[must_use]
    pub fn reverse<T: Real>(&self, windows: &[T]) -> Vec<T> {
        let (count, tokens, channels) = (self.count(), self.tokens(), self.channels);
        let (padded, item_len) = (self.padded(), self.size.iter().product::<usize>());
        buffer::build_whole_rows(self.batch * item_len, channels, |row, out: &mut [T]| {
            let place = unravel(row % item_len, self.size);
            let moved: [usize; 3] =
                std::array::from_fn(|a| (place[a] + padded[a] - self.shift[a]) % padded[a]);
            let corner = std::array::from_fn(|a| moved[a] / self.window[a]);
            let inside = std::array::from_fn(|a| moved[a] % self.window[a]);
            let window = row / item_len * count + ravel(corner, self.grid());
            let start = (window * tokens + ravel(inside, self.window)) * channels;
            out.copy_from_slice(&windows[start..start + channels]);
        })
    }

    /// 1 where two tokens of a window were neighbours before the grid closed to a ring, else 0: `[windows, tokens, tokens]`.
    #[must_use]
    pub fn mask(&self) -> Vec<u8> {
        let (tokens, padded) = (self.tokens(), self.padded());
        let region = |window: usize, token: usize| -> [usize; 3] {
            let moved = self.moved_place(window, token);
            std::array::from_fn(|a| {
                let apart = self.shift[a] > 0 && moved[a] + self.window[a] >= padded[a];
                usize::from(apart) + usize::from(apart && moved[a] + self.shift[a] >= padded[a])
            })
        };
        let mut mask = Vec::with_capacity(self.count() * tokens * tokens);
        for window in 0..self.count() {
            let regions: Vec<[usize; 3]> = (0..tokens).map(|token| region(window, token)).collect();
            for own in &regions {
                mask.extend(regions.iter().map(|other| u8::from(own == other)));
            }
        }
        mask
    }

    /// Query minus key along each axis for each row of a table of relative positions, `[rows, D]`: a distance of `s`, 1 being
    /// that of the ends of a window of `unit` tokens, becomes `sign(s) log8(8 |s| + 1)`.
    #[must_use]
    pub fn relative_coordinates<const D: usize>(window: [usize; D], unit: [usize; D]) -> Vec<f32> {
        let rows: usize = window.iter().map(|w| 2 * w - 1).product();
        let mut places = Vec::with_capacity(rows * D);
        for row in 0..rows {
            let mut behind = rows;
            for (w, unit) in window.into_iter().zip(unit) {
                behind /= 2 * w - 1;
                let place = row / behind % (2 * w - 1);
                let share = 8.0 * (place as f64 - (w - 1) as f64) / (unit - 1) as f64;
                places.push((share.signum() * (share.abs() + 1.0).log2() / 3.0) as f32);
            }
        }
        places
    }

    /// The row of a table of relative positions for each pair of tokens of a window, `[tokens, tokens]`.
    ///
    /// The table has one row for each difference of places, `[2 d - 1, 2 h - 1, 2 w - 1]`, query minus key.
    #[must_use]
    pub fn relative_positions(window: [usize; 3]) -> Vec<u32> {
        let table = window.map(|w| 2 * w - 1);
        let tokens: usize = window.iter().product();
        let mut rows = Vec::with_capacity(tokens * tokens);
        for query in 0..tokens {
            let query = unravel(query, window);
            for key in 0..tokens {
                let key = unravel(key, window);
                let difference = std::array::from_fn(|a| query[a] + window[a] - 1 - key[a]);
                rows.push(ravel(difference, table) as u32);
            }
        }
        rows
    }
}
