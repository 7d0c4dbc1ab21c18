"""Makes src/dicom/dictionary.txt: tag, value representation and keyword of every attribute of PS3.6, as pydicom lists them.

Run with pydicom 3.0.2 in its own folder. Attributes of the repeating groups 50xx and 60xx stand under 5000 and 6000.
"""

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

rows = {}
for tag, (vr, _, _, _, keyword) in DicomDictionary.items():
    if keyword and vr != "NONE":
        rows[f"{tag:08X}"] = (vr, keyword)
for tag, (vr, _, _, _, keyword) in RepeatersDictionary.items():
    if tag[:4] in ("50xx", "60xx") and "x" not in tag[4:] and keyword:
        rows[tag.replace("xx", "00").upper()] = (vr, keyword)
with open("../../src/dicom/dictionary.txt", "w") as out:
    for tag, (vr, keyword) in sorted(rows.items()):
        first, *others = vr.split(" or ")
        out.write(f"{tag} {'/'.join([first, *others])} {keyword}\n")
