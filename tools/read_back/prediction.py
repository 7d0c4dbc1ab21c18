"""Does a predicted segmentation lie where the labels of the same scan lie, voxel for voxel, by highdicom's reckoning?

    python tools/read_back/prediction.py STUDY PREDICTION LABELS

STUDY is the folder of the series, PREDICTION that of `segmentation.dcm` and `report.dcm`, LABELS a NIfTI file of the same
scan's labels. The report's volumes have to be those of the segments.
"""

import pathlib
import sys

import highdicom as hd
import nibabel
import numpy as np
import pydicom


def main():
    study, prediction, labels = map(pathlib.Path, sys.argv[1:])
    slices = [pydicom.dcmread(path, stop_before_pixels=True) for path in study.rglob("*.dcm")]
    row, column = np.reshape(np.array(slices[0].ImageOrientationPatient, float), (2, 3))
    slices.sort(key=lambda slice: np.dot(np.cross(row, column), np.array(slice.ImagePositionPatient, float)))
    segmentation = hd.seg.segread(prediction / "segmentation.dcm")
    uids = [slice.SOPInstanceUID for slice in slices]
    found = segmentation.get_pixels_by_source_instance(
        uids, combine_segments=True, relabel=False, skip_overlap_checks=False,
        assert_missing_frames_are_empty=True,
    )
    expected = np.asarray(nibabel.load(labels).dataobj).transpose(2, 1, 0)
    assert found.shape == expected.shape, (found.shape, expected.shape)
    different = int((found != expected).sum())
    assert different == 0, f"{different} of {expected.size} voxels differ"
    assert expected.any(), "nothing was segmented: that proves nothing"

    report = hd.sr.srread(prediction / "report.dcm")
    spacing = [float(mm) for mm in slices[0].PixelSpacing]
    first, second = (np.array(slice.ImagePositionPatient, float) for slice in slices[:2])
    voxel = spacing[0] * spacing[1] * abs(np.dot(np.cross(row, column), second - first))
    groups = report.content.get_volumetric_roi_measurement_groups()
    for group in groups:
        (number,) = group.referenced_segment.referenced_segment_numbers
        (volume,) = group.get_measurements()
        counted = int((expected == number).sum()) * voxel
        assert np.isclose(volume.value, counted, rtol=1e-6), (number, volume.value, counted)
    assert len(groups) == len(np.unique(expected)) - 1
    print(f"{prediction}: {int((expected > 0).sum())} voxels of {len(groups)} segments agree")


if __name__ == "__main__":
    main()
