//! Segmentations of every kind, on axial, oblique and sheared series.

use medio::dicom::{
    self, Algorithm, Code, FractionMeaning, LabelGrid, NewSegmentation, OffGrid, OutsideGrid,
    Segment, Segmentation, SegmentationKind, Source, Tag, TransferSyntax, WriteOptions, codes,
};
use medio::medcore::{Geometry, Image, LabelMap, Region, Vector};
use serde_json::{Value, json};

use crate::judge::{Place, validate};
use crate::series::{COLUMNS, Lie, ROWS, SLICES, creation, read};

const PLANE: usize = ROWS * COLUMNS;

fn segments() -> [Segment; 3] {
    let program = Algorithm::automatic("organs", "1.2");
    [
        Segment::new("Liver", codes::LIVER)
            .category(codes::ORGAN)
            .algorithm(program.clone())
            .colour([221, 130, 101]),
        Segment::new("Nodule 1 größer", codes::NODULE)
            .category(codes::MORPHOLOGICALLY_ABNORMAL_STRUCTURE)
            .modifier(Code::sct("24028007", "Right"))
            .region(codes::LIVER)
            .algorithm(Algorithm::semi_automatic("snake", ""))
            .tracking("nodule 1", "2.25.11"),
        Segment::new("Aorta", codes::AORTA).algorithm(Algorithm::manual()),
    ]
}

/// Classes 1 and 2 in blobs that touch edges, corners and one another; class 3 nowhere.
fn labels(grid: &Geometry<3>) -> LabelMap<u8, 3> {
    let voxels = (0..SLICES * PLANE).map(|at| {
        let (d, r, c) = (at / PLANE, at % PLANE / COLUMNS, at % COLUMNS);
        match (d, r, c) {
            (1, ..) => 0,
            (4, 10, 12) | (0, 0, 0) => 2,
            _ if (r + 2 * c + d) % 7 < 2 => 1,
            _ if r * c % 11 == d => 2,
            _ => 0,
        }
    });
    LabelMap::new(*grid, voxels.collect::<Vec<_>>()).unwrap()
}

fn classes(labels: &LabelMap<u8, 3>) -> Vec<Vec<u8>> {
    let one = |class| labels.as_slice().iter().map(move |v| u8::from(*v == class));
    (1..=3).map(|class| one(class).collect()).collect()
}

/// What the other library has to find: for each segment the values of all planes, in the order of depth.
fn expected(kind: &str, source: &Source, parts: &[Vec<u8>], most: u8) -> Value {
    let described = segments();
    let segments: Vec<Value> = { described.iter().zip(parts).enumerate() }
        .map(|(at, (segment, values))| {
            json!({
                "number": at + 1,
                "label": segment.label,
                "category": segment.category.value,
                "property": segment.property.value,
                "algorithm": segment.algorithm.kind.term(),
                "values": values,
            })
        })
        .collect();
    let positions: Vec<[f64; 3]> = (0..SLICES)
        .map(|d| {
            source
                .geometry()
                .index_to_world([d as f64, 0.0, 0.0])
                .coordinates()
        })
        .collect();
    let instances: Vec<&String> = source.frames().iter().map(|f| &f.instance_uid).collect();
    json!({
        "object": "segmentation",
        "file": "seg.dcm",
        "kind": kind,
        "most": most,
        "rows": ROWS,
        "columns": COLUMNS,
        "instances": instances,
        "positions": positions,
        "segments": segments,
    })
}

/// Writes, validates and reads an object on each kind of series.
fn on_all(
    name: &str,
    make: impl for<'a> Fn(&'a Source, &Geometry<3>) -> NewSegmentation<'a>,
    check: impl Fn(&Segmentation, &LabelGrid, &Source) -> Value,
) {
    for lie in Lie::ALL {
        let place = Place::of(&format!("segmentation-{name}-{}", lie.name()));
        let (volume, source) = read(&place.path().join("ct"), lie);
        let path = place.path().join("seg.dcm");
        let made = make(&source, volume.image.geometry());
        made.write(&path, &creation(name)).unwrap();
        validate(&path);
        let found = Segmentation::read(&path).unwrap();
        assert!(found.file().report().is_clean());
        let grid = LabelGrid::of_volume(&volume).unwrap();
        assert_eq!(grid, LabelGrid::of_source(&source).unwrap());
        place.expect(&check(&found, &grid, &source));
    }
}

#[test]
fn a_label_map_goes_out_as_bits_and_comes_back() {
    on_all(
        "binary",
        |source, grid| NewSegmentation::binary(source, segments(), &labels(grid)).unwrap(),
        |found, grid, source| {
            let truth = labels(grid.geometry());
            assert_eq!(found.kind(), SegmentationKind::Binary);
            assert_eq!(found.label_map::<u8>(grid).unwrap(), truth);
            let parts = classes(&truth);
            for (segment, part) in found.segments().iter().zip(&parts) {
                let mask = found.mask(segment.number, grid).unwrap();
                assert_eq!(mask.as_slice(), part);
                let fractions = found.fractions(segment.number, grid).unwrap();
                let ones = part.iter().map(|v| f32::from(*v));
                assert!(fractions.as_slice().iter().copied().eq(ones));
            }
            let mut described = segments();
            for (number, segment) in (1..).zip(&mut described) {
                segment.number = number;
            }
            assert_eq!(found.segments(), described);
            // Plane 1 is empty, segment 2 is in four planes, segment 3 in none.
            assert_eq!(found.frames().len(), 8);
            assert_eq!(found.frames()[4].segment, Some(2));
            expected("BINARY", source, &parts, 1)
        },
    );
}

#[test]
fn masks_that_overlap_go_out_and_come_back_as_they_were() {
    let masks = |grid: &Geometry<3>| {
        let on =
            |part: usize, at: usize| u8::from(at.is_multiple_of(part + 2) && at % PLANE > part);
        let voxels = (0..3).flat_map(|part| (0..SLICES * PLANE).map(move |at| on(part, at)));
        Image::with_channels(3, *grid, voxels.collect::<Vec<_>>()).unwrap()
    };
    on_all(
        "masks",
        |source, grid| NewSegmentation::binary_masks(source, segments(), &masks(grid)).unwrap(),
        |found, grid, source| {
            let truth = masks(grid.geometry());
            let parts: Vec<Vec<u8>> = (0..3).map(|c| truth.channel(c).to_vec()).collect();
            for (number, part) in (1..).zip(&parts) {
                assert_eq!(found.mask(number, grid).unwrap().as_slice(), part);
            }
            let refused = found.label_map::<u8>(grid).unwrap_err().to_string();
            assert!(
                refused.contains("1 and 2 share voxel [0, 0, 6]"),
                "{refused}"
            );
            let covered = found.label_map_in_order::<u16>(grid, &[3, 1]).unwrap();
            let expected_labels =
                (0..SLICES * PLANE).map(|at| match (parts[0][at], parts[2][at]) {
                    (1, _) => 1,
                    (_, 1) => 3,
                    _ => 0,
                });
            assert!(covered.as_slice().iter().copied().eq(expected_labels));
            let overlap = found.file().dataset().string(Tag::SEGMENTS_OVERLAP);
            assert_eq!(overlap.as_deref(), Some("YES"));
            expected("BINARY", source, &parts, 1)
        },
    );
}

#[test]
fn fractions_come_back_to_half_a_step() {
    let fractions = |grid: &Geometry<3>| {
        let value = |part: usize, at: usize| match at / PLANE {
            2 => 0.0,
            _ => (at % (17 + part)) as f32 / (16 + part) as f32,
        };
        let voxels = (0..3).flat_map(|part| (0..SLICES * PLANE).map(move |at| value(part, at)));
        Image::with_channels(3, *grid, voxels.collect::<Vec<_>>()).unwrap()
    };
    on_all(
        "fractional",
        |source, grid| {
            let meaning = FractionMeaning::Probability;
            NewSegmentation::fractional(source, segments(), &fractions(grid), meaning).unwrap()
        },
        |found, grid, source| {
            let truth = fractions(grid.geometry());
            let step = |v: &f32| (v * 255.0).round() as u8;
            let parts: Vec<Vec<u8>> = (0..3)
                .map(|c| truth.channel(c).iter().map(step).collect())
                .collect();
            for (number, part) in (1..).zip(&parts) {
                let back = found.fractions(number, grid).unwrap();
                let steps = part.iter().map(|v| f32::from(*v) / 255.0);
                assert!(back.as_slice().iter().copied().eq(steps));
            }
            assert_eq!(found.frames().len(), 12);
            assert!(found.mask(1, grid).is_err() && found.label_map::<u8>(grid).is_err());
            expected("FRACTIONAL", source, &parts, 255)
        },
    );
}

#[test]
fn a_label_map_goes_out_as_numbers_and_comes_back() {
    on_all(
        "label-map",
        |source, grid| NewSegmentation::label_map(source, segments(), &labels(grid)).unwrap(),
        |found, grid, source| {
            let truth = labels(grid.geometry());
            assert_eq!(found.kind(), SegmentationKind::LabelMap { background: 0 });
            assert_eq!(found.label_map::<u16>(grid).unwrap(), truth.map(u16::from));
            assert_eq!(found.frames().len(), SLICES);
            let parts = classes(&truth);
            assert_eq!(found.mask(2, grid).unwrap().as_slice(), parts[1]);
            let two = found.label_map_in_order::<u8>(grid, &[2]).unwrap();
            assert!(
                two.as_slice()
                    .iter()
                    .zip(&parts[1])
                    .all(|(a, b)| *a == 2 * b)
            );
            expected("LABELMAP", source, &parts, 1)
        },
    );
}

/// A binary segmentation of the axial series, with its volume's grid.
fn axial(labels: impl Fn(&Geometry<3>) -> LabelMap<u8, 3>) -> (Segmentation, LabelGrid) {
    let place = tempfile::tempdir().unwrap();
    let (volume, source) = read(&place.path().join("ct"), Lie::Axial);
    let grid = LabelGrid::of_volume(&volume).unwrap();
    let made = NewSegmentation::binary(&source, segments(), &labels(grid.geometry())).unwrap();
    let dataset = made.into_dataset(&creation("axial")).unwrap();
    let bytes = dicom::encode(&dataset, &WriteOptions::new()).unwrap();
    let file = dicom::decode(bytes, &dicom::ReadOptions::new()).unwrap();
    (Segmentation::of(file).unwrap(), grid)
}

#[test]
fn where_nothing_is_segmented_one_empty_frame_is_written() {
    let place = Place::of("segmentation-empty");
    let (volume, source) = read(&place.path().join("ct"), Lie::Sheared);
    let nothing = LabelMap::<u8, 3>::background(*volume.image.geometry()).unwrap();
    let path = place.path().join("seg.dcm");
    let made = NewSegmentation::binary(&source, segments(), &nothing).unwrap();
    made.write(&path, &creation("empty")).unwrap();
    validate(&path);
    let found = Segmentation::read(&path).unwrap();
    assert_eq!(found.frames().len(), 1);
    let grid = LabelGrid::of_volume(&volume).unwrap();
    assert_eq!(found.label_map::<u8>(&grid).unwrap(), nothing);
    place.expect(&expected("BINARY", &source, &classes(&nothing), 1));
}

#[test]
fn a_single_slice_and_many_segments_are_written() {
    let place = Place::of("segmentation-single");
    let (volume, source) = read(&place.path().join("ct"), Lie::Oblique);
    let first = Region::new([2, 0, 0], [3, ROWS, COLUMNS]).unwrap();
    let one = volume.image.crop(&first).unwrap();
    let frames = source.frames()[2..3].to_vec();
    let single = Source::new(source.header().clone(), *one.geometry(), frames).unwrap();
    // More segments than a byte can number.
    let many = |at: usize| Segment::new(format!("Part {at}"), codes::BONE);
    let labels = (0..PLANE).map(|at| (at * 3) as u16).collect::<Vec<_>>();
    let labels = LabelMap::new(*one.geometry(), labels).unwrap();
    let grid = LabelGrid::of_source(&single).unwrap();
    for (name, count) in [("bits", 426), ("numbers", 426)] {
        let all = (1..=count).map(many);
        let made = match name {
            "bits" => NewSegmentation::binary(&single, all, &labels).unwrap(),
            _ => NewSegmentation::label_map(&single, all, &labels).unwrap(),
        };
        let path = place.path().join(format!("{name}.dcm"));
        made.write(&path, &creation(name)).unwrap();
        validate(&path);
        let found = Segmentation::read(&path).unwrap();
        assert_eq!(found.segments().len(), 426);
        assert_eq!(found.label_map::<u16>(&grid).unwrap(), labels);
        let refused = found.label_map::<u8>(&grid).unwrap_err().to_string();
        assert!(
            refused.contains("256 cannot be a label of 1 to 255"),
            "{refused}"
        );
        let own = found.geometry().unwrap();
        assert_eq!(own.shape(), [1, ROWS, COLUMNS]);
    }
}

#[test]
fn a_deflated_file_reads_as_the_plain_one() {
    let place = tempfile::tempdir().unwrap();
    let (_, source) = read(&place.path().join("ct"), Lie::Axial);
    let truth = labels(source.geometry());
    let grid = LabelGrid::of_source(&source).unwrap();
    for syntax in [
        TransferSyntax::DEFLATED,
        TransferSyntax::IMPLICIT_LITTLE_ENDIAN,
        TransferSyntax::EXPLICIT_BIG_ENDIAN,
    ] {
        let path = place.path().join("seg.dcm");
        let made = NewSegmentation::binary(&source, segments(), &truth).unwrap();
        let options = WriteOptions::new().transfer_syntax(syntax);
        made.write_with(&path, &creation("syntax"), &options)
            .unwrap();
        let found = Segmentation::read(&path).unwrap();
        assert_eq!(
            found.label_map::<u8>(&grid).unwrap(),
            truth,
            "{}",
            syntax.name
        );
    }
}

#[test]
fn frames_are_put_onto_grids_that_are_flipped_turned_cut_or_larger() {
    let (found, grid) = axial(labels);
    let geometry = *grid.geometry();
    let truth = labels(&geometry);
    let uid = found.frame_of_reference().to_owned();
    let at = |d: usize, r: usize, c: usize| truth.as_slice()[d * PLANE + r * COLUMNS + c];
    let [step, down, along] = geometry.steps();

    let far = geometry.index_to_world([4.0, 0.0, 12.0]);
    let flipped = Geometry::new(geometry.shape(), far, [-step, down, -along]).unwrap();
    let flipped = found
        .label_map::<u8>(&LabelGrid::new(flipped, &uid))
        .unwrap();
    let turned = Geometry::new(
        [COLUMNS, SLICES, ROWS],
        geometry.origin(),
        [along, step, down],
    );
    let turned = LabelGrid::new(turned.unwrap(), &uid);
    let turned = found.label_map::<u8>(&turned).unwrap();
    let larger = geometry.pad([2, 1, 3], [0, 4, 5]).unwrap();
    let larger = found
        .label_map::<u8>(&LabelGrid::new(larger, &uid))
        .unwrap();
    for d in 0..SLICES {
        for r in 0..ROWS {
            for c in 0..COLUMNS {
                let value = at(d, r, c);
                assert_eq!(flipped.view()[[SLICES - 1 - d, r, COLUMNS - 1 - c]], value);
                assert_eq!(turned.view()[[c, d, r]], value);
                assert_eq!(larger.view()[[d + 2, r + 1, c + 3]], value);
            }
        }
    }
    let region = Region::new([0, 2, 1], [3, ROWS, 9]).unwrap();
    let part = geometry.crop(&region).unwrap();
    let refused = found
        .label_map::<u8>(&LabelGrid::new(part, &uid))
        .unwrap_err();
    assert!(
        refused.to_string().contains("outside the grid"),
        "{refused}"
    );
    let clipped = LabelGrid::new(part, &uid).outside(OutsideGrid::Clip);
    let clipped = found.label_map::<u8>(&clipped).unwrap();
    assert_eq!(clipped, truth.crop(&region).unwrap());
}

#[test]
fn other_frames_of_reference_and_other_planes_are_refused_with_numbers() {
    let (found, grid) = axial(labels);
    let geometry = *grid.geometry();
    let uid = found.frame_of_reference().to_owned();
    let refused = |grid: &LabelGrid| found.label_map::<u8>(grid).unwrap_err().to_string();
    let other = refused(&LabelGrid::new(geometry, "2.25.74"));
    assert!(other.contains("2.25.73, the grid's is 2.25.74"), "{other}");

    let moved = |by: Vector<_>| {
        let grid = Geometry::new(geometry.shape(), geometry.origin() + by, geometry.steps());
        LabelGrid::new(grid.unwrap(), &uid)
    };
    let between = refused(&moved(Vector::new(0.0, 0.0, 1.0)));
    assert!(
        between.contains("1.0000 mm off") && between.contains("0.2500 mm"),
        "{between}"
    );
    let aside = refused(&moved(Vector::new(0.2, 0.0, 0.0)));
    assert!(
        aside.contains("0.2000 mm off") && aside.contains("0.0500 mm"),
        "{aside}"
    );
    // Rounding is none of that.
    let rounded = moved(Vector::new(0.01, 0.0, 0.1));
    assert_eq!(
        found.label_map::<u8>(&rounded).unwrap().as_slice(),
        labels(&geometry).as_slice()
    );

    let [step, down, along] = geometry.steps();
    let coarse = Geometry::new(
        [5, 5, 6],
        geometry.origin(),
        [step, down * 2.0, along * 2.0],
    );
    let coarse = refused(&LabelGrid::new(coarse.unwrap(), &uid));
    assert!(coarse.contains("pixels of [0.75, 0.5] mm"), "{coarse}");
    let (sin, cos) = 0.4_f64.sin_cos();
    let tilted = [step, down * cos + along * sin, along * cos + -(down * sin)];
    let tilted = Geometry::new(geometry.shape(), geometry.origin(), tilted).unwrap();
    let tilted = refused(&LabelGrid::new(tilted, &uid));
    assert!(
        tilted.contains("off the voxels") || tilted.contains("degrees"),
        "{tilted}"
    );
}

#[test]
fn the_nearest_plane_is_taken_where_that_is_asked_for() {
    // Every voxel of the middle planes, so that the segmentation's own grid is that of the planes 1 to 3.
    let middle = |grid: &Geometry<3>| {
        let voxels = (0..SLICES * PLANE).map(|at| u8::from((1..4).contains(&(at / PLANE))));
        LabelMap::new(*grid, voxels.collect::<Vec<_>>()).unwrap()
    };
    let (found, grid) = axial(middle);
    let geometry = *grid.geometry();
    let own = found.geometry().unwrap();
    assert_eq!(own.shape(), [3, ROWS, COLUMNS]);
    let [step, down, along] = geometry.steps();
    // Planes of 1 mm where those of the segmentation are 2.5 mm thick, from 1.25 mm before its first.
    let fine = Geometry::new(
        [13, ROWS, COLUMNS],
        geometry.origin(),
        [step * 0.4, down, along],
    );
    let uid = found.frame_of_reference();
    let fine = LabelGrid::new(fine.unwrap(), uid).off_grid(OffGrid::Nearest);
    let planes = found.mask(1, &fine).unwrap();
    let on: Vec<u8> = planes
        .as_slice()
        .chunks(PLANE)
        .map(|plane| plane[7])
        .collect();
    // Planes 1 to 3 take up 1.25 to 8.75 mm.
    assert_eq!(on, [0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
    let short = Geometry::new(
        [4, ROWS, COLUMNS],
        geometry.origin(),
        [step * 0.4, down, along],
    );
    let short = LabelGrid::new(short.unwrap(), uid).off_grid(OffGrid::Nearest);
    assert!(
        found
            .mask(1, &short)
            .unwrap_err()
            .to_string()
            .contains("outside the grid")
    );
    assert!(found.mask(1, &short.outside(OutsideGrid::Clip)).is_ok());
}

#[test]
fn what_does_not_fit_the_source_is_refused_with_where() {
    let place = tempfile::tempdir().unwrap();
    let (volume, source) = read(&place.path().join("ct"), Lie::Axial);
    let grid = *volume.image.geometry();
    let said = |made: Result<NewSegmentation<'_>, dicom::Fault>| made.unwrap_err().to_string();

    let mut labels = labels(&grid);
    labels.as_mut_slice()[3 * PLANE + 2 * COLUMNS + 1] = 4;
    let unknown = said(NewSegmentation::binary(&source, segments(), &labels));
    assert!(unknown.contains("label 4 of voxel [3, 2, 1]"), "{unknown}");
    let unknown = said(NewSegmentation::label_map(&source, segments(), &labels));
    assert!(unknown.contains("none of the 3 segments"), "{unknown}");
    let none = said(NewSegmentation::binary(&source, [], &labels));
    assert!(none.contains("1 to 65535 segments"), "{none}");

    let moved = Geometry::new(
        grid.shape(),
        grid.origin() + Vector::new(1.0, 0.0, 0.0),
        grid.steps(),
    );
    let moved = labels.clone().with_geometry(moved.unwrap()).unwrap();
    let apart = said(NewSegmentation::binary(&source, segments(), &moved));
    assert!(apart.contains("1 mm apart"), "{apart}");

    let masks = Image::with_channels(2, grid, vec![0_u8; 2 * SLICES * PLANE]).unwrap();
    let channels = said(NewSegmentation::binary_masks(&source, segments(), &masks));
    assert!(
        channels.contains("2 channels were given for 3 segments"),
        "{channels}"
    );
    let two = || segments().into_iter().take(2);
    let mut masks = masks;
    masks.as_mut_slice()[SLICES * PLANE + 5] = 2;
    let value = said(NewSegmentation::binary_masks(&source, two(), &masks));
    assert!(
        value.contains("channel 1") && value.contains("[0, 0, 5] is 2"),
        "{value}"
    );

    for wrong in [1.01, -0.01, f32::NAN] {
        let mut fractions = Image::new(grid, vec![0.5_f32; SLICES * PLANE]).unwrap();
        fractions.as_mut_slice()[PLANE + COLUMNS] = wrong;
        let meaning = FractionMeaning::Occupancy;
        let one = segments().into_iter().take(1);
        let value = said(NewSegmentation::fractional(
            &source, one, &fractions, meaning,
        ));
        assert!(value.contains("voxel [1, 1, 0]"), "{value}");
    }

    let mut header = source.header().clone();
    header.remove(Tag::FRAME_OF_REFERENCE_UID);
    let frameless = Source::new(header, grid, source.frames().to_vec()).unwrap();
    assert!(LabelGrid::of_source(&frameless).is_err());
    let made = NewSegmentation::label_map(
        &frameless,
        segments(),
        &LabelMap::<u8, 3>::background(grid).unwrap(),
    );
    let refused = made
        .unwrap()
        .into_dataset(&creation("frameless"))
        .unwrap_err();
    assert!(
        refused.to_string().contains("FrameOfReferenceUID"),
        "{refused}"
    );
}
