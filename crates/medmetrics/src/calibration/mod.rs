//! Whether probabilities mean what they say, and how to make them.
