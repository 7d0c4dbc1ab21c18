//! Parametric maps, written, read back and judged.

use medio::dicom::{
    self, Creation, Dataset, Element, ImageKind, ImageSeries, MapValue, ParametricMap, Source, Tag,
    Value, Vr, WriteOptions, codes,
};
use medio::medcore::{Geometry, GeometryTolerance, Image};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::judge::{Place, validate};
use crate::series::{Lie, creation, read};

/// What is left of a grid after sixteen characters a number.
const ROUNDED: GeometryTolerance = GeometryTolerance {
    spacing_relative: 1e-12,
    direction: 1e-12,
    origin_voxels: 1e-9,
};

fn same(a: &[f64], b: &[f64]) -> bool {
    let mut pairs = a.iter().zip(b);
    a.len() == b.len() && pairs.all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

fn through<T: MapValue>(name: &str, source: &Source, image: Image<T, 3>, creation: &Creation) {
    let place = Place::of(&format!("parametric-map-{name}"));
    let path = place.path().join("map.dcm");
    let quantity = codes::APPARENT_DIFFUSION_COEFFICIENT;
    let unit = codes::SQUARE_MILLIMETRE_PER_SECOND;
    let map = ParametricMap::new(source, image, quantity.clone(), unit.clone()).unwrap();
    let map = map
        .label("ADC_1")
        .description("Diffusion, größer ist heller");
    map.write(&path, creation).unwrap();
    validate(&path);
    let again = ParametricMap::<T>::read(&path).unwrap();
    assert_eq!(
        (again.quantity.clone(), again.unit.clone()),
        (Some(quantity), unit)
    );
    assert_eq!(
        (&again.label, &again.description),
        (&map.label, &map.description)
    );
    assert_eq!(again.frame_of_reference(), source.frame_of_reference());
    let wide = |image: &Image<T, 3>| image.as_slice().iter().map(|v| (*v).into()).collect();
    let (values, found): (Vec<f64>, Vec<f64>) = (wide(&map.image), wide(&again.image));
    assert!(same(&values, &found));
    let grid = map.image.geometry();
    grid.check_same_as(again.image.geometry(), &ROUNDED)
        .unwrap();
    // A map that was read can be written again, without a source.
    let second = place.path().join("again.dcm");
    again.write(&second, creation).unwrap();
    validate(&second);
    let places = (0..grid.shape()[0]).map(|k| grid.index_to_world([k as f64, 0.0, 0.0]));
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let digest = Sha256::digest(bytes);
    let references: Vec<_> = source.frames().iter().map(|f| &f.instance_uid).collect();
    place.expect(&json!({
        "shape": grid.shape(),
        "positions": places.map(|p| p.coordinates()).collect::<Vec<_>>(),
        "spacing": &grid.spacing()[1..],
        "rows": [grid.direction()[2], grid.direction()[1]],
        "regular": !name.contains("sheared"),
        "dtype": if size_of::<T>() == 4 { "float32" } else { "float64" },
        "sha256": digest.iter().map(|b| format!("{b:02x}")).collect::<String>(),
        "unit": "mm2/s",
        "quantity": "113041",
        "sources": if grid == source.geometry() { json!(references) } else { json!(null) },
    }));
}

#[test]
fn a_map_comes_back_on_its_grid_with_its_values() {
    for lie in Lie::ALL {
        let folder = tempfile::tempdir().unwrap();
        let (volume, source) = read(folder.path(), lie);
        let mut single = volume.image.map(|v| v * 1e-3 - 0.7);
        single.as_mut_slice()[7] = f32::NAN;
        through(lie.name(), &source, single, &creation("single"));
        let double = volume.image.map(|v| f64::from(v) / 3.0);
        through(
            &format!("double-{}", lie.name()),
            &source,
            double,
            &creation("double"),
        );
    }
}

#[test]
fn a_map_may_lie_on_another_grid() {
    let folder = tempfile::tempdir().unwrap();
    let (_, source) = read(folder.path(), Lie::Oblique);
    let grid = source.geometry().with_spacing([5.0, 1.25, 1.5]).unwrap();
    let values: Vec<f32> = (0..grid.len()).map(|i| i as f32).collect();
    let image = Image::new(grid, values).unwrap();
    through("other-grid", &source, image, &creation("other"));
}

#[test]
fn a_map_of_one_value_is_a_map() {
    let folder = tempfile::tempdir().unwrap();
    let (_, source) = read(folder.path(), Lie::Axial);
    for (name, value) in [("constant", 0.0), ("unknown", f32::NAN)] {
        let image = Image::new(*source.geometry(), vec![value; source.geometry().len()]);
        through(name, &source, image.unwrap(), &creation(name));
    }
}

/// A map of whole numbers, as scanners make them.
fn whole_numbers(edit: impl FnOnce(&mut Dataset)) -> Result<ParametricMap<f32>, medio::Error> {
    let folder = tempfile::tempdir().unwrap();
    let (volume, source) = read(&folder.path().join("ct"), Lie::Axial);
    let map = ParametricMap::new(&source, volume.image, codes::VOLUME, codes::MILLILITRE);
    let mut dataset = map.unwrap().to_dataset(&creation("whole")).unwrap();
    dataset.remove(Tag::FLOAT_PIXEL_DATA);
    let stored = (0..5 * 11 * 13).flat_map(|i: u16| i.to_le_bytes());
    let stored = Value::Bytes(stored.collect::<Vec<u8>>().into());
    dataset.insert(Element::new(Tag::PIXEL_DATA, Vr::OW, stored));
    for (tag, value) in [
        (Tag::BITS_ALLOCATED, 16),
        (Tag::BITS_STORED, 16),
        (Tag::HIGH_BIT, 15),
        (Tag::PIXEL_REPRESENTATION, 0),
    ] {
        dataset.set_integers(tag, &[value]).unwrap();
    }
    edit(&mut dataset);
    let path = folder.path().join("map.dcm");
    dicom::write(&path, &dataset, &WriteOptions::new()).unwrap();
    ParametricMap::read(&path)
}

/// Changes the item of a shared functional group.
fn group(dataset: &mut Dataset, tag: Tag, edit: impl FnOnce(&mut Dataset)) {
    let mut shared = dataset
        .item(Tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)
        .unwrap()
        .clone();
    let mut item = shared.item(tag).unwrap().clone();
    edit(&mut item);
    shared.set_items(tag, vec![item]);
    dataset.set_items(Tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared]);
}

#[test]
fn whole_numbers_become_real_world_values() {
    let mapping = Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE;
    let map = whole_numbers(|dataset| {
        group(dataset, mapping, |item| {
            item.set_floats(Tag::REAL_WORLD_VALUE_SLOPE, &[0.5])
                .unwrap();
            item.set_floats(Tag::REAL_WORLD_VALUE_INTERCEPT, &[-3.0])
                .unwrap();
        });
    });
    let values: Vec<f32> = (0..5 * 11 * 13).map(|i| i as f32 * 0.5 - 3.0).collect();
    assert_eq!(map.unwrap().image.as_slice(), values);
}

#[test]
fn values_that_no_mapping_covers_are_not_known() {
    let map = whole_numbers(|dataset| {
        group(dataset, Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE, |item| {
            for (tag, end) in [
                (Tag::DOUBLE_FLOAT_REAL_WORLD_VALUE_FIRST_VALUE_MAPPED, 2.0),
                (Tag::DOUBLE_FLOAT_REAL_WORLD_VALUE_LAST_VALUE_MAPPED, 4.0),
            ] {
                item.set_floats(tag, &[end]).unwrap();
            }
        });
    });
    let map = map.unwrap();
    let (first, rest) = map.image.as_slice().split_at(5);
    assert!(first[..2].iter().chain(rest).all(|v| v.is_nan()));
    assert_eq!(first[2..], [2.0, 3.0, 4.0]);
}

#[test]
fn maps_that_do_not_say_what_they_mean_are_refused() {
    let mapping = Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE;
    let refused = |edit: &dyn Fn(&mut Dataset), words: &str| {
        let error = whole_numbers(edit).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let change = |dataset: &mut Dataset, edit: &dyn Fn(&mut Dataset)| group(dataset, mapping, edit);
    for (value, words) in [(0.0, "other than 0"), (f64::NAN, "finite")] {
        let slope = |item: &mut Dataset| {
            item.set_floats(Tag::REAL_WORLD_VALUE_SLOPE, &[value])
                .unwrap();
        };
        refused(&|dataset| change(dataset, &slope), words);
    }
    let unit = |item: &mut Dataset| drop(item.remove(Tag::MEASUREMENT_UNITS_CODE_SEQUENCE));
    refused(
        &|dataset| change(dataset, &unit),
        "MeasurementUnitsCodeSequence",
    );
    let table = |item: &mut Dataset| {
        item.set_floats(Tag::REAL_WORLD_VALUE_LUT_DATA, &[1.0, 2.0])
            .unwrap();
    };
    refused(
        &|dataset| change(dataset, &table),
        "a table of real world values",
    );
    let rescaled = |dataset: &mut Dataset| {
        group(dataset, Tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, |item| {
            item.set_floats(Tag::RESCALE_SLOPE, &[2.0]).unwrap();
        });
    };
    refused(&rescaled, "rescaled first");
    let other = |dataset: &mut Dataset| {
        dataset
            .set_text(Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2")
            .unwrap();
    };
    refused(&other, "that of a parametric map");
}

#[test]
fn what_is_no_map_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (volume, source) = read(&folder.path().join("ct"), Lie::Axial);
    let new = |image| ParametricMap::new(&source, image, codes::VOLUME, codes::MILLILITRE);
    let fails = |map: ParametricMap<f32>, words: &str| {
        let error = map.to_dataset(&creation("no")).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let map = || new(volume.image.clone()).unwrap();
    fails(map().label("lower case"), "capitals");
    fails(map().label(""), "capitals");
    fails(
        new(volume.image.map(|_| f32::INFINITY)).unwrap(),
        "finite or NaN",
    );
    let two = Image::with_channels(2, *source.geometry(), vec![0.0; 2 * 5 * 11 * 13]);
    assert!(new(two.unwrap()).is_err());
    // A source without a frame of reference is no place for a map.
    let grid = Geometry::axis_aligned([1, 2, 2], [1.0; 3]).unwrap();
    let mut header = source.header().clone();
    header.remove(Tag::FRAME_OF_REFERENCE_UID);
    let nowhere = Source::new(header, grid, source.frames()[..1].to_vec()).unwrap();
    let image = Image::new(grid, vec![0.0_f32; 4]).unwrap();
    let refused = ParametricMap::new(&nowhere, image, codes::VOLUME, codes::MILLILITRE);
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("FrameOfReferenceUID")
    );
    // Images are no maps.
    let series = ImageSeries::new(ImageKind::Ct, source.header());
    let written = series.write(folder.path().join("to"), &volume.image, &creation("ct"));
    assert!(ParametricMap::<f32>::read(&written.unwrap().paths[0]).is_err());
}
