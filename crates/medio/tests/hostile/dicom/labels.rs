//! Segmentations and structure sets that lie, and valid ones that were damaged.

use std::sync::Arc;
use std::time::Instant;

use medio::dicom::{
    self, Creation, Dataset, DateTime, Element, FractionMeaning, LabelGrid, NewSegmentation,
    NewStructureSet, OffGrid, OutsideGrid, ReadOptions, Roi, Segment, Segmentation, Source,
    SourceFrame, StructureSet, Tag, Time, TransferSyntax, Value, Vr, WriteOptions, codes,
};
use medio::medcore::random::Key;
use medio::medcore::{Budget, Geometry, Image, LabelMap, Point, Vector};

use super::super::allocator::peak_of;
use super::mutation::change;

/// Three planes of 5 x 7, turned and sheared.
fn grid() -> Geometry<3> {
    let steps = [
        Vector::new(0.2, 0.5, 2.5),
        Vector::new(0.0, 0.6, -0.45),
        Vector::new(0.5, 0.0, 0.0),
    ];
    Geometry::new([3, 5, 7], Point::new(-10.0, 20.0, 300.0), steps).unwrap()
}

fn source(grid: Geometry<3>) -> Source {
    let mut header = Dataset::new();
    for (tag, text) in [
        (Tag::STUDY_INSTANCE_UID, "2.25.71"),
        (Tag::SERIES_INSTANCE_UID, "2.25.72"),
        (Tag::FRAME_OF_REFERENCE_UID, "2.25.73"),
    ] {
        header.set_text(tag, text).unwrap();
    }
    let frame = |k: usize| SourceFrame {
        class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
        instance_uid: format!("2.25.70{k}"),
        frame: None,
    };
    Source::new(header, grid, (0..grid.shape()[0]).map(frame).collect()).unwrap()
}

fn creation() -> Creation {
    let time = Time {
        hour: 1,
        minute: None,
        second: None,
        microsecond: 0,
    };
    let moment = DateTime {
        year: 2025,
        month: Some(2),
        day: Some(3),
        time: Some(time),
        offset_minutes: None,
    };
    Creation::at(moment, b"hostile").unwrap()
}

fn labels() -> LabelMap<u8, 3> {
    let voxels: Vec<u8> = (0..105).map(|at| [0, 1, 1, 2, 0][at % 5]).collect();
    LabelMap::new(grid(), voxels).unwrap()
}

fn two() -> [Segment; 2] {
    [
        Segment::new("a", codes::LIVER),
        Segment::new("b", codes::SPLEEN),
    ]
}

fn binary() -> Dataset {
    let source = source(grid());
    let made = NewSegmentation::binary(&source, two(), &labels()).unwrap();
    made.into_dataset(&creation()).unwrap()
}

fn fractional() -> Dataset {
    let values: Vec<f32> = (0..210).map(|at| (at % 9) as f32 / 8.0).collect();
    let fractions = Image::with_channels(2, grid(), values).unwrap();
    let source = source(grid());
    let meaning = FractionMeaning::Occupancy;
    let made = NewSegmentation::fractional(&source, two(), &fractions, meaning).unwrap();
    made.into_dataset(&creation()).unwrap()
}

fn label_map() -> Dataset {
    let source = source(grid());
    let made = NewSegmentation::label_map(&source, two(), &labels()).unwrap();
    made.into_dataset(&creation()).unwrap()
}

fn structures() -> Dataset {
    let source = source(grid());
    let rois = [
        Roi::new("a").colour([1, 2, 3]),
        Roi::new("b").code(codes::SPLEEN),
    ];
    let made = NewStructureSet::label_map(&source, rois, &labels()).unwrap();
    made.to_dataset(&creation()).unwrap()
}

fn encoded(dataset: &Dataset, syntax: TransferSyntax) -> Vec<u8> {
    dicom::encode(dataset, &WriteOptions::new().transfer_syntax(syntax)).unwrap()
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let explicit = TransferSyntax::EXPLICIT_LITTLE_ENDIAN;
    let implicit = TransferSyntax::IMPLICIT_LITTLE_ENDIAN;
    vec![
        ("binary", encoded(&binary(), explicit)),
        (
            "binary deflated",
            encoded(&binary(), TransferSyntax::DEFLATED),
        ),
        (
            "binary big-endian",
            encoded(&binary(), TransferSyntax::EXPLICIT_BIG_ENDIAN),
        ),
        ("fractional", encoded(&fractional(), implicit)),
        ("label map", encoded(&label_map(), explicit)),
        ("structures", encoded(&structures(), explicit)),
        ("structures implicit", encoded(&structures(), implicit)),
    ]
}

fn opened(bytes: Vec<u8>) -> Result<dicom::DicomFile, String> {
    let options = ReadOptions::new().budget(Arc::new(Budget::new(256 << 20)));
    dicom::decode(bytes, &options).map_err(|e| e.to_string())
}

/// Everything that can be asked of an object; the voxels of the largest grid it was put onto.
fn everything(bytes: Vec<u8>, voxels: &mut usize) -> Result<(), String> {
    let say = |e: medio::Error| e.to_string();
    let file = opened(bytes)?;
    let modality = file.dataset().string(Tag::MODALITY);
    let plain = LabelGrid::new(grid(), "2.25.73");
    let nearest = plain
        .clone()
        .off_grid(OffGrid::Nearest)
        .outside(OutsideGrid::Clip);
    *voxels = grid().len();
    if modality.as_deref() == Some("RTSTRUCT") {
        let found = StructureSet::of(&file).map_err(say)?;
        let numbers: Vec<u32> = found.rois().iter().map(|roi| roi.number).collect();
        let one = found.label_map::<u8>(&numbers, &plain);
        let other = found.label_map_in_order::<u16>(&numbers, &nearest);
        return one.map(drop).and(other.map(drop)).map_err(say);
    }
    let found = Segmentation::of(file).map_err(say)?;
    let own = found.geometry();
    *voxels = own.as_ref().map_or(*voxels, |own| own.len().max(*voxels));
    let mut results = vec![found.label_map::<u8>(&nearest).map(drop)];
    let own = LabelGrid::new(own.map_err(say)?, found.frame_of_reference());
    for segment in found.segments().iter().take(3) {
        for grid in [&plain, &own] {
            results.push(found.fractions(segment.number, grid).map(drop));
        }
    }
    let kind = found.kind();
    let order: Vec<u16> = found.segments().iter().map(|s| s.number).collect();
    if !matches!(kind, dicom::SegmentationKind::Fractional { .. }) {
        results.push(found.label_map::<u8>(&own).map(drop));
        results.push(found.label_map_in_order::<u16>(&plain, &order).map(drop));
    } else {
        results.swap_remove(0).unwrap_err();
    }
    results.into_iter().collect::<Result<(), _>>().map_err(say)
}

#[test]
fn thousands_of_damaged_objects_end_in_an_error_or_in_labels() {
    let seeds = seeds();
    let (mut read, mut refused) = (0, 0);
    for (index, (name, seed)) in seeds.iter().enumerate() {
        for number in 0..1500 {
            let mut random = Key::new(index as u64).sample(number).stream("derived");
            let mut bytes = seed.clone();
            let other = &seeds[random.below(seeds.len())].1;
            if number > 0 {
                for _ in 0..=random.below(3) {
                    change(&mut bytes, other, &mut random);
                }
            }
            let size = bytes.len() as u64;
            let mut voxels = 0;
            let (result, peak) = peak_of(|| everything(bytes, &mut voxels));
            // Steps and fractions of one segment are there at once.
            let bound = 16 * size + 8 * voxels as u64 + (16 << 20);
            assert!(
                peak <= bound,
                "{name}, mutant {number}: {peak} bytes of {bound}"
            );
            assert!(number > 0 || result.is_ok(), "{name}: {result:?}");
            match result {
                Ok(()) => read += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(
        read > 1000 && refused > 4000,
        "{read} read, {refused} refused"
    );
}

fn of(dataset: &Dataset) -> Result<Segmentation, String> {
    let file = opened(encoded(dataset, TransferSyntax::EXPLICIT_LITTLE_ENDIAN))?;
    Segmentation::of(file).map_err(|e| e.to_string())
}

#[test]
fn segmentations_that_contradict_themselves_are_refused_by_attribute() {
    type Edit = fn(&mut Dataset);
    let cases: [(&str, Dataset, Edit); 12] = [
        ("SegmentationType", binary(), |d| {
            d.set_text(Tag::SEGMENTATION_TYPE, "TERNARY").unwrap();
        }),
        ("SegmentationType", binary(), |d| {
            drop(d.remove(Tag::SEGMENTATION_TYPE));
        }),
        ("SegmentSequence", binary(), |d| {
            d.set_items(Tag::SEGMENT_SEQUENCE, Vec::new());
        }),
        ("SegmentNumber", binary(), |d| {
            let segment = d.items(Tag::SEGMENT_SEQUENCE)[0].clone();
            d.set_items(Tag::SEGMENT_SEQUENCE, vec![segment.clone(), segment]);
        }),
        ("ReferencedSegmentNumber", binary(), |d| {
            let segment = d.items(Tag::SEGMENT_SEQUENCE)[1].clone();
            d.set_items(Tag::SEGMENT_SEQUENCE, vec![segment]);
        }),
        ("PerFrameFunctionalGroupsSequence", binary(), |d| {
            let frames = d.items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)[1..].to_vec();
            d.set_items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames);
        }),
        ("ImageOrientationPatient", binary(), |d| {
            drop(d.remove(Tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE));
        }),
        ("FrameOfReferenceUID", binary(), |d| {
            drop(d.remove(Tag::FRAME_OF_REFERENCE_UID));
        }),
        ("BitsAllocated", fractional(), |d| {
            d.set_text(Tag::SEGMENTATION_TYPE, "LABELMAP").unwrap();
            d.set_integers(Tag::BITS_ALLOCATED, &[1]).unwrap();
            d.set_integers(Tag::BITS_STORED, &[1]).unwrap();
            d.set_integers(Tag::HIGH_BIT, &[0]).unwrap();
        }),
        ("MaximumFractionalValue", fractional(), |d| {
            d.set_integers(Tag::MAXIMUM_FRACTIONAL_VALUE, &[0]).unwrap();
        }),
        ("MaximumFractionalValue", fractional(), |d| {
            d.set_integers(Tag::MAXIMUM_FRACTIONAL_VALUE, &[256])
                .unwrap();
        }),
        ("SegmentationFractionalType", fractional(), |d| {
            d.set_text(Tag::SEGMENTATION_FRACTIONAL_TYPE, "GUESS")
                .unwrap();
        }),
    ];
    for (keyword, mut dataset, edit) in cases {
        edit(&mut dataset);
        let said = of(&dataset).unwrap_err();
        assert!(said.contains(keyword), "{keyword}: {said}");
    }
}

#[test]
fn pixels_beyond_the_range_of_their_kind_are_refused() {
    let grid = LabelGrid::new(grid(), "2.25.73");
    let mut beyond = fractional();
    beyond
        .set_integers(Tag::MAXIMUM_FRACTIONAL_VALUE, &[200])
        .unwrap();
    let said = of(&beyond)
        .unwrap()
        .fractions(1, &grid)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("PixelData") && said.contains("frame 0"),
        "{said}"
    );

    let mut unnamed = label_map();
    let segment = unnamed.items(Tag::SEGMENT_SEQUENCE)[0].clone();
    unnamed.set_items(Tag::SEGMENT_SEQUENCE, vec![segment]);
    let said = of(&unnamed)
        .unwrap()
        .mask(1, &grid)
        .unwrap_err()
        .to_string();
    assert!(said.contains("2 in frame 0"), "{said}");

    let mut bytes = fractional();
    bytes.set_text(Tag::SEGMENTATION_TYPE, "BINARY").unwrap();
    let said = of(&bytes).unwrap().mask(1, &grid).unwrap_err().to_string();
    assert!(said.contains("range of its kind"), "{said}");
}

#[test]
fn two_frames_of_a_segment_in_one_place_are_refused() {
    let mut twice = binary();
    let mut frames = twice
        .items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
        .to_vec();
    frames[1] = frames[0].clone();
    twice.set_items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames);
    let said = of(&twice)
        .unwrap()
        .label_map::<u8>(&LabelGrid::new(grid(), "2.25.73"));
    let said = said.unwrap_err().to_string();
    assert!(said.contains("frames 0 and 1 of segment 1"), "{said}");
}

#[test]
fn positions_at_the_ends_of_the_world_cost_nothing() {
    for far in ["1e308", "-1e308", "1e15", "2.5e9"] {
        let mut lost = binary();
        let mut frames = lost
            .items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
            .to_vec();
        let mut place = Dataset::new();
        place
            .set_text(Tag::IMAGE_POSITION_PATIENT, &format!("{far}\\{far}\\{far}"))
            .unwrap();
        frames[0].set_items(Tag::PLANE_POSITION_SEQUENCE, vec![place]);
        lost.set_items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames);
        let found = of(&lost).unwrap();
        let ((own, labels), peak) = peak_of(|| {
            let plain = LabelGrid::new(grid(), "2.25.73").outside(OutsideGrid::Clip);
            let nearest = plain.clone().off_grid(OffGrid::Nearest);
            let labels = found.label_map::<u8>(&plain).map(drop);
            (
                found.geometry(),
                labels.and(found.label_map::<u8>(&nearest).map(drop)),
            )
        });
        assert!(own.is_err() && labels.is_err(), "{far}");
        assert!(peak < 1 << 20, "{far}: {peak} bytes");
    }
}

/// A structure set with one contour of this text.
fn contour(text: &str) -> Vec<u8> {
    let mut dataset = structures();
    let mut region = dataset.items(Tag::ROI_CONTOUR_SEQUENCE)[0].clone();
    let mut contour = region.items(Tag::CONTOUR_SEQUENCE)[0].clone();
    let points = text.split('\\').count() / 3;
    contour
        .set_integers(Tag::NUMBER_OF_CONTOUR_POINTS, &[points as i64])
        .unwrap();
    let value = Value::Bytes(text.as_bytes().into());
    contour.insert(Element::new(Tag::CONTOUR_DATA, Vr::DS, value));
    region.set_items(Tag::CONTOUR_SEQUENCE, vec![contour]);
    dataset.set_items(Tag::ROI_CONTOUR_SEQUENCE, vec![region]);
    encoded(&dataset, TransferSyntax::IMPLICIT_LITTLE_ENDIAN)
}

#[test]
fn contours_that_cross_every_row_a_hundred_thousand_times_take_their_time_and_no_more() {
    let steps = [
        Vector::new(0.0, 0.0, 1.0),
        Vector::new(0.0, 1.0, 0.0),
        Vector::new(1.0, 0.0, 0.0),
    ];
    let large = Geometry::new([2, 512, 512], Point::new(0.0, 0.0, 0.0), steps).unwrap();
    let grid = LabelGrid::new(large, "2.25.73").outside(OutsideGrid::Clip);
    let zigzag = (0..160_000).map(|at| if at % 2 == 0 { "0\\0\\0" } else { "9\\9e8\\0" });
    let text = zigzag.collect::<Vec<_>>().join("\\");
    let bytes = contour(&text);
    let size = bytes.len() as u64;
    let start = Instant::now();
    let (mask, peak) = peak_of(|| {
        let found = StructureSet::of(&opened(bytes).unwrap()).unwrap();
        found.mask(1, &grid)
    });
    assert!(mask.is_ok());
    // What ten million contour points a second cost, generously: other tests run at the same time.
    let allowed = 0.5 + 2.0 * size as f64 / f64::from(1 << 20);
    let taken = start.elapsed().as_secs_f64();
    assert!(taken < allowed, "{taken} s of {allowed} s");
    let bound = 16 * size + 2 * large.len() as u64 + (16 << 20);
    assert!(peak <= bound, "{peak} bytes of {bound}");
}

#[test]
fn contours_at_the_ends_of_the_world_are_refused() {
    let grid = LabelGrid::new(grid(), "2.25.73").outside(OutsideGrid::Clip);
    for text in [
        "1e308\\1e308\\1e308\\0\\0\\0\\1\\1\\1",
        "1e200\\0\\0\\0\\0\\0\\0\\1e200\\0",
    ] {
        let found = StructureSet::of(&opened(contour(text)).unwrap()).unwrap();
        let said = found.mask(1, &grid).unwrap_err().to_string();
        assert!(said.contains("outside the grid"), "{said}");
    }
    let found = StructureSet::of(&opened(contour("1e999\\0\\0")).unwrap());
    assert!(found.unwrap_err().to_string().contains("finite"));
}

/// Run by hand before fuzzing: `MED_FUZZ_SEEDS=$PWD/fuzz/corpus`.
#[test]
fn every_seed_is_a_valid_object_and_is_written_for_the_fuzzers_on_request() {
    let scratch = tempfile::tempdir().unwrap();
    let chosen = std::env::var_os("MED_FUZZ_SEEDS").map(std::path::PathBuf::from);
    let folder = chosen
        .as_deref()
        .unwrap_or(scratch.path())
        .join("dicom_labels");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in seeds() {
        std::fs::write(folder.join(name), &bytes).unwrap();
        assert_eq!(everything(bytes, &mut 0), Ok(()), "{name}");
    }
}
