//! DICOM files that lie, and valid ones that were damaged.

pub(crate) mod builder;
mod catalogue;
mod deidentify;
mod derived;
mod high_throughput;
mod labels;
mod mutation;
mod series;
