//! Masks by run lengths, in either order, at a place in their image; never unpacked unless asked for.

use medcore::{Budget, Region};

use super::fault::Problem;
use super::number::{narrow, wide};

/// Which neighbours follow one another in the runs of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Along a row, row after row: CVAT, Label Studio, PNG, this workspace's arrays.
    Rows,
    /// Down a column, column after column: COCO.
    Columns,
}

/// Pixels of a block of an image, as lengths of runs that are outside and inside by turns.
///
/// The first run is outside and may be empty, all others hold at least one pixel, and together they
/// fill the block.
///
/// ```
/// use medio::annotations::{Mask, Order};
///
/// // A block of 2x3 pixels at row 10 and column 20: its first row is inside.
/// let mask = Mask::new([10, 20], [2, 3], Order::Rows, vec![0, 3, 3])?;
/// assert_eq!(mask.area(), 3);
/// assert_eq!(mask.bounds().unwrap().start(), [10, 20]);
/// # Ok::<(), medio::annotations::Problem>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    start: [usize; 2],
    size: [usize; 2],
    order: Order,
    runs: Vec<u64>,
}

impl Mask {
    /// A mask of the block of `size` (height, width) whose first pixel is `start` (row, column).
    ///
    /// Empty runs are joined with their neighbours.
    ///
    /// # Errors
    /// Refuses runs that do not add up to the block, and a block whose end cannot be counted.
    pub fn new(
        start: [usize; 2],
        size: [usize; 2],
        order: Order,
        mut runs: Vec<u64>,
    ) -> Result<Self, Problem> {
        let [height, width] = size;
        let expected = wide(height).checked_mul(wide(width));
        let countable = start
            .iter()
            .zip(&size)
            .all(|(a, b)| a.checked_add(*b).is_some());
        let got = runs
            .iter()
            .try_fold(0_u64, |sum, &run| sum.checked_add(run));
        if expected.is_none() || got != expected || !countable {
            return Err(Problem::RunLengths {
                height,
                width,
                expected: expected.unwrap_or(u64::MAX),
                got: got.map_or_else(|| "more than 2^64".to_owned(), |sum| sum.to_string()),
            });
        }
        if runs.iter().skip(1).any(|&run| run == 0) {
            runs = joined(&runs);
        }
        Ok(Self {
            start,
            size,
            order,
            runs,
        })
    }

    /// The mask of the pixels of a block that are set, given row after row.
    ///
    /// # Errors
    /// Refuses another number of pixels than the block has.
    pub fn from_pixels(
        start: [usize; 2],
        size: [usize; 2],
        pixels: &[bool],
    ) -> Result<Self, Problem> {
        let mut runs = Runs::default();
        pixels.iter().for_each(|&pixel| runs.add(pixel, 1));
        Self::new(start, size, Order::Rows, runs.finish())
    }

    /// Row and column of the first pixel of the block.
    #[must_use]
    pub fn start(&self) -> [usize; 2] {
        self.start
    }

    /// Height and width of the block.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// What follows what in the runs.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Lengths of the runs, outside and inside by turns.
    #[must_use]
    pub fn runs(&self) -> &[u64] {
        &self.runs
    }

    /// Pixels inside.
    #[must_use]
    pub fn area(&self) -> u64 {
        self.inside()
            .map(|(start, end)| end.saturating_sub(start))
            .sum()
    }

    /// Start and end of the runs inside, counted in the order of the mask.
    fn inside(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut at = 0_u64;
        let ends = self.runs.iter().enumerate().map(move |(i, &run)| {
            let start = at;
            at = at.saturating_add(run);
            (i % 2 == 1, start, at)
        });
        ends.filter(|(inside, ..)| *inside)
            .map(|(_, start, end)| (start, end))
    }

    /// Length of a row, or of a column for [`Order::Columns`].
    fn line(&self) -> u64 {
        let [height, width] = self.size;
        wide(match self.order {
            Order::Rows => width,
            Order::Columns => height,
        })
    }

    /// The smallest block of the image that holds all pixels inside; `None` for an empty mask.
    #[must_use]
    pub fn bounds(&self) -> Option<Region<2>> {
        let line = self.line();
        // (first line, one past the last, first place in a line, one past the last)
        let mut found: Option<[u64; 4]> = None;
        for (start, end) in self.inside() {
            let last = end.checked_sub(1)?;
            let (first_line, last_line) = (start.checked_div(line)?, last.checked_div(line)?);
            let (mut low, mut high) = (start.checked_rem(line)?, last.checked_rem(line)?);
            if first_line != last_line {
                (low, high) = (0, line.checked_sub(1)?);
            }
            let [a, b, c, d] = found.unwrap_or([first_line, last_line, low, high]);
            found = Some([a.min(first_line), b.max(last_line), c.min(low), d.max(high)]);
        }
        let [first_line, last_line, low, high] = found?.map(narrow);
        let (rows, columns) = match self.order {
            Order::Rows => ((first_line, last_line), (low, high)),
            Order::Columns => ((low, high), (first_line, last_line)),
        };
        let [row, column] = self.start;
        let place = |offset: usize, at: usize| at.checked_add(offset);
        Region::new(
            [place(row, rows.0)?, place(column, columns.0)?],
            [
                place(row, rows.1)?.checked_add(1)?,
                place(column, columns.1)?.checked_add(1)?,
            ],
        )
        .ok()
    }

    /// The pixels of a block of the image, row after row, `true` inside the mask.
    ///
    /// # Errors
    /// Passes on what the budget says of the block's pixels, one byte each, which stay claimed.
    pub fn pixels(&self, block: &Region<2>, budget: &Budget) -> Result<Vec<bool>, Problem> {
        let [height, width] = block.shape();
        budget.claim_array("pixels of a mask", &[wide(height), wide(width)], 1)?;
        let mut pixels = vec![false; block.len()];
        let line = self.line();
        for (mut start, end) in self.inside() {
            while start < end {
                let (Some(row), Some(low)) = (start.checked_div(line), start.checked_rem(line))
                else {
                    break;
                };
                let length = line.saturating_sub(low).min(end.saturating_sub(start));
                self.set_line(row, low..low.saturating_add(length), block, &mut pixels);
                start = start.saturating_add(length);
            }
        }
        Ok(pixels)
    }

    /// Sets one stretch of one line where it lies in `block`.
    fn set_line(
        &self,
        line: u64,
        along: std::ops::Range<u64>,
        block: &Region<2>,
        pixels: &mut [bool],
    ) {
        let axis = usize::from(self.order == Order::Columns);
        let pick = |of: [usize; 2], axis: usize| of.get(axis).copied().unwrap_or(0);
        let other = axis ^ 1;
        let from = |axis: usize, at: u64| {
            narrow(at)
                .saturating_add(pick(self.start, axis))
                .clamp(pick(block.start(), axis), pick(block.end(), axis))
                .saturating_sub(pick(block.start(), axis))
        };
        let here = narrow(line).saturating_add(pick(self.start, axis));
        if !(pick(block.start(), axis)..pick(block.end(), axis)).contains(&here) {
            return;
        }
        let here = here.saturating_sub(pick(block.start(), axis));
        let (low, high) = (from(other, along.start), from(other, along.end));
        let width = pick(block.shape(), 1);
        let (first, step) = match self.order {
            Order::Rows => (here.saturating_mul(width).saturating_add(low), 1),
            Order::Columns => (low.saturating_mul(width).saturating_add(here), width),
        };
        let count = high.saturating_sub(low);
        pixels
            .iter_mut()
            .skip(first)
            .step_by(step.max(1))
            .take(count)
            .for_each(|p| *p = true);
    }

    /// The same pixels as a mask of a whole image in a given order.
    ///
    /// # Errors
    /// Refuses pixels outside the image; passes on what the budget says of the pixels between the mask's
    /// bounds where they have to be unpacked (claimed only meanwhile).
    pub fn in_image(
        &self,
        image: [usize; 2],
        order: Order,
        budget: &Budget,
    ) -> Result<Self, Problem> {
        if (self.start, self.size, self.order) == ([0, 0], image, order) {
            return Ok(self.clone());
        }
        let [height, width] = image;
        let total = wide(height)
            .checked_mul(wide(width))
            .ok_or(Problem::RunLengths {
                height,
                width,
                expected: u64::MAX,
                got: "an image that cannot be counted".to_owned(),
            })?;
        let Some(bounds) = self.bounds() else {
            return Self::new([0, 0], image, order, vec![total]);
        };
        bounds.check_inside(image)?;
        let pixels = self.pixels(&bounds, budget)?;
        let [across, down] = [bounds.shape(), image].map(|[h, w]| match order {
            Order::Rows => (h, w),
            Order::Columns => (w, h),
        });
        // Lines of the image before, between and behind those of the block.
        let ((lines, length), (_, line)) = (across, down);
        let (first, offset) = match order {
            Order::Rows => (bounds.start()[0], bounds.start()[1]),
            Order::Columns => (bounds.start()[1], bounds.start()[0]),
        };
        let block_width = bounds.shape()[1];
        let (per_line, per_place) = match order {
            Order::Rows => (block_width, 1),
            Order::Columns => (1, block_width),
        };
        let mut runs = Runs::default();
        runs.add(false, wide(first).saturating_mul(wide(line)));
        let behind = line.saturating_sub(offset).saturating_sub(length);
        for number in 0..lines {
            runs.add(false, wide(offset));
            let from = number.saturating_mul(per_line);
            let places = pixels
                .iter()
                .skip(from)
                .step_by(per_place.max(1))
                .take(length);
            places.for_each(|&pixel| runs.add(pixel, 1));
            runs.add(false, wide(behind));
        }
        budget.release_bytes(wide(bounds.len()));
        let left = total.saturating_sub(runs.total());
        runs.add(false, left);
        Self::new([0, 0], image, order, runs.finish())
    }
}

/// Collects runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: Vec<u64>,
    current: u64,
    inside: bool,
    total: u64,
}

impl Runs {
    /// Adds `length` pixels.
    pub(super) fn add(&mut self, inside: bool, length: u64) {
        if length == 0 {
            return;
        }
        if inside != self.inside {
            self.runs.push(self.current);
            (self.current, self.inside) = (0, inside);
        }
        self.current = self.current.saturating_add(length);
        self.total = self.total.saturating_add(length);
    }

    /// Pixels so far.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The runs, outside and inside by turns.
    pub(super) fn finish(mut self) -> Vec<u64> {
        self.runs.push(self.current);
        self.runs
    }
}

/// Runs without empty ones behind the first.
fn joined(runs: &[u64]) -> Vec<u64> {
    let mut kept = Runs::default();
    for (i, &run) in runs.iter().enumerate() {
        kept.add(i % 2 == 1, run);
    }
    kept.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(mask: &Mask, image: [usize; 2]) -> Vec<bool> {
        let block = Region::whole(image).unwrap();
        mask.pixels(&block, &Budget::default()).unwrap()
    }

    #[test]
    fn a_mask_is_the_same_in_both_orders_and_in_its_image() {
        let mut random = medcore::random::Key::new(7).stream("mask");
        for size in [[1, 1], [1, 7], [7, 1], [5, 8], [8, 5]] {
            for chance in [0.0, 0.1, 0.5, 0.9, 1.0] {
                let set: Vec<bool> = (0..size[0] * size[1])
                    .map(|_| random.chance(chance))
                    .collect();
                let mask = Mask::from_pixels([2, 3], size, &set).unwrap();
                let image = [size[0] + 4, size[1] + 3];
                let wanted = pixels(&mask, image);
                assert_eq!(wanted.iter().filter(|p| **p).count() as u64, mask.area());
                for order in [Order::Columns, Order::Rows] {
                    let whole = mask.in_image(image, order, &Budget::default()).unwrap();
                    assert_eq!(pixels(&whole, image), wanted, "{size:?} {chance} {order:?}");
                    assert_eq!(whole.bounds(), mask.bounds());
                    let other = [Order::Rows, Order::Columns];
                    for order in other {
                        let again = whole.in_image(image, order, &Budget::default()).unwrap();
                        assert_eq!(pixels(&again, image), wanted, "{size:?} {chance} {order:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn runs_that_do_not_fill_their_block_are_refused() {
        for runs in [vec![], vec![5], vec![7], vec![u64::MAX, 2], vec![3, 2]] {
            let refused = Mask::new([0, 0], [2, 3], Order::Rows, runs.clone());
            assert!(
                matches!(refused, Err(Problem::RunLengths { .. })),
                "{runs:?}"
            );
        }
        assert!(Mask::new([usize::MAX, 0], [2, 3], Order::Rows, vec![6]).is_err());
        assert!(Mask::new([0, 0], [usize::MAX; 2], Order::Rows, vec![6]).is_err());
    }

    #[test]
    fn empty_runs_are_joined_with_their_neighbours() {
        let mask = Mask::new([0, 0], [2, 3], Order::Rows, vec![0, 1, 0, 2, 3, 0]).unwrap();
        assert_eq!(mask.runs(), [0, 3, 3]);
    }

    #[test]
    fn unpacking_a_large_mask_is_refused_before_it_is_done() {
        let side = 1_000_000_000;
        let runs = vec![0, 1_000_000_000_000_000_000];
        let mask = Mask::new([0, 0], [side, side], Order::Columns, runs).unwrap();
        let wider = mask.in_image([side, side + 1], Order::Rows, &Budget::new(1 << 20));
        assert!(matches!(wider, Err(Problem::Core(_))));
        assert_eq!(mask.area(), 1_000_000_000_000_000_000);
    }
}
