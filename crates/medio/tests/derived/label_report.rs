//! One label map as a segmentation and a report of its volumes.

use medio::dicom::{
    Algorithm, LabelGrid, LabelReport, MeasurementReport, Region, Segmentation, Structure, codes,
};
use medio::medcore::{LabelMap, LabelTable};

use crate::judge::{Place, validate};
use crate::series::{Lie, creation, read};

#[test]
fn labels_become_a_segmentation_and_their_volumes() {
    for lie in Lie::ALL {
        let place = Place::of(&format!("label-report-{}", lie.name()));
        let (volume, source) = read(&place.path().join("ct"), lie);
        let grid = *volume.image.geometry();
        // 1 is the liver, 2 the right kidney, 3 is nowhere, 4 has no code.
        let label = |i: usize| match i {
            20..70 => 1,
            75..100 => 2,
            200 => 4,
            _ => 0,
        };
        let labels = LabelMap::new(grid, (0..grid.len()).map(label).collect::<Vec<u8>>()).unwrap();
        let names = ["liver", "right_kidney", "spleen", "organ 7"];
        let table = LabelTable::new((1..).zip(names).map(|(n, name)| (name, vec![n]))).unwrap();
        let algorithm = Algorithm::automatic("organs", "1.2");
        let report = LabelReport::new(&source, &labels, &table, algorithm).unwrap();
        let written = report.write(place.path(), &creation("labels")).unwrap();
        for path in &written {
            validate(path);
        }
        let [segmentation, report] = written;
        let segmentation = Segmentation::read(segmentation).unwrap();
        let onto = LabelGrid::new(grid, "2.25.73");
        let again = segmentation.label_map::<u8>(&onto).unwrap();
        assert_eq!(again.as_slice(), labels.as_slice());
        let found: Vec<_> = { segmentation.segments().iter() }
            .map(|s| (s.label.as_str(), s.property.clone(), s.modifier.clone()))
            .collect();
        let kidney = Structure::named("right_kidney").unwrap();
        assert_eq!(found[1], ("right_kidney", kidney.code, kidney.side));
        assert_eq!(found[3].1, codes::ANATOMICAL_STRUCTURE);

        let report = MeasurementReport::read(report).unwrap();
        let volumes: Vec<f64> = { report.groups.iter() }
            .map(|group| group.measurement(&codes::VOLUME).unwrap().0)
            .collect();
        let voxel = grid.voxel_volume();
        for (volume, voxels) in volumes.iter().zip([50.0, 25.0, 1.0]) {
            assert!((volume - voxels * voxel).abs() < 1e-9 * volume);
        }
        assert_eq!(volumes.len(), 3);
        let segments: Vec<_> = { report.groups.iter() }
            .map(|group| match group.regions.first() {
                Some(Region::Segment(segment)) => segment.segment,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(segments, [Some(1), Some(2), Some(4)]);
    }
}

#[test]
fn labels_keep_their_names_whatever_their_values() {
    let place = Place::of("label-report-values");
    let (volume, source) = read(&place.path().join("ct"), Lie::Axial);
    let grid = *volume.image.geometry();
    let label = |i: usize| match i {
        20..70 => 7,
        75..100 => 2,
        _ => 0,
    };
    let labels = LabelMap::new(grid, (0..grid.len()).map(label).collect::<Vec<u8>>()).unwrap();
    let table = LabelTable::new([("liver", vec![7]), ("spleen", vec![2])]).unwrap();
    let algorithm = || Algorithm::automatic("organs", "1.2");
    let report = LabelReport::new(&source, &labels, &table, algorithm()).unwrap();
    let [segmentation, report] = report.write(place.path(), &creation("values")).unwrap();
    let segmentation = Segmentation::read(segmentation).unwrap();
    let onto = LabelGrid::new(grid, "2.25.73");
    let counts = |number| segmentation.mask(number, &onto).unwrap().counts()[1];
    let found: Vec<_> = { segmentation.segments().iter() }
        .map(|segment| (segment.label.as_str(), counts(segment.number)))
        .collect();
    let mut named = found.clone();
    named.sort_unstable();
    assert_eq!(named, [("liver", 50), ("spleen", 25)]);
    let report = MeasurementReport::read(report).unwrap();
    for (group, (_, voxels)) in report.groups.iter().zip(found) {
        let measured = group.measurement(&codes::VOLUME).unwrap().0;
        let expected = voxels as f64 * grid.voxel_volume();
        assert!((measured - expected).abs() < 1e-9 * expected);
    }
    let table = LabelTable::new([("liver", vec![7])]).unwrap();
    let refused = LabelReport::new(&source, &labels, &table, algorithm()).unwrap_err();
    assert!(refused.to_string().contains("\"2\""), "{refused}");
}
