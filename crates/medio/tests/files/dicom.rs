//! One small image for each rule of PS3.3 C.7.6.3 and PS3.5 8, built and read back.

use medio::dicom::{
    self, Dataset, DicomFile, Element, ReadOptions, Tag, TransferSyntax, Value, Voi, Vr, Warning,
    WriteOptions,
};
use medio::medcore::Calibration;

/// An image of 2 x 3 unless its attributes are changed.
fn image(bits: [i64; 3], signed: bool, pixels: &[u8]) -> Dataset {
    let mut dataset = Dataset::new();
    for (tag, text) in [
        (Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.7"),
        (Tag::SOP_INSTANCE_UID, "1.2.3"),
        (Tag::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2"),
    ] {
        dataset.set_text(tag, text).unwrap();
    }
    let [allocated, stored, high] = bits;
    for (tag, value) in [
        (Tag::SAMPLES_PER_PIXEL, 1),
        (Tag::ROWS, 2),
        (Tag::COLUMNS, 3),
        (Tag::BITS_ALLOCATED, allocated),
        (Tag::BITS_STORED, stored),
        (Tag::HIGH_BIT, high),
        (Tag::PIXEL_REPRESENTATION, i64::from(signed)),
    ] {
        dataset.set_integers(tag, &[value]).unwrap();
    }
    let vr = if allocated > 8 { Vr::OW } else { Vr::OB };
    dataset.insert(Element::new(
        Tag::PIXEL_DATA,
        vr,
        Value::Bytes(pixels.into()),
    ));
    dataset
}

fn colours(photometric: &str, pixels: &[u8]) -> Dataset {
    let mut dataset = image([8, 8, 7], false, pixels);
    dataset
        .set_text(Tag::PHOTOMETRIC_INTERPRETATION, photometric)
        .unwrap();
    dataset.set_integers(Tag::SAMPLES_PER_PIXEL, &[3]).unwrap();
    dataset
}

fn opened(dataset: &Dataset) -> DicomFile {
    let bytes = dicom::encode(dataset, &WriteOptions::new()).unwrap();
    dicom::decode(bytes, &ReadOptions::new()).unwrap()
}

fn stored(dataset: &Dataset) -> Vec<i32> {
    opened(dataset).stored::<i32>().unwrap().into_vec()
}

fn words(values: [u16; 6]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[test]
fn every_whole_encoding_gives_back_the_dataset() {
    let mut dataset = image([16, 12, 11], true, &words([0, 1, 2, 3, 4, 0xfff]));
    let mut item = Dataset::new();
    item.set_floats(Tag::PIXEL_SPACING, &[0.1, 1.0 / 3.0])
        .unwrap();
    item.set_items(Tag::PLANE_POSITION_SEQUENCE, vec![Dataset::new()]);
    dataset.set_items(Tag::PIXEL_MEASURES_SEQUENCE, vec![item, Dataset::new()]);
    dataset.set_text(Tag::PATIENT_NAME, "Müller^Zoë").unwrap();
    dataset
        .set_integers(Tag::PIXEL_PADDING_VALUE, &[-2048])
        .unwrap();
    assert_eq!(dataset.get(Tag::PIXEL_PADDING_VALUE).unwrap().vr(), Vr::SS);
    for syntax in [
        TransferSyntax::EXPLICIT_LITTLE_ENDIAN,
        TransferSyntax::IMPLICIT_LITTLE_ENDIAN,
        TransferSyntax::EXPLICIT_BIG_ENDIAN,
        TransferSyntax::DEFLATED,
    ] {
        let options = WriteOptions::new().transfer_syntax(syntax);
        let file = dicom::decode(
            dicom::encode(&dataset, &options).unwrap(),
            &ReadOptions::new(),
        );
        let file = file.unwrap();
        assert!(
            file.report().is_clean(),
            "{} {:?}",
            syntax.name,
            file.report()
        );
        assert_eq!(file.transfer_syntax(), Some(syntax));
        assert_eq!(
            file.stored::<i16>().unwrap().as_slice(),
            [0, 1, 2, 3, 4, -1]
        );
        let name = file.dataset().person_name(Tag::PATIENT_NAME).unwrap();
        assert_eq!((name.family(), name.given()), ("Müller", "Zoë"));
        for element in dataset
            .elements()
            .iter()
            .filter(|e| e.tag() != Tag::PIXEL_DATA)
        {
            let read = file.dataset().get(element.tag()).unwrap();
            // Padding to an even length stays with the value.
            match (element.bytes(), read.bytes()) {
                (Some(a), Some(b)) => assert_eq!(a, &b[..a.len()], "{}", element.tag()),
                _ => assert_eq!(element, read, "{}", syntax.name),
            }
        }
        let path = "PixelMeasuresSequence[0].PixelSpacing";
        let spacing = file.dataset().find(path).unwrap().unwrap();
        assert_eq!(spacing.floats().unwrap(), [0.1, 0.33333333333333]);
        let pixels = file
            .load(file.dataset().get(Tag::PIXEL_DATA).unwrap())
            .unwrap();
        assert_eq!(&pixels, dataset.get(Tag::PIXEL_DATA).unwrap().value());
    }
}

#[test]
fn a_file_is_written_again_with_other_attributes_and_the_same_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a.dcm"), folder.path().join("b.dcm"));
    let dataset = image([16, 16, 15], false, &words([1, 2, 3, 4, 5, 60000]));
    dicom::write(&first, &dataset, &WriteOptions::new()).unwrap();
    let big = WriteOptions::new().transfer_syntax(TransferSyntax::EXPLICIT_BIG_ENDIAN);
    let file = dicom::open(&first).unwrap();
    file.write_edited(&second, &big, |dataset| {
        dataset.set_text(Tag::PATIENT_ID, "X")
    })
    .unwrap();
    let again = dicom::open(&second).unwrap();
    assert_eq!(again.dataset().string(Tag::PATIENT_ID).unwrap(), "X");
    assert_eq!(
        again.stored::<u16>().unwrap(),
        file.stored::<u16>().unwrap()
    );
    let rle = WriteOptions::new()
        .transfer_syntax(TransferSyntax::from_uid("1.2.840.10008.1.2.5").unwrap());
    assert!(file.write_edited(&second, &rle, |_| Ok(())).is_err());
}

#[test]
fn signs_unused_bits_and_shifts_are_honoured() {
    let raw = words([0x0800, 0x07ff, 0xf001, 0xffff, 0x8000, 0]);
    assert_eq!(
        stored(&image([16, 12, 11], true, &raw)),
        [-2048, 2047, 1, -1, 0, 0]
    );
    assert_eq!(
        stored(&image([16, 12, 11], false, &raw)),
        [2048, 2047, 1, 4095, 0, 0]
    );
    assert_eq!(
        stored(&image([16, 12, 15], false, &raw)),
        [128, 127, 3840, 4095, 2048, 0]
    );
    assert_eq!(
        stored(&image([16, 12, 15], true, &raw)),
        [128, 127, -256, -1, -2048, 0]
    );
    assert_eq!(
        stored(&image([8, 8, 7], true, &[0, 1, 127, 128, 254, 255])),
        [0, 1, 127, -128, -2, -1]
    );
    let wide: Vec<u8> = [1, -1, i32::MAX, i32::MIN, 0, 7]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    assert_eq!(
        stored(&image([32, 32, 31], true, &wide)),
        [1, -1, i32::MAX, i32::MIN, 0, 7]
    );
    let unsigned = opened(&image([32, 32, 31], false, &wide));
    assert_eq!(unsigned.stored::<u32>().unwrap().as_slice()[1], u32::MAX);
    let message = unsigned.stored::<i32>().unwrap_err().to_string();
    assert!(
        message.contains("4294967295 of pixel [0, 0, 1] (frame 0)"),
        "{message}"
    );
}

#[test]
fn bits_and_twelves_run_on_across_frames() {
    let mut bits = image([1, 1, 0], false, &[0b1010_1010, 0b0000_1111]);
    bits.set_integers(Tag::NUMBER_OF_FRAMES, &[2]).unwrap();
    let want = [0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1];
    assert_eq!(stored(&bits), want);
    let file = opened(&bits);
    assert_eq!(
        file.stored_frame::<u8>(1).unwrap().as_slice(),
        [0, 1, 1, 1, 1, 1]
    );
    assert!(file.stored_frame::<u8>(2).is_err());
    let twelve = image(
        [12, 12, 11],
        false,
        &[0x21, 0x43, 0x65, 0x87, 0xa9, 0xcb, 0xed, 0x0f, 0x11],
    );
    assert_eq!(stored(&twelve), [0x321, 0x654, 0x987, 0xcba, 0xfed, 0x110]);
}

#[test]
fn floats_and_doubles_are_values() {
    let numbers = [0.5_f64, -1.0, 1e30, 0.0, 3.25, -7.0];
    for (tag, vr, bits) in [
        (Tag::FLOAT_PIXEL_DATA, Vr::OF, 32),
        (Tag::DOUBLE_FLOAT_PIXEL_DATA, Vr::OD, 64),
    ] {
        let mut dataset = image([16, 16, 15], false, &[]);
        dataset.remove(Tag::PIXEL_DATA);
        dataset.set_integers(Tag::BITS_ALLOCATED, &[bits]).unwrap();
        dataset.insert(Element::from_floats(tag, vr, &numbers).unwrap());
        let values = opened(&dataset).values::<f64>().unwrap();
        for (value, want) in values.as_slice().iter().zip(numbers) {
            assert!((value - want).abs() <= want.abs() * 1e-7);
        }
    }
}

#[test]
fn values_are_rescaled_exactly_or_refused() {
    let mut dataset = image([16, 16, 15], false, &words([0, 1, 2, 3, 4, 65535]));
    dataset.set_floats(Tag::RESCALE_SLOPE, &[1.0]).unwrap();
    dataset
        .set_floats(Tag::RESCALE_INTERCEPT, &[-1024.0])
        .unwrap();
    let file = opened(&dataset);
    assert_eq!(
        file.values::<i32>().unwrap().as_slice()[..2],
        [-1024, -1023]
    );
    assert!(file.values::<i16>().is_err()); // 64511
    dataset.set_floats(Tag::RESCALE_SLOPE, &[0.25]).unwrap();
    let file = opened(&dataset);
    assert_eq!(
        file.values::<f32>().unwrap().as_slice()[..2],
        [-1024.0, -1023.75]
    );
    assert!(file.values::<i32>().is_err());
    let mut small = image([16, 16, 15], false, &words([0, 4, 8, 12, 16, 20]));
    small.set_floats(Tag::RESCALE_SLOPE, &[0.25]).unwrap();
    assert_eq!(
        opened(&small).values::<u8>().unwrap().as_slice(),
        [0, 1, 2, 3, 4, 5]
    );
}

#[test]
fn each_frame_has_its_own_transform_window_and_place() {
    let mut dataset = image([8, 8, 7], false, &[1; 12]);
    dataset.set_integers(Tag::NUMBER_OF_FRAMES, &[2]).unwrap();
    let mut groups = Vec::new();
    for (slope, z) in [(1.0, 0.0), (2.5, 5.0)] {
        let item = |values: &[(Tag, &[f64])]| {
            let mut item = Dataset::new();
            for (tag, numbers) in values {
                item.set_floats(*tag, numbers).unwrap();
            }
            vec![item]
        };
        let mut group = Dataset::new();
        let rescale: [(Tag, &[f64]); 2] = [
            (Tag::RESCALE_SLOPE, &[slope]),
            (Tag::RESCALE_INTERCEPT, &[10.0]),
        ];
        group.set_items(Tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, item(&rescale));
        let place: [(Tag, &[f64]); 1] = [(Tag::IMAGE_POSITION_PATIENT, &[1.0, 2.0, z])];
        group.set_items(Tag::PLANE_POSITION_SEQUENCE, item(&place));
        let window: [(Tag, &[f64]); 2] =
            [(Tag::WINDOW_CENTER, &[z]), (Tag::WINDOW_WIDTH, &[400.0])];
        group.set_items(Tag::FRAME_VOI_LUT_SEQUENCE, item(&window));
        groups.push(group);
    }
    dataset.set_items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, groups);
    let mut measures = Dataset::new();
    measures
        .set_floats(Tag::PIXEL_SPACING, &[0.75, 0.5])
        .unwrap();
    let mut orientation = Dataset::new();
    let turned = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0];
    orientation
        .set_floats(Tag::IMAGE_ORIENTATION_PATIENT, &turned)
        .unwrap();
    let mut shared = Dataset::new();
    shared.set_items(Tag::PIXEL_MEASURES_SEQUENCE, vec![measures]);
    shared.set_items(Tag::PLANE_ORIENTATION_SEQUENCE, vec![orientation]);
    dataset.set_items(Tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared]);
    let file = opened(&dataset);
    let values = file.values::<f32>().unwrap();
    assert_eq!([values.frame(0)[0], values.frame(1)[0]], [11.0, 12.5]);
    let frame = file.frame::<f32>(1).unwrap();
    assert_eq!(frame.geometry().spacing(), [0.75, 0.5]);
    assert_eq!(frame.geometry().calibration(), Calibration::Patient);
    // Two columns on along y, one row on along -z.
    let place = frame.geometry().index_to_world([1.0, 2.0]).coordinates();
    assert_eq!(place, [1.0, 3.0, 4.25]);
    let Voi { windows, .. } = file.voi(1).unwrap();
    assert_eq!((windows[0].center, windows[0].width), (5.0, 400.0));
}

#[test]
fn a_modality_table_goes_before_slope_and_intercept() {
    let mut table = Dataset::new();
    table.insert(Element::from_integers(Tag::LUT_DESCRIPTOR, Vr::US, &[3, 1, 16]).unwrap());
    table.insert(Element::from_integers(Tag::LUT_DATA, Vr::US, &[100, 200, 400]).unwrap());
    let mut dataset = image([8, 8, 7], false, &[0, 1, 2, 3, 4, 255]);
    dataset.set_items(Tag::MODALITY_LUT_SEQUENCE, vec![table]);
    dataset.set_floats(Tag::RESCALE_SLOPE, &[2.0]).unwrap();
    let values = opened(&dataset).values::<u16>().unwrap();
    assert_eq!(values.as_slice(), [100, 100, 200, 400, 400, 400]);
}

#[test]
fn colours_come_as_channels_of_red_green_blue() {
    let interleaved: Vec<u8> = (0..18).collect();
    let file = opened(&colours("RGB", &interleaved));
    let array = file.values::<u8>().unwrap();
    assert_eq!(array.shape(), [1, 3, 2, 3]);
    assert_eq!(array.as_slice()[..6], [0, 3, 6, 9, 12, 15]);
    let mut planar = colours("RGB", &interleaved);
    planar
        .set_integers(Tag::PLANAR_CONFIGURATION, &[1])
        .unwrap();
    assert_eq!(
        opened(&planar).stored::<u8>().unwrap().into_vec(),
        interleaved
    );

    let red = [76, 85, 255].repeat(6);
    let file = opened(&colours("YBR_FULL", &red));
    assert_eq!(file.stored::<u8>().unwrap().frame(0)[..6], [76; 6]);
    assert_eq!(file.values::<u8>().unwrap().frame(0)[..6], [254; 6]);
    assert_eq!(file.colours().unwrap(), file.values::<u8>().unwrap());

    let mut halved = colours("YBR_FULL_422", &[10, 20, 128, 128, 30, 40, 128, 128]);
    halved.set_integers(Tag::COLUMNS, &[2]).unwrap();
    let grey = opened(&halved).values::<u8>().unwrap();
    assert_eq!(grey.as_slice(), [10, 20, 30, 40].repeat(3));
}

#[test]
fn palettes_give_the_entries_of_their_stored_values() {
    let mut dataset = image([8, 8, 7], true, &[0xff, 0, 1, 2, 3, 0x80]);
    dataset
        .set_text(Tag::PHOTOMETRIC_INTERPRETATION, "PALETTE COLOR")
        .unwrap();
    for (descriptor, data, base) in [
        (Tag::RED_PALETTE_DESCRIPTOR, Tag::RED_PALETTE_DATA, 0x100),
        (
            Tag::GREEN_PALETTE_DESCRIPTOR,
            Tag::GREEN_PALETTE_DATA,
            0x200,
        ),
        (Tag::BLUE_PALETTE_DESCRIPTOR, Tag::BLUE_PALETTE_DATA, 0x300),
    ] {
        // Three entries from -1 on.
        dataset.set_integers(descriptor, &[3, -1, 16]).unwrap();
        dataset
            .set_integers(data, &[base, base * 16, base * 32])
            .unwrap();
    }
    let file = opened(&dataset);
    let values = file.values::<u16>().unwrap();
    let red = [0x100, 0x1000, 0x2000, 0x2000, 0x2000, 0x100];
    assert_eq!(values.as_slice()[..6], red);
    assert_eq!(values.as_slice()[6], 0x200);
    assert_eq!(file.colours().unwrap().as_slice()[..3], [1, 0x10, 0x20]);
    assert_eq!(file.palette().unwrap().colour(0), [0x1000, 0x2000, 0x3000]);
}

#[test]
fn overlays_are_read_from_their_own_data_and_from_unused_bits() {
    let mut dataset = image(
        [16, 12, 11],
        false,
        &words([0x1000, 1, 0x1002, 3, 4, 0xf005]),
    );
    let tag = |element| Tag::new(0x6002, element);
    dataset.set_integers(tag(0x10), &[1]).unwrap();
    dataset.set_integers(tag(0x11), &[10]).unwrap();
    dataset.set_text(tag(0x40), "R").unwrap();
    dataset.insert(Element::from_integers(tag(0x50), Vr::SS, &[2, -1]).unwrap());
    let bits = Value::Bytes([0b0000_0101, 0b10].into());
    dataset.insert(Element::new(tag(0x3000), Vr::OW, bits));
    let position = Element::from_integers(Tag::new(0x6000, 0x102), Vr::US, &[12]).unwrap();
    dataset.insert(position);
    let file = opened(&dataset);
    let overlays = file.overlays().unwrap();
    assert_eq!(overlays.len(), 2);
    let own = overlays.iter().find(|o| o.group == 0x6002).unwrap();
    assert_eq!(
        (own.shape, own.origin, own.is_region),
        ([1, 10], [1, -2], true)
    );
    let set: Vec<usize> = (0..10).filter(|&i| own.mask[i]).collect();
    assert_eq!(set, [0, 2, 9]);
    let embedded = overlays.iter().find(|o| o.group == 0x6000).unwrap();
    assert_eq!(embedded.mask, [true, false, true, false, false, true]);
    // The image does not show them.
    assert_eq!(stored(&dataset), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn unknown_representations_are_read_with_the_dictionary() {
    let mut dataset = image([16, 16, 15], false, &words([1; 6]));
    let slope = Value::Bytes((*b"2 ").into());
    dataset.insert(Element::new(Tag::RESCALE_SLOPE, Vr::UN, slope));
    let file = opened(&dataset);
    assert_eq!(file.dataset().float(Tag::RESCALE_SLOPE).unwrap(), Some(2.0));
    assert!(matches!(
        file.report().warnings[..],
        [medio::Warning::Dicom(Warning::Tolerated { .. })]
    ));
    assert_eq!(file.values::<u8>().unwrap().as_slice(), [2; 6]);
}

#[test]
fn private_attributes_are_found_by_their_creator() {
    let mut dataset = image([16, 16, 15], false, &words([1; 6]));
    let put = |dataset: &mut Dataset, element, vr, text: &str| {
        let value = Value::Bytes(text.as_bytes().into());
        dataset.insert(Element::new(Tag::new(0x0029, element), vr, value));
    };
    put(&mut dataset, 0x10, Vr::LO, "SOMEBODY ELSE");
    put(&mut dataset, 0x1010, Vr::LO, "wrong ");
    put(&mut dataset, 0x11, Vr::LO, "MAKER ");
    put(&mut dataset, 0x1110, Vr::LO, "right ");
    let file = opened(&dataset);
    let found = file.dataset().private("MAKER", 0x0029, 0x10).unwrap();
    assert_eq!(found.text(file.dataset().character_set()), "right");
    assert!(file.dataset().private("NOBODY", 0x0029, 0x10).is_none());
}

#[test]
fn what_is_not_decoded_is_refused_by_name() {
    for (uid, name) in [
        (
            "1.2.840.10008.1.2.4.102",
            "MPEG-4 AVC/H.264 High Profile / Level 4.1",
        ),
        ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless"),
    ] {
        let mut dataset = image([8, 8, 7], false, &[]);
        let fragments = Value::Fragments(vec![Box::default(), (*b"data").into()]);
        dataset.insert(Element::new(Tag::PIXEL_DATA, Vr::OB, fragments));
        let syntax = TransferSyntax::from_uid(uid).unwrap();
        let bytes = dicom::encode(&dataset, &WriteOptions::new().transfer_syntax(syntax)).unwrap();
        let file = dicom::decode(bytes, &ReadOptions::new()).unwrap();
        let message = file.stored::<u8>().unwrap_err().to_string();
        assert!(message.contains(name), "{message}");
    }
}
