//! How often values come.

use super::message::HistogramMessage;

/// How many values lie in each of several buckets of one width, from the least to the greatest.
///
/// The buckets are those of `numpy.histogram`: each holds its lower end, the last both.
///
/// ```
/// use medtrain::log::tensorboard::Histogram;
///
/// let histogram = Histogram::of([0.0, 1.0, 1.0, 4.0, f64::NAN], 2).expect("a number");
/// assert_eq!(histogram.counts(), [3.0, 1.0]);
/// assert_eq!(histogram.left_out, 1);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Histogram {
    /// Values that are infinite or no numbers, which lie in no bucket.
    pub left_out: usize,
    message: HistogramMessage,
}

impl Histogram {
    /// The histogram of values in `buckets` buckets, at least one; `None` if none of the values is a finite number.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>, buckets: usize) -> Option<Self> {
        let mut left_out = 0;
        let is_finite = |value: &f64| {
            left_out += usize::from(!value.is_finite());
            value.is_finite()
        };
        let values: Vec<f64> = values.into_iter().filter(is_finite).collect();
        let min = values.iter().copied().reduce(f64::min)?;
        let max = values.iter().copied().reduce(f64::max)?;
        let count = buckets.max(1);
        let edges = edges(min, max, count);
        let mut bucket = vec![0.0; count];
        for &value in &values {
            // The last edge that is not greater; values at the very end belong to the last bucket.
            let place = edges.partition_point(|&edge| edge <= value);
            bucket[place.saturating_sub(1).min(count - 1)] += 1.0;
        }
        let message = HistogramMessage {
            min,
            max,
            num: values.len() as f64,
            sum: values.iter().sum(),
            sum_squares: values.iter().map(|value| value * value).sum(),
            bucket_limit: edges[1..].to_vec(),
            bucket,
        };
        Some(Self { left_out, message })
    }

    /// How many values lie in each bucket.
    #[must_use]
    pub fn counts(&self) -> &[f64] {
        &self.message.bucket
    }

    /// The upper ends of the buckets.
    #[must_use]
    pub fn limits(&self) -> &[f64] {
        &self.message.bucket_limit
    }

    pub(super) fn into_message(self) -> HistogramMessage {
        self.message
    }
}

/// The ends of buckets; values that are all the same lie in the middle of a range of width 1.
fn edges(min: f64, max: f64, buckets: usize) -> Vec<f64> {
    let (min, max) = match min == max {
        true => (min - 0.5, max + 0.5),
        false => (min, max),
    };
    let width = (max - min) / buckets as f64;
    let inner = (0..buckets).map(|i| i as f64 * width + min);
    inner.chain([max]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_lies_in_one_bucket() {
        let values = (0..1000_u32).map(|i| f64::from(i * i % 997) / 31.0 - 10.0);
        let histogram = Histogram::of(values, 30).unwrap();
        assert_eq!(histogram.counts().iter().sum::<f64>(), 1000.0);
        assert!(histogram.limits().windows(2).all(|pair| pair[0] < pair[1]));
        assert!(Histogram::of([f64::NAN, f64::INFINITY], 3).is_none());
        assert!(Histogram::of([], 3).is_none());
    }

    #[test]
    fn values_that_are_all_the_same_make_one_full_bucket() {
        let histogram = Histogram::of([2.0; 5], 3).unwrap();
        assert_eq!(histogram.counts(), [0.0, 5.0, 0.0]);
        assert_eq!(Histogram::of([2.0; 5], 0).unwrap().counts(), [5.0]);
    }
}
