"""Opens the files of written.rs in nibabel and SimpleITK; run by hand.

MED_PARITY_OUT=DIR cargo test --release -p medio --test parity written && python written.py DIR
"""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk

KINDS = {"i8": "i1", "i16": "i2", "i32": "i4", "i64": "i8", "f32": "f4", "f64": "f8"}
KINDS |= {"u8": "u1", "u16": "u2", "u32": "u4", "u64": "u8"}
S, C = np.sin(0.25), np.cos(0.25)
LPS = np.array([[-0.5, 0, 0, 10], [0, 0.75 * C, -2.5 * S, -20], [0, 0.75 * S, 2.5 * C, 30], [0, 0, 0, 1]])
RAS = np.diag([-1, -1, 1, 1]) @ LPS


def main(folder):
    ramp = np.arange(120).reshape(2, 3, 4, 5)
    for path in sorted(folder.glob("*.nii*")):
        name = path.name.split(".")[0]
        image = nib.load(path)
        if name not in KINDS:
            continue
        assert image.get_data_dtype() == np.dtype(KINDS[name]), path
        wanted = ramp.astype(np.int8).astype(KINDS[name]) if name[0] != "u" else ramp
        assert np.array_equal(np.asarray(image.dataobj).T, wanted), path
        assert np.abs(image.affine - RAS).max() < 1e-5, path
        assert np.abs(image.get_qform() - RAS).max() < 1e-5, path
        assert image.header["descrip"].item() == b"written by medio", path
        assert image.header.get_xyzt_units()[0] == "mm"
        itk = sitk.ReadImage(str(path))
        assert np.array_equal(sitk.GetArrayFromImage(itk), wanted), path
        assert np.allclose(itk.GetOrigin()[:3], LPS[:3, 3], atol=1e-5), path
        assert np.allclose(itk.GetSpacing()[:3], [0.5, 0.75, 2.5], atol=1e-6), path
        direction = np.array(itk.GetDirection()).reshape(4, 4)[:3, :3]
        assert np.allclose(direction * [0.5, 0.75, 2.5], LPS[:3, :3], atol=1e-6), path
    scan, label = nib.load(folder / "i16.nii"), nib.load(folder / "label.nii.gz")
    assert np.array_equal(scan.affine, label.affine) and np.array_equal(scan.get_qform(), label.get_qform())
    assert np.asarray(label.dataobj)[4, 3, 2] == 7 and label.get_fdata().sum() == 7
    for name in ["pair.img", "zipped.hdr.gz", "label_pair.hdr"]:
        image, single = nib.load(folder / name), label if "label" in name else scan
        assert isinstance(image, nib.Nifti1Pair) and image.get_data_dtype() == single.get_data_dtype()
        assert np.array_equal(np.asarray(image.dataobj), np.asarray(single.dataobj)), name
        assert np.array_equal(image.affine, scan.affine) and np.array_equal(image.get_qform(), scan.get_qform())
    for name in ["pair.img", "label_pair.hdr"]:  # SimpleITK does not read a compressed pair by its header
        itk, single = sitk.ReadImage(str(folder / name)), label if "label" in name else scan
        assert np.array_equal(sitk.GetArrayFromImage(itk), np.asarray(single.dataobj).T), name
        assert np.allclose(itk.GetOrigin()[:3], LPS[:3, 3], atol=1e-5), name
    long = nib.load(folder / "long.nii.gz")
    assert isinstance(long, nib.Nifti2Image) and long.shape == (40000, 40, 2)
    flat = np.asarray(long.dataobj).T.ravel()
    assert np.array_equal(flat, (np.arange(flat.size) // 7).astype(np.uint16))
    print("nibabel", nib.__version__, "and SimpleITK", sitk.Version_VersionString(), "agree")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
