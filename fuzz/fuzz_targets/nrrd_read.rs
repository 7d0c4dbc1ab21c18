//! Any bytes as an NRRD file.
#![no_main]

#[path = "volume.rs"]
mod volume;

use libfuzzer_sys::fuzz_target;
use medio::Format;

fuzz_target!(|bytes: &[u8]| volume::check(bytes, &[Format::Nrrd]));
