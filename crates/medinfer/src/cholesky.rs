//! Cholesky's factor of a positive definite matrix, and linear equations by it.

/// The lower triangular factor of a matrix whose lower triangle is given, `[length, length]`, zeros above;
/// the number of the first row that depends on those above it where there is no factor.
pub(crate) fn cholesky(mut matrix: Vec<f64>, length: usize) -> Result<Vec<f64>, usize> {
    let largest = (0..length)
        .map(|i| matrix[i * (length + 1)])
        .fold(0.0, f64::max);
    for row in 0..length {
        for column in 0..=row {
            let (above, line) = matrix.split_at_mut(row * length);
            let known: f64 = if column == row {
                line[..column].iter().map(|value| value * value).sum()
            } else {
                let other = &above[column * length..][..column];
                other.iter().zip(&line[..column]).map(|(a, b)| a * b).sum()
            };
            let rest = line[column] - known;
            if column < row {
                line[column] = rest / above[column * (length + 1)];
            } else if rest > 1e-12 * largest {
                line[column] = rest.sqrt();
            } else {
                return Err(row);
            }
        }
        matrix[row * length + row + 1..(row + 1) * length].fill(0.0);
    }
    Ok(matrix)
}

/// Solves `factor x = values` in the place of the values.
pub(crate) fn forward(factor: &[f64], values: &mut [f64]) {
    let length = values.len();
    for row in 0..length {
        let line = &factor[row * length..][..=row];
        let known: f64 = line[..row].iter().zip(&*values).map(|(l, x)| l * x).sum();
        values[row] = (values[row] - known) / line[row];
    }
}

/// Solves `factorᵀ x = values` in the place of the values.
pub(crate) fn backward(factor: &[f64], values: &mut [f64]) {
    let length = values.len();
    for row in (0..length).rev() {
        let below = (row + 1..length).map(|k| factor[k * length + row] * values[k]);
        values[row] = (values[row] - below.sum::<f64>()) / factor[row * (length + 1)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved_and_dependent_rows_are_named() {
        // [[4, 2, 0], [2, 5, 2], [0, 2, 5]] (1, 2, 3) = (8, 18, 19)
        let matrix = vec![4.0, 0.0, 0.0, 2.0, 5.0, 0.0, 0.0, 2.0, 5.0];
        let factor = cholesky(matrix, 3).unwrap();
        assert_eq!(factor, [2.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 1.0, 2.0]);
        let mut x = [8.0, 18.0, 19.0];
        forward(&factor, &mut x);
        backward(&factor, &mut x);
        assert_eq!(x, [1.0, 2.0, 3.0]);
        assert_eq!(cholesky(vec![1.0, 0.0, 2.0, 4.0], 2), Err(1));
        assert_eq!(cholesky(vec![f64::NAN], 1), Err(0));
    }
}
