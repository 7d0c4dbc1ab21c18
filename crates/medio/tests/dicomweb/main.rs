//! The DICOMweb client against servers that fail in every way, one that works, and Orthanc.
#![allow(clippy::unwrap_used, reason = "a failing helper fails its test")]
#![allow(clippy::print_stdout, reason = "tests say what they pass over")]

mod bulk;
mod connections;
mod download;
mod faults;
mod guide;
mod honest;
mod objects;
mod orthanc;
mod redirects;
mod search;
mod server;
mod store;
mod tls;
mod written;
