//! NIfTI files field by field, right unless a case says otherwise.

use std::io::Write;

/// A NIfTI-1 file of 8 x 8 x 8 `int16` whose bytes count 0, 1, ... 255, 0, ...
#[derive(Clone)]
pub(crate) struct Nifti1 {
    pub size: i32,
    pub dim: [i16; 8],
    pub datatype: i16,
    pub bitpix: i16,
    pub pixdim: [f32; 8],
    pub vox_offset: f32,
    pub scaling: [f32; 2],
    pub codes: [i16; 2],
    pub quaternion: [f32; 6],
    pub sform: [[f32; 4]; 3],
    pub magic: [u8; 4],
    pub behind: Vec<u8>,
    pub data: Vec<u8>,
    pub big_endian: bool,
}

pub(crate) fn counting() -> Vec<u8> {
    (0..1024_u32).map(|i| (i & 255) as u8).collect()
}

pub(crate) fn nifti1() -> Nifti1 {
    Nifti1 {
        size: 348,
        dim: [3, 8, 8, 8, 1, 1, 1, 1],
        datatype: 4,
        bitpix: 16,
        pixdim: [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        vox_offset: 352.0,
        scaling: [1.0, 0.0],
        codes: [1, 1],
        quaternion: [0.0; 6],
        sform: [
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0],
        ],
        magic: *b"n+1\0",
        behind: vec![0; 4],
        data: counting(),
        big_endian: false,
    }
}

impl Nifti1 {
    pub(crate) fn with(change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut file = nifti1();
        change(&mut file);
        file.bytes()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut h = vec![0; 348];
        let be = self.big_endian;
        let i16s = |h: &mut Vec<u8>, at: usize, values: &[i16]| {
            for (i, v) in values.iter().enumerate() {
                let bytes = if be { v.to_be_bytes() } else { v.to_le_bytes() };
                h[at + 2 * i..][..2].copy_from_slice(&bytes);
            }
        };
        let f32s = |h: &mut Vec<u8>, at: usize, values: &[f32]| {
            for (i, v) in values.iter().enumerate() {
                let bytes = if be { v.to_be_bytes() } else { v.to_le_bytes() };
                h[at + 4 * i..][..4].copy_from_slice(&bytes);
            }
        };
        let size = if be {
            self.size.to_be_bytes()
        } else {
            self.size.to_le_bytes()
        };
        h[..4].copy_from_slice(&size);
        i16s(&mut h, 40, &self.dim);
        i16s(&mut h, 70, &[self.datatype, self.bitpix]);
        f32s(&mut h, 76, &self.pixdim);
        f32s(&mut h, 108, &[self.vox_offset]);
        f32s(&mut h, 112, &self.scaling);
        h[123] = 2;
        i16s(&mut h, 252, &self.codes);
        f32s(&mut h, 256, &self.quaternion);
        f32s(&mut h, 280, self.sform.as_flattened());
        h[344..].copy_from_slice(&self.magic);
        [&h[..], &self.behind, &self.data].concat()
    }
}

/// A NIfTI-2 file with the same voxels.
#[derive(Clone)]
pub(crate) struct Nifti2 {
    pub dim: [i64; 8],
    pub vox_offset: i64,
}

pub(crate) fn nifti2() -> Nifti2 {
    Nifti2 {
        dim: [3, 8, 8, 8, 1, 1, 1, 1],
        vox_offset: 544,
    }
}

impl Nifti2 {
    pub(crate) fn with(change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut file = nifti2();
        change(&mut file);
        file.bytes()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut h = vec![0; 544];
        let mut put = |at: usize, bytes: &[u8]| h[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &540_i32.to_le_bytes());
        put(4, b"n+2\0\r\n\x1a\n");
        put(12, &4_i16.to_le_bytes());
        put(14, &16_i16.to_le_bytes());
        for (i, v) in self.dim.iter().enumerate() {
            put(16 + 8 * i, &v.to_le_bytes());
            put(104 + 8 * i, &1_f64.to_le_bytes());
        }
        put(168, &self.vox_offset.to_le_bytes());
        put(176, &1_f64.to_le_bytes());
        put(344, &1_i32.to_le_bytes());
        put(348, &1_i32.to_le_bytes());
        for row in 0..3 {
            put(400 + 40 * row, &1_f64.to_le_bytes());
        }
        put(500, &2_i32.to_le_bytes());
        [h, counting()].concat()
    }
}

/// One gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(9));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One member of `head` and so many times 16 MiB of zeros: a thousandth of that in size.
pub(crate) fn bomb(head: &[u8], blocks: usize) -> Vec<u8> {
    use flate2::{Compress, Compression, Crc, FlushCompress};
    let zeros = vec![0; 16 << 20];
    let deflate = |bytes: &[u8], flush| {
        let mut out = Vec::with_capacity(bytes.len() / 500 + 4096);
        let mut compress = Compress::new(Compression::new(9), false);
        compress.compress_vec(bytes, &mut out, flush).unwrap();
        assert_eq!(compress.total_in(), bytes.len() as u64);
        out
    };
    let mut crc = Crc::new();
    crc.update(head);
    let mut of_zeros = Crc::new();
    of_zeros.update(&zeros);
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(deflate(head, FlushCompress::Sync));
    let block = deflate(&zeros, FlushCompress::Sync);
    for _ in 0..blocks {
        file.extend(&block);
        crc.combine(&of_zeros);
    }
    file.extend(deflate(&[], FlushCompress::Finish));
    file.extend(crc.sum().to_le_bytes());
    file.extend(crc.amount().to_le_bytes());
    file
}
