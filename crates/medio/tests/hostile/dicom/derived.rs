//! Thousands of damaged reports, maps and presentation states: an error, or something that can be written.

use std::sync::Arc;

use medio::dicom::{
    self, Annotation, Code, ContentItem, Creation, Dataset, DateTime, GraphicLayer, GroupKind,
    MeasurementGroup, MeasurementReport, ParametricMap, PresentationState, ReadOptions, Region,
    SegmentReference, Source, SourceFrame, StructuredReport, Tag, Time, Window, WriteOptions,
    codes,
};
use medio::medcore::random::Key;
use medio::medcore::{Budget, Geometry, Image};

use super::super::allocator::peak_of;
use super::mutation::change;

fn source() -> Source {
    let mut header = Dataset::new();
    for (tag, text) in [
        (Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2"),
        (Tag::SOP_INSTANCE_UID, "2.25.81"),
        (Tag::STUDY_INSTANCE_UID, "2.25.1"),
        (Tag::SERIES_INSTANCE_UID, "2.25.2"),
        (Tag::FRAME_OF_REFERENCE_UID, "2.25.3"),
        (Tag::PATIENT_NAME, "Größe^Anna"),
    ] {
        header.set_text(tag, text).unwrap();
    }
    let grid = Geometry::axis_aligned([2, 3, 4], [2.0, 0.5, 0.5]).unwrap();
    let frames = [4, 5].map(|k| SourceFrame {
        class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
        instance_uid: format!("2.25.{k}"),
        frame: None,
    });
    Source::new(header, grid, frames.to_vec()).unwrap()
}

fn creation() -> Creation {
    let moment = DateTime {
        year: 2025,
        month: Some(2),
        day: Some(3),
        time: Some(Time {
            hour: 4,
            minute: None,
            second: None,
            microsecond: 0,
        }),
        offset_minutes: None,
    };
    Creation::at(moment, b"hostile").unwrap()
}

fn report(source: &Source) -> Dataset {
    let mut segmentation = source.header().clone();
    let mut series = Dataset::new();
    series.set_text(Tag::SERIES_INSTANCE_UID, "2.25.2").unwrap();
    segmentation.set_items(Tag::REFERENCED_SERIES_SEQUENCE, vec![series]);
    let segment = SegmentReference::of(&segmentation, 1).unwrap();
    let image = Region::Image {
        graphic: dicom::Graphic::Polyline,
        points: vec![[0.5, 0.5], [2.0, 1.0]],
        image: (&source.frames()[1]).into(),
    };
    let group = MeasurementGroup::volume(Region::Segment(segment))
        .site(codes::LIVER)
        .measure(codes::VOLUME, 1.0 / 3.0, codes::MILLILITRE)
        .evaluate(codes::LESION, codes::ABSENT);
    let report = MeasurementReport::new(source)
        .refers_to(&segmentation)
        .unwrap()
        .group(group)
        .group(MeasurementGroup::plane(image))
        .group(MeasurementGroup::new(GroupKind::General));
    let document = report.to_document(&creation()).unwrap();
    document.to_dataset(&creation()).unwrap()
}

fn map(source: &Source) -> Dataset {
    let values = (0..24).map(|v| v as f32).collect::<Vec<_>>();
    let image = Image::new(*source.geometry(), values).unwrap();
    let map = ParametricMap::new(source, image, codes::VOLUME, codes::MILLILITRE).unwrap();
    map.to_dataset(&creation()).unwrap()
}

fn state(source: &Source) -> Dataset {
    let drawn = Annotation::new("A")
        .point([0.5, 0.5])
        .text_at("é", [1.0, 1.0]);
    let state = PresentationState::new(source)
        .unwrap()
        .window(Window::new(40.0, 400.0))
        .layer(GraphicLayer::new("A"))
        .annotation(drawn.on(&source.frames()[0]));
    state.to_dataset(&creation()).unwrap()
}

fn encoded(dataset: &Dataset) -> Vec<u8> {
    dicom::encode(dataset, &WriteOptions::new()).unwrap()
}

#[test]
fn thousands_of_damaged_objects_end_in_an_error_or_can_be_written_again() {
    let source = source();
    let seeds = [report(&source), map(&source), state(&source)].map(|d| encoded(&d));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mutant.dcm");
    for (kind, seed) in seeds.iter().enumerate() {
        let (mut read, mut refused) = (0, 0);
        for number in 0..1500 {
            let key = Key::new(40 + kind as u64).sample(number);
            let mut random = key.stream("mutation");
            let mut bytes = seed.clone();
            if number > 0 {
                for _ in 0..=random.below(3) {
                    let other = &seeds[random.below(3)];
                    change(&mut bytes, other, &mut random);
                }
            }
            std::fs::write(&path, &bytes).unwrap();
            let size = bytes.len() as u64;
            let budget = Arc::new(Budget::new(64 << 20));
            let options = ReadOptions::new().budget(budget);
            let options = if number % 3 == 1 {
                options.lenient()
            } else {
                options
            };
            // What is written again is smaller than a few times what was read.
            let (result, peak) = peak_of(|| match kind {
                0 => StructuredReport::read_with(&path, &options).map(|report| {
                    drop(report.to_dataset(&creation()));
                    if let Ok(report) = MeasurementReport::of(report) {
                        drop(report.to_document(&creation()));
                    }
                }),
                1 => ParametricMap::<f32>::read_with(&path, &options).map(|map| {
                    drop(map.to_dataset(&creation()));
                }),
                _ => PresentationState::read_with(&path, &options).map(|state| {
                    drop(state.to_dataset(&creation()));
                }),
            });
            assert!(
                peak <= 16 * size + (16 << 20),
                "kind {kind}, mutant {number}: {peak} bytes for {size}"
            );
            assert!(number > 0 || result.is_ok(), "kind {kind}: {result:?}");
            match result {
                Ok(()) => read += 1,
                Err(_) => refused += 1,
            }
        }
        assert!(
            read > 150 && refused > 300,
            "kind {kind}: {read} read, {refused} refused"
        );
    }
}

/// A document whose items nest so deep, as bytes: the writer of such things needs no tree.
fn nested(levels: usize) -> Vec<u8> {
    let item = ContentItem::container(Code::dcm("121070", "Findings"));
    let mut study = Dataset::new();
    study.set_text(Tag::STUDY_INSTANCE_UID, "2.25.1").unwrap();
    let whole = StructuredReport::new(&study, item.clone());
    let bytes = encoded(&whole.to_dataset(&creation()).unwrap());
    let inside = StructuredReport::new(&study, item)
        .to_dataset(&creation())
        .unwrap();
    let mut attributes = Dataset::new();
    for tag in [Tag::VALUE_TYPE, Tag::CONTINUITY_OF_CONTENT] {
        attributes.insert(inside.get(tag).unwrap().clone());
    }
    let mut relation = super::builder::element(0x40, 0xa010, "CS", b"CONTAINS");
    for element in attributes.elements() {
        let (tag, value) = (element.tag(), element.bytes().unwrap());
        let bytes = super::builder::element(tag.group(), tag.element(), "CS", value);
        relation.extend(bytes);
    }
    let attributes = relation;
    let mut all = bytes;
    for _ in 0..levels {
        // A sequence and an item without ends, closed by the end of the file or by what follows.
        all.extend([
            0x40, 0, 0x30, 0xa7, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff,
        ]);
        all.extend([0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff]);
        all.extend(&attributes);
    }
    for _ in 0..levels {
        all.extend([0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0]);
        all.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
    }
    all
}

#[test]
fn items_in_items_do_not_use_up_the_stack() {
    let run = || {
        let read = |levels| {
            let file = dicom::decode(nested(levels), &ReadOptions::new());
            file.and_then(|file| StructuredReport::of_file(&file))
        };
        assert_eq!(read(20).unwrap().root.walk().count(), 21);
        for levels in [100, 10_000, 200_000] {
            assert!(read(levels).is_err(), "{levels} levels");
        }
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run);
    thread.unwrap().join().unwrap();
}

/// An element whose representation has a long length.
fn long(group: u16, number: u16, vr: &str, value: &[u8]) -> Vec<u8> {
    super::builder::with_length(group, number, vr, value, value.len() as u32)
}

#[test]
fn floods_of_items_are_refused_in_bounded_memory() {
    use super::builder::{element, item};
    const MANY: usize = 200_000;
    let source = source();
    let attributes = |dataset: &Dataset, without: Tag| {
        let mut dataset = dataset.clone();
        dataset.remove(without);
        encoded(&dataset)
    };
    let of = |small: Vec<u8>, last: Vec<u8>| [small.repeat(MANY), last].concat();
    let text = [
        element(0x40, 0xa010, "CS", b"CONTAINS"),
        element(0x40, 0xa040, "CS", b"TEXT"),
    ];
    let items = of(item(&text.concat()), item(&text[1]));
    let tree = [
        attributes(&report(&source), Tag::CONTENT_SEQUENCE),
        long(0x40, 0xa730, "SQ", &items),
    ];
    let layer = element(0x70, 0x2, "CS", b"A ");
    let layers = of(item(&layer), item(&[]));
    let drawn = [
        attributes(&state(&source), Tag::GRAPHIC_LAYER_SEQUENCE),
        long(0x70, 0x60, "SQ", &layers),
    ];
    for (name, bytes) in [("report", tree.concat()), ("state", drawn.concat())] {
        let size = bytes.len() as u64;
        let (refused, peak) = peak_of(|| {
            let file = dicom::decode(bytes, &ReadOptions::new()).unwrap();
            match name {
                "report" => StructuredReport::of_file(&file).map(drop),
                _ => PresentationState::of(file.dataset()).map(drop),
            }
        });
        let words = if name == "report" {
            "RelationshipType"
        } else {
            "GraphicLayer"
        };
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
        assert!(
            peak <= 16 * size + (16 << 20),
            "{name}: {peak} bytes for {size}"
        );
    }
}

/// Run by hand before fuzzing: `MED_FUZZ_SEEDS=$PWD/fuzz/corpus`.
#[test]
fn every_seed_of_an_object_is_written_for_the_fuzzer_on_request() {
    let scratch = tempfile::tempdir().unwrap();
    let chosen = std::env::var_os("MED_FUZZ_SEEDS").map(std::path::PathBuf::from);
    let folder = chosen.as_deref().unwrap_or(scratch.path());
    let folder = folder.join("dicom_objects");
    std::fs::create_dir_all(&folder).unwrap();
    let source = source();
    for (name, dataset) in [
        ("report", report(&source)),
        ("map", map(&source)),
        ("state", state(&source)),
    ] {
        std::fs::write(folder.join(name), encoded(&dataset)).unwrap();
    }
}
