"""Structure sets, read with pydicom: their contours are filled slice by slice and the voxels compared.
Usage: see cases.py."""

import cases
import numpy as np
import pydicom


def inside(points, rows, columns):
    """Which pixel centres a polygon of (column, row) points encloses: by rays along rows."""
    row, column = np.mgrid[:rows, :columns]
    crossed = np.zeros((rows, columns), bool)
    for (c0, r0), (c1, r1) in zip(points, np.roll(points, -1, axis=0)):
        if r0 == r1:
            continue
        meets = (np.minimum(r0, r1) <= row) & (row < np.maximum(r0, r1))
        at = c0 + (row - r0) * (c1 - c0) / (r1 - r0)
        crossed ^= meets & (at <= column)
    return crossed


def differences(folder, expected):
    structures = pydicom.dcmread(folder / expected["file"])
    slices = {d.SOPInstanceUID: d for d in map(pydicom.dcmread, folder.glob("ct/*.dcm"))}
    names = {int(r.ROINumber): r.ROIName for r in structures.StructureSetROISequence}
    drawn = {int(r.ReferencedROINumber): r for r in structures.ROIContourSequence}
    shape = (len(expected["instances"]), expected["rows"], expected["columns"])
    for region in expected["regions"]:
        number = region["number"]
        if names.get(number) != region["name"]:
            yield f"region {number} is called {names.get(number)!r}"
        found = np.zeros(shape, bool)
        for contour in drawn[number].get("ContourSequence", []):
            uid = contour.ContourImageSequence[0].ReferencedSOPInstanceUID
            image = slices[uid]
            turn = np.array(image.ImageOrientationPatient, float).reshape(2, 3)
            between_rows, between_columns = map(float, image.PixelSpacing)
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            if len(points) != contour.NumberOfContourPoints:
                yield f"region {number}: {len(points)} points"
            points -= np.array(image.ImagePositionPatient, float)
            off = np.abs(points @ np.cross(*turn)).max()
            if off > 1e-3:
                yield f"region {number}: a contour lies {off} mm off its image"
            pixels = points @ turn.T / [between_columns, between_rows]
            found[expected["instances"].index(uid)] ^= inside(pixels, *shape[1:])
        off = int((found != np.array(region["values"]).reshape(shape)).sum())
        if off:
            yield f"region {number}: {off} voxels differ"


if __name__ == "__main__":
    cases.compare(("contours-*", differences))
