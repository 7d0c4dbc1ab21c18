//! High-throughput JPEG 2000 whose headers ask for more than there is.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use medio::dicom::{self, ReadOptions};
use medio::medcore::Budget;
use safetensors::SafeTensors;

use super::super::allocator::peak_of;
use super::builder::*;

/// Codestreams of the parity tests, with rows, columns and samples.
pub(super) fn streams() -> Vec<(String, [u16; 3], Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let bytes = std::fs::read(folder.join("dicom_htj2k.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let data = |name: &str, what: &str| tensors.tensor(&format!("{name}.{what}")).unwrap().data();
    let names = tensors.names();
    let names = names.iter().filter_map(|name| name.strip_suffix(".stream"));
    names
        .map(|name| {
            let shape = data(name, "shape").as_chunks::<2>().0;
            let shape = [0, 1, 2].map(|i| u16::from_le_bytes(shape[i]));
            (name.to_owned(), shape, data(name, "stream").to_vec())
        })
        .collect()
}

/// A codestream of one component that the cases change.
struct Stream(Vec<u8>);

impl Stream {
    fn of(name: &str) -> Self {
        let mut all = streams().into_iter();
        Self(all.find(|(found, ..)| found == name).unwrap().2)
    }

    /// Where a marker segment's contents begin.
    fn body(&self, marker: u8) -> usize {
        let found = self.0.windows(2).position(|pair| pair == [0xff, marker]);
        found.unwrap() + 4
    }

    fn put(mut self, marker: u8, at: usize, bytes: &[u8]) -> Self {
        let start = self.body(marker) + at;
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
        self
    }

    fn number(self, marker: u8, at: usize, value: u32) -> Self {
        self.put(marker, at, &value.to_be_bytes())
    }

    /// Rows and columns of the image and of its tiles.
    fn sized(self, extent: u32, tile: u32) -> Self {
        let sized = self.number(SIZ, 2, extent).number(SIZ, 6, extent);
        sized.number(SIZ, 18, tile).number(SIZ, 22, tile)
    }

    /// The coding style with a size of precinct for each resolution.
    fn with_precincts(mut self, exponents: u8) -> Self {
        let start = self.body(COD);
        let levels = usize::from(self.0[start + 5]);
        self.0[start] |= 1;
        self.0[start - 1] += levels as u8 + 1;
        self.0
            .splice(start + 10..start + 10, vec![exponents; levels + 1]);
        self
    }

    fn cut(mut self, length: usize) -> Self {
        self.0.truncate(length);
        self
    }
}

const SIZ: u8 = 0x51;
const COD: u8 = 0x52;
const QCD: u8 = 0x5c;
const SOT: u8 = 0x90;

#[test]
fn headers_that_ask_for_too_much_are_refused_at_once() {
    let grey = || Stream::of("8");
    let whole = grey().0.len();
    let large = || grey().sized(2000, 2000);
    let cases: Vec<(&str, u16, Stream)> = vec![
        ("tiles of one sample", 2000, large().sized(2000, 1)),
        ("tiles that are missing", 2000, large().sized(2000, 10)),
        ("tiles of nothing", 2000, large().sized(2000, 0)),
        (
            "tiles beside the image",
            2000,
            large().number(SIZ, 26, 5000),
        ),
        (
            "an image that starts far out",
            2000,
            large().number(SIZ, 10, u32::MAX),
        ),
        ("half a component", 2000, large().put(SIZ, 37, &[2])),
        ("precincts of one sample", 2000, large().with_precincts(0)),
        (
            "precincts of two samples",
            2000,
            large().with_precincts(0x11),
        ),
        (
            "precincts of four samples",
            2000,
            large().with_precincts(0x22),
        ),
        ("65535 layers", 2000, large().put(COD, 2, &[255, 255])),
        ("no layer", 2000, large().put(COD, 2, &[0, 0])),
        ("an order of its own", 2000, large().put(COD, 1, &[5])),
        ("colours of one component", 2000, large().put(COD, 4, &[1])),
        ("255 levels", 2000, large().put(COD, 5, &[255])),
        ("31 levels", 2000, large().put(COD, 5, &[31])),
        ("code-blocks of 2^20", 2000, large().put(COD, 6, &[8, 8])),
        ("code-blocks of 2^17", 2000, large().put(COD, 6, &[15, 15])),
        (
            "code-blocks of both kinds",
            2000,
            large().put(COD, 8, &[0xc0]),
        ),
        ("a wavelet of its own", 2000, large().put(COD, 9, &[2])),
        ("the other wavelet", 2000, large().put(COD, 9, &[0])),
        ("38 bit planes", 2000, large().put(QCD, 0, &[0xe0, 0xf8])),
        (
            "a style of quantisation of its own",
            2000,
            large().put(QCD, 0, &[0x23]),
        ),
        (
            "a tile part of 4 GiB",
            2000,
            large().number(SOT, 2, u32::MAX),
        ),
        ("a tile part of one byte", 2000, large().number(SOT, 2, 1)),
        (
            "a tile beyond the last",
            2000,
            large().put(SOT, 0, &[255, 255]),
        ),
        ("a stream that ends in a packet", 0, grey().cut(whole / 2)),
        ("a stream that ends in the header", 0, grey().cut(70)),
    ];
    let mut wrong = Vec::new();
    for (name, extent, stream) in cases {
        let mut image = Image::default().narrow();
        (image.rows, image.columns) = match extent {
            0 => (Some(40), Some(70)),
            extent => (Some(extent), Some(extent)),
        };
        let bytes = image.compressed(HTJ2K, &[stream.0]);
        let size = bytes.len() as u64;
        let options = ReadOptions::new().budget(Arc::new(Budget::new(256 << 20)));
        let start = Instant::now();
        let (result, peak) = peak_of(|| {
            let file = dicom::decode(bytes, &options).unwrap();
            file.stored::<u8>().map(|array| array.into_vec().len())
        });
        let elapsed = start.elapsed();
        match result {
            Err(error) if error.to_string().contains("JPEG 2000") => {}
            other => wrong.push(format!("{name}: {other:?}")),
        }
        if peak > 16 * size + (16 << 20) || elapsed > Duration::from_millis(700) {
            wrong.push(format!("{name}: {peak} bytes, {elapsed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_cases_begin_from_a_stream_that_reads() {
    let mut image = Image::default().narrow();
    (image.rows, image.columns) = (Some(40), Some(70));
    // The default precincts, written down.
    for stream in [Stream::of("8"), Stream::of("8").with_precincts(0xff)] {
        let bytes = image.clone().compressed(HTJ2K, &[stream.0]);
        let file = dicom::decode(bytes, &ReadOptions::new()).unwrap();
        assert_eq!(file.stored::<u8>().unwrap().as_slice().len(), 40 * 70);
    }
}
