"""What the scripts beside this one share: the folders that the tests wrote, each with an expected.json, are
gone through one by one.

    MED_DERIVED_OUT=out cargo test --release -p medio --test derived
    python tools/read_back/SCRIPT.py out        # needs pydicom 3, highdicom 0.28, numpy and SimpleITK

The status is 1 on any difference, and where there is nothing to compare.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np


def compare(*kinds):
    """Ends the program after comparing all cases of some kinds.

    A kind is the pattern of its folders, and what yields the differences of one: `differences(folder, expected)`.
    """
    top = Path(sys.argv[1])
    wrong = []
    for pattern, differences in kinds:
        cases = sorted(top.glob(pattern + "/expected.json"))
        if not cases:
            wrong.append(f"there is no {pattern} in {top}")
        for case in cases:
            found = list(differences(case.parent, json.loads(case.read_text())))
            print("DIFFERS" if found else "same", case.parent)
            wrong += [f"{case.parent}: {text}" for text in found]
    print("\n".join(wrong), file=sys.stderr)
    sys.exit(bool(wrong))


def of_each_file(differences):
    """The differences of all files of a case, each by `differences(path, expected)`."""

    def of_folder(folder, expected):
        for path in sorted(folder.glob("*.dcm")):
            for text in differences(path, expected):
                yield f"{path.name}: {text}"

    return of_folder


def apart(found, wanted):
    """Whether numbers differ by more than rounding."""
    found, wanted = (np.ravel(np.array(numbers, float)) for numbers in (found, wanted))
    return not np.allclose(found, wanted, rtol=0, atol=1e-9)


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
