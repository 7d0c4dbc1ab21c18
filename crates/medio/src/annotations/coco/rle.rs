//! Run lengths as text, with the complaints of annotation files.

use medcore::rle;

use super::super::fault::Problem;

/// Run lengths as COCO writes them into a string ([`medcore::rle::compress`]).
///
/// # Errors
/// Refuses runs of 2^62 pixels and more.
pub fn compress(runs: &[u64]) -> Result<String, Problem> {
    rle::compress(runs).map_err(problem)
}

/// The run lengths that a string holds ([`medcore::rle::decompress`]).
///
/// # Errors
/// Refuses other characters, numbers that do not end or do not fit, and negative runs.
pub fn decompress(text: &str) -> Result<Vec<u64>, Problem> {
    rle::decompress(text).map_err(problem)
}

/// A rule about runs in the words of annotation files.
fn problem(error: medcore::Error) -> Problem {
    match error {
        medcore::Error::InvalidRuns { rule, got } => Problem::expected(rule, &got),
        other => other.into(),
    }
}
