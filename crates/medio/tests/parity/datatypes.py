"""Small NIfTI files of every number type, with the voxels and affines nibabel reads from them."""

import gzip
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import safetensors
from safetensors.numpy import save_file

SEED = 20261121
HEADERS = {1: (nib.Nifti1Header, nib.Nifti1Image), 2: (nib.Nifti2Header, nib.Nifti2Image)}
TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
SHAPE = (4, 3, 2)
AFFINE = np.array([[-0.7, 0.05, 0.1, 31.5], [0.04, 0.8, -0.2, -20.25], [0.0, 0.3, 2.5, 7.0], [0, 0, 0, 1]])


def numbers(kind, rng, shape):
    if kind.startswith("f"):
        values = rng.normal(0, 1000, shape).astype(kind)
        values.flat[:3] = [np.nan, np.inf, -0.0]
        return values
    info = np.iinfo(kind)
    values = rng.integers(info.min, info.max, shape, dtype=kind, endpoint=True)
    values.flat[:2] = [info.min, info.max]
    return values


def make(tensors, name, data, version=1, order="<", zipped=False, scaling=None, units="mm"):
    header_class, image_class = HEADERS[version]
    header = header_class(endianness=order)
    header.set_data_dtype(data.dtype.newbyteorder(order))
    header.set_xyzt_units(units)
    image = image_class(data, AFFINE, header=header)
    content = bytearray(image.to_bytes())
    assert image.header.endianness == order
    if scaling is not None:  # as stored by a scanner: the raw numbers stay
        at, kind = (112, order + "f4") if version == 1 else (176, order + "f8")
        raw = np.array(scaling, dtype=kind).tobytes()
        content[at : at + len(raw)] = raw
    content = bytes(content)
    back = image_class.from_bytes(content)
    voxels = back.get_fdata(dtype=np.float64)
    while voxels.ndim < 4:
        voxels = voxels[..., None]
    if voxels.ndim == 5:
        voxels = voxels[:, :, :, 0, :]
    if zipped:
        content = gzip.compress(content, 6, mtime=0)
    tensors[name + ".file"] = np.frombuffer(content, dtype=np.uint8)
    tensors[name + ".voxels"] = np.ascontiguousarray(voxels.T)
    tensors[name + ".affine"] = np.ascontiguousarray(back.affine, dtype=np.float64)


def main(folder):
    rng = np.random.default_rng(SEED)
    tensors = {}
    for kind in TYPES:
        make(tensors, f"{kind}_le", numbers(kind, rng, SHAPE), zipped=kind == "i2")
        make(tensors, f"{kind}_be", numbers(kind, rng, SHAPE), order=">")
    for i, kind in enumerate(["u1", "i2", "f4", "i8"]):
        order = "<>"[i % 2]
        make(tensors, f"{kind}_nifti2", numbers(kind, rng, SHAPE), version=2, order=order, zipped=i == 3)
    scalings = {
        "i2": (0.1, -1024.3),
        "u1": (1.0, 0.5),
        "f4": (-2.5, 0.0),
        "u4": (np.nan, 0.0),
        "i4": (0.0, 3.0),
        "i8": (3.0, 1.0),
    }
    for kind, scaling in scalings.items():
        make(tensors, f"{kind}_scaled", numbers(kind, rng, SHAPE), scaling=scaling)
    make(tensors, "i2_scaled_nifti2", numbers("i2", rng, SHAPE), version=2, scaling=(1 / 3, 1e-3))
    make(tensors, "i2_slice", numbers("i2", rng, (5, 3)))
    make(tensors, "f4_series", numbers("f4", rng, (4, 3, 2, 3)))
    make(tensors, "f4_vectors", numbers("f4", rng, (4, 3, 2, 1, 3)))
    metadata = {
        "seed": str(SEED),
        "nibabel": nib.__version__,
        "numpy": np.__version__,
        "safetensors": safetensors.__version__,
    }
    save_file(tensors, folder / "datatypes.safetensors", metadata)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
