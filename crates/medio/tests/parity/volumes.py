"""Small MetaImage and NRRD files, and what SimpleITK reads from them (pynrrd for what SimpleITK cannot).

Writes metaimage.safetensors and nrrd.safetensors: whole files as bytes, the SHA-256 of the voxels as
little-endian float64 [channels, depth, height, width], and the affine from (i, j, k, 1) to LPS.
"""

import bz2
import gzip
import hashlib
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import safetensors
import SimpleITK as sitk
from safetensors.numpy import save_file

SEED = 20261122
TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
SHAPE = (2, 2, 3)
PLACES = [
    ((1, 0, 0, 0, 1, 0, 0, 0, 1), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    ((0, 0, 1, -1, 0, 0, 0, -1, 0), (10.5, -20.25, 31.0), (0.5, 0.75, 2.5)),
    (tuple(np.array(sitk.VersorTransform((0.3, 0.5, -0.8), 0.7).GetMatrix())), (-101.5, 33.25, 900.125), (0.6, 0.61, 5.0)),
]


def numbers(kind, rng, shape):
    if kind.startswith("f"):
        values = rng.normal(0, 1000, shape).astype(kind)
        values.flat[:2] = [np.inf, -0.0]
        return values
    info = np.iinfo(kind)
    values = rng.integers(info.min, info.max, shape, dtype=kind, endpoint=True)
    values.flat[:2] = [info.min, info.max]
    return values


def channels_first(image):
    array = sitk.GetArrayFromImage(image)
    rank = image.GetDimension()
    if image.GetNumberOfComponentsPerPixel() > 1:
        array = np.moveaxis(array, -1, 0)
    elif rank < 4:
        array = array[None]
    while array.ndim < 4:
        array = array[:, None]
    return array


def affine(image):
    rank = image.GetDimension()
    lps = np.zeros((3, 4))
    matrix = np.array(image.GetDirection()).reshape(rank, rank) * image.GetSpacing()
    n = min(rank, 3)
    lps[:n, :n] = matrix[:n, :n]
    lps[:n, 3] = image.GetOrigin()[:n]
    if rank == 2:
        lps[2, 2] = 1.0
    return lps


class Cases:
    def __init__(self):
        self.tensors = {}

    def add(self, name, files, voxels, lps):
        """files: name -> bytes; the first one is the one to open."""
        for index, (file, content) in enumerate(files.items()):
            self.tensors[f"{name}/{index}/{file}"] = np.frombuffer(content, dtype=np.uint8)
        values = np.ascontiguousarray(voxels, dtype="<f8")
        digest = hashlib.sha256(values.tobytes()).digest()
        self.tensors[f"{name}/sha256"] = np.frombuffer(digest, dtype=np.uint8)
        self.tensors[f"{name}/shape"] = np.array(values.shape, dtype=np.float64)
        self.tensors[f"{name}/affine"] = np.ascontiguousarray(lps, dtype=np.float64)

    def by_itk(self, name, files):
        """What SimpleITK makes of files given as bytes."""
        with tempfile.TemporaryDirectory() as folder:
            for file, content in files.items():
                Path(folder, file).write_bytes(content)
            image = sitk.ReadImage(str(Path(folder, next(iter(files)))))
        self.add(name, files, channels_first(image), affine(image))

    def from_itk(self, name, image, ending, compress):
        """A file that SimpleITK writes, with what it reads from it."""
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, "a" + ending))
            sitk.WriteImage(image, path, compress)
            first = os.path.basename(path)
            others = sorted(set(os.listdir(folder)) - {first})
            files = {file: Path(folder, file).read_bytes() for file in [first, *others]}
        self.by_itk(name, files)

    def grid(self, rng, endings):
        """Number types x compression x components x directions, the last in turn."""
        turn = 0
        for kind in TYPES:
            for compress in [False, True]:
                for components in [1, 3]:
                    if components == 3 and kind in ["i1", "u4", "i8", "u8"]:
                        continue
                    shape = SHAPE if components == 1 else (*SHAPE, components)
                    image = sitk.GetImageFromArray(numbers(kind, rng, shape), isVector=components > 1)
                    direction, origin, spacing = PLACES[turn % 3]
                    image.SetDirection(direction)
                    image.SetOrigin(origin)
                    image.SetSpacing(spacing)
                    ending = endings[turn % len(endings)]
                    turn += 1
                    packed = "packed" if compress else "plain"
                    self.from_itk(f"{kind} {packed} {components} {ending[1:]}", image, ending, compress)
        plane = sitk.GetImageFromArray(numbers("i2", rng, (3, 4)))
        plane.SetSpacing((0.5, 0.25))
        plane.SetOrigin((3, -4))
        plane.SetDirection((0, -1, 1, 0))
        self.from_itk("plane", plane, endings[0], True)
        series = sitk.GetImageFromArray(numbers("u1", rng, (3, *SHAPE)), isVector=False)
        series.SetSpacing((0.5, 0.75, 2.5, 4))
        series.SetOrigin((1, 2, 3, 0))
        self.from_itk("series", series, endings[0], False)

    def save(self, path, **versions):
        metadata = {
            "seed": str(SEED),
            "SimpleITK": sitk.Version_VersionString(),
            "numpy": np.__version__,
            "safetensors": safetensors.__version__,
            **versions,
        }
        save_file(self.tensors, path, metadata)


def metaimage(rng):
    cases = Cases()
    cases.grid(rng, [".mha", ".mhd", ".mha"])
    place = "TransformMatrix = 0 1 0 -1 0 0 0 0 1\nElementSpacing = 0.5 0.75 2.5\n"
    head = "ObjectType = Image\nNDims = 3\nDimSize = 3 2 2\n" + place
    data = numbers("i2", rng, SHAPE)
    raw = data.astype("<i2").tobytes()
    big = head + "Position = 1 2 3\nElementByteOrderMSB = True\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    cases.by_itk("big endian", {"a.mha": big.encode() + data.astype(">i2").tobytes()})
    text = head + "Origin = 1 2 3\nBinaryData = False\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    cases.by_itk("text", {"a.mha": text.encode() + " ".join(map(str, data.ravel())).encode() + b"\n"})
    parts = head + "Offset = 1 2 3\nElementType = MET_SHORT\nElementDataFile = "
    slices = {f"s{i}.raw": raw[12 * i : 12 * i + 12] for i in range(2)}
    cases.by_itk("list", {"a.mhd": (parts + "LIST\ns1.raw\ns0.raw\n").encode(), **slices})
    cases.by_itk("pattern", {"a.mhd": (parts + "s%d.raw 0 1 1\n").encode(), **slices})
    skip = parts.replace("NDims", "HeaderSize = -1\nNDims")
    cases.by_itk("header size -1", {"a.mhd": (skip + "b.raw\n").encode(), "b.raw": b"junk!" + raw})
    skip = parts.replace("NDims", "HeaderSize = 5\nNDims")
    cases.by_itk("header size 5", {"a.mhd": (skip + "b.raw\n").encode(), "b.raw": b"junk!" + raw})
    windows = (parts + "LOCAL\n").replace("\n", "\r\n").replace(" = ", "=")
    cases.by_itk("windows", {"a.mha": windows.encode() + raw})
    return cases


def nrrd(rng):
    cases = Cases()
    cases.grid(rng, [".nrrd", ".nhdr", ".nrrd"])
    data = numbers("i2", rng, SHAPE)
    raw = data.astype("<i2").tobytes()
    base = "NRRD0005\ntype: short\ndimension: 3\nsizes: 3 2 2\nendian: little\n"
    vectors = "space directions: (0.5,0.1,0) (-0.1,0.75,0) (0,0,-2.5)\nspace origin: (1,2,3)\n"
    for space in ["right-anterior-superior", "LAS", "left-posterior-superior"]:
        text = base + f"space: {space}\n" + vectors.replace("0.1", "0") + "encoding: raw\n\n"
        cases.by_itk(space, {"a.nrrd": text.encode() + raw})
    ras = base + "space: RAS\n" + vectors.replace("0.1", "0")
    cases.by_itk("ascii", {"a.nrrd": (ras + "encoding: ascii\n\n").encode() + " ".join(map(str, data.ravel())).encode()})
    cases.by_itk("hex", {"a.nrrd": (ras + "encoding: hex\n\n").encode() + raw.hex().encode()})
    cases.by_itk("big", {"a.nrrd": (ras.replace("little", "big") + "encoding: raw\n\n").encode() + data.astype(">i2").tobytes()})
    cases.by_itk("list", {
        "a.nhdr": (ras + "encoding: raw\ndata file: LIST\ns0.raw\ns1.raw\n").encode(),
        "s0.raw": raw[:12],
        "s1.raw": raw[12:],
    })
    cases.by_itk("skips", {
        "a.nhdr": (ras + "encoding: raw\nline skip: 2\nbyte skip: 3\ndata file: ./b.raw\n").encode(),
        "b.raw": b"one\ntwo\nabc" + raw,
    })
    cases.by_itk("from the end", {
        "a.nhdr": (ras + "encoding: raw\nbyteskip: -1\ndatafile: b.raw\n").encode(),
        "b.raw": b"anything" + raw,
    })
    cases.by_itk("skip after gzip", {
        "a.nhdr": (ras + "encoding: gzip\nline skip: 1\nbyte skip: 3\ndata file: b.gz\n").encode(),
        "b.gz": b"a line\n" + gzip.compress(b"abc" + raw, mtime=0),
    })
    spaced = base + "spacings: 0.5 0.75 2.5\nencoding: raw\n"
    cases.by_itk("spacings", {"a.nrrd": (spaced + "axis mins: 10 20 30\ncenters: cell cell cell\n\n").encode() + raw})
    cases.by_itk("nodes", {"a.nrrd": (spaced + "axis mins: 10 20 30\ncenterings: node node node\n\n").encode() + raw})
    last = base.replace("dimension: 3", "dimension: 4").replace("3 2 2", "3 2 1 2")
    last += "space: LPS\nspace directions: (0.5,0,0) (0,0.75,0) (0,0,2.5) none\nspace origin: (1,2,3)\n"
    last += "kinds: domain domain domain list\nencoding: raw\n\n"
    cases.by_itk("list axis last", {"a.nrrd": last.encode() + raw})
    # SimpleITK has no bzip2, no shear and no pattern; the numbers are plain enough.
    voxels = data[None]
    lps = np.array([[-0.5, 0.1, 0, -1], [-0.1, -0.75, 0, -2], [0, 0, -2.5, 3]])
    sheared = base + "space: RAS\n" + vectors.replace("(-0.1,0.75,0)", "(-0.1,0.75,0.0)")
    cases.add("bzip2", {"a.nrrd": (sheared + "encoding: bzip2\n\n").encode() + bz2.compress(raw)}, voxels, lps)
    pattern = {"a.nhdr": (sheared + "encoding: raw\ndata file: s%03d.raw 4 2 -2\n").encode()}
    pattern |= {"s004.raw": raw[:12], "s002.raw": raw[12:]}
    cases.add("pattern", pattern, voxels, lps)
    return cases


def main(folder):
    metaimage(np.random.default_rng(SEED)).save(folder / "metaimage.safetensors")
    nrrd(np.random.default_rng(SEED + 1)).save(folder / "nrrd.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
