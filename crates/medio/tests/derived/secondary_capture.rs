//! Pictures as secondary captures, read back and judged.

use medio::dicom::{self, CapturePixels, PatientStudy, SecondaryCapture};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::judge::{Place, validate};
use crate::series::creation;

fn sha(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[test]
fn pictures_come_back_pixel_for_pixel() {
    let place = Place::of("secondary-capture");
    let study = PatientStudy::new("P9", "Größe^Anna", "2.25.61")
        .to_header()
        .unwrap();
    let grey: Vec<u8> = (0..2 * 5 * 7).map(|i| (i * 37 % 256) as u8).collect();
    let wide: Vec<u16> = (0..2 * 5 * 7).map(|i| (i * 9001 % 65536) as u16).collect();
    let rgb: Vec<u8> = (0..2 * 5 * 7 * 3).map(|i| (i * 101 % 256) as u8).collect();
    let wide_bytes = |values: &[u16]| {
        values
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let single = "Secondary Capture Image Storage";
    let cases = [
        (
            "grey8",
            CapturePixels::Grey8(&grey[..35]),
            sha(&grey[..35]),
            single,
        ),
        (
            "grey16",
            CapturePixels::Grey16(&wide[..35]),
            sha(&wide_bytes(&wide[..35])),
            single,
        ),
        (
            "rgb",
            CapturePixels::Rgb8(&rgb[..105]),
            sha(&rgb[..105]),
            single,
        ),
        (
            "grey8-frames",
            CapturePixels::Grey8(&grey),
            sha(&grey),
            "Multi-frame Grayscale Byte Secondary Capture Image Storage",
        ),
        (
            "grey16-frames",
            CapturePixels::Grey16(&wide),
            sha(&wide_bytes(&wide)),
            "Multi-frame Grayscale Word Secondary Capture Image Storage",
        ),
        (
            "rgb-frames",
            CapturePixels::Rgb8(&rgb),
            sha(&rgb),
            "Multi-frame True Color Secondary Capture Image Storage",
        ),
    ];
    let mut files = serde_json::Map::new();
    for (name, pixels, sha, class) in cases {
        let path = place.path().join(format!("{name}.dcm"));
        let capture = SecondaryCapture::new([5, 7], pixels).unwrap();
        let capture = capture.pixel_spacing([0.5, 0.25]).derivation("overlay");
        let capture = capture.burned_in_annotation();
        capture.write(&path, &study, &creation(name)).unwrap();
        validate(&path);
        let file = dicom::open(&path).unwrap();
        let array = file.stored::<u16>().unwrap();
        let [frames, channels, rows, columns] = array.shape();
        assert_eq!((rows, columns), (5, 7));
        let mut shape = vec![rows, columns];
        if frames > 1 {
            shape.insert(0, frames);
        }
        if channels > 1 {
            shape.push(channels);
        }
        let read: Vec<u16> = (0..frames * 35)
            .flat_map(|pixel| {
                let (frame, pixel) = (pixel / 35, pixel % 35);
                let of_channel = |c| array.frame(frame)[c * 35 + pixel];
                (0..channels).map(of_channel).collect::<Vec<_>>()
            })
            .collect();
        match pixels {
            CapturePixels::Grey16(values) => assert_eq!(read, values, "{name}"),
            CapturePixels::Grey8(values) | CapturePixels::Rgb8(values) => {
                let values: Vec<u16> = values.iter().copied().map(u16::from).collect();
                assert_eq!(read, values, "{name}");
            }
            _ => unreachable!(),
        }
        files.insert(
            format!("{name}.dcm"),
            json!({ "shape": shape, "sha256": sha, "class": class }),
        );
    }
    place.expect(&json!({ "files": files }));
}

#[test]
fn pixels_fill_whole_frames() {
    for (shape, pixels) in [
        ([2, 2], CapturePixels::Grey8(&[0; 5])),
        ([2, 2], CapturePixels::Rgb8(&[0; 4])),
        ([2, 2], CapturePixels::Grey8(&[])),
        ([0, 2], CapturePixels::Grey8(&[])),
        ([1, 65_536], CapturePixels::Grey8(&[0; 65_536])),
    ] {
        assert!(SecondaryCapture::new(shape, pixels).is_err(), "{shape:?}");
    }
}
