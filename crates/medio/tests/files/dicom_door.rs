//! DICOM through the door that all formats share: folders, files, pictures, films and segmentations.

use medio::dicom::{
    self, Creation, Dataset, Element, Gap, NewSegmentation, Quantity, Segment, SeriesFault,
    SeriesQuery, SeriesWarning, Source, Tag, Value, Vr, Within, WriteOptions, codes,
};
use medio::medcore::{Calibration, Geometry, Image, LabelMap};
use medio::{AnyImage, Datatype, Error, Format, Header, ReadOptions, Warning};

use super::dicom_series::{axial, five, folder, scan};

fn fault(error: Error) -> SeriesFault {
    match error {
        Error::Series { fault, .. } => *fault,
        other => panic!("{other}"),
    }
}

#[test]
fn a_folder_is_the_volume_of_its_series() {
    let slices: Vec<_> = { five().into_iter() }
        .map(|s| s.with(Tag::RESCALE_INTERCEPT, Vr::DS, "-1024"))
        .map(|s| s.with(Tag::RESCALE_SLOPE, Vr::DS, "1 "))
        .collect();
    let folder = folder(&slices);
    let expected = scan(folder.path()).only().unwrap().volume::<i16>().unwrap();
    let image = medio::read::<i16, 3>(folder.path()).unwrap();
    assert_eq!(image, expected.image);
    assert_eq!(image.as_slice()[..2], [-1024, -1023]);

    let loaded = medio::read_any(folder.path(), &ReadOptions::new()).unwrap();
    let Header::Dicom(header) = &loaded.header else {
        panic!("{:?}", loaded.header)
    };
    assert_eq!(header.planes, expected.planes);
    assert_eq!(header.unit.as_deref(), Some("HU"));
    assert_eq!(header.series_uid.as_deref(), Some("1.2.3.4"));
    assert_eq!(header.frame_of_reference.as_deref(), Some("1.2.3.5"));
    // 0 to 65535 less 1024.
    assert_eq!(loaded.value.datatype(), Datatype::I32);
    assert!(loaded.report.is_clean());

    let info = medio::read_header(folder.path()).unwrap();
    assert_eq!(info.header, loaded.header);
    assert_eq!(info.geometry, *image.geometry());
    assert_eq!((info.channels, info.datatype), (1, Datatype::U16));

    let stored = ReadOptions::new().quantity(Quantity::Stored);
    let stored = medio::read_any(folder.path(), &stored).unwrap().value;
    let AnyImage::U16(stored) = stored else {
        panic!("{:?}", stored.datatype())
    };
    assert_eq!(stored.as_slice()[..2], [0, 1]);
    for wide in [
        medio::read::<u64, 3>(folder.path()).map(|_| ()),
        medio::read::<u8, 3>(folder.path()).map(|_| ()),
    ] {
        let refused = wide.unwrap_err().to_string();
        assert!(refused.contains("cannot be represented"), "{refused}");
    }
    let refused = medio::read::<f32, 2>(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("two dimensions"), "{refused}");
}

#[test]
fn one_of_several_series_is_asked_for() {
    let mut slices = five();
    slices.extend((0..3).map(|k| {
        let mut slice = axial(10 + k, 8.0 * f64::from(k))
            .with(Tag::SERIES_INSTANCE_UID, Vr::UI, "1.2.3.9")
            .with(Tag::SLICE_THICKNESS, Vr::DS, "8 ");
        slice.uid = format!("1.2.9.{k}");
        slice
    }));
    let folder = folder(&slices);
    let refused = medio::read::<f32, 3>(folder.path()).unwrap_err();
    let SeriesFault::Ambiguous { candidates, .. } = fault(refused) else {
        panic!("two series were taken for one")
    };
    assert_eq!(candidates.len(), 2);
    let thick = SeriesQuery::new().slice_thickness(Within::at_least(5.0));
    let options = ReadOptions::new().series(thick);
    let image = medio::read_with::<f32, 3>(folder.path(), &options).unwrap();
    assert_eq!(image.value.shape(), [3, 3, 4]);
    assert_eq!(image.value.geometry().spacing()[0], 8.0);
}

#[test]
fn what_is_missing_or_damaged_is_not_passed_over() {
    let mut slices = five();
    slices.remove(2);
    let gap = folder(&slices);
    let refused = medio::read::<f32, 3>(gap.path()).unwrap_err();
    assert!(matches!(
        fault(refused),
        SeriesFault::MissingSlices { missing: 1, .. }
    ));
    let filled = ReadOptions::new().on_gap(Gap::Fill(-5.0));
    let loaded = medio::read_with::<f32, 3>(gap.path(), &filled).unwrap();
    assert_eq!(loaded.value.as_slice()[24], -5.0);
    let [Warning::Series(SeriesWarning::GapFilled { missing: 1, .. })] = loaded.report.warnings[..]
    else {
        panic!("{:?}", loaded.report)
    };

    // A slice at the end that cannot be read would shorten the volume and nothing else would tell.
    let cut = folder(&five());
    let last = dicom::encode(&axial(5, 25.0).dataset(), &WriteOptions::new()).unwrap();
    std::fs::write(cut.path().join("cut.dcm"), &last[..last.len() - 1]).unwrap();
    let refused = medio::read::<f32, 3>(cut.path()).unwrap_err().to_string();
    assert!(
        refused.contains("cut.dcm") && refused.contains("truncated"),
        "{refused}"
    );
    // A lenient reader fills the last pixel and says so.
    let lenient = ReadOptions::new().lenient();
    let loaded = medio::read_with::<f32, 3>(cut.path(), &lenient).unwrap();
    assert_eq!(loaded.value.shape()[0], 6);
    let warnings: Vec<String> = loaded
        .report
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        warnings.iter().any(|w| w.contains("cut.dcm")),
        "{warnings:?}"
    );

    let nothing = tempfile::tempdir().unwrap();
    std::fs::write(nothing.path().join("cut.dcm"), &last[..last.len() - 1]).unwrap();
    let refused = medio::read_header(nothing.path()).unwrap_err().to_string();
    assert!(
        refused.contains("cut.dcm") && refused.contains("truncated"),
        "{refused}"
    );
}

#[test]
fn doubts_about_files_are_told_once() {
    let slices: Vec<_> = { five().into_iter() }
        .map(|s| s.with(Tag::SERIES_DESCRIPTION, Vr::LO, "odd"))
        .collect();
    let folder = folder(&slices);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        // The writer made the text even by a space; a length of three is a slip.
        let at = bytes.windows(4).position(|w| w == b"odd ").unwrap();
        let mut odd = [&bytes[..at + 3], &bytes[at + 4..]].concat();
        odd[at - 2] = 3;
        std::fs::write(&path, odd).unwrap();
    }
    let loaded = medio::read_with::<u16, 3>(folder.path(), &ReadOptions::new()).unwrap();
    let [Warning::Series(SeriesWarning::Files { others: 4, .. })] = &loaded.report.warnings[..]
    else {
        panic!("{:?}", loaded.report)
    };
}

#[test]
fn files_are_read_alone_from_disk_and_from_memory() {
    let folder = folder(&five());
    let path = folder.path().join("3.dcm");
    let slice = medio::read_with::<u16, 3>(&path, &ReadOptions::new()).unwrap();
    assert_eq!(slice.value.shape(), [1, 3, 4]);
    assert_eq!(slice.value.geometry().spacing(), [2.5, 0.5, 0.75]);
    assert_eq!(medio::read::<u16, 2>(&path).unwrap().shape(), [3, 4]);
    let decoded = medio::decode(&std::fs::read(&path).unwrap(), &ReadOptions::new()).unwrap();
    assert_eq!(decoded.value, AnyImage::U16(slice.value));

    // Files from before there were preambles.
    let whole = std::fs::read(&path).unwrap();
    let start = whole
        .windows(6)
        .position(|w| w == b"\x08\0\x08\0CS")
        .unwrap();
    let bare = folder.path().join("bare");
    std::fs::write(&bare, &whole[start..]).unwrap();
    assert_eq!(Format::of_file(&bare).unwrap(), Format::Dicom);
    let loaded = medio::read_with::<u16, 2>(&bare, &ReadOptions::new()).unwrap();
    assert!(!loaded.report.is_clean());
}

/// A picture of 2 x 3 without a place.
fn picture(frames: i64, colours: bool, pixels: &[u8]) -> Dataset {
    let mut d = Dataset::new();
    for (tag, text) in [
        (Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.7"),
        (Tag::SOP_INSTANCE_UID, "1.2.3"),
        (
            Tag::PHOTOMETRIC_INTERPRETATION,
            if colours { "RGB" } else { "MONOCHROME2" },
        ),
    ] {
        d.set_text(tag, text).unwrap();
    }
    for (tag, value) in [
        (Tag::SAMPLES_PER_PIXEL, if colours { 3 } else { 1 }),
        (Tag::PLANAR_CONFIGURATION, 0),
        (Tag::NUMBER_OF_FRAMES, frames),
        (Tag::ROWS, 2),
        (Tag::COLUMNS, 3),
        (Tag::BITS_ALLOCATED, 8),
        (Tag::BITS_STORED, 8),
        (Tag::HIGH_BIT, 7),
        (Tag::PIXEL_REPRESENTATION, 0),
    ] {
        d.set_integers(tag, &[value]).unwrap();
    }
    d.insert(Element::new(
        Tag::PIXEL_DATA,
        Vr::OB,
        Value::Bytes(pixels.into()),
    ));
    d
}

#[test]
fn pictures_and_films_are_images_without_a_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.dcm");
    let write = |d: &Dataset| dicom::write(&path, d, &WriteOptions::new()).unwrap();

    let mut radiograph = picture(1, false, &[1, 2, 3, 4, 5, 6]);
    radiograph
        .set_floats(Tag::IMAGER_PIXEL_SPACING, &[0.2, 0.1])
        .unwrap();
    write(&radiograph);
    let image = medio::read::<f32, 2>(&path).unwrap();
    assert_eq!(image.as_slice(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(image.geometry().spacing(), [0.2, 0.1]);
    assert_eq!(image.geometry().calibration(), Calibration::DetectorPlane);

    let pixels: Vec<u8> = (0..36).collect();
    write(&picture(2, true, &pixels));
    let film = medio::read_with::<u8, 3>(&path, &ReadOptions::new()).unwrap();
    let image = &film.value;
    assert_eq!((image.channels(), image.shape()), (3, [2, 2, 3]));
    assert_eq!(image.geometry().calibration(), Calibration::Unknown);
    let green: Vec<u8> = (0..12).map(|pixel| 3 * pixel + 1).collect();
    assert_eq!(image.channel(1), green);
    let [Warning::Series(SeriesWarning::FramesWithoutPlace { frames: 2 })] =
        film.report.warnings[..]
    else {
        panic!("{:?}", film.report)
    };
    assert!(medio::read_labels::<u8, 3>(&path).is_err());

    // The number of frames is a claim.
    write(&picture(i64::from(i32::MAX), true, &pixels));
    let refused = medio::read_header(&path).unwrap_err();
    assert!(matches!(refused, Error::Dicom { .. }), "{refused}");
}

#[test]
fn segments_are_labels_on_their_own_grid() {
    let folder = folder(&five());
    let volume = scan(folder.path()).only().unwrap().volume::<u16>().unwrap();
    let labels: Vec<u8> = (0..60)
        .map(|at| u8::from(at % 7 == 0) * (1 + (at % 2) as u8))
        .collect();
    let labels = LabelMap::new(*volume.image.geometry(), labels).unwrap();
    let source = Source::of(&volume).unwrap();
    let segments = ["a", "b"].map(|name| Segment::new(name, codes::LIVER));
    let seg = tempfile::tempdir().unwrap();
    let path = seg.path().join("seg.dcm");
    let new = NewSegmentation::binary(&source, segments, &labels).unwrap();
    new.write(&path, &Creation::now().unwrap()).unwrap();
    for path in [path.as_path(), seg.path()] {
        let read = medio::read_labels::<u8, 3>(path).unwrap();
        assert_eq!(read.as_slice(), labels.as_slice());
        assert_eq!(read.geometry().shape(), labels.geometry().shape());
        let any = medio::read_any(path, &ReadOptions::new()).unwrap();
        assert_eq!(any.value.datatype(), Datatype::U8);
    }
    assert_eq!(
        medio::read_header(&path).unwrap().geometry.shape(),
        [5, 3, 4]
    );
}

#[test]
fn a_folder_of_pictures_is_a_stack() {
    let folder = tempfile::tempdir().unwrap();
    let refused = medio::read::<u8, 3>(folder.path()).unwrap_err().to_string();
    assert!(
        refused.contains("neither DICOM files nor pictures"),
        "{refused}"
    );
    let grid = Geometry::axis_aligned([2, 3], [1.0; 2]).unwrap();
    for k in [2_u8, 10, 1] {
        let image = Image::new(grid, vec![k; 6]).unwrap();
        medio::write(folder.path().join(format!("s{k}.png")), &image).unwrap();
    }
    let loaded = medio::read_with::<f32, 3>(folder.path(), &ReadOptions::new()).unwrap();
    assert_eq!(loaded.header.format(), Format::Png);
    let firsts: Vec<f32> = loaded.value.as_slice().iter().copied().step_by(6).collect();
    assert_eq!(firsts, [1.0, 2.0, 10.0]);
    assert_eq!(
        medio::read_header(folder.path()).unwrap().geometry.shape(),
        [3, 2, 3]
    );
}
