//! Which pixels lie inside contours: those whose centre a line from outside reaches after an odd number of
//! crossings.
//!
//! A centre on a contour belongs to what lies after it, in rows and in columns.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "coordinates are clamped to the raster before they become indices"
)]

/// Fills `out`, `[rows, columns]`, with 1 inside the contours and 0 elsewhere; points are `[row, column]`, the
/// centre of the first pixel being `[0, 0]`, and the last is joined to the first.
pub(super) fn fill<'a>(
    contours: impl IntoIterator<Item = &'a [[f64; 2]]>,
    [rows, columns]: [usize; 2],
    out: &mut [u8],
) {
    out.fill(0);
    for points in contours {
        let nexts = points.iter().skip(1).chain(points.first());
        for (&[r0, c0], &[r1, c1]) in points.iter().zip(nexts) {
            let first = r0.min(r1).ceil().clamp(0.0, rows as f64) as usize;
            let end = r0.max(r1).ceil().clamp(0.0, rows as f64) as usize;
            let slope = (c1 - c0) / (r1 - r0);
            for row in first..end {
                let column = c0 + (row as f64 - r0) * slope;
                let at = column.ceil().clamp(0.0, columns as f64) as usize;
                if at < columns
                    && let Some(pixel) = out.get_mut(row * columns + at)
                {
                    *pixel ^= 1;
                }
            }
        }
    }
    for row in out.chunks_exact_mut(columns.max(1)) {
        let mut inside = 0;
        for pixel in row {
            inside ^= *pixel;
            *pixel = inside;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(contours: &[&[[f64; 2]]]) -> Vec<String> {
        let mut out = vec![7; 5 * 6];
        fill(contours.iter().copied(), [5, 6], &mut out);
        let show = |row: &[u8]| {
            row.iter()
                .map(|v| if *v == 1 { '#' } else { '.' })
                .collect()
        };
        out.chunks(6).map(show).collect()
    }

    #[test]
    fn a_centre_on_the_contour_belongs_to_what_lies_after_it() {
        let square = [[1.0, 1.0], [1.0, 4.0], [3.0, 4.0], [3.0, 1.0]];
        let expected = ["......", ".###..", ".###..", "......", "......"];
        assert_eq!(filled(&[&square]), expected);
        let mut turned = square;
        turned.reverse();
        assert_eq!(filled(&[&turned]), expected);
    }

    #[test]
    fn contours_are_combined_by_even_and_odd() {
        let outer = [[-9.0, -9.0], [-9.0, 99.0], [99.0, 99.0], [99.0, -9.0]];
        let hole = [[0.5, 0.5], [0.5, 4.5], [3.5, 4.5], [3.5, 0.5]];
        let island = [[1.5, 1.5], [1.5, 2.5], [2.5, 2.5], [2.5, 1.5]];
        let expected = ["######", "#....#", "#.#..#", "#....#", "######"];
        assert_eq!(filled(&[&outer, &hole, &island]), expected);
        // The same in one contour with a channel of no width.
        let keyhole = [
            [-9.0, -9.0],
            [-9.0, 99.0],
            [99.0, 99.0],
            [99.0, -9.0],
            [-9.0, -9.0],
            [0.5, 0.5],
            [3.5, 0.5],
            [3.5, 4.5],
            [0.5, 4.5],
            [0.5, 0.5],
        ];
        let expected = ["######", "#....#", "#....#", "#....#", "######"];
        assert_eq!(filled(&[&keyhole]), expected);
    }

    #[test]
    fn contours_without_area_fill_nothing() {
        let empty = vec!["......"; 5];
        assert_eq!(filled(&[]), empty);
        assert_eq!(filled(&[&[]]), empty);
        assert_eq!(filled(&[&[[2.0, 2.0]]]), empty);
        assert_eq!(filled(&[&[[1.0, 1.0], [3.0, 3.0]]]), empty);
        assert_eq!(filled(&[&[[1e300, -1e300], [-1e300, 1e300]]]), empty);
    }
}
