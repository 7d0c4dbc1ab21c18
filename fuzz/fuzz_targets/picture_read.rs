//! Any bytes as a picture.
#![no_main]

use libfuzzer_sys::fuzz_target;
use med_fuzz::check_volume;
use medio::Format;

fuzz_target!(|bytes: &[u8]| check_volume(
    bytes,
    &[Format::Png, Format::Tiff, Format::Jpeg, Format::Bmp]
));
