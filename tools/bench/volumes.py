"""nibabel's, SimpleITK's and pydicom's side of `benches/volumes.rs`, on the files it leaves in `target/bench-files`.

Wall milliseconds, minimum and median, and CPU milliseconds; each read ends with the sum of a contiguous int16 array in
(z, y, x) order, so that lazy views do not win. Each library writes as it does unless told otherwise.

    cargo bench --bench volumes && python tools/bench/volumes.py [--match read] [--threads 2]
    python tools/bench/volumes.py --compress && cargo bench --bench volumes -- jpeg
"""

import argparse
import pathlib
import shutil
import statistics
import time
import warnings

import imagecodecs
import nibabel
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1

FILES = pathlib.Path(__file__).parents[2] / "target/bench-files"


SERIES = ("ct-dicom", "ct-jpeg2000", "ct-jpeg-lossless")


def compress():
    """The native series in two other transfer syntaxes, which `benches/volumes.rs` reads too if they are there."""
    for folder, syntax, encode in (
        ("ct-jpeg2000", JPEG2000Lossless, None),
        ("ct-jpeg-lossless", JPEGLosslessSV1, imagecodecs.ljpeg_encode),
    ):
        (FILES / folder).mkdir(exist_ok=True)
        for path in sorted((FILES / "ct-dicom").iterdir()):
            slice = pydicom.dcmread(path)
            if encode is None:
                slice.compress(syntax, generate_instance_uid=False)
            else:
                # The codec knows no sign: the samples are raised by 1024, and the intercept lowered.
                raised = (slice.pixel_array.astype(np.int32) + 1024).astype(np.uint16)
                slice.PixelRepresentation = 0
                slice.RescaleIntercept = -1024
                slice.PixelData = encapsulate([encode(raised, bitspersample=16)])
                slice["PixelData"].VR = "OB"
                slice.file_meta.TransferSyntaxUID = syntax
            slice.save_as(FILES / folder / path.name)


def nibabel_sum(path):
    array = np.asarray(nibabel.load(path).dataobj)
    return np.ascontiguousarray(array.transpose(2, 1, 0)).sum()


def sitk_sum(path):
    image = sitk.ReadImage(str(path))
    return sitk.GetArrayViewFromImage(image).sum()


def sitk_series(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(FILES / folder)))
    image = reader.Execute()
    return sitk.GetArrayViewFromImage(image).sum()


def pydicom_series(folder):
    slices = [pydicom.dcmread(path) for path in sorted((FILES / folder).iterdir())]
    slices.sort(key=lambda slice: slice.ImagePositionPatient[2])
    return np.stack([slice.pixel_array for slice in slices]).sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--match", default="")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compress", action="store_true", help="only make the compressed series, in two minutes")
    options = parser.parse_args()
    if options.compress:
        return compress()
    warnings.filterwarnings("ignore")
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options.threads)
    image = sitk.ReadImage(str(FILES / "ct.nii"))
    scan = nibabel.load(FILES / "ct.nii")
    array = np.asarray(scan.dataobj)
    # Beside `ct.nii`, SimpleITK's NIfTI library reads that instead of `ct.nii.gz`.
    alone = FILES / "alone"
    alone.mkdir(exist_ok=True)
    shutil.copy(FILES / "ct.nii.gz", alone)
    cases = {
        "read ct.nii nibabel": lambda: nibabel_sum(FILES / "ct.nii"),
        "read ct.nii SimpleITK": lambda: sitk_sum(FILES / "ct.nii"),
        "read ct.nii.gz nibabel": lambda: nibabel_sum(FILES / "ct.nii.gz"),
        "read ct.nii.gz SimpleITK": lambda: sitk_sum(alone / "ct.nii.gz"),
        "read ct.mha SimpleITK": lambda: sitk_sum(FILES / "ct.mha"),
        "read ct.nrrd SimpleITK": lambda: sitk_sum(FILES / "ct.nrrd"),
        **{f"read {name} SimpleITK": lambda name=name: sitk_series(name) for name in SERIES},
        **{f"read {name} pydicom": lambda name=name: pydicom_series(name) for name in SERIES},
        "write nii.gz nibabel": lambda: nibabel.save(nibabel.Nifti1Image(array, scan.affine), FILES / "peer.nii.gz"),
        "write nii.gz SimpleITK": lambda: sitk.WriteImage(image, str(FILES / "peer.nii.gz"), True),
        "write nrrd SimpleITK": lambda: sitk.WriteImage(image, str(FILES / "peer.nrrd"), True),
    }
    for name, run in cases.items():
        if options.match not in name:
            continue
        run()
        wall, cpu = [], []
        for _ in range(3 if name.startswith("write") else 5):
            before, used = time.perf_counter(), time.process_time()
            run()
            wall.append((time.perf_counter() - before) * 1e3)
            cpu.append((time.process_time() - used) * 1e3)
        print(f"{name:28} min {min(wall):6.0f}  median {statistics.median(wall):6.0f}  cpu {statistics.median(cpu):6.0f}")


if __name__ == "__main__":
    main()
