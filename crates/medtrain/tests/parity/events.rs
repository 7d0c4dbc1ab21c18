//! Events of TensorBoard, byte for byte.

use medtrain::log::tensorboard::{At, EventWriter, Histogram};
use medtrain::provenance::Time;

/// Three by two grey pixels, as the fixture has them.
fn picture(fixture: &[u8]) -> &[u8] {
    let find = |wanted: &[u8]| {
        let mut places = fixture.windows(wanted.len());
        places.position(|window| window == wanted).unwrap()
    };
    &fixture[find(b"\x89PNG")..find(b"IEND") + 8]
}

#[test]
fn events_are_the_bytes_that_tensorboard_writes() {
    let expected = include_bytes!("events.tfevents");
    let time = Time(1_700_000_000_123);
    let at = |step| At { step, time };
    let mut events = EventWriter::new(Vec::new(), time).unwrap();
    events.scalar("train/loss", at(1), 0.1).unwrap();
    events.scalar("validation/déjà", at(300), f64::NAN).unwrap();
    let png = picture(expected);
    events.image("case 7", at(1 << 40), png).unwrap();
    let values = [0.5, -1.0, 2.25, 2.25, 0.0, 1.0, 3.0, f64::INFINITY];
    let histogram = Histogram::of(values, 4).unwrap();
    events.histogram("scores", at(0), histogram).unwrap();
    events.text("notes", at(2), "a **good** époque").unwrap();
    let settings = [
        ("epochs".to_owned(), 20.into()),
        ("nesterov".to_owned(), true.into()),
        ("network".to_owned(), "unet".into()),
    ];
    events.settings(at(2), &settings, &["score"]).unwrap();
    events.resumed(at(12)).unwrap();
    assert_eq!(events.into_inner(), expected);
}

#[test]
fn what_is_no_picture_is_refused_by_its_tag() {
    let mut events = EventWriter::new(Vec::new(), Time(0)).unwrap();
    for bytes in [&b""[..], b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"] {
        let error = events.image("case 7", At::step(1), bytes).unwrap_err();
        assert!(error.to_string().contains("case 7"), "{error}");
    }
}
