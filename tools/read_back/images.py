"""Reads the CT, MR and secondary capture images that the tests wrote, with pydicom, and compares.

    MED_DERIVED_OUT=out cargo test --release -p medio --test derived -- image_series secondary_capture
    python tools/read_back/images.py out        # needs pydicom 3, numpy and SimpleITK

Exit status 1 on any difference.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK
from pydicom.pixels import apply_modality_lut


def series(folder, expected):
    """Differences of a series: values, places, and the grid as SimpleITK sees it."""
    files = [pydicom.dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    values = np.stack([apply_modality_lut(f.pixel_array, f) for f in files])
    if "values" in expected:
        wanted = np.array(expected["values"], np.float64).reshape(values.shape)
        off = np.abs(values - wanted).max()
        # The error that was stated, and the rounding of doing it in another order.
        if off > expected["max_error"] * (1 + 1e-9):
            yield f"values differ by {off}"
    else:
        found = hashlib.sha256(values.astype("<f4").tobytes()).hexdigest()
        if found != expected["sha256"]:
            yield "values differ"
    if "positions" not in expected:
        return
    for file, place in zip(files, expected["positions"], strict=True):
        if np.abs(np.array(file.ImagePositionPatient, float) - place).max() > 1e-9:
            yield f"position {file.ImagePositionPatient} instead of {place}"
        if np.abs(np.array(file.PixelSpacing, float) - expected["spacing"]).max() > 1e-9:
            yield f"spacing {file.PixelSpacing}"
        cosines = np.array(expected["rows"], float).ravel()
        if np.abs(np.array(file.ImageOrientationPatient, float) - cosines).max() > 1e-9:
            yield f"orientation {file.ImageOrientationPatient}"
    reader = SimpleITK.ImageSeriesReader()
    names = reader.GetGDCMSeriesFileNames(str(folder))
    reader.SetFileNames(names)
    image = SimpleITK.GetArrayFromImage(reader.Execute())
    if np.abs(image - values).max() > 1e-9:
        yield "SimpleITK reads other values"


def capture(folder, expected):
    """Differences of single files: type and bytes of the pixels."""
    for name, wanted in expected["files"].items():
        file = pydicom.dcmread(folder / name)
        pixels = file.pixel_array
        found = {
            "shape": list(pixels.shape),
            "sha256": hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest(),
            "class": str(file.SOPClassUID.name),
        }
        for key, value in wanted.items():
            if found[key] != value:
                yield f"{name}: {key} is {found[key]}, expected {value}"


def main():
    folder = Path(sys.argv[1])
    cases = sorted(folder.glob("images-*/expected.json"))
    captures = sorted(folder.glob("secondary-capture*/expected.json"))
    wrong = [] if cases and captures else ["no cases below " + str(folder)]
    for case in cases + captures:
        expected = json.loads(case.read_text())
        if case in captures:
            found = list(capture(case.parent, expected))
        else:
            found = list(series(case.parent / "to", expected))
        print("DIFFERS" if found else "same", case.parent)
        wrong += [f"{case.parent}: {text}" for text in found]
    print("\n".join(wrong), file=sys.stderr)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
