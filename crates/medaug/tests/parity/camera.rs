//! What cameras and files do to pictures, filters by name, masks: OpenCV, Albumentations, MONAI.

use medaug::{
    Emboss, Equalize, EqualizeRule, FilterKind, ForegroundMask, ForegroundTone, GridSplit,
    ImageCompression, ImageFilter, MaskThreshold, Operation, Sample, iso_noise,
};
use medcore::{Geometry, Image};

use crate::support::{Array, Fixture, voxels_after};

fn channels(array: &Array) -> Image<f32, 2> {
    let [height, width] = array.shape[array.shape.len() - 2..] else {
        panic!("a picture");
    };
    let grid = Geometry::axis_aligned([height, width], [1.0; 2]).unwrap();
    let count = array.values.len() / grid.len();
    Image::with_channels(count, grid, array.floats()).unwrap()
}

/// A picture in levels, from 0 to 1.
fn unit(array: &Array) -> Image<f32, 2> {
    channels(array).map(|level| level / 255.0)
}

#[test]
fn jpeg_takes_what_libjpeg_takes() {
    let fixture = Fixture::load("camera");
    // In the odd picture a frequency of colour lies between two steps, and goes to the other one.
    for (shape, most, least) in [("even", 3.0, 0.1), ("odd", 7.0, 0.4)] {
        let colours = unit(&fixture.get(&format!("{shape}.colours")));
        let grey = Image::new(*colours.geometry(), colours.channel(1).to_vec()).unwrap();
        for (name, image) in [("colours", colours), ("grey", grey)] {
            for quality in [15, 75] {
                let want = fixture.get(&format!("{shape}.{name}.{quality}"));
                let done = voxels_after(image.clone(), ImageCompression { quality });
                let away = |(&got, want): (&f32, &f64)| (f64::from(got) * 255.0 - want).abs();
                let far: Vec<f64> = done.iter().zip(&want.values).map(away).collect();
                let largest = far.iter().copied().fold(0.0, f64::max);
                let mean = far.iter().sum::<f64>() / far.len() as f64;
                let before = image.as_slice().iter().zip(&want.values).map(away);
                let lost = before.sum::<f64>() / far.len() as f64;
                let which = format!("{shape} {name} {quality}: {largest} {mean} of {lost}");
                assert!(
                    largest <= most + 0.01 && mean < least && lost > 8.0 * mean,
                    "{which}"
                );
            }
        }
    }
}

#[test]
fn a_cameras_noise_is_that_of_albumentations() {
    let fixture = Fixture::load("camera");
    let get = |name: &str| fixture.get(&format!("iso.{name}"));
    let mut sample = Sample::new(channels(&get("image")));
    iso_noise(
        &mut sample,
        &get("degrees").floats(),
        &get("lifts").floats(),
    )
    .unwrap();
    get("noised").assert_close(sample.image().as_slice(), 1e-5, "noised");
}

#[test]
fn pictures_are_embossed_and_equalised_as_by_albumentations() {
    let fixture = Fixture::load("camera");
    let emboss = Emboss {
        alpha: 0.35,
        strength: 0.6,
    };
    let got = voxels_after(channels(&fixture.get("smooth")), emboss);
    fixture.get("embossed").assert_close(&got, 2e-6, "embossed");
    let equalize = Equalize {
        rule: EqualizeRule::OpenCv,
    };
    let got = voxels_after(unit(&fixture.get("levels")), equalize);
    let levels: Vec<u8> = got.iter().map(|v| (v * 255.0).round() as u8).collect();
    fixture
        .get("equalized")
        .assert_labels(&levels, 0, "equalized");
}

fn filtered<const D: usize>() {
    let fixture = Fixture::load("camera");
    let array = fixture.get(&format!("{D}d.image"));
    let image = array.image(Geometry::<D>::axis_aligned(array.shape(), [1.0; D]).unwrap());
    for (name, kind) in [
        ("mean", FilterKind::Mean),
        ("laplace", FilterKind::Laplace),
        ("elliptical", FilterKind::Elliptical),
        ("sharpen", FilterKind::Sharpen),
    ] {
        let mut want = fixture.get(&format!("{D}d.{name}"));
        if kind == FilterKind::Mean {
            let count = 5_f64.powi(D as i32);
            want.values.iter_mut().for_each(|v| *v /= count);
        }
        let got = voxels_after(image.clone(), ImageFilter { kind, size: 5 });
        want.assert_close(&got, 5e-6, name);
    }
}

#[test]
fn filters_by_name_are_monais() {
    filtered::<2>();
    filtered::<3>();
}

#[test]
fn foreground_is_monais() {
    let fixture = Fixture::load("camera");
    let slide = channels(&fixture.get("slide"));
    let at = |threshold| Some(MaskThreshold::At(threshold));
    let otsu = Some(MaskThreshold::Otsu);
    for (name, mask) in [
        ("otsu", ForegroundMask::default()),
        (
            "green",
            ForegroundMask {
                channels: vec![at(0.5), at(0.6), None],
                ..ForegroundMask::default()
            },
        ),
        (
            "hsv",
            ForegroundMask {
                hsv: [otsu, at(0.2), None],
                ..ForegroundMask::default()
            },
        ),
        (
            "inverted",
            ForegroundMask {
                channels: vec![otsu, None, None],
                tone: ForegroundTone::Bright,
                ..ForegroundMask::default()
            },
        ),
    ] {
        let done = Operation::from(mask)
            .apply_to(Sample::new(slide.clone()))
            .unwrap();
        assert_eq!(done.image().channels(), 1);
        let got: Vec<u8> = done.image().as_slice().iter().map(|&v| v as u8).collect();
        let want = fixture.get(&format!("slide.{name}"));
        assert!(want.values.contains(&1.0) && want.values.contains(&0.0));
        want.assert_labels(&got, 0, name);
    }
}

#[test]
fn samples_are_taken_apart_as_by_monai() {
    let fixture = Fixture::load("camera");
    let slide = channels(&fixture.get("slide"));
    let first = Image::new(*slide.geometry(), slide.channel(0).to_vec()).unwrap();
    for (name, shape) in [("fitting", None), ("overlapping", Some(vec![9, 8]))] {
        let split = GridSplit {
            parts: vec![2, 3],
            shape,
        };
        let parts = split.apply(&Sample::new(first.clone())).unwrap();
        let got: Vec<f32> = parts
            .iter()
            .flat_map(|part| part.image().as_slice().to_vec())
            .collect();
        let want = fixture.get(&format!("split.{name}"));
        want.assert_close(&got, 0.0, name);
    }
}
