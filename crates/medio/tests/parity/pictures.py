"""Small pictures and NumPy files by Pillow, tifffile and NumPy, and their pixels, as in volumes.py."""

import io
import sys
from pathlib import Path

import numpy as np
import PIL
import tifffile
from PIL import Image
from volumes import SEED, Cases, numbers

UNIT = np.eye(3, 4)


def pillow(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def main(folder):
    rng = np.random.default_rng(SEED)
    cases = Cases()

    def add(name, ending, content, pixels):
        """pixels: rows, columns and, if there are several, samples."""
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        cases.add(name, {f"a.{ending}": content}, np.moveaxis(pixels, -1, 0)[:, None], UNIT)

    grey, colour = numbers("u1", rng, (5, 7)), numbers("u1", rng, (5, 7, 3))
    alpha, deep = numbers("u1", rng, (5, 7, 4)), numbers("u2", rng, (5, 7))
    add("png grey", "png", pillow(Image.fromarray(grey), "png"), grey)
    add("png colour", "png", pillow(Image.fromarray(colour), "png"), colour)
    add("png alpha", "png", pillow(Image.fromarray(alpha), "png"), alpha)
    add("png deep", "png", pillow(Image.fromarray(deep), "png"), deep)
    palette = Image.fromarray(colour).quantize(16)
    add("png palette", "png", pillow(palette, "png"), np.asarray(palette.convert("RGB")))
    bilevel = Image.fromarray(grey > 127)
    add("png bilevel", "png", pillow(bilevel, "png"), np.asarray(bilevel).astype("u1") * 255)
    add("bmp grey", "bmp", pillow(Image.fromarray(grey), "bmp"), np.asarray(Image.fromarray(grey).convert("RGB")))
    add("bmp colour", "bmp", pillow(Image.fromarray(colour), "bmp"), colour)
    for turn, kind in enumerate(["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"]):
        stack = numbers(kind, rng, (3, 5, 7))
        out = io.BytesIO()
        tifffile.imwrite(
            out,
            stack,
            byteorder="<>"[turn % 2],
            photometric="minisblack",
            compression=[None, "zlib", "lzw" if kind[0] != "f" else None, "packbits"][turn % 4],
            predictor=bool(turn % 4 == 1),
            tile=(16, 16) if turn % 3 == 2 else None,
            metadata=None,
        )
        cases.add(f"tiff {kind}", {"a.tif": out.getvalue()}, stack[None], UNIT)
    out = io.BytesIO()
    tifffile.imwrite(out, colour, photometric="rgb", metadata=None, bigtiff=True)
    add("tiff colour", "tif", out.getvalue(), colour)
    for turn, kind in enumerate(["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "?"]):
        array = numbers(kind, rng, (3, 2, 4, 5)) if kind != "?" else rng.random((3, 2, 4, 5)) > 0.5
        stored = array.astype(array.dtype.newbyteorder("<>"[turn % 2]))
        out = io.BytesIO()
        np.save(out, np.asfortranarray(stored) if turn % 3 == 0 else stored)
        cases.add(f"npy {kind}", {"a.npy": out.getvalue()}, array, UNIT)
    volume = numbers("i2", rng, (2, 3, 4))
    for name, save in {"npz": np.savez, "npz packed": np.savez_compressed}.items():
        out = io.BytesIO()
        save(out, scan=volume)
        cases.add(name, {"a.npz": out.getvalue()}, volume[None], UNIT)
    smooth = (np.add.outer(np.arange(24) * 5, np.arange(32) * 3) % 256).astype("u1")
    for name, pixels in {"grey": smooth, "colour": np.stack([smooth, smooth.T[:24, :1] + 0 * smooth, 255 - smooth], -1)}.items():
        content = pillow(Image.fromarray(np.ascontiguousarray(pixels)), "jpeg", quality=95)
        decoded = np.asarray(Image.open(io.BytesIO(content)))
        cases.tensors[f"jpeg {name}.file"] = np.frombuffer(content, dtype=np.uint8)
        cases.tensors[f"jpeg {name}.pixels"] = np.ascontiguousarray(np.atleast_3d(decoded).transpose(2, 0, 1))
    cases.save(folder / "pictures.safetensors", Pillow=PIL.__version__, tifffile=tifffile.__version__)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
