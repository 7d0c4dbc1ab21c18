"""Reference values for scores: curves, areas and operating points of scikit-learn, torchmetrics and MONAI.

Writes rankings.json into the folder named by the first argument, by default beside this file.
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
from monai.metrics import compute_average_precision, compute_roc_auc
from sklearn import metrics as sk

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20261123)
LEAST = [0.0, 0.3, 0.5, 0.8, 0.9, 1.0]


def plain(value):
    value = float(value)
    return None if math.isnan(value) else value


def row(values):
    # JSON knows no infinity.
    return ["inf" if v == math.inf else plain(v) for v in np.asarray(values, float)]


def binary(truth, scores):
    truth, scores = np.asarray(truth), np.asarray(scores, float)
    both = len(set(truth.tolist())) == 2
    t, s = torch.tensor(truth), torch.tensor(scores)
    areas = {"auc": {"scikit_learn": plain(sk.roc_auc_score(truth, scores)), "torchmetrics": plain(tm.binary_auroc(s, t)),
                     "monai": plain(compute_roc_auc(s, t.double()))},
             "average_precision": {"scikit_learn": plain(sk.average_precision_score(truth, scores)),
                                   "torchmetrics": plain(tm.binary_average_precision(s, t)),
                                   "monai": plain(compute_average_precision(s, t.double()))}}
    case = {"truth": truth.tolist(), "scores": scores.tolist(), "areas": areas}
    precision, recall, thresholds = sk.precision_recall_curve(truth, scores)
    case["precision_recall"] = {"precision": row(precision), "recall": row(recall), "thresholds": row(thresholds)}
    if not both:
        return case
    areas["average_precision"]["trapezoid"] = plain(sk.auc(recall, precision))
    for drop in (False, True):
        curve = sk.roc_curve(truth, scores, drop_intermediate=drop)
        case["roc dropped" if drop else "roc"] = dict(zip(("fpr", "tpr", "thresholds"), map(row, curve)))
    case["partial"] = [{"high": high, "fpr": sk.roc_auc_score(truth, scores, max_fpr=high),
                        # The sensitivity axis is the false positive axis of the opposite question.
                        "sensitivity": sk.roc_auc_score(1 - truth, -scores, max_fpr=high)} for high in (0.1, 0.25, 0.5, 0.9)]
    # Counted in double precision, as the definitions say: torchmetrics rounds rates to float32 before it compares.
    fpr, tpr, _ = sk.roc_curve(truth, scores, drop_intermediate=False)
    case["at least"] = [{"least": least, "specificity": plain((1 - fpr)[tpr >= least].max()),
                         "sensitivity": plain(tpr[1 - fpr >= least].max()),
                         "recall": plain(max(recall[:-1][precision[:-1] >= least], default=math.nan)),
                         "precision": plain(max(precision[:-1][recall[:-1] >= least]))} for least in LEAST]
    theirs = {"specificity": tm.binary_specificity_at_sensitivity, "sensitivity": tm.binary_sensitivity_at_specificity,
              "recall": tm.binary_recall_at_fixed_precision, "precision": tm.binary_precision_at_fixed_recall}
    odd = [0.31, 0.52, 0.83]
    at = lambda least: {name: plain(best(s.float(), t, least)[0]) for name, best in theirs.items()}
    case["torchmetrics at least"] = [{"least": least} | at(least) for least in odd]
    case["youden"] = plain(np.max(tpr - fpr))
    return case


def several(truth, scores, ks):
    truth, scores = np.asarray(truth), np.asarray(scores)
    classes = list(range(scores.shape[1]))
    areas = {}
    if len(set(truth.tolist())) == len(classes):
        for average in ("macro", "weighted", "micro"):
            how = dict(average=average, labels=classes)
            areas[f"ovr/{average}/scikit_learn"] = plain(sk.roc_auc_score(truth, scores, multi_class="ovr", **how))
            if average != "micro":
                areas[f"ovo/{average}/scikit_learn"] = plain(sk.roc_auc_score(truth, scores, multi_class="ovo", **how))
    elif len(set(truth.tolist())) > 1:
        # Over all classes there is none, over pairs those of the classes that occur.
        for average in ("macro", "weighted"):
            how = dict(average=average, labels=classes, multi_class="ovo")
            areas[f"ovo/{average}/scikit_learn"] = plain(sk.roc_auc_score(truth, scores, **how))
    for average in ("macro", "weighted"):
        theirs = tm.multiclass_auroc(torch.tensor(scores), torch.tensor(truth), len(classes), average=average)
        areas[f"ovr/{average}/torchmetrics"] = plain(theirs)
    top = [{"k": k, "accuracy": sk.top_k_accuracy_score(truth, scores, k=k, labels=classes)} for k in ks]
    return {"truth": truth.tolist(), "scores": scores.tolist(), "areas": areas, "top": top,
            "log loss": sk.log_loss(truth, scores, labels=classes)}


def labels(truth, scores):
    t, s = torch.tensor(truth), torch.tensor(scores)
    areas = {}
    for average in ("macro", "weighted", "micro"):
        areas |= {f"auc/{average}/scikit_learn": plain(sk.roc_auc_score(truth, scores, average=average)),
                  f"ap/{average}/scikit_learn": plain(sk.average_precision_score(truth, scores, average=average)),
                  f"auc/{average}/torchmetrics": plain(tm.multilabel_auroc(s, t, t.shape[1], average=average)),
                  f"ap/{average}/torchmetrics": plain(tm.multilabel_average_precision(s, t, t.shape[1], average=average)),
                  f"auc/{average}/monai": plain(compute_roc_auc(s, t.double(), average=average)),
                  f"ap/{average}/monai": plain(compute_average_precision(s, t.double(), average=average))}
    return {"truth": truth.tolist(), "scores": scores.tolist(), "areas": areas}


def drawn(n, share, gain, digits):
    truth = (rng.random(n) < share).astype(int)
    return truth, np.round(1 / (1 + np.exp(-(rng.normal(size=n) + gain * truth - 1))), digits)


def rows(n, classes, digits):
    truth = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + 1.2 * np.eye(classes)[truth]
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    scores = np.round(scores, digits)
    scores[:, -1] = 1 - scores[:, :-1].sum(1)
    return truth, np.clip(scores, 0, 1)


hard = rows(60, 4, 2)
hard[1][:5] = np.eye(4)[[0, 1, 2, 3, 0]]
without = rows(40, 4, 3)
without[0][without[0] == 2] = 1
flags = (rng.random((50, 3)) < [0.5, 0.2, 0.1]).astype(int)
flags[0] = 1
guesses = np.round(np.clip(0.3 * flags + rng.random((50, 3)) * 0.7, 0, 1), 2)
empty = flags.copy()
empty[:, 2] = 0
result = {
    "made with": {"scikit-learn": sklearn.__version__, "torchmetrics": torchmetrics.__version__},
    "binary": [binary(*drawn(200, 0.2, 1.2, 9)), binary(*drawn(150, 0.4, 1.0, 1)), binary(*drawn(40, 0.5, 3.0, 2)),
               binary([0, 0, 1, 1], [0.1, 0.4, 0.6, 0.9]), binary([1, 1, 0, 0], [0.1, 0.4, 0.6, 0.9]),
               binary([0, 1, 0, 1, 1], [0.5] * 5), binary([0, 1], [0.0, 1.0]), binary([0, 0, 0], [0.1, 0.2, 0.2]),
               binary([1, 1, 1], [0.1, 0.2, 0.2])],
    "several": [several(*rows(80, 3, 6), (1, 2, 3)), several(*hard, (1, 2, 3)), several(*without, (1, 3))],
    "labels": [labels(flags, guesses), labels(empty, guesses)],
}
target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
(target / "rankings.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
