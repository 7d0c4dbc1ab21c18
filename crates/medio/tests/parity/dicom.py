"""Hashes of the pixels that pydicom reads from its own test files, into dicom.json.

Run with pydicom 3.0.2, pydicom-data 1.0.0, pylibjpeg with openjpeg, libjpeg and rle, pyjpegls and Pillow.
For each file that gives pixels: the sha256 of the file, the shape, and the sha256 of its stored values
(little-endian, frames x rows x columns x samples), of its modality values (float64) and of its colours.
Pixels of lossy codestreams differ in rounding between decoders: they get a few values instead of a hash.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

LOSSY = {
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.91",
}


def sha(data):
    return hashlib.sha256(data).hexdigest()[:32]


def numbers(array):
    """The array as the smallest description of its values: kind, shape, hash, or samples of it."""
    little = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
    return {"dtype": array.dtype.str.lstrip("<>|="), "sha": sha(little.tobytes())}


def samples(array):
    flat = array.astype(np.float64).ravel()
    at = [int(i) for i in np.linspace(0, flat.size - 1, 24)]
    return {"sum": float(flat.sum()), "at": at, "values": [float(flat[i]) for i in at]}


def channel_last(array, frames, spp):
    if frames == 1:
        array = array[None]
    return array[..., None] if spp == 1 else array


def describe(path):
    ds = pydicom.dcmread(path, force=True)
    uid = str(ds.file_meta.get("TransferSyntaxUID", "")) if hasattr(ds, "file_meta") else ""
    stored = pixel_array(path, raw=True) if uid else ds.pixel_array
    frames = int(ds.get("NumberOfFrames", 1) or 1)
    spp = int(ds.SamplesPerPixel)
    stored = channel_last(stored, frames, spp)
    entry = {
        "file": sha(path.read_bytes()),
        "syntax": uid,
        "shape": list(stored.shape),
    }
    lossy = uid in LOSSY
    entry["stored"] = samples(stored) if lossy else numbers(stored)
    photometric = ds.PhotometricInterpretation
    if spp == 1 and photometric != "PALETTE COLOR":
        values = apply_modality_lut(stored, ds).astype(np.float64)
        # pydicom leaves doses to its caller (PS3.3 section C.8.8.3).
        if ds.get("Modality") == "RTDOSE" and "DoseGridScaling" in ds:
            values = stored.astype(np.float64) * float(ds.DoseGridScaling)
        # pydicom does not read the transforms of single frames.
        if "SharedFunctionalGroupsSequence" not in ds:
            entry["values"] = samples(values) if lossy else numbers(values)
    # pydicom reads the words of big-endian palettes as little-endian ones.
    if photometric == "PALETTE COLOR" and uid != "1.2.840.10008.1.2.2":
        rgb = apply_color_lut(stored[..., 0], ds)
        entry["colours"] = numbers(rgb)
    elif spp == 3 and uid:
        entry["colours"] = samples(channel_last(pixel_array(path, raw=False), frames, spp))
    return entry


def main():
    out = {}
    for folder in map(pathlib.Path, sys.argv[1:]):
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")):
            try:
                entry = describe(path)
            except Exception as error:
                print(path.name, type(error).__name__, str(error)[:100], file=sys.stderr)
                continue
            out[path.name] = entry
    here = pathlib.Path(__file__).with_suffix(".json")
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in sorted(out.items()))
    here.write_text("{\n" + lines + "\n}\n")
    print(len(out), "files", here.stat().st_size, "bytes")


main()
