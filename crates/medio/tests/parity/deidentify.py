"""Makes deidentify.json: what dicom-anonymizer 2.1.0 does to the attributes of some of pydicom's own test files.

Run in this folder with dicom-anonymizer 2.1.0 and pydicom 3.0.2. For each file, the attributes at the top by what
became of them: X removed, Z emptied, K as it was, D anything else.
"""

import json
import tempfile
from pathlib import Path

import pydicom
from dicomanonymizer import anonymize_dicom_file
from pydicom.data import get_testdata_file

NAMES = [
    "CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "rtdose.dcm", "liver_1frame.dcm", "test-SR.dcm",
    "examples_overlay.dcm", "nested_priv_SQ.dcm", "JPEG2000.dcm", "waveform_ecg.dcm", "reportsi.dcm",
]

result = {}
with tempfile.TemporaryDirectory() as folder:
    for name in NAMES:
        path = get_testdata_file(name, download=False)
        out = str(Path(folder) / name)
        anonymize_dicom_file(path, out)
        before, after = pydicom.dcmread(path, force=True), pydicom.dcmread(out, force=True)
        became = {}
        for element in before:
            tag = f"{int(element.tag):08x}"
            if element.tag.group == 2 or not element.value:
                continue
            now = after.get(element.tag)
            if now is None:
                became[tag] = "X"
            elif now.value is None or len(str(now.value)) == 0 or (element.VR == "SQ" and len(now.value) == 0):
                became[tag] = "Z"
            else:
                became[tag] = "K" if now == element else "D"
        result[name] = became
with open("deidentify.json", "w") as out:
    json.dump({"made_with": "dicom-anonymizer 2.1.0, pydicom 3.0.2", "files": result}, out, indent=0, sort_keys=True)
    out.write("\n")
