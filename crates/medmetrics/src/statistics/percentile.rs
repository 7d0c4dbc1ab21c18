//! Sample quantiles, the same for every interval and every table.

/// The value below which a share of ascending values lies, interpolated linearly between them as NumPy's
/// `quantile` does; `None` without values.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = (place.floor() as usize).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    let part = place - below as f64;
    // An infinite neighbour that has no part in it makes no difference; two of them have none.
    Some(if part == 0.0 || low == high || low.is_infinite() {
        low
    } else {
        low + (high - low) * part
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinite_neighbours_are_no_surprise() {
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        let values = [low, low, 1.0, 2.0, high, high];
        let of = |share| percentile(&values, share);
        assert_eq!([0.0, 0.1, 0.2, 0.3].map(of), [low; 4].map(Some));
        assert_eq!([0.4, 0.5, 0.6].map(of), [1.0, 1.5, 2.0].map(Some));
        assert_eq!([0.7, 0.8, 1.0].map(of), [high; 3].map(Some));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
