"""Reference values for decisions: scikit-learn, torchmetrics and MONAI on confusion matrices, absent classes included.

Writes decisions.json into the folder named by the first argument, by default beside this file.
"""
import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
import torch
import torchmetrics
import torchmetrics.functional.classification as tm
from monai.metrics import compute_confusion_matrix_metric
from sklearn import metrics as sk

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20261122)
MONAI = {
    "sensitivity": "sensitivity", "specificity": "specificity", "ppv": "precision", "npv": "negative predictive value",
    "miss-rate": "miss rate", "fall-out": "fall out", "false-discovery-rate": "false discovery rate",
    "false-omission-rate": "false omission rate", "prevalence-threshold": "prevalence threshold",
    "jaccard": "threat score", "accuracy": "accuracy", "balanced-accuracy": "balanced accuracy", "f-beta:1": "f1 score",
    "mcc": "matthews correlation coefficient", "fowlkes-mallows": "fowlkes mallows index",
    "informedness": "informedness", "markedness": "markedness",
}


def plain(value):
    value = float(value)
    return None if math.isnan(value) else value


def binary(tp, fp, tn, fn):
    truth = np.repeat([1, 0, 0, 1], [tp, fp, tn, fn])
    decided = np.repeat([1, 1, 0, 0], [tp, fp, tn, fn])
    table = torch.tensor([tp, fp, tn, fn], dtype=torch.float64)
    values = {name: plain(compute_confusion_matrix_metric(theirs, table)[0]) for name, theirs in MONAI.items()}
    # scikit-learn calls an infinite ratio undefined.
    if fp and tn and tp + fn:
        values |= dict(zip(("lr+", "lr-"), map(plain, sk.class_likelihood_ratios(truth, decided, labels=[0, 1]))))
    for beta in (0.5, 2.0):
        values[f"f-beta:{beta:g}"] = plain(sk.fbeta_score(truth, decided, beta=beta, zero_division=np.nan))
    rivals = {"mcc:scikit-learn": plain(sk.matthews_corrcoef(truth, decided))}
    rivals["mcc:torchmetrics"] = plain(tm.binary_matthews_corrcoef(torch.tensor(decided), torch.tensor(truth)))
    return {"counts": [tp, fp, tn, fn], "values": values, "rivals": rivals}


def rule(average, labels, zero):
    return {"average": average, "absent": "counted" if labels else "left_out", "zero_division": zero}


ZERO = {"zero": 0.0, "one": 1.0, "undefined": np.nan}


def several(truth, decided, classes):
    truth, decided = np.array(truth), np.array(decided)
    averages = []
    for average in ("macro", "micro", "weighted"):
        for labels in (None, list(range(classes))):
            for zero, division in ZERO.items():
                how = dict(average=average, labels=labels, zero_division=division)
                found = {
                    "ppv": sk.precision_score(truth, decided, **how), "sensitivity": sk.recall_score(truth, decided, **how),
                    "f-beta:1": sk.f1_score(truth, decided, **how), "f-beta:2": sk.fbeta_score(truth, decided, beta=2, **how),
                }
                if zero != "undefined":
                    found["jaccard"] = sk.jaccard_score(truth, decided, **how)
                averages.append({"rule": rule(average, labels is not None, zero), "library": "scikit-learn",
                                 "values": {k: plain(v) for k, v in found.items()}})
        t, d = torch.tensor(truth), torch.tensor(decided)
        how = dict(num_classes=classes, average=average)
        found = {
            "ppv": tm.multiclass_precision(d, t, **how), "sensitivity": tm.multiclass_recall(d, t, **how),
            "f-beta:1": tm.multiclass_f1_score(d, t, **how), "f-beta:2": tm.multiclass_fbeta_score(d, t, beta=2.0, **how),
            "specificity": tm.multiclass_specificity(d, t, **how), "jaccard": tm.multiclass_jaccard_index(d, t, **how),
        }
        averages.append({"rule": rule(average, False, "zero"), "library": "torchmetrics",
                         "values": {k: plain(v) for k, v in found.items()}})
    whole = {
        "accuracy": sk.accuracy_score(truth, decided), "mcc:scikit-learn": sk.matthews_corrcoef(truth, decided),
        "balanced-accuracy": sk.balanced_accuracy_score(truth, decided),
        "balanced-accuracy:adjusted": sk.balanced_accuracy_score(truth, decided, adjusted=True),
        "mcc:torchmetrics": tm.multiclass_matthews_corrcoef(torch.tensor(decided), torch.tensor(truth), classes),
    }
    return {"truth": truth.tolist(), "decisions": decided.tolist(), "classes": classes, "averages": averages,
            "whole": {k: plain(v) for k, v in whole.items()},
            "matrix": sk.confusion_matrix(truth, decided, labels=range(classes)).ravel().tolist()}


def labels(truth, decided):
    truth, decided = np.array(truth), np.array(decided)
    averages = []
    for average in ("macro", "micro", "weighted", "samples"):
        for zero, division in ZERO.items():
            how = dict(average=average, zero_division=division)
            found = {
                "ppv": sk.precision_score(truth, decided, **how), "sensitivity": sk.recall_score(truth, decided, **how),
                "f-beta:1": sk.f1_score(truth, decided, **how),
            }
            averages.append({"rule": rule(average, True, zero), "library": "scikit-learn",
                             "values": {k: plain(v) for k, v in found.items()}})
        if average != "samples":
            f1 = tm.multilabel_f1_score(torch.tensor(decided), torch.tensor(truth), truth.shape[1], average=average)
            found = {"f-beta:1": f1}
            averages.append({"rule": rule(average, True, "zero"), "library": "torchmetrics",
                             "values": {k: plain(v) for k, v in found.items()}})
    whole = {"exact-match": sk.accuracy_score(truth, decided), "hamming-loss": sk.hamming_loss(truth, decided)}
    return {"truth": truth.tolist(), "decisions": decided.tolist(), "averages": averages,
            "whole": {k: plain(v) for k, v in whole.items()}}


drawn = rng.integers(0, 5, 120)
near = np.where(rng.random(120) < 0.6, drawn, np.clip(drawn + rng.integers(-2, 3, 120), 0, 4))
skewed = rng.choice([0, 1, 3], 60, p=[0.8, 0.15, 0.05])
flags = rng.random((40, 4)) < [0.5, 0.2, 0.05, 0.0]
guess = flags ^ (rng.random((40, 4)) < 0.2)
guess[:3] = False
flags[1:5] = False
huge = [[80, 50, 10**exponent - 150, 20] for exponent in (7, 8)]
table = lambda tp, fp, tn, fn: torch.tensor([[tn, fp], [fn, tp]])
from torchmetrics.functional.classification.matthews_corrcoef import _matthews_corrcoef_reduce as reduce  # noqa: E402

result = {
    "made with": {"scikit-learn": sklearn.__version__, "torchmetrics": torchmetrics.__version__},
    "binary": [binary(*c) for c in [(80, 50, 9000, 20), (3, 0, 4, 0), (0, 3, 0, 4), (5, 0, 0, 0), (0, 0, 5, 0), (0, 5, 0, 0),
                                    (0, 0, 0, 5), (7, 2, 0, 0), (7, 0, 0, 2), (0, 0, 7, 2), (0, 2, 7, 0), (4, 3, 0, 2),
                                    (0, 3, 4, 2), (4, 0, 3, 2), (4, 3, 2, 0), (0, 4, 0, 2), (1, 1, 1, 1)]],
    "several": [several(drawn, near, 5), several(skewed, rng.permutation(skewed), 5), several([0, 0, 1], [2, 0, 1], 4),
                several([2, 2, 2], [2, 2, 2], 3), several([0, 1, 2, 0], [1, 2, 0, 2], 3)],
    "labels": [labels(flags.astype(int), guess.astype(int))],
    "huge": [{"counts": c, "mcc:torchmetrics": plain(reduce(table(*c)))} for c in huge],
}
target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
(target / "decisions.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
