//! Any bytes as a NumPy array or archive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use med_fuzz::check_volume;
use medio::Format;

fuzz_target!(|bytes: &[u8]| check_volume(bytes, &[Format::Npy, Format::Npz]));
