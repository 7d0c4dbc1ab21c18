"""Small MGH and Analyze files of nibabel, and what nibabel reads from them, as in volumes.py."""

import gzip
import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
from volumes import SEED, SHAPE, Cases, numbers

AFFINE = np.array([[-0.7, 0.05, 0.1, 31.5], [0.04, 0.8, -0.2, -20.25], [0.0, 0.3, 2.5, 7.0], [0, 0, 0, 1]])
LPS = np.diag([-1, -1, 1])


def by_nibabel(cases, name, files):
    with tempfile.TemporaryDirectory() as folder:
        for file, content in files.items():
            Path(folder, file).write_bytes(content)
        image = nib.load(str(Path(folder, next(iter(files)))))
        voxels = np.asarray(image.dataobj, dtype=np.float64).T
        lps = LPS @ np.asarray(image.affine, dtype=np.float64)[:3]
    while voxels.ndim < 4:
        voxels = voxels[None]
    cases.add(name, files, voxels, lps)


def main(folder):
    rng = np.random.default_rng(SEED)
    cases = Cases()
    for kind in ["u1", "i2", "u2", "i4", "f4"]:
        for frames in [1, 3]:
            shape = SHAPE if frames == 1 else (frames, *SHAPE)
            content = nib.MGHImage(numbers(kind, rng, shape).T, AFFINE).to_bytes()
            if frames == 3:
                content = gzip.compress(content, mtime=0)
            by_nibabel(cases, f"mgh {kind} {frames}", {"a.mgz" if frames == 3 else "a.mgh": content})
    for turn, kind in enumerate(["u1", "i2", "i4", "f4", "f8"]):
        for order in "<>":
            header = nib.Spm99AnalyzeHeader(endianness=order)
            header.set_data_dtype(np.dtype(kind).newbyteorder(order))
            image = nib.Spm99AnalyzeImage(numbers(kind, rng, SHAPE).T, None, header)
            image.header.set_zooms((0.5, 0.75, 2.5))
            if turn % 2:
                image.header["origin"][:3] = [2, -1, 3]
            image.header["descrip"] = b"text"
            files = {"hdr": None, "img": None}
            with tempfile.TemporaryDirectory() as scratch:
                image.to_filename(str(Path(scratch, "a.img")))
                files = {f"a.{e}": Path(scratch, f"a.{e}").read_bytes() for e in ["hdr", "img"]}
            by_nibabel(cases, f"analyze {kind} {'little' if order == '<' else 'big'}", files)
            if kind == "i2":
                scaled = bytearray(files["a.hdr"])
                scaled[112:120] = np.array([0.5, -3], dtype=order + "f4").tobytes()
                by_nibabel(cases, f"analyze scaled {order}", {"a.hdr": bytes(scaled), "a.img": files["a.img"]})
                ranges = bytearray(files["a.hdr"])
                ranges[112:116] = bytes(4)
                ranges[124:132] = np.array([0.75, 0.25], dtype=order + "f4").tobytes()
                ranges[140:148] = np.array([110, 10], dtype=order + "i4").tobytes()
                by_nibabel(cases, f"analyze ranges {order}", {"a.hdr": bytes(ranges), "a.img": files["a.img"]})
    cases.save(folder / "mgh_analyze.safetensors", nibabel=nib.__version__)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
