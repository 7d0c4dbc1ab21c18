"""High-throughput JPEG 2000 codestreams, made by OpenJPH and decoded by OpenJPEG, into dicom_htj2k.safetensors.

Run with imagecodecs 2026.3.6 (OpenJPH 0.26.3, OpenJPEG 2.5.4).
Of each there are the bytes (`stream`), the size (`shape`: rows, columns, channels) and the hash (`sha256`) of the samples,
raised by half their range where they have a sign; of lossy ones the samples themselves (`samples`).
OpenJPH writes neither refinement passes nor every order of packets: those are put together here.
"""

import hashlib
import json
import pathlib
import struct

import imagecodecs as ic
import numpy as np

random = np.random.default_rng(7)


def picture(shape, low, high, dtype, channels=1):
    """Waves with a little noise."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    waves = [0.5 + 0.3 * np.sin(x / (7 + c)) + 0.15 * np.cos(y / (5 + 2 * c)) for c in range(channels)]
    noise = random.normal(0, 0.003, (*shape, channels))
    array = np.rint(low + (high - low) * np.clip(np.stack(waves, -1) + noise, 0, 1)).astype(dtype)
    return array[..., 0] if channels == 1 else array


cases = {}


def put(name, stream, samples=None):
    decoded = np.asarray(ic.jpeg2k_decode(stream))
    if samples is not None:
        assert np.array_equal(decoded, samples), name
    half = 2 ** (8 * decoded.itemsize - 1) if decoded.dtype.kind == "i" else 0
    raised = decoded.astype("i4") + half
    raised = raised if raised.ndim == 3 else raised[..., None]
    cases[name] = (bytes(stream), raised.astype("u1" if decoded.itemsize == 1 else "<u2"))


def segments(stream):
    """Markers of the main header with their places, up to the first tile."""
    at = 2
    while stream[at : at + 2] != b"\xff\x90":
        yield stream[at + 1], at
        at += 2 + struct.unpack(">H", stream[at + 2 : at + 4])[0]
    yield 0x90, at


def place(stream, marker):
    return dict(segments(stream))[marker]


def tile_parts(stream):
    """Packets of each tile part."""
    at = place(stream, 0x90)
    parts = []
    while stream[at : at + 2] == b"\xff\x90":
        length = struct.unpack(">I", stream[at + 6 : at + 10])[0]
        body = stream[at + 12 : at + length]
        parts.append(body[body.index(b"\xff\x93") + 2 :])
        at += length
    return parts


def one_tile(header, packets):
    """A codestream of one tile in one part."""
    start = struct.pack(">HHHIBB", 0xFF90, 10, 0, 14 + len(packets), 0, 1)
    return header + start + b"\xff\x93" + packets + b"\xff\xd9"


def lossless(name, array, **kinds):
    put(name, ic.htj2k_encode(array, reversible=True, **kinds), array)


lossless("8", picture((40, 70), 0, 255, "u1"))
lossless("16", picture((33, 67), 0, 65535, "u2"))
lossless("16.signed", picture((17, 70), -32768, 32767, "i2"))
lossless("8.rgb", picture((24, 37), 0, 255, "u1", 3), rgb=True)
lossless("8.tiles", picture((41, 53), 0, 255, "u1"), tile=(24, 16))
lossless("8.row", picture((1, 37), 0, 255, "u1"))
lossless("8.column", picture((37, 1), 0, 255, "u1"))
lossless("8.levels1", picture((30, 20), 0, 255, "u1"), resolutions=1)
lossless("8.levels8", picture((30, 20), 0, 255, "u1"), resolutions=8)
for step in (0.002, 0.03):
    put(f"8.step{step}", ic.htj2k_encode(picture((40, 66), 40, 200, "u1"), step, reversible=False))
    put(f"8.rgb.step{step}", ic.htj2k_encode(picture((24, 37), 40, 200, "u1", 3), step, reversible=False, rgb=True))

# Twelve bits: the header says so; the rest of a codestream depends on it by the middle of the range alone.
array = picture((30, 66), 0, 4095, "u2")
stream = bytearray(ic.htj2k_encode(array + (32768 - 2048), reversible=True))
stream[42] = 11
put("12", bytes(stream), array)

# Orders of packets: those of three images of one component make an image of three. One part holds one packet.
array = picture((24, 37), 0, 255, "u1", 3)
stream = bytes(ic.htj2k_encode(array, reversible=True, rgb=False, resolutions=2))
header = stream[: place(stream, 0x90)]
coding = place(stream, 0x52)
packets = []
for channel in range(3):
    alone = np.ascontiguousarray(array[..., channel])
    packets += tile_parts(bytes(ic.htj2k_encode(alone, reversible=True, resolutions=2, tilepart=1)))
assert len(packets) == 9
by_resolution = [0, 3, 6, 1, 4, 7, 2, 5, 8]
assert b"".join(packets[i] for i in by_resolution) == b"".join(tile_parts(stream))
for progression, name in enumerate(("lrcp", "rlcp", "rpcl", "pcrl", "cprl")):
    changed = header[: coding + 5] + bytes([progression]) + header[coding + 6 :]
    order = by_resolution if progression < 3 else range(9)
    put(f"8.{name}", one_tile(changed, b"".join(packets[i] for i in order)), array)


def header_bits(packet):
    """The bits of a packet's header and what follows, and where each bit's byte ends; a byte of ones is followed by seven bits."""
    bits, ends, before = "", [], 0
    for end, byte in enumerate(packet[:16], 1):
        fresh = f"{byte:08b}"[before == 0xFF :]
        bits, ends, before = bits + fresh, ends + [end] * len(fresh), byte
    return bits, ends


def header_bytes(bits):
    """The bytes of a packet's header."""
    out = b""
    while bits:
        count = 7 if out[-1:] == b"\xff" else 8
        out += bytes([int(bits[:count].ljust(count, "0"), 2)])
        bits = bits[count:]
    return out + b"\0" if out[-1:] == b"\xff" else out


def refined(array, passes, causal):
    """A codestream one bit plane higher, the code-block of whose lower band is refined by random bits.

    A guard bit more makes every sample twice what it was; what the plane below holds is free to be anything.
    """
    stream = bytes(ic.htj2k_encode(array, reversible=True, resolutions=1, tilepart=1))
    packet, rest = tile_parts(stream)
    header = bytearray(stream[: place(stream, 0x90)])
    steps = place(stream, 0x5C)
    header[steps + 4] += 1 << 5
    coding = place(stream, 0x52)
    header[coding + 12] |= 8 if causal else 0
    # Not empty, included, as many planes skipped as there are zeros.
    bits, ends = header_bits(packet)
    assert bits.startswith("11")
    skipped = bits.index("1", 2) - 2
    at = 2 + skipped + 1
    assert bits[at] == "0", "one pass"
    increments = bits.index("0", at + 1) - at - 1
    count = 3 + increments
    at += 2 + increments
    length = int(bits[at : at + count], 2)
    cleanup = packet[ends[at + count - 1] :]
    assert len(cleanup) == length
    # Values that need no stuffing from either side.
    refinement = bytes(random.integers(0, 0x7F, array.size // 20, dtype="u1"))
    needed = max(length.bit_length(), len(refinement).bit_length())
    out = "11" + "0" * skipped + "1" + {2: "10", 3: "1100"}[passes] + "1" * (needed - 3) + "0"
    out += f"{length:0{needed}b}" + f"{len(refinement):0{needed + (passes == 3)}b}"
    return one_tile(bytes(header), header_bytes(out) + cleanup + refinement + rest)


def blobs(shape):
    """Few samples are not zero: the others may become so."""
    array = random.integers(-3, 4, shape) * (random.random(shape) < 0.05)
    return (array * random.integers(1, 300, shape)).astype("i2")


for passes in (2, 3):
    put(f"16.signed.passes{passes}", refined(blobs((35, 52)), passes, False))
    put(f"16.signed.passes{passes}.causal", refined(blobs((34, 50)), passes, True))

header, data = {"__metadata__": {"made_by": "imagecodecs 2026.3.6: OpenJPH 0.26.3, OpenJPEG 2.5.4"}}, b""
arrays = []
for name, (stream, samples) in sorted(cases.items()):
    arrays.append((f"{name}.shape", "U16", [3], np.array(samples.shape, "<u2").tobytes()))
    arrays.append((f"{name}.stream", "U8", [len(stream)], stream))
    if "step" in name:
        arrays.append((f"{name}.samples", "U8", samples.shape, samples.tobytes()))
    else:
        arrays.append((f"{name}.sha256", "U8", [32], hashlib.sha256(samples.tobytes()).digest()))
arrays.sort(key=lambda entry: entry[1] != "U16")
for name, dtype, shape, raw in arrays:
    header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header, separators=(",", ":"))
text += " " * (-len(text) % 8)
path = pathlib.Path(__file__).with_suffix(".safetensors")
path.write_bytes(struct.pack("<Q", len(text)) + text.encode() + data)
print(len(cases), "cases", path.stat().st_size, "bytes")
