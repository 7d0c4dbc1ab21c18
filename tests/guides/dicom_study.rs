//! The program of `docs/guides/dicom-study.md`.

use medcore::LabelMap;
use medio::dicom::{
    self, Algorithm, Creation, ImageKind, ImageSeries, LabelGrid, MeasurementReport,
    NewSegmentation, PatientStudy, Preference, ReadOptions, Segment, SegmentReference,
    Segmentation, SeriesQuery, Source, Uids, Within, codes,
};
use medio::dicom::{MeasurementGroup, Region};
use medphantom::{Abdomen, AbdomenOptions, ScanOptions, field_of_view};
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A study of one patient: a thick and a thin series.
fn study(folder: &Path) -> Result<()> {
    let patient = Abdomen::new(medcore::random::Key::new(7), &AbdomenOptions::default())?;
    let uids = Uids::from_seed(b"guide");
    let header = PatientStudy::new("P7", "Phantom^Seven", uids.next_uid()).to_header()?;
    let frame = uids.next_uid();
    for (number, depth, mm) in [(1, 12, 20.0), (2, 24, 10.0)] {
        let grid = field_of_view([depth, 40, 50], [mm, 7.0, 7.0])?;
        let scan = patient.scan(&grid, &ScanOptions::default())?;
        ImageSeries::new(ImageKind::Ct, &header)
            .frame_of_reference(&frame)
            .write(
                folder.join(number.to_string()),
                &scan.image,
                &Creation::now()?.series_number(number),
            )?;
    }
    Ok(())
}

fn segment(folder: &Path, out: &Path) -> Result<()> {
    let query = SeriesQuery::new()
        .modality("CT")
        .slice_thickness(Within::at_most(15.0))
        .prefer(Preference::ThinnestSlices);
    let scan = dicom::scan(folder)?;
    let selection = scan.select(&query)?;
    for rejection in &selection.rejected {
        println!("{rejection}");
    }
    scan.check_complete(selection.series)?;
    let volume = selection.chosen.volume::<f32>(&ReadOptions::new())?;
    for doubt in &volume.warnings {
        println!("{doubt}");
    }

    // Your network stands here; this one finds bone.
    let bone = |value: &f32| u8::from(*value > 150.0);
    let labels: Vec<u8> = volume.image.as_slice().iter().map(bone).collect();
    let labels = LabelMap::new(*volume.image.geometry(), labels)?;

    let source = Source::of(&volume)?;
    let creation = Creation::now()?.series_number(900);
    let program = Algorithm::automatic("threshold", "1.0");
    let segments = [Segment::new("Bone", codes::BONE).algorithm(program)];
    let segmentation = NewSegmentation::binary(&source, segments, &labels)?;
    segmentation.write(out.join("bone.dcm"), &creation)?;

    let written = dicom::open(out.join("bone.dcm"))?;
    let voxels = labels
        .as_slice()
        .iter()
        .filter(|label| **label == 1)
        .count();
    let volume_mm3 = voxels as f64 * labels.geometry().voxel_volume();
    let segment = SegmentReference::of(written.dataset(), 1)?;
    let bone = MeasurementGroup::volume(Region::Segment(segment))
        .finding(codes::BONE)
        .measure(codes::VOLUME, volume_mm3, codes::CUBIC_MILLIMETRE);
    MeasurementReport::new(&source)
        .refers_to(written.dataset())?
        .group(bone)
        .write(out.join("report.dcm"), &creation)?;
    Ok(())
}

fn read_back(folder: &Path, out: &Path) -> Result<(LabelMap<u8, 3>, f64)> {
    let scan = dicom::scan(folder)?;
    let thick = scan.select(&SeriesQuery::new().slice_thickness(Within::at_least(15.0)))?;
    let volume = thick.chosen.volume::<f32>(&ReadOptions::new())?;
    let frame = volume.frame_of_reference.as_deref().unwrap_or_default();
    // The other series has other planes: each of its voxels takes the nearest of the segmentation's.
    let grid = LabelGrid::new(*volume.image.geometry(), frame)
        .off_grid(dicom::OffGrid::Nearest)
        .outside(dicom::OutsideGrid::Clip);
    let labels = Segmentation::read(out.join("bone.dcm"))?.label_map(&grid)?;

    let report = MeasurementReport::read(out.join("report.dcm"))?;
    let measured = report
        .groups
        .iter()
        .find_map(|group| group.measurement(&codes::VOLUME));
    let (volume_mm3, _unit) = measured.ok_or("no volume was measured")?;
    Ok((labels, volume_mm3))
}

#[test]
fn a_study_goes_in_and_its_labels_come_out() {
    let folder = tempfile::tempdir().unwrap();
    let (scans, out) = (folder.path().join("study"), folder.path().join("out"));
    std::fs::create_dir(&out).unwrap();
    study(&scans).unwrap();
    segment(&scans, &out).unwrap();
    let (labels, volume_mm3) = read_back(&scans, &out).unwrap();
    let voxels = labels
        .as_slice()
        .iter()
        .filter(|label| **label == 1)
        .count();
    let on_thick = voxels as f64 * labels.geometry().voxel_volume();
    assert!(volume_mm3 > 2e4, "{volume_mm3}");
    assert!(
        (on_thick / volume_mm3 - 1.0).abs() < 0.3,
        "{on_thick} {volume_mm3}"
    );
}
