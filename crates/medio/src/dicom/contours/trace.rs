//! The outlines of a mask: along the edges of its pixels, so that they enclose exactly the area of its pixels.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "pixels of a mask whose shape its caller promises"
)]

/// A closed outline: its corners, in halves of pixels from the outer corner of the first pixel. Corner
/// `[r, c]` lies at row r - 1/2 and column c - 1/2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outline {
    pub(super) corners: Vec<[usize; 2]>,
    /// Whether it goes around what is not in the mask.
    pub(super) is_hole: bool,
}

/// Where an edge of pixels leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Right,
    Down,
    Left,
    Up,
}

impl Way {
    /// Right of this way, ahead and left: at a corner where two pixels touch, turning right stays with the
    /// pixel, so that pixels are joined over edges only.
    fn turns(self) -> [Self; 3] {
        match self {
            Self::Right => [Self::Down, Self::Right, Self::Up],
            Self::Down => [Self::Left, Self::Down, Self::Right],
            Self::Left => [Self::Up, Self::Left, Self::Down],
            Self::Up => [Self::Right, Self::Up, Self::Left],
        }
    }
}

struct Mask<'a> {
    pixels: &'a [u8],
    shape: [usize; 2],
}

impl Mask<'_> {
    /// Whether the pixel below and right of a corner is in the mask.
    fn pixel(&self, row: Option<usize>, column: Option<usize>) -> bool {
        let [rows, columns] = self.shape;
        match (row, column) {
            (Some(r), Some(c)) if r < rows && c < columns => self.pixels[r * columns + c] != 0,
            _ => false,
        }
    }

    /// Whether an edge with the mask on its right leads away from a corner.
    fn leads(&self, [r, c]: [usize; 2], way: Way) -> bool {
        let (below, above) = (Some(r), r.checked_sub(1));
        let (after, before) = (Some(c), c.checked_sub(1));
        let (inside, outside) = match way {
            Way::Right => ((below, after), (above, after)),
            Way::Down => ((below, before), (below, after)),
            Way::Left => ((above, before), (below, before)),
            Way::Up => ((above, after), (above, before)),
        };
        self.pixel(inside.0, inside.1) && !self.pixel(outside.0, outside.1)
    }
}

/// The outlines of the pixels that are not zero, `pixels` being `[rows, columns]`.
pub(super) fn outlines(pixels: &[u8], shape: [usize; 2]) -> Vec<Outline> {
    let [rows, columns] = shape;
    let mask = Mask { pixels, shape };
    // Each outline has an upper edge that leads right; where it was followed is marked.
    let mut followed = vec![false; rows * columns];
    let mut found = Vec::new();
    for r in 0..rows {
        let row = &pixels[r * columns..(r + 1) * columns];
        if row.iter().all(|v| *v == 0) {
            continue;
        }
        for c in 0..columns {
            if row[c] != 0 && !followed[r * columns + c] && mask.leads([r, c], Way::Right) {
                found.push(follow(&mask, [r, c], &mut followed));
            }
        }
    }
    found
}

/// Follows an outline from a corner at which it turns right or is entered from below.
fn follow(mask: &Mask<'_>, start: [usize; 2], followed: &mut [bool]) -> Outline {
    let [_, columns] = mask.shape;
    let (mut at, mut way) = (start, Way::Right);
    let mut corners = vec![start];
    let mut twice_area = 0_i64;
    loop {
        let [r, c] = at;
        if way == Way::Right {
            followed[r * columns + c] = true;
        }
        at = match way {
            Way::Right => [r, c + 1],
            Way::Down => [r + 1, c],
            Way::Left => [r, c - 1],
            Way::Up => [r - 1, c],
        };
        // Area to the right of upper edges is added, of lower ones taken away.
        let height = i64::try_from(r).unwrap_or(0);
        match way {
            Way::Right => twice_area -= height,
            Way::Left => twice_area += height,
            Way::Down | Way::Up => {}
        }
        let next = way.turns().into_iter().find(|way| mask.leads(at, *way));
        // An edge that ends where none begins cannot be: each corner has as many of both.
        let Some(next) = next else { break };
        if at == start && next == Way::Right {
            break;
        }
        if next != way {
            corners.push(at);
        }
        way = next;
    }
    Outline {
        corners,
        is_hole: twice_area < 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str]) -> Vec<Outline> {
        let pixels: Vec<u8> = { rows.iter() }
            .flat_map(|row| row.bytes().map(|b| u8::from(b == b'#')))
            .collect();
        outlines(&pixels, [rows.len(), rows[0].len()])
    }

    #[test]
    fn one_pixel_has_four_corners() {
        let found = of(&["...", ".#.", "..."]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].corners, [[1, 1], [1, 2], [2, 2], [2, 1]]);
        assert!(!found[0].is_hole);
    }

    #[test]
    fn pixels_that_touch_at_a_corner_have_an_outline_each() {
        let found = of(&["#.", ".#"]);
        assert_eq!(found.len(), 2);
        assert!(
            found
                .iter()
                .all(|outline| outline.corners.len() == 4 && !outline.is_hole)
        );
    }

    #[test]
    fn a_hole_has_an_outline_of_its_own_and_so_has_what_lies_in_it() {
        let found = of(&["#####", "#...#", "#.#.#", "#...#", "#####"]);
        let holes: Vec<bool> = found.iter().map(|outline| outline.is_hole).collect();
        // A hole is found where the mask begins again below it.
        assert_eq!(holes, [false, false, true]);
        assert_eq!(found[0].corners.len(), 4);
        // Two holes that touch at a corner are one region of what is not in the mask.
        let touching = of(&["####", "#.##", "##.#", "####"]);
        let holes = touching.iter().filter(|outline| outline.is_hole).count();
        assert_eq!((touching.len(), holes), (2, 1));
    }
}
