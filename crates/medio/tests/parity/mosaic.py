"""Siemens mosaics as nibabel takes them apart: files made here, with their voxels and affines.

    pip install nibabel==5.4.2 pydicom==3.0.2 safetensors
    python mosaic.py [folder of nibabel/nicom/tests/data]
"""

import gzip
import hashlib
import io
import json
import struct
import sys
from pathlib import Path

import numpy as np
import pydicom
from nibabel.nicom import csareader, dicomwrappers
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from safetensors.numpy import save_file

HERE = Path(__file__).parent


def csa(values):
    """A private header of the second version."""
    out = b"SV10\x04\x03\x02\x01" + struct.pack("<2I", len(values), 77)
    for name, (vr, items) in values.items():
        out += struct.pack("<64si4s3i", name.encode(), len(items), vr, 4, 6, 77)
        padded = [str(item).encode() + b"\0" for item in items] + [b""] * (6 - len(items))
        for item in padded:
            out += struct.pack("<4i", len(item), len(item), 77, len(item))
            out += item + b"\0" * (-len(item) % 4)
    return out


def mosaic(name, slices, rows, columns, cosines, flip, syntax, spacing_tag=True, private_count=False):
    side = int(np.ceil(np.sqrt(slices)))
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    normal = np.cross(row, column) * (-1 if flip else 1)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = "1.2.3", "1.2.3.4", "MR"
    ds.Manufacturer = "SIEMENS"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    ds.Rows, ds.Columns = side * rows, side * columns
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelSpacing = [2.5, 1.75]
    ds.SliceThickness = 3
    if spacing_tag:
        ds.SpacingBetweenSlices = 3.6
    ds.ImageOrientationPatient = [f"{c:.8f}" for c in cosines]
    ds.ImagePositionPatient = [-110.5, -95.25, 41.0]
    values = {
        "EchoLinePosition": (b"IS\0\0", [32]),
        "AcquisitionMatrixText": (b"SH\0\0", ["64*64"]),
        "SliceNormalVector": (b"FD\0\0", [f"{c:.8f}" for c in normal]),
        "NumberOfImagesInMosaic": (b"US\0\0", [slices]),
        "B_value": (b"IS\0\0", [750]),
        "DiffusionGradientDirection": (b"FD\0\0", [0.6, 0.0, -0.8]),
    }
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", csa(values))
    if private_count:
        header = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        header.add_new(0x0A, "US", slices)
    rng = np.random.default_rng(len(name))
    pixels = rng.integers(0, 4096, (side * rows, side * columns), dtype=np.uint16)
    ds.PixelData = pixels.tobytes()
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def unit(v):
    return np.array(v) / np.linalg.norm(v)


row = unit([0.96, 0.2, -0.1])
column = unit(np.array([-0.1, 0.9, 0.4]) - row * np.dot(row, [-0.1, 0.9, 0.4]))
oblique = [*row, *column]
cases = {
    "axial": mosaic("axial", 6, 4, 5, [1, 0, 0, 0, 1, 0], False, ExplicitVRLittleEndian),
    "oblique": mosaic("oblique", 9, 3, 4, oblique, False, ExplicitVRLittleEndian, private_count=True),
    "flipped": mosaic("flipped", 7, 4, 3, oblique, True, ImplicitVRLittleEndian),
}
tensors = {}
for name, data in cases.items():
    wrapped = dicomwrappers.wrapper_from_data(pydicom.dcmread(io.BytesIO(data)))
    assert wrapped.is_mosaic
    voxels = np.asarray(wrapped.get_data(), dtype=np.float64)
    # nibabel: rows, columns, slices; here: slices, rows, columns.
    tensors[f"{name}.file"] = np.frombuffer(data, dtype=np.uint8)
    tensors[f"{name}.voxels"] = np.ascontiguousarray(voxels.transpose(2, 0, 1)[None])
    tensors[f"{name}.affine"] = np.ascontiguousarray(wrapped.affine)
save_file(tensors, HERE / "mosaic.safetensors")

if len(sys.argv) > 1:
    own = {}
    # 0.dcm and 1.dcm there say that they are mosaics of 7 x 7 in 256 x 256 pixels, and are none.
    for name in ["siemens_dwi_0.dcm.gz", "siemens_dwi_1000.dcm.gz"]:
        with gzip.open(Path(sys.argv[1]) / name) as file:
            wrapped = dicomwrappers.wrapper_from_file(file)
        assert wrapped.is_mosaic
        voxels = np.ascontiguousarray(np.asarray(wrapped.get_data(), dtype=np.float64).transpose(2, 0, 1))
        own[name] = {
            "shape": voxels.shape,
            "sha": hashlib.sha256(voxels.tobytes()).hexdigest()[:32],
            "affine": np.asarray(wrapped.affine).tolist(),
            "b_value": csareader.get_b_value(wrapped.csa_header),
            "gradient": None if (g := csareader.get_g_vector(wrapped.csa_header)) is None else list(g),
        }
    (HERE / "mosaic.json").write_text(json.dumps(own, indent=1) + "\n")
