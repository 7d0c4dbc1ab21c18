"""Reports of measurements, read with highdicom. Usage: see cases.py."""

import json

import cases
import highdicom as hd

KINDS = {"1410": "Planar", "1411": "Volumetric", "1501": "General"}


def code(concept):
    return None if concept is None else concept.value


def region(group, kind):
    if kind == "General":
        return None
    if kind == "Volumetric":
        reference = group.referenced_segment
        return {
            "segment": reference.referenced_segment_numbers[0],
            "frames": list(reference.referenced_frame_numbers or []),
            "instance": reference.referenced_sop_instance_uid,
        }
    frame = group.referenced_segmentation_frame
    if frame is not None:
        return {
            "segment": None,
            "frames": list(frame.referenced_frame_numbers),
            "instance": frame.referenced_sop_instance_uid,
        }
    roi = group.roi
    found = {"graphic": roi.graphic_type.value, "points": roi.value.tolist()}
    if hasattr(roi, "frame_of_reference_uid"):
        found["frame_of_reference"] = roi.frame_of_reference_uid
    else:
        found["image"] = roi.ContentSequence[0].referenced_sop_instance_uid
    return found


def found_group(group, kind):
    return {
        "kind": kind,
        "tracking": [group.tracking_identifier, group.tracking_uid],
        "finding": code(group.finding_type),
        "sites": [site.value.value for site in group.finding_sites],
        "region": region(group, kind),
        "measurements": [
            [m.name.value, m.value, m.unit.value, code(m.derivation)]
            for m in group.get_measurements()
        ],
        # highdicom counts the finding's category (276214006) among them.
        "evaluations": [
            [e.name.value, e.value.value]
            for e in group.get_qualitative_evaluations()
            if e.name.value != "276214006"
        ],
    }


def read(path):
    report = hd.sr.srread(path).content
    # A single image region without segment could be of either kind: the template decides.
    groups = [
        (kind, group)
        for kind, all_of_kind in (
            ("Volumetric", report.get_volumetric_roi_measurement_groups()),
            ("Planar", report.get_planar_roi_measurement_groups()),
            ("General", report.get_image_measurement_groups()),
        )
        for group in all_of_kind
    ]
    for kind, group in groups:
        template = group[0].ContentTemplateSequence[0].TemplateIdentifier
        assert KINDS[template] == kind, (template, kind)
    return [found_group(group, kind) for kind, group in groups]


def differences(path, expected):
    found = read(path)
    if expected["groups"] is None:
        same = len(found) == 1
    else:
        order = lambda groups: sorted(groups, key=lambda g: g["tracking"][1])
        same = order(found) == order(expected["groups"])
    if not same:
        yield f"\n  {json.dumps(found)}\n  {json.dumps(expected['groups'])}"


if __name__ == "__main__":
    cases.compare(("measurement-report-*", cases.of_each_file(differences)))
