"""CT, MR and secondary capture images, read with pydicom and SimpleITK. Usage: see cases.py."""

import cases
import numpy as np
import pydicom
import SimpleITK
from pydicom.pixels import apply_modality_lut


def series(folder, expected):
    """Differences of a series: values, places, and the grid as SimpleITK sees it."""
    folder = folder / "to"
    files = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    values = np.stack([apply_modality_lut(f.pixel_array, f) for f in files])
    if "values" in expected:
        wanted = np.array(expected["values"], np.float64).reshape(values.shape)
        off = np.abs(values - wanted).max()
        # The error that was stated, and the rounding of doing it in another order.
        if off > expected["max_error"] * (1 + 1e-9):
            yield f"values differ by {off}"
    elif cases.digest(values.astype("<f4")) != expected["sha256"]:
        yield "values differ"
    if "positions" not in expected:
        return
    for file, place in zip(files, expected["positions"], strict=True):
        if cases.apart(file.ImagePositionPatient, place):
            yield f"position {file.ImagePositionPatient} instead of {place}"
        if cases.apart(file.PixelSpacing, expected["spacing"]):
            yield f"spacing {file.PixelSpacing}"
        if cases.apart(file.ImageOrientationPatient, expected["rows"]):
            yield f"orientation {file.ImageOrientationPatient}"
    reader = SimpleITK.ImageSeriesReader()
    names = reader.GetGDCMSeriesFileNames(str(folder))
    reader.SetFileNames(names)
    image = SimpleITK.GetArrayFromImage(reader.Execute())
    if np.abs(image - values).max() > 1e-9:
        yield "SimpleITK reads other values"


def captures(folder, expected):
    """Differences of single files: type and bytes of the pixels."""
    for name, wanted in expected["files"].items():
        file = pydicom.dcmread(folder / name)
        pixels = file.pixel_array
        found = {
            "shape": list(pixels.shape),
            "sha256": cases.digest(pixels),
            "class": str(file.SOPClassUID.name),
        }
        for key, value in wanted.items():
            if found[key] != value:
                yield f"{name}: {key} is {found[key]}, expected {value}"


if __name__ == "__main__":
    cases.compare(("images-*", series), ("secondary-capture", captures))
