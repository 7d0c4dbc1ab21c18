//! Segmentations by highdicom, of every kind, and those of pydicom's packages.

use std::path::{Path, PathBuf};

use medio::dicom::{self, FractionMeaning, LabelGrid, ReadOptions, Segmentation, SegmentationKind};
use medio::medcore::{Geometry, Point, Vector};
use safetensors::SafeTensors;

struct Fixture<'a> {
    tensors: SafeTensors<'a>,
    grid: LabelGrid,
}

fn fixture(bytes: &[u8]) -> Fixture<'_> {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let places = tensors.tensor("places").unwrap();
    let numbers: Vec<f64> = { places.data().as_chunks::<8>().0.iter() }
        .map(|b| f64::from_le_bytes(*b))
        .collect();
    let step = |at: usize| Vector::new(numbers[at], numbers[at + 1], numbers[at + 2]);
    let origin = Point::new(numbers[0], numbers[1], numbers[2]);
    let geometry = Geometry::new([4, 9, 10], origin, [step(3), step(6), step(9)]).unwrap();
    let grid = LabelGrid::new(geometry, "2.25.83");
    Fixture { tensors, grid }
}

fn bytes() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    std::fs::read(folder.join("segmentations.safetensors")).unwrap()
}

impl Fixture<'_> {
    fn read(&self, name: &str) -> Segmentation {
        let file = self.tensors.tensor(&format!("{name}.file")).unwrap();
        let file = dicom::decode(file.data(), &ReadOptions::new()).unwrap();
        assert!(file.report().is_clean(), "{name}: {:?}", file.report());
        let found = Segmentation::of(file).unwrap();
        assert_eq!(found.frame_of_reference(), "2.25.83");
        let labels: Vec<_> = found.segments().iter().map(|s| s.label.as_str()).collect();
        assert_eq!(labels, ["part 1", "part 2", "part 3"], "{name}");
        for segment in found.segments() {
            assert_eq!(segment.algorithm.version, "1.0");
            // The other library's white is another one: the hue agrees within a few steps.
            let [r, g, b] = segment.colour.unwrap().to_rgb();
            let near = |a: u8, b: u8| a.abs_diff(b) <= 4;
            assert!(near(r, 200) && near(g, 30) && near(b, 40), "{r} {g} {b}");
        }
        found
    }

    /// The values of a segment in the fixture, and its number.
    fn parts(&self, name: &str) -> Vec<(u16, Vec<u8>)> {
        let values = self.tensors.tensor(name).unwrap().data().to_vec();
        let parts = values.chunks(4 * 9 * 10).map(<[u8]>::to_vec);
        (1..).zip(parts).collect()
    }
}

#[test]
fn masks_of_highdicom_are_the_ones_it_was_given() {
    let bytes = bytes();
    let fixture = fixture(&bytes);
    for name in ["binary", "binary_whole"] {
        let found = fixture.read(name);
        assert_eq!(found.kind(), SegmentationKind::Binary);
        for (number, part) in fixture.parts("masks") {
            let mask = found.mask(number, &fixture.grid).unwrap();
            assert_eq!(mask.as_slice(), part, "{name} {number}");
        }
        let own = found.geometry().unwrap();
        let same = own.check_same_as(fixture.grid.geometry(), &Default::default());
        assert_eq!(same, Ok(()), "{name}");
        assert!(found.label_map::<u8>(&fixture.grid).is_err());
        let covered = found
            .label_map_in_order::<u8>(&fixture.grid, &[3, 2, 1])
            .unwrap();
        let (_, labels) = &fixture.parts("labels")[0];
        assert_eq!(covered.as_slice(), labels);
    }
}

#[test]
fn fractions_of_highdicom_are_the_ones_it_was_given() {
    let bytes = bytes();
    let fixture = fixture(&bytes);
    for name in ["fractional", "fractional_rle"] {
        let found = fixture.read(name);
        let kind = SegmentationKind::Fractional {
            meaning: FractionMeaning::Probability,
            maximum: 255,
        };
        assert_eq!(found.kind(), kind);
        for (number, part) in fixture.parts("fractions") {
            let fractions = found.fractions(number, &fixture.grid).unwrap();
            let expected = part.iter().map(|v| f32::from(*v) / 255.0);
            assert!(
                fractions.as_slice().iter().copied().eq(expected),
                "{name} {number}"
            );
        }
    }
}

#[test]
fn label_maps_of_highdicom_are_the_ones_it_was_given() {
    let bytes = bytes();
    let fixture = fixture(&bytes);
    for name in ["label_map", "label_map_rle"] {
        let found = fixture.read(name);
        let labels = found.label_map::<u8>(&fixture.grid).unwrap();
        assert_eq!(labels.as_slice(), fixture.parts("labels")[0].1, "{name}");
    }
}

#[test]
fn the_liver_segments_of_pydicom_lie_on_their_own_grid() {
    let Some(folders) = std::env::var_os("MED_DICOM_DATA") else {
        println!("MED_DICOM_DATA is not set: pydicom's segmentations were passed over");
        return;
    };
    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => files(&path, found),
                path => found.push(path),
            }
        }
    }
    let mut paths = Vec::new();
    std::env::split_paths(&folders).for_each(|folder| files(&folder, &mut paths));
    let liver = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("liver") && name.ends_with(".dcm")
    };
    let mut seen = 0;
    for path in paths.iter().filter(liver) {
        let name = path.file_name().unwrap().to_string_lossy();
        // What pydicom's pixel_array sums to. The files of one frame describe three.
        let (frames, expected) = match name.contains("1frame") {
            true => (1, 36_233),
            false => (3, 107_098),
        };
        let strict = Segmentation::read(path);
        assert_eq!(strict.is_ok(), frames == 3, "{name}");
        let found = Segmentation::read_with(path, &ReadOptions::new().lenient()).unwrap();
        assert_eq!(found.frames().len(), frames, "{name}");
        let own = found.geometry().unwrap();
        assert_eq!(own.shape(), [frames, 512, 512]);
        let grid = LabelGrid::new(own, found.frame_of_reference());
        let mask = found.mask(1, &grid).unwrap();
        let set: usize = mask.as_slice().iter().map(|v| usize::from(*v)).sum();
        assert_eq!(set, expected, "{name}");
        seen += 1;
    }
    assert!(seen > 0);
}
