//! What is known of the series that objects are derived from.

use medio::dicom::{Source, Tag};

use crate::judge::{Place, validate};
use crate::series::{Lie, SLICES, creation, read};

#[test]
fn a_source_names_the_image_behind_each_plane() {
    for lie in Lie::ALL {
        let place = Place::of(&format!("source-{}", lie.name()));
        let (volume, source) = read(place.path(), lie);
        assert_eq!(source.geometry(), volume.image.geometry());
        assert_eq!(source.series_uid(), "2.25.72");
        assert_eq!(source.frame_of_reference().as_deref(), Some("2.25.73"));
        let uids: Vec<String> = (0..SLICES).map(|k| format!("2.25.70{k}")).collect();
        let found = source.frames().iter().map(|f| f.instance_uid.clone());
        assert_eq!(found.collect::<Vec<_>>(), uids);
        assert!(source.frames().iter().all(|f| f.frame.is_none()));
        assert_eq!(
            source.header().string(Tag::PATIENT_ID).as_deref(),
            Some("P7")
        );
        for plane in volume.planes.iter().flatten() {
            validate(&plane.path);
        }
    }
}

#[test]
fn a_source_has_a_plane_for_each_plane_of_its_grid() {
    let place = Place::of("source-short");
    let (volume, source) = read(place.path(), Lie::Axial);
    let frames = source.frames()[1..].to_vec();
    let refused = Source::new(source.header().clone(), *volume.image.geometry(), frames);
    assert!(refused.unwrap_err().to_string().contains("4 of 5 planes"));
}

#[test]
fn a_creation_needs_a_whole_moment() {
    use medio::dicom::{Creation, DateTime};
    let year = DateTime {
        year: 2025,
        month: None,
        day: None,
        time: None,
        offset_minutes: None,
    };
    assert!(Creation::at(year, b"").is_err());
    let _ = creation("whole");
}
