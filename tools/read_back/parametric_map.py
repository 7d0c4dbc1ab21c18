"""Reads the parametric maps that the tests wrote, with highdicom, and compares.

    MED_DERIVED_OUT=out cargo test --release -p medio --test derived -- parametric_map
    python tools/read_back/parametric_map.py out        # needs highdicom 0.28

Exit status 1 on any difference.
"""

import hashlib
import json
import sys
from pathlib import Path

import highdicom as hd
import numpy as np


def differences(path, expected):
    image = hd.imread(path)
    mapping = image.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    unit = mapping.MeasurementUnitsCodeSequence[0].CodeValue
    quantity = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue
    if [unit, quantity] != [expected["unit"], expected["quantity"]]:
        yield f"{quantity} in {unit}"
    values = image.get_frames(dtype=np.float64)
    if list(values.shape) != expected["shape"]:
        yield f"shape {values.shape}"
    # A number that is none may have many forms.
    values = np.where(np.isnan(values), np.nan, values)
    if hashlib.sha256(values.astype("<f8").tobytes()).hexdigest() != expected["sha256"]:
        yield "values differ"
    if image.pixel_array.dtype != expected["dtype"]:
        yield f"values are {image.pixel_array.dtype}"
    shared = image.SharedFunctionalGroupsSequence[0]
    spacing = shared.PixelMeasuresSequence[0].PixelSpacing
    if np.abs(np.array(spacing, float) - expected["spacing"]).max() > 1e-9:
        yield f"spacing {spacing}"
    cosines = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    if np.abs(np.array(cosines, float) - np.ravel(expected["rows"])).max() > 1e-9:
        yield f"orientation {cosines}"
    frames = image.PerFrameFunctionalGroupsSequence
    for frame, place in zip(frames, expected["positions"], strict=True):
        found = frame.PlanePositionSequence[0].ImagePositionPatient
        if np.abs(np.array(found, float) - place).max() > 1e-9:
            yield f"position {found} instead of {place}"
    if expected["sources"] and "DerivationImageSequence" in frames[0]:
        found = [
            f.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
            for f in frames
        ]
        if found != expected["sources"]:
            yield f"sources {found}"
    if expected["regular"]:
        volume = image.get_volume(dtype=np.float64)
        # highdicom's volumes may count planes from the other end.
        direction = 1 if np.allclose(volume.position, expected["positions"][0]) else -1
        if not np.array_equal(volume.array[::direction], values, equal_nan=True):
            yield "the volume has other values"


def main():
    folder = Path(sys.argv[1])
    cases = sorted(folder.glob("parametric-map-*/expected.json"))
    wrong = [] if cases else ["no cases below " + str(folder)]
    for case in cases:
        expected = json.loads(case.read_text())
        for path in sorted(case.parent.glob("*.dcm")):
            found = list(differences(path, expected))
            print("DIFFERS" if found else "same", path)
            wrong += [f"{path}: {text}" for text in found]
    print("\n".join(wrong), file=sys.stderr)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
