"""Segmentations, read with highdicom and compared voxel for voxel on the source's slices. Usage: see cases.py."""

import cases
import highdicom as hd
import numpy as np
import pydicom


def differences(folder, expected):
    seg = hd.seg.segread(folder / expected["file"])
    if seg.segmentation_type.value != expected["kind"]:
        yield f"kind {seg.segmentation_type}"
    shape = (len(expected["instances"]), expected["rows"], expected["columns"])
    numbers = [s["number"] for s in expected["segments"]]
    found = seg.get_pixels_by_source_instance(
        source_sop_instance_uids=expected["instances"],
        segment_numbers=numbers,
        assert_missing_frames_are_empty=True,
        rescale_fractional=False,
        skip_overlap_checks=True,
    )
    for at, segment in enumerate(expected["segments"]):
        truth = np.array(segment["values"]).reshape(shape)
        off = int((found[..., at] != truth).sum())
        if off:
            yield f"segment {segment['number']}: {off} voxels differ"
        described = seg.get_segment_description(segment["number"])
        for name, value in [
            ("label", described.segment_label),
            ("category", described.segmented_property_category.value),
            ("property", described.segmented_property_type.value),
            ("algorithm", described.algorithm_type.value),
        ]:
            if value != segment[name]:
                yield f"segment {segment['number']}: {name} {value!r}"
    if expected["kind"] == "FRACTIONAL" and seg.MaximumFractionalValue != expected["most"]:
        yield f"maximum {seg.MaximumFractionalValue}"
    # Each frame lies exactly where the slice it refers to lies.
    slices = {d.SOPInstanceUID: d for d in map(pydicom.dcmread, folder.glob("ct/*.dcm"))}
    shared = seg.SharedFunctionalGroupsSequence[0]
    for number, groups in enumerate(seg.PerFrameFunctionalGroupsSequence):
        reference = groups.DerivationImageSequence[0].SourceImageSequence[0]
        source = slices[reference.ReferencedSOPInstanceUID]
        pairs = [
            (groups.PlanePositionSequence[0].ImagePositionPatient, source.ImagePositionPatient),
            (shared.PlaneOrientationSequence[0].ImageOrientationPatient, source.ImageOrientationPatient),
            (shared.PixelMeasuresSequence[0].PixelSpacing, source.PixelSpacing),
        ]
        for ours, theirs in pairs:
            if cases.apart(ours, theirs):
                yield f"frame {number}: {ours} is not {theirs}"
    # Where the stack is no sheared one, highdicom makes a volume of it: on the same grid.
    if "sheared" not in folder.name and "empty" not in folder.name:
        volume = seg.get_volume(rescale_fractional=False, skip_overlap_checks=True, allow_missing_positions=True)
        for k in range(volume.array.shape[0]):
            where = np.array(volume.map_indices_to_reference(np.array([[k, 0, 0]]))[0])
            gaps = [np.linalg.norm(where - np.array(p)) for p in expected["positions"]]
            near = int(np.argmin(gaps))
            if gaps[near] > 1e-6:
                yield f"plane {k} lies {gaps[near]} mm off"
            for at, segment in enumerate(expected["segments"]):
                truth = np.array(segment["values"]).reshape(shape)[near]
                if (volume.array[k, ..., at] != truth).any():
                    yield f"plane {k}, segment {segment['number']} differs in the volume"


if __name__ == "__main__":
    cases.compare(("segmentation-*", differences))
