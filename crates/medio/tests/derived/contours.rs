//! Structure sets: outlines of masks that give the masks back, and contours of others.

use medio::dicom::{
    self, AlgorithmKind, ContourKind, Dataset, Holes, LabelGrid, NewStructureSet, OffGrid,
    OutsideGrid, Roi, RoiType, Source, StructureSet, Tag, WriteOptions, codes,
};
use medio::medcore::{Geometry, Image, LabelMap, Vector};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::judge::{Place, validate};
use crate::series::{COLUMNS, Lie, ROWS, SLICES, creation, read};

const PLANE: usize = ROWS * COLUMNS;

fn rois() -> [Roi; 3] {
    [
        Roi::new("Liver")
            .interpreted(RoiType::Organ)
            .code(codes::LIVER)
            .colour([221, 130, 101]),
        Roi::new("Tumour größer")
            .interpreted(RoiType::GrossTumourVolume)
            .algorithm(AlgorithmKind::Manual)
            .description("what was seen first"),
        Roi::new("Nowhere").interpreted(RoiType::Other("CAVITY".into())),
    ]
}

/// Rings with islands, pixels that touch at corners, pixels at the border; region 3 nowhere.
fn labels(grid: &Geometry<3>) -> LabelMap<u8, 3> {
    let voxels = (0..SLICES * PLANE).map(|at| {
        let (d, r, c) = (at / PLANE, at % PLANE / COLUMNS, at % COLUMNS);
        let ring = r.abs_diff(5).max(c.abs_diff(6));
        match d {
            0 => u8::from(ring == 4 || ring == 2 || ring == 0),
            1 => 0,
            2 => [0, 1, 2][(r + c) % 3],
            3 => u8::from(r == 0 || c == 0 || r + 1 == ROWS || c + 1 == COLUMNS) * 2,
            _ => 2 - u8::from((r * 7 + c * 5) % 11 < 6),
        }
    });
    LabelMap::new(*grid, voxels.collect::<Vec<_>>()).unwrap()
}

fn classes(labels: &LabelMap<u8, 3>) -> Vec<Vec<u8>> {
    let one = |class| labels.as_slice().iter().map(move |v| u8::from(*v == class));
    (1..=3).map(|class| one(class).collect()).collect()
}

fn expected(source: &Source, parts: &[Vec<u8>]) -> Value {
    let described = rois();
    let regions: Vec<Value> = { described.iter().zip(parts).enumerate() }
        .map(|(at, (roi, values))| json!({"number": at + 1, "name": roi.name, "values": values}))
        .collect();
    let instances: Vec<&String> = source.frames().iter().map(|f| &f.instance_uid).collect();
    json!({
        "object": "structure set",
        "file": "rtstruct.dcm",
        "rows": ROWS,
        "columns": COLUMNS,
        "instances": instances,
        "regions": regions,
    })
}

#[test]
fn outlines_give_the_masks_back_on_every_series() {
    for lie in Lie::ALL {
        for (name, holes) in [
            ("closed", Holes::ClosedPlanar),
            ("xor", Holes::ClosedPlanarXor),
        ] {
            let place = Place::of(&format!("contours-{name}-{}", lie.name()));
            let (volume, source) = read(&place.path().join("ct"), lie);
            let truth = labels(volume.image.geometry());
            let path = place.path().join("rtstruct.dcm");
            let made = NewStructureSet::label_map(&source, rois(), &truth).unwrap();
            made.label("Organs")
                .holes(holes)
                .write(&path, &creation(name))
                .unwrap();
            validate(&path);
            let found = StructureSet::read(&path).unwrap();
            assert_eq!(found.label(), "Organs");
            let grid = LabelGrid::of_volume(&volume).unwrap();
            let parts = classes(&truth);
            for (number, part) in (1..).zip(&parts) {
                let mask = found.mask(number, &grid).unwrap();
                assert_eq!(
                    mask.as_slice(),
                    part,
                    "{name} {} region {number}",
                    lie.name()
                );
            }
            assert_eq!(found.label_map::<u8>(&[1, 2, 3], &grid).unwrap(), truth);
            let mut described = rois();
            for (number, roi) in (1..).zip(&mut described) {
                roi.number = number;
                roi.frame_of_reference = "2.25.73".into();
            }
            assert_eq!(found.rois(), described);
            // Each contour names the image of its plane.
            for contour in found.contours(1) {
                let plane = grid.geometry().world_to_index(contour.points[0])[0].round();
                let image = contour.image.as_ref().unwrap();
                assert_eq!(image, &source.frames()[plane as usize]);
            }
            let kind = |number: u32| found.contours(number)[0].kind.clone();
            let holed = match holes {
                Holes::ClosedPlanarXor => ContourKind::ClosedPlanarXor,
                _ => ContourKind::ClosedPlanar,
            };
            assert_eq!(kind(1), holed);
            place.expect(&expected(&source, &parts));
        }
    }
}

/// The axial series' grid and source, without its files.
fn axial() -> (LabelGrid, Source) {
    let place = tempfile::tempdir().unwrap();
    let (volume, source) = read(&place.path().join("ct"), Lie::Oblique);
    (LabelGrid::of_volume(&volume).unwrap(), source)
}

fn decoded(dataset: &Dataset) -> medio::Result<StructureSet> {
    let bytes = dicom::encode(dataset, &WriteOptions::new()).unwrap();
    StructureSet::of(&dicom::decode(bytes, &dicom::ReadOptions::new()).unwrap())
}

#[test]
fn any_masks_come_back_as_they_were() {
    let (grid, source) = axial();
    let one = prop::collection::vec((0..=255_u8, 0..=255_u8), SLICES * PLANE);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let masks = (one, 0..=255_u8).prop_map(|(values, threshold)| {
        let a = values.iter().map(|v| u8::from(v.0 < threshold));
        let b = values.iter().map(|v| u8::from(v.1 > threshold));
        a.chain(b).collect::<Vec<u8>>()
    });
    let back = |masks: Vec<u8>| {
        let image = Image::with_channels(2, *grid.geometry(), masks).unwrap();
        let two = rois().into_iter().take(2);
        let made = NewStructureSet::masks(&source, two, &image).unwrap();
        let found = decoded(&made.to_dataset(&creation("any")).unwrap()).unwrap();
        for channel in 0..2 {
            let mask = found.mask(channel as u32 + 1, &grid).unwrap();
            prop_assert_eq!(mask.as_slice(), image.channel(channel));
        }
        Ok(())
    };
    runner.run(&masks, back).unwrap();
}

/// A structure set with one region of contours at heights in planes, in `[row, column]` of the grid.
fn drawn(grid: &LabelGrid, source: &Source, contours: &[(&str, f64, &[[f64; 2]])]) -> Dataset {
    let one = rois().into_iter().take(1);
    let nothing = LabelMap::<u8, 3>::background(*grid.geometry()).unwrap();
    let made = NewStructureSet::label_map(source, one, &nothing).unwrap();
    let mut dataset = made.to_dataset(&creation("drawn")).unwrap();
    let items = contours.iter().map(|(kind, depth, points)| {
        let world = |p: &[f64; 2]| grid.geometry().index_to_world([*depth, p[0], p[1]]);
        let numbers: Vec<f64> = points.iter().flat_map(|p| world(p).coordinates()).collect();
        let mut item = Dataset::new();
        item.set_text(Tag::CONTOUR_GEOMETRIC_TYPE, kind).unwrap();
        item.set_integers(Tag::NUMBER_OF_CONTOUR_POINTS, &[points.len() as i64])
            .unwrap();
        item.set_floats(Tag::CONTOUR_DATA, &numbers).unwrap();
        item
    });
    let mut region = Dataset::new();
    region
        .set_integers(Tag::REFERENCED_ROI_NUMBER, &[1])
        .unwrap();
    region.set_items(Tag::CONTOUR_SEQUENCE, items.collect());
    dataset.set_items(Tag::ROI_CONTOUR_SEQUENCE, vec![region]);
    dataset
}

const SQUARE: [[f64; 2]; 4] = [[1.6, 1.6], [1.6, 5.4], [5.4, 5.4], [5.4, 1.6]];
const HOLE: [[f64; 2]; 4] = [[2.6, 2.6], [4.4, 2.6], [4.4, 4.4], [2.6, 4.4]];

/// Voxels of a plane that are set, and of all others.
fn counts(mask: &LabelMap<u8, 3>) -> Vec<usize> {
    let planes = mask.as_slice().chunks(PLANE);
    planes
        .map(|plane| plane.iter().filter(|v| **v == 1).count())
        .collect()
}

#[test]
fn holes_and_several_contours_are_combined_by_even_and_odd() {
    let (grid, source) = axial();
    let apart = [[7.6, 7.6], [7.6, 8.4], [8.4, 8.4], [8.4, 7.6]];
    for kind in ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"] {
        let contours: [(&str, f64, &[[f64; 2]]); 4] = [
            (kind, 2.0, &SQUARE),
            (kind, 2.0, &HOLE),
            (kind, 2.0, &apart),
            (kind, 3.0, &SQUARE),
        ];
        let found = decoded(&drawn(&grid, &source, &contours)).unwrap();
        let mask = found.mask(1, &grid).unwrap();
        assert_eq!(counts(&mask), [0, 0, 16 - 4 + 1, 16, 0]);
        assert_eq!((mask.view()[[2, 2, 2]], mask.view()[[2, 3, 3]]), (1, 0));
        assert_eq!(mask.view()[[2, 8, 8]], 1);
    }
}

#[test]
fn points_and_open_contours_are_listed_and_not_filled() {
    let (grid, source) = axial();
    let contours: [(&str, f64, &[[f64; 2]]); 3] = [
        ("POINT", 1.3, &SQUARE[..1]),
        ("OPEN_PLANAR", 1.0, &SQUARE),
        ("CLOSED_PLANAR", 1.0, &HOLE),
    ];
    let found = decoded(&drawn(&grid, &source, &contours)).unwrap();
    let kinds: Vec<_> = found.contours(1).iter().map(|c| c.kind.clone()).collect();
    assert_eq!(
        kinds,
        [
            ContourKind::Point,
            ContourKind::OpenPlanar,
            ContourKind::ClosedPlanar
        ]
    );
    assert_eq!(counts(&found.mask(1, &grid).unwrap()), [0, 4, 0, 0, 0]);
    let found = decoded(&drawn(&grid, &source, &contours[..2])).unwrap();
    let refused = found.mask(1, &grid).unwrap_err().to_string();
    assert!(refused.contains("no closed contour, but 2"), "{refused}");
    assert!(
        found
            .mask(2, &grid)
            .unwrap_err()
            .to_string()
            .contains("no region of interest 2")
    );
}

#[test]
fn contours_off_the_planes_are_refused_or_taken_by_the_nearest() {
    let (grid, source) = axial();
    let contours: [(&str, f64, &[[f64; 2]]); 3] = [
        ("CLOSED_PLANAR", 1.05, &SQUARE),
        ("CLOSED_PLANAR", 1.4, &HOLE),
        ("CLOSED_PLANAR", 3.3, &HOLE),
    ];
    let near = decoded(&drawn(&grid, &source, &contours[..1])).unwrap();
    assert_eq!(counts(&near.mask(1, &grid).unwrap()), [0, 16, 0, 0, 0]);
    let found = decoded(&drawn(&grid, &source, &contours)).unwrap();
    let refused = found.mask(1, &grid).unwrap_err().to_string();
    assert!(
        refused.contains("contour 1 of region 1 lies 1.0000 mm off"),
        "{refused}"
    );
    // Of drawn planes 1.05, 1.4 and 3.3 plane 1 is nearest to the first, 2 to the second, 3 and 4 to the last.
    let nearest = grid.clone().off_grid(OffGrid::Nearest);
    assert_eq!(counts(&found.mask(1, &nearest).unwrap()), [0, 16, 4, 4, 4]);
    // A contour across planes lies in none.
    let mut across = drawn(&grid, &source, &contours[..1]);
    let numbers: Vec<f64> = [[0.0, 1.0], [4.0, 1.0], [4.0, 9.0]]
        .iter()
        .flat_map(|[d, c]| grid.geometry().index_to_world([*d, 5.0, *c]).coordinates())
        .collect();
    let mut contour =
        across.items(Tag::ROI_CONTOUR_SEQUENCE)[0].items(Tag::CONTOUR_SEQUENCE)[0].clone();
    contour.set_floats(Tag::CONTOUR_DATA, &numbers).unwrap();
    contour
        .set_integers(Tag::NUMBER_OF_CONTOUR_POINTS, &[3])
        .unwrap();
    let mut region = across.items(Tag::ROI_CONTOUR_SEQUENCE)[0].clone();
    region.set_items(Tag::CONTOUR_SEQUENCE, vec![contour]);
    across.set_items(Tag::ROI_CONTOUR_SEQUENCE, vec![region]);
    let across = decoded(&across).unwrap();
    for grid in [&grid, &nearest] {
        let refused = across.mask(1, grid).unwrap_err().to_string();
        assert!(refused.contains("5.0000 mm off"), "{refused}");
    }
}

#[test]
fn other_frames_of_reference_and_what_lies_outside_are_refused() {
    let (grid, source) = axial();
    let contours: [(&str, f64, &[[f64; 2]]); 2] = [
        (
            "CLOSED_PLANAR",
            2.0,
            &[[-3.0, -3.0], [-3.0, 1.5], [1.5, 1.5], [1.5, -3.0]],
        ),
        ("CLOSED_PLANAR", 7.0, &SQUARE),
    ];
    let found = decoded(&drawn(&grid, &source, &contours)).unwrap();
    let refused = found.mask(1, &grid).unwrap_err().to_string();
    assert!(
        refused.contains("to index [2, -3, -3] of shape [5, 11, 13]"),
        "{refused}"
    );
    let clipped = grid.clone().outside(OutsideGrid::Clip);
    assert_eq!(counts(&found.mask(1, &clipped).unwrap()), [0, 0, 4, 0, 0]);
    let other = LabelGrid::new(*grid.geometry(), "2.25.74");
    let refused = found.mask(1, &other).unwrap_err().to_string();
    assert!(
        refused.contains("2.25.73, the grid's is 2.25.74"),
        "{refused}"
    );
}

#[test]
fn regions_that_share_voxels_need_an_order() {
    let (grid, source) = axial();
    let voxels =
        |first: usize| (0..SLICES * PLANE).map(move |at| u8::from(at >= first && at < 300));
    let both = voxels(100).chain(voxels(200)).collect::<Vec<_>>();
    let image = Image::with_channels(2, *grid.geometry(), both).unwrap();
    let two = rois().into_iter().take(2);
    let made = NewStructureSet::masks(&source, two, &image).unwrap();
    let found = decoded(&made.to_dataset(&creation("shared")).unwrap()).unwrap();
    let refused = found
        .label_map::<u8>(&[2, 1], &grid)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("1 and 2 share voxel [1, 4, 5]"),
        "{refused}"
    );
    let covered = found.label_map_in_order::<u8>(&[2, 1], &grid).unwrap();
    assert!(
        covered
            .as_slice()
            .iter()
            .copied()
            .eq(voxels(100).map(|v| v * 2))
    );
}

#[test]
fn a_contour_too_long_for_explicit_lengths_is_written_and_read() {
    let (_, source) = axial();
    let [step, down, along] = source.geometry().steps();
    let size = 96;
    let origin = source.geometry().origin() + Vector::new(-512.123, 300.456, -1000.789);
    let grid = Geometry::new([1, size, size], origin, [step, down, along]).unwrap();
    let frames = source.frames()[..1].to_vec();
    let source = Source::new(source.header().clone(), grid, frames).unwrap();
    // A comb with jagged teeth: one outline of thousands of corners.
    let comb = (0..size * size).map(|at| {
        let (r, c) = (at / size, at % size);
        u8::from(r == 0 || c % 4 == 0 || (c % 4 == 1 && r % 2 == 0))
    });
    let labels = LabelMap::new(grid, comb.collect::<Vec<_>>()).unwrap();
    let one = rois().into_iter().take(1);
    let place = Place::of("contours-long");
    let path = place.path().join("rtstruct.dcm");
    let made = NewStructureSet::label_map(&source, one, &labels).unwrap();
    made.write(&path, &creation("long")).unwrap();
    validate(&path);
    let found = StructureSet::read(&path).unwrap();
    let longest = found
        .contours(1)
        .iter()
        .map(|c| c.points.len())
        .max()
        .unwrap();
    assert!(longest > 3_000, "{longest}");
    let grid = LabelGrid::of_source(&source).unwrap();
    assert_eq!(found.mask(1, &grid).unwrap(), labels);
}

#[test]
fn damaged_structure_sets_are_refused_by_name() {
    let (grid, source) = axial();
    let contours: [(&str, f64, &[[f64; 2]]); 1] = [("CLOSED_PLANAR", 2.0, &SQUARE)];
    let whole = drawn(&grid, &source, &contours);
    let said = |dataset: &Dataset| decoded(dataset).unwrap_err().to_string();
    let edited = |edit: &dyn Fn(&mut Dataset, &mut Dataset)| {
        let mut dataset = whole.clone();
        let mut region = dataset.items(Tag::ROI_CONTOUR_SEQUENCE)[0].clone();
        let mut contour = region.items(Tag::CONTOUR_SEQUENCE)[0].clone();
        edit(&mut region, &mut contour);
        region.set_items(Tag::CONTOUR_SEQUENCE, vec![contour]);
        dataset.set_items(Tag::ROI_CONTOUR_SEQUENCE, vec![region]);
        said(&dataset)
    };
    let unknown = edited(&|region, _| {
        region
            .set_integers(Tag::REFERENCED_ROI_NUMBER, &[9])
            .unwrap();
    });
    assert!(unknown.contains("ReferencedROINumber"), "{unknown}");
    let count = edited(&|_, contour| {
        contour
            .set_integers(Tag::NUMBER_OF_CONTOUR_POINTS, &[5])
            .unwrap();
    });
    assert!(count.contains("5 for 4"), "{count}");
    let points = edited(&|_, contour| {
        contour.set_floats(Tag::CONTOUR_DATA, &[1.0; 11]).unwrap();
    });
    assert!(points.contains("11 numbers"), "{points}");
    let words = edited(&|_, contour| {
        contour.set_text(Tag::CONTOUR_DATA, "1\\2\\nan").unwrap();
    });
    assert!(words.contains("finite decimal number"), "{words}");
    let mut image = whole.clone();
    image
        .set_text(Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2")
        .unwrap();
    assert!(said(&image).contains("RT Structure Set Storage"));
    let mut twice = whole.clone();
    let roi = whole.items(Tag::STRUCTURE_SET_ROI_SEQUENCE)[0].clone();
    twice.set_items(Tag::STRUCTURE_SET_ROI_SEQUENCE, vec![roi.clone(), roi]);
    assert!(said(&twice).contains("different for each region"));
}
