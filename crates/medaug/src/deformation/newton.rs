//! The way back through a smooth map, by Newton's method with halved steps.

use medcore::linear::inverse;

/// Distance from the target, in voxels, at which the search ends.
const TOLERANCE: f64 = 1e-7;

/// Half the distance over which slopes are taken.
const REACH: f64 = 1e-4;

const STEPS: usize = 60;

/// Where `f` gives `target`; `None` if that is not found or `f` folds there.
pub(super) fn solve<const D: usize>(
    f: impl Fn([f64; D]) -> [f64; D],
    target: [f64; D],
) -> Option<[f64; D]> {
    let rest = |at: [f64; D]| -> [f64; D] {
        let source = f(at);
        std::array::from_fn(|a| target[a] - source[a])
    };
    let mut at = target;
    let mut missing = rest(at);
    for _ in 0..STEPS {
        let distance = length(missing);
        if distance.is_nan() {
            return None;
        }
        let slopes = slopes(&f, at);
        if distance < TOLERANCE {
            return (determinant(slopes) > 0.0).then_some(at);
        }
        let way = match inverse(slopes) {
            Some(back) => std::array::from_fn(|a| (0..D).map(|b| back[a][b] * missing[b]).sum()),
            None => missing,
        };
        let mut part = 1.0;
        loop {
            let next = std::array::from_fn(|a| at[a] + part * way[a]);
            let left = rest(next);
            if length(left) < distance || part < 1e-3 {
                (at, missing) = (next, left);
                break;
            }
            part *= 0.5;
        }
    }
    None
}

fn length<const D: usize>(vector: [f64; D]) -> f64 {
    vector.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn slopes<const D: usize>(f: impl Fn([f64; D]) -> [f64; D], at: [f64; D]) -> [[f64; D]; D] {
    let mut slopes = [[0.0; D]; D];
    for b in 0..D {
        let (mut below, mut above) = (at, at);
        below[b] -= REACH;
        above[b] += REACH;
        let (below, above) = (f(below), f(above));
        for a in 0..D {
            slopes[a][b] = (above[a] - below[a]) / (2.0 * REACH);
        }
    }
    slopes
}

/// The determinant, by elimination.
pub(super) fn determinant<const D: usize>(mut matrix: [[f64; D]; D]) -> f64 {
    let mut product = 1.0;
    for column in 0..D {
        let pivot = (column..D)
            .max_by(|&a, &b| matrix[a][column].abs().total_cmp(&matrix[b][column].abs()))
            .unwrap_or(column);
        if matrix[pivot][column] == 0.0 {
            return 0.0;
        }
        if pivot != column {
            matrix.swap(pivot, column);
            product = -product;
        }
        product *= matrix[column][column];
        for row in column + 1..D {
            let factor = matrix[row][column] / matrix[column][column];
            for k in column..D {
                matrix[row][k] -= factor * matrix[column][k];
            }
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_through_a_cubic_is_found_and_a_fold_is_not() {
        let cubic = |[x, y]: [f64; 2]| [x + 0.02 * x * x * x, y + 0.3 * libm::sin(x)];
        let at = solve(cubic, [7.0, 2.0]).unwrap();
        let [x, y] = cubic(at);
        assert!((x - 7.0).abs() < 1e-6 && (y - 2.0).abs() < 1e-6);
        assert_eq!(solve(|[x]: [f64; 1]| [-x], [3.0]), None);
        assert_eq!(solve(|[x]: [f64; 1]| [x * x], [-3.0]), None);
    }

    #[test]
    fn determinants_are_right_with_zeros_on_the_diagonal() {
        assert_eq!(determinant([[0.0, 2.0], [3.0, 0.0]]), -6.0);
        let matrix = [[2.0, 1.0, 0.0], [0.0, 0.0, 3.0], [1.0, 4.0, 1.0]];
        assert!((determinant(matrix) - -21.0).abs() < 1e-12);
    }
}
