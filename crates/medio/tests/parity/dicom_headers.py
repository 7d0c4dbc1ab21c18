"""What pydicom reads from the headers of its own test files, into dicom_headers.json.

Run with pydicom 3.0.2 and the folders of pydicom and pydicom-data. For each file that opens without force:
the sha256 of the file, how many elements it holds with all nesting, a hash of their tags and value
representations in order, and the patient's name as decoded text.
"""

import hashlib
import json
import pathlib
import sys

import pydicom


def sha(data):
    return hashlib.sha256(data).hexdigest()[:16]


def walk(ds, lines, depth=0):
    for element in ds:
        if element.tag.element == 0:
            continue
        # pydicom has a dictionary of private attributes.
        private = element.tag.is_private and not element.tag.is_private_creator and element.VR != "SQ"
        vr = "--" if private else element.VR
        lines.append(f"{depth} {element.tag.group:04X}{element.tag.element:04X} {vr}")
        if vr == "SQ":
            for item in element.value or []:
                walk(item, lines, depth + 1)


# Files that end inside an element; and one of which pydicom reads nothing.
CUT = {"MR_truncated.dcm", "rtplan_truncated.dcm", "DICOMDIR-nooffset", "emri_small_jpeg_2k_lossless_too_short.dcm"}

out = {}
for folder in map(pathlib.Path, sys.argv[1:]):
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")):
        if path.name in CUT:
            continue
        try:
            ds = pydicom.dcmread(path)
            lines = []
            walk(ds, lines)
            name = str(ds.get("PatientName", "")).rstrip("=")
        except Exception as error:
            print(path.name, type(error).__name__, str(error)[:100], file=sys.stderr)
            continue
        out[sha(path.read_bytes())] = [path.name, len(lines), sha("\n".join(lines).encode()), name]
here = pathlib.Path(__file__).with_suffix(".json")
here.write_text("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(out.items())) + "\n}\n")
print(len(out), "files", here.stat().st_size, "bytes")
