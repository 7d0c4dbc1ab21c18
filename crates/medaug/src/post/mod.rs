//! What is done to a network's output: from scores to classes, and from raw classes to plausible ones.

mod keep_largest;

pub use keep_largest::KeepLargest;
