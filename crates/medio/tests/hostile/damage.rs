//! Every truncation and every flipped bit of small files.

use medio::medcore::Budget;
use medio::nifti::{self, AnyImage, ReadOptions};
use std::sync::Arc;

use super::builder::{Nifti1, Nifti2, gzip};

fn small() -> Vec<u8> {
    Nifti1::with(|f| {
        f.dim = [3, 3, 2, 2, 1, 1, 1, 1];
        f.data.truncate(24);
    })
}

fn options() -> ReadOptions {
    ReadOptions::new()
        .budget(Arc::new(Budget::new(64 << 20)))
        .extensions(true)
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for whole in [small(), gzip(&small())] {
        assert!(nifti::decode(&whole, &options()).is_ok());
        for n in 0..whole.len() {
            assert!(
                nifti::decode(&whole[..n], &options()).is_err(),
                "cut at {n}"
            );
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_gives_an_error_or_a_volume_that_was_there() {
    let second = Nifti2::with(|f| f.dim = [3, 8, 8, 8, 1, 1, 1, 1]);
    let in_header = [small(), second];
    for whole in in_header {
        for bit in 0..8 * whole.len().min(552) {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(loaded) = nifti::decode(&bytes, &options()) else {
                continue;
            };
            let voxels = loaded.value.geometry().len() * loaded.value.channels();
            let stored = voxels / loaded.header.datatype.samples();
            assert!(
                stored * loaded.header.datatype.voxel_bytes() <= bytes.len(),
                "bit {bit}"
            );
        }
    }
}

#[test]
fn a_flipped_bit_in_compressed_data_never_changes_a_voxel_unnoticed() {
    let plain = Nifti1::with(|_| {});
    let whole = gzip(&plain);
    let AnyImage::I16(right) = nifti::decode(&whole, &options()).unwrap().value else {
        panic!("another type");
    };
    let mut accepted = 0;
    for bit in 0..8 * whole.len() {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(loaded) = nifti::decode(&bytes, &options()) {
            accepted += 1;
            assert_eq!(loaded.value, AnyImage::I16(right.clone()), "bit {bit}");
        }
    }
    // Time stamp, system and flags of the member's header say nothing about its contents.
    assert!(
        accepted < 80,
        "{accepted} of {} flips were accepted",
        8 * whole.len()
    );
}
