"""Pairs of .hdr and .img that nibabel writes: read, and written the same by medio, byte for byte."""

import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import safetensors
from safetensors.numpy import save_file

IMAGES = {1: nib.Nifti1Pair, 2: nib.Nifti2Pair}
S, C = np.sin(0.25), np.cos(0.25)
# RAS of the grid of pairs.rs: LPS steps (d) [0, -2.5 s, 2.5 c], (h) [0, 0.75 c, 0.75 s], (w) [-0.5, 0, 0].
AFFINE = np.array([[0.5, 0, 0, -10], [0, -0.75 * C, 2.5 * S, 20], [0, 0.75 * S, 2.5 * C, 30], [0, 0, 0, 1]])


def pair(tensors, name, data, version=1, ending=""):
    image = IMAGES[version](data, AFFINE)
    image.header.set_data_dtype(data.dtype)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = b"a pair"
    image.set_sform(AFFINE, 1)
    image.set_qform(AFFINE, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"p.hdr{ending}"
        nib.save(image, path)
        for part in ["hdr", "img"]:
            content = (Path(folder) / f"p.{part}{ending}").read_bytes()
            tensors[f"{name}.{part}{ending}"] = np.frombuffer(content, dtype=np.uint8)
        back = nib.load(path)
    tensors[f"{name}.affine"] = np.ascontiguousarray(back.affine, dtype=np.float64)


def main(folder):
    tensors = {}
    ramp = np.arange(60).reshape(3, 4, 5).T
    pair(tensors, "i16", (37 * ramp - 1000).astype(np.int16))
    pair(tensors, "f32", (ramp / 8).astype(np.float32))
    pair(tensors, "f32_channels", (np.arange(120).reshape(2, 3, 4, 5).T / 8).astype(np.float32))
    pair(tensors, "labels", (ramp % 3).astype(np.uint8))
    pair(tensors, "nifti2", (37 * ramp - 1000).astype(np.int16), version=2)
    pair(tensors, "zipped", (37 * ramp - 1000).astype(np.int16), ending=".gz")
    metadata = {"nibabel": nib.__version__, "numpy": np.__version__, "safetensors": safetensors.__version__}
    save_file(tensors, folder / "pairs.safetensors", metadata=metadata)


if __name__ == "__main__":
    main(Path(__file__).parent)
