//! Subsampled planes to full size, and planes to pixels.
//!
//! Halved planes are interpolated between their centres, 3 : 1 to the nearer and the farther sample, with
//! the rounding of the reference implementation; other factors repeat samples.

use super::dct::Sample;

/// A decoded component: rows of `stride` samples, `rows` x `columns` of which count.
pub(super) struct Plane<S> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) stride: usize,
    pub(super) samples: Vec<S>,
    /// Pixels of the image that one sample stands for.
    across: usize,
    down: usize,
}

impl<S: Sample> Plane<S> {
    pub(super) fn new([rows, columns]: [usize; 2], [down, across]: [usize; 2]) -> Self {
        Self {
            rows,
            columns,
            stride: 0,
            samples: Vec::new(),
            across,
            down,
        }
    }

    /// Whether samples are interpolated: rows of one or two are not.
    fn is_smooth(&self) -> bool {
        match (self.across, self.down) {
            (1, 2) => true,
            (2, 1 | 2) => self.columns > 2,
            _ => false,
        }
    }

    /// A row without its padding; rows beyond the ends are those at the ends.
    fn row(&self, row: usize) -> &[S] {
        let start = row.min(self.rows - 1) * self.stride;
        let row = self.samples.get(start..).unwrap_or(&[]);
        row.get(..self.columns).unwrap_or(row)
    }

    /// Moves the rows together when they are the image.
    fn into_image(mut self) -> Vec<S> {
        if self.stride != self.columns {
            for row in 0..self.rows {
                let start = row * self.stride;
                self.samples
                    .copy_within(start..start + self.columns, row * self.columns);
            }
        }
        self.samples.truncate(self.rows * self.columns);
        self.samples
    }

    /// One row of the image's height. Of planes that are halved both ways it is four times too large: it is
    /// rounded once, at the end.
    fn full_height(&self, y: usize, out: &mut Vec<i32>) {
        out.clear();
        let near = self.row(y / self.down);
        if self.down != 2 || !self.is_smooth() {
            out.extend(near.iter().map(|v| v.wide()));
            return;
        }
        let (far, bias) = match y % 2 {
            0 => (self.row((y / 2).saturating_sub(1)), 1),
            _ => (self.row(y / 2 + 1), 2),
        };
        let both = self.across == 2;
        out.extend(near.iter().zip(far).map(|(near, far)| {
            let sum = 3 * near.wide() + far.wide();
            if both { sum } else { (sum + bias) >> 2 }
        }));
    }

    /// One row of the image's size from [`Self::full_height`].
    fn full_width(&self, row: &[i32], out: &mut Vec<i32>) {
        out.clear();
        if !self.is_smooth() || self.across == 1 {
            out.extend(
                row.iter()
                    .flat_map(|v| std::iter::repeat_n(*v, self.across)),
            );
            return;
        }
        // Ends have no neighbour on one side and count four times.
        let (shift, low, high) = if self.down == 2 { (4, 8, 7) } else { (2, 1, 2) };
        let (first_low, last_high) = if self.down == 2 { (low, high) } else { (0, 0) };
        for (i, &this) in row.iter().enumerate() {
            let left = i.checked_sub(1).and_then(|i| row.get(i));
            let right = row.get(i + 1);
            let left = left.map_or(4 * this + first_low, |left| 3 * this + left + low);
            let right = right.map_or(4 * this + last_high, |right| 3 * this + right + high);
            out.push(left >> shift);
            out.push(right >> shift);
        }
    }
}

/// Planes as pixels of `rows` x `columns`.
pub(super) fn interleave<S: Sample>(planes: Vec<Plane<S>>, rows: usize, columns: usize) -> Vec<S> {
    let count = planes.len();
    if count == 1 {
        return { planes.into_iter() }.flat_map(Plane::into_image).collect();
    }
    let mut out = vec![S::default(); rows * columns * count];
    let (mut tall, mut full) = (Vec::new(), Vec::new());
    for (y, pixels) in out.chunks_exact_mut(columns * count).enumerate() {
        for (index, plane) in planes.iter().enumerate() {
            plane.full_height(y, &mut tall);
            plane.full_width(&tall, &mut full);
            for (place, value) in pixels.iter_mut().skip(index).step_by(count).zip(&full) {
                *place = S::narrow(*value);
            }
        }
    }
    out
}
