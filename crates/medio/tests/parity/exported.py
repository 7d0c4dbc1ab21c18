"""Opens the files of exported.rs in other readers; run by hand.

MED_PARITY_OUT=DIR cargo test --release -p medio --test parity volumes_for && python exported.py DIR
"""

import sys
from pathlib import Path

import nibabel as nib
import nrrd
import numpy as np
import SimpleITK as sitk
import tifffile
from PIL import Image

S, C = np.sin(0.25), np.cos(0.25)
LPS = np.array([[-0.5, 0, 0, 10], [0, 0.75 * C, -2.5 * S, -20], [0, 0.75 * S, 2.5 * C, 30], [0, 0, 0, 1]])
KINDS = {"i16": "i2", "i32": "i4", "i64": "i8", "f32": "f4", "f64": "f8", "u8": "u1", "u16": "u2", "u32": "u4", "u64": "u8"}


def main(folder):
    count = 0
    for path in sorted(folder.iterdir()):
        ending = path.suffix[1:]
        parts = path.stem.split("_")
        if len(parts) != 3 or ending in ["raw", "zraw", "gz"]:
            continue
        kind, channels = np.dtype(KINDS[parts[0]]), int(parts[2])
        wanted = np.arange(60 * channels).reshape(channels, 3, 4, 5).astype(kind)
        if ending in ["mha", "mhd", "nrrd", "nhdr"]:
            image = sitk.ReadImage(str(path))
            found = sitk.GetArrayFromImage(image)
            found = found[None] if channels == 1 else np.moveaxis(found, -1, 0)
            affine = np.eye(4)
            affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
            affine[:3, 3] = image.GetOrigin()
            assert np.allclose(affine, LPS, atol=1e-9), path
            if ending in ["nrrd", "nhdr"]:
                data, header = nrrd.read(str(path))
                data = data[None] if channels == 1 else data
                assert np.array_equal(np.transpose(data, (0, 3, 2, 1)), wanted), path
                assert np.array_equal(header["space origin"], LPS[:3, 3]), path
        elif ending in ["mgh", "mgz"]:
            image = nib.load(path)
            found = np.asarray(image.dataobj).T.reshape(wanted.shape)
            assert np.allclose(np.diag([-1, -1, 1, 1]) @ image.affine, LPS, atol=1e-5), path
        elif ending == "npy":
            found = np.load(path).reshape(wanted.shape)
        elif ending == "npz":
            archive = np.load(path)
            found = archive["image"].reshape(wanted.shape)
            assert np.array_equal(archive["affine_lps"], LPS), path
        else:
            found = tifffile.imread(path)
            found = found[None] if channels == 1 else np.moveaxis(found, -1, 0)
        assert found.dtype.newbyteorder('=') == kind and np.array_equal(found, wanted), path
        count += 1
    plane = (np.arange(20) * 3000).reshape(4, 5)
    for ending in ["mha", "nrrd"]:
        image = sitk.ReadImage(str(folder / f"plane.{ending}"))
        assert np.array_equal(sitk.GetArrayFromImage(image), plane) and image.GetSpacing() == (0.5, 0.75)
    assert np.array_equal(np.asarray(Image.open(folder / "plane.png")), plane)
    assert np.array_equal(tifffile.imread(folder / "plane.tif"), plane)
    labels, header = nrrd.read(str(folder / "organs.seg.nrrd"))
    assert header["Segment0_Name"] == "liver" and header["Segment1_LabelValue"] == "5"
    assert header["Segment0_Extent"] == "1 3 0 0 1 1" and labels.sum() == 6
    print(count, "volumes agree in SimpleITK, nibabel, pynrrd, NumPy and tifffile")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
