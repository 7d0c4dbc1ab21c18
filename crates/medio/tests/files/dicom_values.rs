//! Values that private attributes, real-world mappings and dose grids decide, and their units.

use medio::dicom::{
    self, Axis, AxisValue, Dataset, DicomFile, Element, Quantity, ReadOptions, RealWorldFunction,
    SeriesVolume, Tag, Value, Vr, WriteOptions,
};

use super::dicom_series::{Spec, axial, five, folder, scan};

fn element(tag: Tag, vr: Vr, bytes: impl AsRef<[u8]>) -> Element {
    Element::new(tag, vr, Value::Bytes(bytes.as_ref().into()))
}

fn file(dataset: &Dataset) -> DicomFile {
    let bytes = dicom::encode(dataset, &WriteOptions::new()).unwrap();
    dicom::decode(bytes, &ReadOptions::new()).unwrap()
}

fn private(dataset: &mut Dataset, creator: &str, group: u16, last: u8, vr: Vr, bytes: &[u8]) {
    // A block that is not the first.
    dataset.insert(element(Tag::new(group, 0x10), Vr::LO, "SOMEBODY ELSE"));
    dataset.insert(element(Tag::new(group, 0x11), Vr::LO, creator));
    let tag = Tag::new(group, 0x1100 + u16::from(last));
    dataset.insert(element(tag, vr, bytes));
}

fn mapping(first: i64, last: i64, unit: &str) -> Dataset {
    let mut code = Dataset::new();
    code.set_text(Tag::CODE_VALUE, unit).unwrap();
    let mut item = Dataset::new();
    item.set_items(Tag::MEASUREMENT_UNITS_CODE_SEQUENCE, vec![code]);
    item.set_text(Tag::LUT_LABEL, "MAP").unwrap();
    let first = [first];
    item.set_integers(Tag::REAL_WORLD_VALUE_FIRST_VALUE_MAPPED, &first)
        .unwrap();
    item.set_integers(Tag::REAL_WORLD_VALUE_LAST_VALUE_MAPPED, &[last])
        .unwrap();
    item
}

fn linear(first: i64, last: i64, unit: &str, [slope, intercept]: [f64; 2]) -> Dataset {
    let mut item = mapping(first, last, unit);
    item.set_floats(Tag::REAL_WORLD_VALUE_SLOPE, &[slope])
        .unwrap();
    item.set_floats(Tag::REAL_WORLD_VALUE_INTERCEPT, &[intercept])
        .unwrap();
    item
}

#[test]
fn real_world_values_are_had_by_their_unit() {
    // Stored values are 0 to 11.
    let mut d = axial(0, 0.0).dataset();
    let mut table = mapping(6, 11, "ms");
    let entries: Vec<f64> = (0..6).map(|k| f64::from(k * k) + 0.25).collect();
    table
        .set_floats(Tag::REAL_WORLD_VALUE_LUT_DATA, &entries)
        .unwrap();
    d.set_items(
        Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE,
        vec![
            linear(0, 5, "ms", [0.5, 10.0]),
            table,
            linear(0, 9, "mm2/s", [1e-6, 0.0]),
        ],
    );
    let file = file(&d);
    let quantity = |unit: Option<&str>| Quantity::RealWorld {
        unit: unit.map(str::to_owned),
    };
    let values = file.values_of::<f64>(&quantity(Some("ms"))).unwrap();
    let want = [
        10.0, 10.5, 11.0, 11.5, 12.0, 12.5, 0.25, 1.25, 4.25, 9.25, 16.25, 25.25,
    ];
    assert_eq!(values.as_slice(), want);
    let other = quantity(Some("mm2/s"));
    let values = file.values_of::<f64>(&other).unwrap();
    assert_eq!(values.as_slice()[9], 9.0 * 1e-6);
    // No mapping covers the last two.
    assert!(values.as_slice()[10..].iter().all(|v| v.is_nan()));
    assert!(file.values_of::<u16>(&other).is_err());
    assert_eq!(file.unit(0, &other).unwrap().as_deref(), Some("mm2/s"));
    for (asked, part) in [
        (None, "asked for by its unit"),
        (Some("s"), "in the unit asked for"),
    ] {
        let error = file
            .values_of::<f64>(&quantity(asked))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(part) && error.contains("ms, ms, mm2/s"),
            "{error}"
        );
    }
    let mappings = file.real_world(0).unwrap();
    assert_eq!(mappings.len(), 3);
    assert_eq!(mappings[0].value(4.0), Some(12.0));
    assert_eq!(mappings[0].value(6.0), None);
    assert!(matches!(&mappings[1].function, RealWorldFunction::Table(t) if t.len() == 6));
    assert_eq!(file.values::<u8>().unwrap().as_slice()[11], 11);
}

#[test]
fn a_table_of_another_length_and_a_slope_without_intercept_are_refused() {
    let mut short = mapping(0, 5, "1");
    short
        .set_floats(Tag::REAL_WORLD_VALUE_LUT_DATA, &[1.0; 5])
        .unwrap();
    let mut half = mapping(0, 5, "1");
    half.set_floats(Tag::REAL_WORLD_VALUE_SLOPE, &[1.0])
        .unwrap();
    for (item, part) in [
        (short, "5 for 0 to 5"),
        (half, "RealWorldValueIntercept"),
        (mapping(0, 5, "1"), "RealWorldValueSlope"),
        (Dataset::new(), "RealWorldValueFirstValueMapped"),
    ] {
        let mut d = axial(0, 0.0).dataset();
        d.set_items(Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE, vec![item]);
        let error = file(&d).real_world(0).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn philips_scale_slope_makes_slices_comparable() {
    let mut d = axial(1, 0.0).dataset();
    d.set_floats(Tag::RESCALE_SLOPE, &[2.0]).unwrap();
    d.set_floats(Tag::RESCALE_INTERCEPT, &[-3.0]).unwrap();
    let none = file(&d).values_of::<f64>(&Quantity::PhilipsFloat);
    assert!(
        none.unwrap_err()
            .to_string()
            .contains("(2005,100E) is missing")
    );
    let scale = 0.125_f32.to_le_bytes();
    for vr in [Vr::FL, Vr::UN] {
        private(
            &mut d,
            "Philips MR Imaging DD 001",
            0x2005,
            0x0e,
            vr,
            &scale,
        );
        let values = file(&d).values_of::<f64>(&Quantity::PhilipsFloat).unwrap();
        // (2 * 105 - 3) / (2 * 0.125)
        assert_eq!(values.as_slice()[5], 828.0);
    }
    // A frame's own scale goes before that of the file.
    let mut item = Dataset::new();
    let scale = 0.25_f32.to_le_bytes();
    private(
        &mut item,
        "Philips MR Imaging DD 001",
        0x2005,
        0x0e,
        Vr::FL,
        &scale,
    );
    let mut groups = Dataset::new();
    private(
        &mut groups,
        "Philips MR Imaging DD 005",
        0x2005,
        0x0f,
        Vr::UN,
        b"",
    );
    groups.set_items(Tag::new(0x2005, 0x110f), vec![item]);
    d.set_items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, vec![groups]);
    let values = file(&d).values_of::<f64>(&Quantity::PhilipsFloat).unwrap();
    assert_eq!(values.as_slice()[5], 414.0);
}

fn volumes(slices: &[Dataset]) -> Vec<SeriesVolume<f32>> {
    let folder = tempfile::tempdir().unwrap();
    for (k, slice) in slices.iter().enumerate() {
        let path = folder.path().join(format!("{k}.dcm"));
        dicom::write(path, slice, &WriteOptions::new()).unwrap();
    }
    let scan = scan(folder.path());
    let stack = scan.only().unwrap().stack().unwrap();
    stack.volumes::<f32>(&ReadOptions::new()).unwrap()
}

/// What weights a slice.
type Weight<'a> = &'a dyn Fn(&mut Dataset);

/// Two slices for each weighting.
fn weighted(each: &[Weight<'_>]) -> Vec<SeriesVolume<f32>> {
    let mut slices = Vec::new();
    for (index, weight) in each.iter().enumerate() {
        for k in 0..2 {
            let number = 2 * index + k;
            let slice = Spec {
                uid: format!("1.4.{number}"),
                ..axial(u16::try_from(number).unwrap(), 5.0 * k as f64)
            };
            let mut d = slice.dataset();
            weight(&mut d);
            slices.push(d);
        }
    }
    volumes(&slices)
}

#[test]
fn b_values_of_four_makers_tell_volumes_apart() {
    let siemens = |b: &'static str| {
        move |d: &mut Dataset| private(d, "SIEMENS MR HEADER", 0x0019, 0x0c, Vr::IS, b.as_bytes())
    };
    let ge = |b: &'static str| {
        move |d: &mut Dataset| private(d, "GEMS_PARM_01", 0x0043, 0x39, Vr::UN, b.as_bytes())
    };
    let philips = |b: f32| {
        move |d: &mut Dataset| {
            private(
                d,
                "Philips Imaging DD 001",
                0x2001,
                0x03,
                Vr::UN,
                &b.to_le_bytes(),
            );
        }
    };
    let standard =
        |b: f64| move |d: &mut Dataset| d.set_floats(Tag::DIFFUSION_B_VALUE, &[b]).unwrap();
    let pairs: [[Weight<'_>; 2]; 4] = [
        [&siemens("750"), &siemens("0")],
        [&ge("1000000750\\8\\0\\0"), &ge("0\\8\\0\\0")],
        [&philips(750.0), &philips(0.0)],
        [&standard(750.0), &standard(0.0)],
    ];
    for pair in &pairs {
        let volumes = weighted(pair);
        let axes: Vec<_> = volumes.iter().map(|v| v.axis.clone()).collect();
        let at = |b| Some((Axis::BValue, AxisValue::Number(b)));
        assert_eq!(axes, [at(0.0), at(750.0)]);
        assert_eq!(volumes[1].diffusion.unwrap().b_value, 750.0);
        // The second pair was written last.
        assert_eq!(volumes[0].image.as_slice()[0], 200.0);
    }
}

#[test]
fn gradients_of_one_b_value_tell_volumes_apart() {
    let gradient = |direction: [f64; 3]| {
        move |d: &mut Dataset| {
            private(d, "SIEMENS MR HEADER", 0x0019, 0x0c, Vr::IS, b"1000");
            let bytes: Vec<u8> = direction.iter().flat_map(|c| c.to_le_bytes()).collect();
            let tag = Tag::new(0x0019, 0x110e);
            d.insert(element(tag, Vr::FD, bytes));
        }
    };
    let volumes = weighted(&[&gradient([0.0, 1.0, 0.0]), &gradient([0.0, -0.6, 0.8])]);
    let directions: Vec<_> = { volumes.iter() }
        .map(|v| v.diffusion.unwrap().direction.unwrap())
        .collect();
    assert_eq!(directions, [[0.0, -0.6, 0.8], [0.0, 1.0, 0.0]]);
    assert!(matches!(
        volumes[0].axis,
        Some((Axis::Gradient, AxisValue::Gradient(_)))
    ));
}

#[test]
fn a_volume_keeps_the_unit_that_all_its_slices_share() {
    let unit = |slices: &[Spec]| {
        let folder = folder(slices);
        let scan = scan(folder.path());
        let volume = scan.only().unwrap().volume::<f32>().unwrap();
        (volume.unit, volume.warnings.len())
    };
    let rescaled: Vec<Spec> = { five().into_iter() }
        .map(|s| {
            s.with(Tag::RESCALE_SLOPE, Vr::DS, 1)
                .with(Tag::RESCALE_INTERCEPT, Vr::DS, 0)
        })
        .collect();
    // Computed tomography says nothing where it is Hounsfield units.
    assert_eq!(unit(&rescaled), (Some("HU".to_owned()), 0));
    assert_eq!(unit(&five()), (None, 0));
    let mut named: Vec<Spec> = { rescaled.into_iter() }
        .map(|s| s.with(Tag::RESCALE_TYPE, Vr::LO, "Z_EFF"))
        .collect();
    assert_eq!(unit(&named), (Some("Z_EFF".to_owned()), 0));
    named[2] = named[2].clone().with(Tag::RESCALE_TYPE, Vr::LO, "US");
    assert_eq!(unit(&named), (None, 1));
}

fn dose(offsets: &[f64], scaling: f64) -> Dataset {
    let mut d = axial(0, -7.5).dataset();
    d.set_text(Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.481.2")
        .unwrap();
    d.set_text(Tag::MODALITY, "RTDOSE").unwrap();
    let frames = i64::try_from(offsets.len()).unwrap();
    d.set_integers(Tag::NUMBER_OF_FRAMES, &[frames]).unwrap();
    d.set_floats(Tag::GRID_FRAME_OFFSET_VECTOR, offsets)
        .unwrap();
    d.set_floats(Tag::DOSE_GRID_SCALING, &[scaling]).unwrap();
    d.set_text(Tag::DOSE_UNITS, "GY").unwrap();
    for (tag, value) in [
        (Tag::BITS_ALLOCATED, 32),
        (Tag::BITS_STORED, 32),
        (Tag::HIGH_BIT, 31),
    ] {
        d.set_integers(tag, &[value]).unwrap();
    }
    let pixels = (0..12 * u32::try_from(frames).unwrap()).map(|i| 100_000 + i);
    let bytes: Vec<u8> = pixels.flat_map(u32::to_le_bytes).collect();
    d.insert(element(Tag::PIXEL_DATA, Vr::OW, bytes));
    d
}

#[test]
fn a_dose_grid_is_a_volume_of_gray() {
    for offsets in [[0.0, 3.0, 6.0], [-7.5, -4.5, -1.5]] {
        let all = volumes(&[dose(&offsets, 2.5e-5)]);
        let [volume] = &all[..] else { panic!() };
        assert_eq!(volume.image.geometry().spacing(), [3.0, 0.5, 0.75]);
        assert_eq!(
            volume.image.geometry().origin().coordinates(),
            [-10.0, -20.0, -7.5]
        );
        let want = (f64::from(100_000 + 12 + 5) * 2.5e-5) as f32;
        assert_eq!(volume.image.as_slice()[12 + 5], want);
        assert_eq!(volume.unit.as_deref(), Some("GY"));
    }
    // A frame cut out of a grid.
    let mut alone = dose(&[0.0], 1.0);
    alone
        .set_floats(Tag::GRID_FRAME_OFFSET_VECTOR, &[0.0, 3.0])
        .unwrap();
    assert_eq!(volumes(&[alone])[0].image.shape(), [1, 3, 4]);
    // Against the normal.
    let [volume] = &volumes(&[dose(&[0.0, -3.0, -6.0], 1.0)])[..] else {
        panic!();
    };
    assert_eq!(volume.image.geometry().origin().coordinates()[2], -13.5);
    assert_eq!(volume.image.as_slice()[0], 100_024.0);
}

#[test]
fn a_dose_grid_that_contradicts_itself_is_refused() {
    let refused = |d: &Dataset| {
        let folder = tempfile::tempdir().unwrap();
        dicom::write(folder.path().join("d.dcm"), d, &WriteOptions::new()).unwrap();
        let mut scan = dicom::scan(folder.path()).unwrap();
        scan.refused.pop().unwrap().error.to_string()
    };
    let mut fewer = dose(&[0.0, 3.0, 6.0], 1.0);
    fewer
        .set_floats(Tag::GRID_FRAME_OFFSET_VECTOR, &[0.0, 3.0])
        .unwrap();
    assert!(refused(&fewer).contains("2 offsets for 3 frames"));
    let elsewhere = dose(&[4.0, 7.0, 10.0], 1.0);
    assert!(refused(&elsewhere).contains("0 first, or the place"));
    let error = file(&dose(&[0.0], -1.0)).values::<f32>().unwrap_err();
    assert!(error.to_string().contains("above 0"));
}
