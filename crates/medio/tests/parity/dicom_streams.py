"""Codestreams of every kind that DICOM holds, made and decoded by other libraries, into dicom_streams.safetensors.

Run with imagecodecs 2026.3.6 (libjpeg-turbo, OpenJPEG), pyjpegls 1.5.1 (CharLS) and Pillow 13.0.0.
Names are SYNTAX.WHAT; of each there are the bytes (`stream`) and the samples that the maker's own decoder
gives (`samples`, rows x columns x channels, without sign).
"""

import io
import json
import pathlib
import struct

import imagecodecs as ic
import jpeg_ls
import numpy as np
from PIL import Image

ROWS, COLUMNS = 17, 31
y, x = np.mgrid[:ROWS, :COLUMNS]
random = np.random.default_rng(11)


def picture(bits, channels=1):
    """Waves, flat parts and noise, so that runs, long codes and every predictor occur."""
    top = 2**bits - 1
    out = []
    for c in range(channels):
        wave = 0.5 + 0.45 * np.sin((x + 3 * c) / 5.0) * np.cos(y / (4.0 + c))
        wave[:, 10:19] = 0.25 + 0.1 * c
        wave[5:7] = 1.0 - wave[5:7]
        noise = random.integers(-2, 3, wave.shape) * (x > 22)
        out.append(np.clip(np.round(wave * top) + noise, 0, top))
    array = np.stack(out, -1).astype("u1" if bits <= 8 else "u2")
    return array[..., 0] if channels == 1 else array


cases = {}


def put(name, stream, samples):
    samples = np.asarray(samples)
    if samples.ndim == 2:
        samples = samples[..., None]
    assert samples.shape[:2] == (ROWS, COLUMNS), samples.shape
    cases[name] = (bytes(stream), samples.astype("u1" if samples.dtype == "u1" else "<u2"))


for name, channels, subsampling in (
    ("grey", 1, None),
    ("444", 3, "444"),
    ("422", 3, "422"),
    ("420", 3, "420"),
    ("440", 3, "440"),
):
    array = picture(8, channels)
    kinds = {} if channels == 1 else {"colorspace": "YCBCR", "outcolorspace": "YCBCR", "subsampling": subsampling}
    stream = ic.jpeg8_encode(array, 85, **kinds)
    kinds.pop("subsampling", None)
    put(f"50.{name}", stream, ic.jpeg8_decode(stream, **kinds))
file = io.BytesIO()
Image.fromarray(picture(8, 3), "RGB").save(file, "JPEG", quality=70, restart_marker_blocks=2, keep_rgb=True)
put("50.restart", file.getvalue(), np.asarray(Image.open(io.BytesIO(file.getvalue()))))
stream = ic.jpeg8_encode(picture(12), 90, bitspersample=12)
put("51.grey", stream, ic.jpeg8_decode(stream))
for bits in (8, 12, 16):
    array = picture(bits)
    for predictor in (1, 2, 3, 4, 5, 6, 7):
        if predictor != 1 and bits != 12:
            continue
        stream = ic.jpeg8_encode(array, lossless=True, predictor=predictor, bitspersample=bits)
        put(f"57.{bits}_{predictor}", stream, array)
array = picture(8, 3)
stream = ic.jpeg8_encode(array, lossless=True, predictor=4, colorspace="RGB", outcolorspace="RGB")
put("57.rgb", stream, array)
for bits in (8, 12, 16):
    array = picture(bits)
    put(f"80.{bits}", jpeg_ls.encode_array(array), array)
array = picture(8, 3)
# CharLS takes pixels together where lines are interleaved, too.
planes = np.ascontiguousarray(array.transpose(2, 0, 1))
for mode, order in enumerate((planes, array, array)):
    stream = jpeg_ls.encode_array(order, interleave_mode=mode)
    assert np.array_equal(ic.jpegls_decode(bytes(stream)), array)
    put(f"80.interleave{mode}", stream, array)
for bits, near in ((8, 1), (8, 7), (16, 3)):
    array = picture(bits)
    stream = jpeg_ls.encode_array(array, near)
    put(f"81.{bits}_{near}", stream, ic.jpegls_decode(bytes(stream)))
for bits in (8, 12, 16):
    array = picture(bits)
    stream = ic.jpeg2k_encode(array, codecformat="J2K", reversible=True, bitspersample=bits)
    put(f"90.{bits}", stream, array)
array = picture(12).astype("i2") - 2048
stream = ic.jpeg2k_encode(array, codecformat="J2K", reversible=True, bitspersample=12)
put("90.signed", stream, (array + 2048).astype("u2"))
array = picture(8, 3)
put("90.rgb", ic.jpeg2k_encode(array, codecformat="J2K", reversible=True), array)

header, data = {"__metadata__": {"made_by": "imagecodecs 2026.3.6, pyjpegls 1.5.1, Pillow 13.0.0"}}, b""
arrays = [(f"{name}.samples", "U8" if samples.itemsize == 1 else "U16", samples.shape, samples.tobytes()) for name, (_, samples) in sorted(cases.items())]
arrays.sort(key=lambda entry: entry[1] != "U16")
arrays += [(f"{name}.stream", "U8", [len(stream)], stream) for name, (stream, _) in sorted(cases.items())]
for name, dtype, shape, raw in arrays:
    header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header, separators=(",", ":"))
text += " " * (-len(text) % 8)
path = pathlib.Path(__file__).with_suffix(".safetensors")
path.write_bytes(struct.pack("<Q", len(text)) + text.encode() + data)
print(len(cases), "cases", path.stat().st_size, "bytes")
