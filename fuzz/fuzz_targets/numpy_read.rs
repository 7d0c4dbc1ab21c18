//! Any bytes as a NumPy array or archive.
#![no_main]

#[path = "volume.rs"]
mod volume;

use libfuzzer_sys::fuzz_target;
use medio::Format;

fuzz_target!(|bytes: &[u8]| volume::check(bytes, &[Format::Npy, Format::Npz]));
