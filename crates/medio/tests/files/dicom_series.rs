//! Folders of slices: regular ones become volumes where they lie, all others are refused with numbers.

use std::path::Path;

use medio::Error;
use medio::dicom::{
    self, Axis, AxisValue, Dataset, Element, ReadOptions, SeriesFault, SeriesWarning, Tag, Value,
    Vr, WriteOptions,
};

/// A slice of 3 x 4 whose pixels are 100 k + 0 ... 11.
#[derive(Clone)]
pub(super) struct Spec {
    pub(super) k: u16,
    pub(super) position: [f64; 3],
    pub(super) orientation: [f64; 6],
    pub(super) rows: i64,
    pub(super) uid: String,
    pub(super) change: Vec<(Tag, Vr, String)>,
}

pub(super) fn axial(k: u16, z: f64) -> Spec {
    Spec {
        k,
        position: [-10.0, -20.0, z],
        orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        rows: 3,
        uid: format!("1.2.{k}"),
        change: Vec::new(),
    }
}

/// Five slices 5 mm apart.
pub(super) fn five() -> Vec<Spec> {
    (0..5).map(|k| axial(k, 5.0 * f64::from(k))).collect()
}

impl Spec {
    pub(super) fn with(mut self, tag: Tag, vr: Vr, value: impl ToString) -> Self {
        self.change.push((tag, vr, value.to_string()));
        self
    }

    pub(super) fn dataset(&self) -> Dataset {
        let mut d = Dataset::new();
        for (tag, text) in [
            (Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2"),
            (Tag::SOP_INSTANCE_UID, &self.uid),
            (Tag::STUDY_INSTANCE_UID, "1.2.3"),
            (Tag::SERIES_INSTANCE_UID, "1.2.3.4"),
            (Tag::FRAME_OF_REFERENCE_UID, "1.2.3.5"),
            (Tag::MODALITY, "CT"),
            (Tag::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\AXIAL"),
            (Tag::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2"),
        ] {
            d.set_text(tag, text).unwrap();
        }
        for (tag, value) in [
            (Tag::INSTANCE_NUMBER, i64::from(self.k) + 1),
            (Tag::SAMPLES_PER_PIXEL, 1),
            (Tag::ROWS, self.rows),
            (Tag::COLUMNS, 4),
            (Tag::BITS_ALLOCATED, 16),
            (Tag::BITS_STORED, 16),
            (Tag::HIGH_BIT, 15),
            (Tag::PIXEL_REPRESENTATION, 0),
        ] {
            d.set_integers(tag, &[value]).unwrap();
        }
        d.set_floats(Tag::IMAGE_POSITION_PATIENT, &self.position)
            .unwrap();
        d.set_floats(Tag::IMAGE_ORIENTATION_PATIENT, &self.orientation)
            .unwrap();
        d.set_floats(Tag::PIXEL_SPACING, &[0.5, 0.75]).unwrap();
        d.set_floats(Tag::SLICE_THICKNESS, &[2.5]).unwrap();
        for (tag, vr, text) in &self.change {
            d.insert(Element::new(
                *tag,
                *vr,
                Value::Bytes(text.as_bytes().into()),
            ));
        }
        let pixels = (0..4 * self.rows as u16).map(|i| 100 * self.k + i);
        let bytes: Vec<u8> = pixels.flat_map(u16::to_le_bytes).collect();
        d.insert(Element::new(
            Tag::PIXEL_DATA,
            Vr::OW,
            Value::Bytes(bytes.into()),
        ));
        d
    }
}

/// Writes the slices in another order than that of their places.
pub(super) fn folder(slices: &[Spec]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (index, slice) in slices.iter().enumerate() {
        let name = format!("{}.dcm", (index * 7 + 3) % 11 + 100 * (index / 11));
        let path = folder.path().join(name);
        dicom::write(path, &slice.dataset(), &WriteOptions::new()).unwrap();
    }
    folder
}

pub(super) fn scan(folder: &Path) -> dicom::Scan {
    let scan = dicom::scan(folder).unwrap();
    assert!(scan.refused.is_empty(), "{:?}", scan.refused);
    scan
}

fn volume(slices: &[Spec]) -> medio::Result<dicom::SeriesVolume<f32>> {
    let folder = folder(slices);
    scan(folder.path()).only()?.volume::<f32>()
}

fn fault(slices: &[Spec]) -> SeriesFault {
    match volume(slices).unwrap_err() {
        Error::Series { fault, .. } => *fault,
        other => panic!("{other}"),
    }
}

/// The first value of each plane over 100.
pub(super) fn order(volume: &dicom::SeriesVolume<f32>) -> Vec<f32> {
    let [_, rows, columns] = volume.image.shape();
    volume
        .image
        .as_slice()
        .chunks(rows * columns)
        .map(|p| p[0] / 100.0)
        .collect()
}

#[test]
fn slices_are_sorted_by_their_places_alone() {
    let mut slices = five();
    slices.reverse();
    for (number, slice) in slices.iter_mut().enumerate() {
        // Numbers and locations that say the opposite.
        *slice = slice.clone().with(Tag::INSTANCE_NUMBER, Vr::IS, number);
    }
    let volume = volume(&slices).unwrap();
    assert_eq!(order(&volume), [0.0, 1.0, 2.0, 3.0, 4.0]);
    let grid = volume.image.geometry();
    assert_eq!(grid.spacing(), [5.0, 0.5, 0.75]);
    assert_eq!(grid.origin().coordinates(), [-10.0, -20.0, 0.0]);
    let last = grid.index_to_world([4.0, 2.0, 3.0]).coordinates();
    assert_eq!(last, [-10.0 + 2.25, -20.0 + 1.0, 20.0]);
    assert!(volume.warnings.is_empty(), "{:?}", volume.warnings);
    assert_eq!(volume.frame_of_reference.as_deref(), Some("1.2.3.5"));
    assert_eq!(volume.planes.len(), 5);
}

#[test]
fn descending_and_oblique_stacks_keep_every_voxel_s_place() {
    let (s, c) = 0.4_f64.sin_cos();
    let orientation = [c, s, 0.0, 0.0, 0.0, -1.0];
    let normal = [-s, c, 0.0];
    let slices: Vec<Spec> = (0..4)
        .map(|k| Spec {
            position: [0, 1, 2].map(|a| 7.0 - 3.0 * f64::from(k) * normal[a]),
            orientation,
            ..axial(k, 0.0)
        })
        .collect();
    let volume = volume(&slices).unwrap();
    // The slices go against their normal: the last comes first.
    assert_eq!(order(&volume), [3.0, 2.0, 1.0, 0.0]);
    let place = volume
        .image
        .geometry()
        .index_to_world([3.0, 0.0, 0.0])
        .coordinates();
    assert!(place.iter().all(|v| (v - 7.0).abs() < 1e-9), "{place:?}");
    assert!(volume.image.geometry().is_orthogonal(1e-6));
}

#[test]
fn rounding_passes_silently_and_unevenness_with_a_warning() {
    let mut slices = five();
    slices[2].position[2] += 1e-4;
    assert!(volume(&slices).unwrap().warnings.is_empty());
    slices[2].position[2] += 0.1;
    let volume = volume(&slices).unwrap();
    assert!(
        matches!(volume.warnings[..], [SeriesWarning::Uneven { off_mm }] if (off_mm - 0.1).abs() < 1e-3)
    );
}

#[test]
fn one_slice_is_as_thick_as_it_says() {
    let volume = volume(&[axial(3, 8.0)]).unwrap();
    assert_eq!(volume.image.geometry().spacing(), [2.5, 0.5, 0.75]);
    assert_eq!(volume.image.shape(), [1, 3, 4]);
}

#[test]
fn a_missing_slice_is_named_with_its_millimetres() {
    let mut slices: Vec<Spec> = (0..7).map(|k| axial(k, 5.0 * f64::from(k))).collect();
    slices.remove(3);
    let SeriesFault::MissingSlices {
        after,
        expected_mm,
        found_mm,
        missing,
    } = fault(&slices)
    else {
        panic!();
    };
    // The third slice that was written.
    assert_eq!(after.file_name().unwrap(), "6.dcm");
    assert_eq!((expected_mm, found_mm, missing), (5.0, 10.0, 1));
    // Accepted as it is only when asked for.
    let folder = folder(&slices);
    let options = ReadOptions::new().uneven(2.0);
    let scan = scan(folder.path());
    let volume = scan
        .only()
        .unwrap()
        .stack()
        .unwrap()
        .volume::<f32>(&options)
        .unwrap();
    assert!(matches!(
        volume.warnings[..],
        [SeriesWarning::Uneven { .. }]
    ));
}

#[test]
fn irregular_slices_are_refused() {
    let mut slices = five();
    slices[3].position[2] += 1.5;
    let SeriesFault::Irregular {
        off_mm, limit_mm, ..
    } = fault(&slices)
    else {
        panic!();
    };
    assert_eq!((off_mm, limit_mm), (1.5, 0.25));
    // Along the slice, too.
    let mut slices = five();
    slices[3].position[0] += 1.5;
    assert!(matches!(fault(&slices), SeriesFault::Irregular { .. }));
}

#[test]
fn two_slices_in_one_place_are_refused_unless_something_tells_them_apart() {
    let mut slices = five();
    slices.push(Spec {
        uid: "1.2.99".to_owned(),
        ..axial(2, 10.0)
    });
    let SeriesFault::DuplicatePositions { first, second } = fault(&slices) else {
        panic!();
    };
    assert_ne!(first, second);
}

#[test]
fn the_same_instance_twice_counts_once() {
    let mut slices = five();
    slices.push(axial(2, 10.0));
    let volume = volume(&slices).unwrap();
    assert_eq!(order(&volume).len(), 5);
    assert!(
        matches!(&volume.warnings[..], [SeriesWarning::Repeated { paths }] if paths.len() == 1)
    );
}

#[test]
fn time_points_become_volumes_of_their_own() {
    let mut slices = Vec::new();
    for time in 0..2_u16 {
        for k in 0..3_u16 {
            let slice = axial(3 * time + k, 5.0 * f64::from(k));
            slices.push(slice.with(Tag::TEMPORAL_POSITION_IDENTIFIER, Vr::IS, time + 1));
        }
    }
    let several = fault(&slices);
    assert_eq!(
        several,
        SeriesFault::SeveralVolumes {
            axis: Axis::TemporalPosition,
            count: 2
        }
    );
    let folder = folder(&slices);
    let scan = scan(folder.path());
    let stack = scan.only().unwrap().stack().unwrap();
    let volumes = stack.volumes::<f32>(&ReadOptions::new()).unwrap();
    let orders: Vec<_> = volumes.iter().map(order).collect();
    assert_eq!(orders, [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]);
    let value = Some((Axis::TemporalPosition, AxisValue::Number(2.0)));
    assert_eq!(volumes[1].axis, value);
    assert_eq!(volumes[0].image.geometry(), volumes[1].image.geometry());
}

#[test]
fn a_tilted_gantry_keeps_its_shear() {
    let tilt = 15.0_f64.to_radians();
    let slices: Vec<Spec> = (0..5)
        .map(|k| Spec {
            position: [0.0, 5.0 * tilt.tan() * f64::from(k), 5.0 * f64::from(k)],
            ..axial(k, 0.0)
        })
        .collect();
    let volume = volume(&slices).unwrap();
    let [SeriesWarning::Sheared { degrees }] = volume.warnings[..] else {
        panic!("{:?}", volume.warnings);
    };
    assert!((degrees - 15.0).abs() < 1e-6);
    let grid = volume.image.geometry();
    assert!(!grid.is_orthogonal(0.01));
    let place = grid.index_to_world([4.0, 0.0, 0.0]).coordinates();
    assert!((place[1] - 20.0 * tilt.tan()).abs() < 1e-9 && place[2] == 20.0);
}

#[test]
fn orientations_rasters_and_localizers_do_not_mix() {
    let mut turned = five();
    turned.extend((0..3).map(|k| Spec {
        orientation: [0.0, 1.0, 0.0, 0.0, 0.0, -1.0],
        uid: format!("1.2.5{k}"),
        ..axial(k, 5.0 * f64::from(k))
    }));
    let mut larger = five();
    larger[4].rows = 5;
    let mut localizer = five();
    let first = localizer[0].clone();
    localizer[0] = first.with(Tag::IMAGE_TYPE, Vr::CS, "ORIGINAL\\PRIMARY\\LOCALIZER");
    for (slices, sizes) in [(turned, [5, 3]), (larger, [4, 1]), (localizer, [4, 1])] {
        let SeriesFault::SeveralStacks { stacks } = fault(&slices) else {
            panic!();
        };
        assert_eq!(stacks.len(), 2);
        assert!(stacks[0].starts_with(&sizes[0].to_string()), "{stacks:?}");
        let folder = folder(&slices);
        let scan = scan(folder.path());
        let stacks = &scan.only().unwrap().stacks;
        assert_eq!(
            stacks.iter().map(|s| s.slices.len()).collect::<Vec<_>>(),
            sizes
        );
        assert!(stacks[0].volume::<u16>(&ReadOptions::new()).is_ok());
    }
}

#[test]
fn each_slice_is_rescaled_by_its_own_slope() {
    let slices: Vec<Spec> = five()
        .into_iter()
        .enumerate()
        .map(|(k, s)| {
            s.with(Tag::RESCALE_SLOPE, Vr::DS, k + 1)
                .with(Tag::RESCALE_INTERCEPT, Vr::DS, -50)
        })
        .collect();
    let volume = volume(&slices).unwrap();
    let firsts: Vec<f32> = volume.image.as_slice().chunks(12).map(|p| p[0]).collect();
    let want: Vec<f32> = (0..5).map(|k| (100 * k * (k + 1) - 50) as f32).collect();
    assert_eq!(firsts, want);
}

#[test]
fn inverted_and_signed_slices_keep_their_values() {
    let slices: Vec<Spec> = five()
        .into_iter()
        .map(|s| s.with(Tag::PHOTOMETRIC_INTERPRETATION, Vr::CS, "MONOCHROME1"))
        .collect();
    assert_eq!(order(&volume(&slices).unwrap()), [0.0, 1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn slices_without_a_place_are_refused_by_name() {
    let mut slices = five();
    let first = slices[1].clone();
    slices[1] = first.with(Tag::IMAGE_POSITION_PATIENT, Vr::DS, "");
    assert!(matches!(
        fault(&slices),
        SeriesFault::NoPlace {
            what: "position",
            ..
        }
    ));
}

/// Five frames of one file, changed by the caller.
fn enhanced(positions: &[f64], change: impl Fn(usize, &mut Dataset)) -> Dataset {
    let mut d = axial(0, 0.0).dataset();
    for tag in [
        Tag::IMAGE_POSITION_PATIENT,
        Tag::IMAGE_ORIENTATION_PATIENT,
        Tag::PIXEL_SPACING,
    ] {
        let moved = d.remove(tag).unwrap();
        let group = match tag {
            Tag::IMAGE_ORIENTATION_PATIENT => Tag::PLANE_ORIENTATION_SEQUENCE,
            Tag::PIXEL_SPACING => Tag::PIXEL_MEASURES_SEQUENCE,
            _ => continue,
        };
        let mut item = Dataset::new();
        item.insert(moved);
        let shared = d.item(Tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
        let mut shared = shared.cloned().unwrap_or_default();
        shared.set_items(group, vec![item]);
        d.set_items(Tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared]);
    }
    let groups = positions.iter().enumerate().map(|(k, z)| {
        let mut place = Dataset::new();
        place
            .set_floats(Tag::IMAGE_POSITION_PATIENT, &[0.0, 0.0, *z])
            .unwrap();
        let mut group = Dataset::new();
        group.set_items(Tag::PLANE_POSITION_SEQUENCE, vec![place]);
        change(k, &mut group);
        group
    });
    let groups = groups.collect();
    d.set_items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, groups);
    d.set_integers(Tag::NUMBER_OF_FRAMES, &[positions.len() as i64])
        .unwrap();
    let pixels = (0..positions.len() as u16).flat_map(|k| (0..12).map(move |i| 100 * k + i));
    let bytes: Vec<u8> = pixels.flat_map(u16::to_le_bytes).collect();
    d.insert(Element::new(
        Tag::PIXEL_DATA,
        Vr::OW,
        Value::Bytes(bytes.into()),
    ));
    d
}

fn enhanced_volumes(dataset: &Dataset) -> medio::Result<Vec<dicom::SeriesVolume<f32>>> {
    let folder = tempfile::tempdir().unwrap();
    dicom::write(folder.path().join("e.dcm"), dataset, &WriteOptions::new()).unwrap();
    let scan = scan(folder.path());
    let stack = scan.only().unwrap().stack().unwrap();
    stack.volumes::<f32>(&ReadOptions::new())
}

#[test]
fn frames_of_one_file_are_slices_like_those_of_many() {
    let plain = enhanced(&[10.0, 5.0, 0.0], |_, _| {});
    let volumes = enhanced_volumes(&plain).unwrap();
    assert_eq!(order(&volumes[0]), [2.0, 1.0, 0.0]);
    assert_eq!(volumes[0].image.geometry().spacing(), [5.0, 0.5, 0.75]);
    assert_eq!(volumes[0].planes[0].as_ref().unwrap().frame, 2);

    let gap = enhanced(&[0.0, 5.0, 15.0, 20.0], |_, _| {});
    assert!(enhanced_volumes(&gap).is_err());

    let slopes = enhanced(&[0.0, 5.0, 10.0], |k, group| {
        let mut item = Dataset::new();
        item.set_floats(Tag::RESCALE_SLOPE, &[k as f64 + 1.0])
            .unwrap();
        item.set_floats(Tag::RESCALE_INTERCEPT, &[0.0]).unwrap();
        group.set_items(Tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, vec![item]);
    });
    assert_eq!(
        order(&enhanced_volumes(&slopes).unwrap()[0]),
        [0.0, 2.0, 6.0]
    );

    let times = enhanced(&[0.0, 0.0, 5.0, 5.0], |k, group| {
        let mut item = Dataset::new();
        item.set_integers(Tag::TEMPORAL_POSITION_INDEX, &[k as i64 % 2 + 1])
            .unwrap();
        group.set_items(Tag::FRAME_CONTENT_SEQUENCE, vec![item]);
    });
    let volumes = enhanced_volumes(&times).unwrap();
    assert_eq!(
        volumes.iter().map(order).collect::<Vec<_>>(),
        [[0.0, 2.0], [1.0, 3.0]]
    );
}

#[test]
fn a_folder_is_parted_into_studies_series_and_what_is_no_dicom() {
    let folder = folder(&five());
    std::fs::create_dir(folder.path().join("deeper")).unwrap();
    let other = axial(0, 0.0)
        .with(Tag::STUDY_INSTANCE_UID, Vr::UI, "1.9")
        .with(Tag::SERIES_INSTANCE_UID, Vr::UI, "1.9.1")
        .with(Tag::PATIENT_ID, Vr::LO, "B");
    let deeper = folder.path().join("deeper/x");
    dicom::write(deeper, &other.dataset(), &WriteOptions::new()).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "nothing of this is DICOM").unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    let whole = dicom::encode(&axial(9, 0.0).dataset(), &WriteOptions::new()).unwrap();
    std::fs::write(folder.path().join("cut.dcm"), &whole[..whole.len() - 1]).unwrap();
    let scan = dicom::scan(folder.path()).unwrap();
    assert_eq!(
        (scan.studies.len(), scan.others.len(), scan.refused.len()),
        (2, 2, 1)
    );
    assert!(scan.refused[0].error.to_string().contains("cut.dcm"));
    assert_eq!(scan.studies[1].patient_id.as_deref(), Some("B"));
    assert!(matches!(
        scan.only().unwrap_err(),
        Error::Series { fault, .. } if matches!(&*fault, SeriesFault::SeveralSeries { uids } if uids.len() == 2)
    ));
}
