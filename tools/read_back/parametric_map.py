"""Parametric maps, read with highdicom. Usage: see cases.py."""

import cases
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
    if cases.digest(values.astype("<f8")) != expected["sha256"]:
        yield "values differ"
    if image.pixel_array.dtype != expected["dtype"]:
        yield f"values are {image.pixel_array.dtype}"
    shared = image.SharedFunctionalGroupsSequence[0]
    spacing = shared.PixelMeasuresSequence[0].PixelSpacing
    if cases.apart(spacing, expected["spacing"]):
        yield f"spacing {spacing}"
    cosines = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    if cases.apart(cosines, expected["rows"]):
        yield f"orientation {cosines}"
    frames = image.PerFrameFunctionalGroupsSequence
    for frame, place in zip(frames, expected["positions"], strict=True):
        found = frame.PlanePositionSequence[0].ImagePositionPatient
        if cases.apart(found, place):
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


if __name__ == "__main__":
    cases.compare(("parametric-map-*", cases.of_each_file(differences)))
