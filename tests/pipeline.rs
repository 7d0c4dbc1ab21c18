//! Whole-pipeline tests that need several crates.
