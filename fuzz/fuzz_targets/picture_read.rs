//! Any bytes as a picture.
#![no_main]

#[path = "volume.rs"]
mod volume;

use libfuzzer_sys::fuzz_target;
use medio::Format;

fuzz_target!(|bytes: &[u8]| volume::check(bytes, &[Format::Png, Format::Tiff, Format::Jpeg, Format::Bmp]));
