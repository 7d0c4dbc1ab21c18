"""Segmentations by highdicom on an oblique series, with the voxels that went into them.

Each file stands in segmentations.safetensors as NAME.file; `masks` [segments, depth, rows, columns] and
`fractions` (steps of 1 / 255) are what it was made of, `places` the position of each slice and the steps of a
row and a column. Made with highdicom 0.28.2, pydicom 3.0.2, numpy 2.4.6."""

import io
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from highdicom.sr.coding import CodedConcept
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless
from safetensors.numpy import save_file

DEPTH, ROWS, COLUMNS = 4, 9, 10
random = np.random.default_rng(7)
row = np.array([np.cos(0.4), np.sin(0.4), 0.0])
column = np.array([0.0, 0.0, -1.0])
normal = np.cross(row, column)
origin = np.array([-12.5, 30.25, 400.0])


def source(k):
    d = pydicom.Dataset()
    d.file_meta = pydicom.dataset.FileMetaDataset()
    d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, f"2.25.80{k}"
    d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "2.25.81", "2.25.82", "2.25.83"
    d.Modality, d.InstanceNumber, d.SeriesNumber = "CT", k + 1, 1
    d.PatientID, d.PatientName, d.PatientBirthDate, d.PatientSex = "P", "P^Q", "", ""
    d.StudyDate, d.StudyTime, d.StudyID, d.AccessionNumber = "20250102", "101112", "S", ""
    d.ReferringPhysicianName = d.PositionReferenceIndicator = ""
    d.Manufacturer = "Phantom works"
    d.Rows, d.Columns = ROWS, COLUMNS
    d.PixelSpacing = [0.75, 0.5]
    d.SliceThickness = 2.0
    d.ImageOrientationPatient = [f"{v:.9f}" for v in np.concatenate([row, column])]
    d.ImagePositionPatient = [f"{v:.9f}" for v in origin + normal * 2.0 * k]
    d.BitsAllocated = d.BitsStored = 16
    d.HighBit, d.PixelRepresentation, d.SamplesPerPixel = 15, 0, 1
    d.PhotometricInterpretation = "MONOCHROME2"
    d.PixelData = bytes(ROWS * COLUMNS * 2)
    return d


def segment(number):
    return hd.seg.SegmentDescription(
        number,
        f"part {number}",
        CodedConcept("123037004", "SCT", "Anatomical Structure"),
        CodedConcept("10200004", "SCT", "Liver"),
        hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            "net", CodedConcept("123110", "DCM", "Artificial Intelligence"), "1.0"
        ),
        display_color=hd.color.CIELabColor.from_rgb(200, 30, 40),
    )


masks = (random.random((3, DEPTH, ROWS, COLUMNS)) < 0.3).astype(np.uint8)
masks[1, 2] = 0
masks[2, 1:] = 0
labels = np.zeros((DEPTH, ROWS, COLUMNS), np.uint8)
for number in (3, 2, 1):
    labels[masks[number - 1] == 1] = number
fractions = (random.integers(0, 256, masks.shape) * masks).astype(np.uint8)
# Slices in another order than that of their places.
order = [2, 0, 3, 1]
slices = [source(k) for k in order]


def made(name, pixels, kind, uid, **options):
    seg = hd.seg.Segmentation(
        slices, pixels, kind, [segment(n) for n in (1, 2, 3)], "2.25.84", 2, uid, 1, "m", "m", "1", "1", **options
    )
    out = io.BytesIO()
    seg.save_as(out)
    return {f"{name}.file": np.frombuffer(out.getvalue(), np.uint8)}


last = lambda a: np.moveaxis(a, 0, -1)[order]
tensors = {
    **made("binary", last(masks), "BINARY", "2.25.85"),
    **made("binary_whole", last(masks), "BINARY", "2.25.86", omit_empty_frames=False),
    **made("fractional", last(fractions) / 255.0, "FRACTIONAL", "2.25.87", max_fractional_value=255),
    **made("fractional_rle", last(fractions) / 255.0, "FRACTIONAL", "2.25.88", transfer_syntax_uid=RLELossless),
    **made("label_map", labels[order], "LABELMAP", "2.25.89"),
    **made("label_map_rle", labels[order], "LABELMAP", "2.25.90", transfer_syntax_uid=RLELossless),
    "masks": masks,
    "labels": labels,
    "fractions": fractions,
    "places": np.stack([origin, normal * 2.0, column * 0.75, row * 0.5]),
}
path = Path(__file__).with_suffix(".safetensors")
save_file(tensors, path)
print(path.stat().st_size, "bytes")
