//! Which windows touch which part of the image, and in what order they run so that little is held at once.
//!
//! The borders of all windows cut every axis into segments and the image into blocks. A block begins to exist
//! when the first window touches it and ends, finished, with the last one, so memory holds only what lies in
//! the overlap with windows still to come. Several orders of the windows are played through beforehand and the
//! one with the lowest peak is taken; it depends on the shapes alone, so results do not vary.
//!
//! Where results are interpolated onto another grid a block also holds the first voxel behind it (`halo` 1) and
//! a voxel in front of every border is a block of its own, so that the large blocks between two borders need
//! not wait for the windows that begin behind them.

use std::ops::Range;

use crate::window::WindowGrid;

/// A piece of one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// First voxel.
    pub(crate) start: usize,
    /// First voxel behind.
    pub(crate) end: usize,
    /// First voxel behind what the block holds: `end`, or one more with a halo.
    pub(crate) reach: usize,
    /// The windows along this axis that touch `start..reach`.
    windows: Range<usize>,
}

impl Segment {
    /// A piece that belongs to no window.
    pub(crate) fn new(held: Range<usize>, reach: usize) -> Self {
        Self {
            start: held.start,
            end: held.end,
            reach,
            windows: 0..0,
        }
    }
}

/// The blocks of an image, and an order of its windows.
#[derive(Debug, Clone)]
pub(crate) struct Plan<const D: usize> {
    grid: WindowGrid<D>,
    segments: [Vec<Segment>; D],
    touched: [Vec<Range<usize>>; D],
    order: Vec<[usize; D]>,
    peak: usize,
}

impl<const D: usize> Plan<D> {
    /// Cuts the image and chooses the order.
    pub(crate) fn new(grid: WindowGrid<D>, halo: usize) -> Self {
        let segments: [Vec<Segment>; D] = std::array::from_fn(|axis| cut(&grid, axis, halo));
        let touched = std::array::from_fn(|axis| {
            (0..grid.starts()[axis].len())
                .map(|window| {
                    let hit = |segment: &Segment| segment.windows.contains(&window);
                    let first = segments[axis].iter().position(hit).unwrap_or(0);
                    first..first + segments[axis].iter().filter(|s| hit(s)).count()
                })
                .collect()
        });
        let mut plan = Self {
            grid,
            segments,
            touched,
            order: Vec::new(),
            peak: usize::MAX,
        };
        for axes in permutations::<D>() {
            for joined in [false, true] {
                let order = plan.visit_in(axes, joined);
                let peak = plan.peak_of(&order);
                if peak < plan.peak {
                    (plan.order, plan.peak) = (order, peak);
                }
            }
        }
        plan
    }

    /// The windows.
    pub(crate) fn grid(&self) -> &WindowGrid<D> {
        &self.grid
    }

    /// All windows in the order they run.
    pub(crate) fn order(&self) -> &[[usize; D]] {
        &self.order
    }

    /// The largest number of voxels of one class held at once.
    pub(crate) fn peak_voxels(&self) -> usize {
        self.peak
    }

    /// Number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.segments.iter().map(Vec::len).product()
    }

    /// The three segments of a block.
    pub(crate) fn block(&self, mut id: usize) -> [&Segment; D] {
        let mut index = [0; D];
        for axis in (0..D).rev() {
            index[axis] = id % self.segments[axis].len();
            id /= self.segments[axis].len();
        }
        std::array::from_fn(|axis| &self.segments[axis][index[axis]])
    }

    /// How many windows touch a block.
    pub(crate) fn windows_of(&self, block: [&Segment; D]) -> usize {
        block.iter().map(|segment| segment.windows.len()).product()
    }

    /// The blocks that a window touches, ascending.
    pub(crate) fn blocks_of(&self, window: [usize; D]) -> Vec<usize> {
        let mut ids = vec![0];
        for axis in 0..D {
            let count = self.segments[axis].len();
            let range = &self.touched[axis][window[axis]];
            ids = ids
                .iter()
                .flat_map(|id| range.clone().map(move |segment| id * count + segment))
                .collect();
        }
        ids
    }

    /// Windows with axis `axes[0]` slowest. `joined` runs the last two rows of that axis side by side: where the
    /// last window was moved back to the end of the image they overlap much more than others.
    fn visit_in(&self, axes: [usize; D], joined: bool) -> Vec<[usize; D]> {
        let counts = axes.map(|axis| self.grid.starts()[axis].len());
        let rows = counts[0];
        let mut groups: Vec<Range<usize>> = (0..rows).map(|row| row..row + 1).collect();
        if joined && rows > 1 {
            groups.truncate(rows - 2);
            groups.push(rows - 2..rows);
        }
        let inner: usize = counts[1..].iter().product();
        let mut order = Vec::with_capacity(self.grid.len());
        for group in groups {
            for position in 0..inner {
                let mut window = [0; D];
                let mut rest = position;
                for place in (1..D).rev() {
                    window[axes[place]] = rest % counts[place];
                    rest /= counts[place];
                }
                for row in group.clone() {
                    window[axes[0]] = row;
                    order.push(window);
                }
            }
        }
        order
    }

    /// Plays an order through and returns the largest number of voxels held at once.
    fn peak_of(&self, order: &[[usize; D]]) -> usize {
        let mut remaining = vec![0u32; self.blocks()];
        let (mut held, mut peak) = (0, 0);
        for &window in order {
            let mut freed = 0;
            for id in self.blocks_of(window) {
                let block = self.block(id);
                let size: usize = block.iter().map(|s| s.reach - s.start).product();
                if remaining[id] == 0 {
                    remaining[id] = self.windows_of(block) as u32;
                    held += size;
                }
                remaining[id] -= 1;
                if remaining[id] == 0 {
                    freed += size;
                }
            }
            peak = peak.max(held);
            held -= freed;
        }
        peak
    }
}

/// The segments of one axis.
fn cut<const D: usize>(grid: &WindowGrid<D>, axis: usize, halo: usize) -> Vec<Segment> {
    let length = grid.shape()[axis];
    let windows: Vec<Range<usize>> = (0..grid.starts()[axis].len())
        .map(|window| grid.covered(axis, window))
        .collect();
    let mut borders: Vec<usize> = windows
        .iter()
        .flat_map(|window| [window.start, window.end])
        .flat_map(|border| [border, border.saturating_sub(halo)])
        .chain([0, length])
        .collect();
    borders.sort_unstable();
    borders.dedup();
    borders
        .windows(2)
        .map(|pair| {
            let (start, end) = (pair[0], pair[1]);
            let reach = (end + halo).min(length);
            let first = windows.partition_point(|window| window.end <= start);
            let behind = windows.partition_point(|window| window.start < reach);
            Segment {
                start,
                end,
                reach,
                windows: first..behind,
            }
        })
        .collect()
}

/// All orders of the axes, the natural one first.
fn permutations<const D: usize>() -> Vec<[usize; D]> {
    let mut all = vec![Vec::new()];
    for _ in 0..D {
        all = all
            .iter()
            .flat_map(|begun: &Vec<usize>| {
                (0..D)
                    .filter(|axis| !begun.contains(axis))
                    .map(|axis| begun.iter().copied().chain([axis]).collect())
            })
            .collect();
    }
    all.iter()
        .map(|axes| std::array::from_fn(|place| axes[place]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::SlidingWindow;

    fn plan<const D: usize>(window: &SlidingWindow, shape: [usize; D], halo: usize) -> Plan<D> {
        Plan::new(window.grid(shape).unwrap(), halo)
    }

    #[test]
    fn blocks_tile_the_image_and_windows_finish_all_of_them() {
        for halo in [0, 1] {
            for window in [
                SlidingWindow::monai([4, 6, 5]).with_overlap(0.6),
                SlidingWindow::nnunet([4, 6, 5]),
                SlidingWindow::nnunet([6, 5]),
                SlidingWindow::monai([30, 30, 4]),
            ] {
                let plan = plan(&window, [9, 13, 11], halo);
                let voxels: usize = (0..plan.blocks())
                    .map(|id| {
                        plan.block(id)
                            .map(|s| s.end - s.start)
                            .iter()
                            .product::<usize>()
                    })
                    .sum();
                assert_eq!(voxels, 9 * 13 * 11);
                let mut order = plan.order().to_vec();
                let mut visits = vec![0; plan.blocks()];
                for &w in &order {
                    plan.blocks_of(w).iter().for_each(|&id| visits[id] += 1);
                }
                for (id, &visits) in visits.iter().enumerate() {
                    assert!(visits > 0);
                    assert_eq!(visits, plan.windows_of(plan.block(id)));
                }
                order.sort_unstable();
                order.dedup();
                assert_eq!(order.len(), plan.grid().len());
            }
        }
    }

    #[test]
    fn a_whole_scan_is_never_held() {
        // 300 x 512 x 512, windows of 96: what the README promises rests on these numbers.
        let whole = 300 * 512 * 512;
        for (window, halo, percent) in [
            (SlidingWindow::monai([96, 96, 96]), 0, 8),
            (SlidingWindow::monai([96, 96, 96]), 1, 9),
            (SlidingWindow::monai([96, 96, 96]).with_overlap(0.5), 0, 13),
            (SlidingWindow::nnunet([96, 96, 96]), 0, 14),
            (SlidingWindow::nnunet([96, 96, 96]), 1, 15),
        ] {
            let peak = plan(&window, [300, 512, 512], halo).peak_voxels();
            assert!(
                peak * 100 <= whole * percent,
                "{window:?}: {:.1} %",
                peak as f64 * 100.0 / whole as f64
            );
        }
    }

    #[test]
    fn one_window_needs_one_block() {
        let plan = plan(&SlidingWindow::monai([8, 8]), [5, 8], 0);
        assert_eq!((plan.blocks(), plan.peak_voxels()), (1, 40));
    }
}
