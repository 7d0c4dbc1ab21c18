//! A prediction lies where its scan lies: to the bit, whatever the scan's header says.

use std::path::Path;

use medcore::{Image, LabelMap};
use medinfer::Segmenter;
use medio::nifti::{self, Header, ReadOptions, Version, WriteOptions};

use crate::support::{load, phantoms, untrained, usual_cohort};

/// Writes labels like a scan and reads them back; the header must say the same place in the same bits.
pub(crate) fn written_like(
    scan: &Header,
    labels: &LabelMap<u8, 3>,
    path: &Path,
) -> LabelMap<u8, 3> {
    nifti::write_labels(path, labels, &WriteOptions::new().like(scan)).unwrap();
    let back = nifti::read_labels_with::<u8, 3>(path, &ReadOptions::new()).unwrap();
    let bits = |header: &Header| -> Vec<u64> {
        let maps = header.srow.as_flattened().iter().chain(&header.quatern);
        let rest = header.qoffset.iter().chain(&header.pixdim[..4]);
        maps.chain(rest).map(|v| v.to_bits()).collect()
    };
    assert_eq!(bits(&back.header), bits(scan), "{}", path.display());
    assert_eq!(
        (
            back.header.sform_code,
            back.header.qform_code,
            back.header.xyzt_units
        ),
        (scan.sform_code, scan.qform_code, scan.xyzt_units)
    );
    assert_eq!(back.value.as_slice(), labels.as_slice());
    back.value
}

/// From a file to a file, as a program does it.
fn segment_file(segmenter: &Segmenter<'_>, scan: &Path, output: &Path) {
    let loaded = nifti::read_image_with::<f32, 3>(scan, &ReadOptions::new()).unwrap();
    let labels = segmenter.segment(&loaded.value).unwrap();
    assert_eq!(
        labels.geometry(),
        loaded.value.geometry(),
        "{}",
        scan.display()
    );
    let back = written_like(&loaded.header, &labels, output);
    assert_eq!(
        back.geometry(),
        loaded.value.geometry(),
        "{}",
        scan.display()
    );
}

#[test]
fn predictions_lie_on_oblique_and_sheared_scans_to_the_bit_in_every_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    let segmenter = untrained(&dataset, &load(&dataset));
    let at = |name: &str| folder.path().join(name);
    for (number, phantom) in phantoms().iter().enumerate() {
        let orthogonal = phantom.image.geometry().is_orthogonal(1e-6);
        assert!(!orthogonal, "patient {number} is not sheared");
        let (scan, output) = [
            ("s.nii.gz", "o.nii.gz"),
            ("s.hdr", "o.img.gz"),
            ("s.nii", "o.hdr"),
        ][number % 3];
        nifti::write_image(at(scan), &phantom.image, &WriteOptions::new()).unwrap();
        segment_file(&segmenter, &at(scan), &at(output));
    }
}

#[test]
fn headers_of_other_programs_are_kept_with_all_that_a_grid_does_not_say() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    let segmenter = untrained(&dataset, &load(&dataset));
    let at = |name: &str| folder.path().join(name);
    // Oblique without shear, so that a qform can hold it.
    let grid = medphantom::field_of_view([20, 31, 37], [13.0, 9.5, 9.0]).unwrap();
    let (s, c) = 0.2_f64.sin_cos();
    let turned = grid.steps().map(|step| {
        let [x, y, z] = step.components();
        medcore::Vector::new(x, c * y - s * z, s * y + c * z)
    });
    let grid = medcore::Geometry::new(grid.shape(), grid.origin(), turned).unwrap();
    let voxels: Vec<i16> = phantoms()[0]
        .image
        .as_slice()
        .iter()
        .copied()
        .cycle()
        .take(grid.len())
        .collect();
    let image = Image::new(grid, voxels).unwrap();
    nifti::write_image(at("plain.nii"), &image, &WriteOptions::new()).unwrap();
    let plain = nifti::read_header(at("plain.nii")).unwrap().header;
    assert_eq!((plain.qform_code, plain.sform_code), (1, 1));
    let changed = |change: &dyn Fn(&mut Header)| {
        let mut header = plain.clone();
        change(&mut header);
        header
    };
    for (name, header) in [
        (
            "qform_only.nii",
            changed(&|h| (h.qform_code, h.sform_code) = (2, 0)),
        ),
        ("maps_apart.nii", changed(&|h| h.qoffset[1] += 1.5)),
        (
            "second_version.nii.gz",
            changed(&|h| (h.version, h.vox_offset) = (Version::Two, 544.0)),
        ),
        (
            "talairach.hdr",
            changed(&|h| (h.qform_code, h.sform_code) = (1, 3)),
        ),
        ("no_units.nii", changed(&|h| h.xyzt_units = 0)),
    ] {
        nifti::write_image(at(name), &image, &WriteOptions::new().like(&header)).unwrap();
        segment_file(&segmenter, &at(name), &at(&format!("prediction_of_{name}")));
    }
}
