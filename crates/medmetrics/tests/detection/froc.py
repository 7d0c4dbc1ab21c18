"""Writes froc.json: MONAI's FROC on label maps with points, LUNA16's score by its published rule (scikit-learn's ROC of
candidates, numpy.interp), both on random scans, and the coverage of the clustered Wilson interval.

MONAI 1.6.1, scikit-learn 1.9, statsmodels 0.15, numpy 2.
"""
import json, pathlib

import numpy as np
from monai.metrics.froc import compute_fp_tp_probs_nd, compute_froc_curve_data, compute_froc_score
from scipy.stats import t
from sklearn.metrics import roc_curve
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(26)


def camelyon(scans, always_found):
    made, wrong, right, targets = [], [], [], 0
    for i in range(scans):
        labels = np.zeros((12, 20, 18), int)
        lesions = []
        for k in range(int(rng.integers(0, 4))):
            low = rng.integers(0, [8, 15, 13])
            high = low + rng.integers(2, 5, 3)
            block = tuple(slice(a, b) for a, b in zip(low, high))
            labels[block] = np.where(labels[block] == 0, k + 1, labels[block])
        present = [k for k in range(1, labels.max() + 1) if (labels == k).any()]
        labels = np.searchsorted(np.array([0, *present]), labels)
        points, scores = [], []
        for k in range(1, labels.max() + 1):
            lesions.append(np.argwhere(labels == k).tolist())
            inside = np.argwhere(labels == k)
            for _ in range(int(rng.integers(1 if always_found else 0, 4))):
                points.append(inside[rng.integers(len(inside))].tolist())
        for _ in range(int(rng.integers(0, 5))):
            points.append(rng.integers(0, labels.shape).tolist())
        # Numbers that single precision holds exactly, which MONAI rounds the scores of hits to.
        scores = [float(v) / 32 for v in rng.integers(1, 33, len(points))]
        if points:
            fp, tp, n = compute_fp_tp_probs_nd(np.array(scores), np.array(points), labels)
        else:
            fp, tp, n = np.zeros(0), np.zeros(labels.max(), np.float32), int(labels.max())
        wrong.append(fp)
        right.append(tp.astype(float))
        targets += n
        made.append(dict(lesions=lesions, points=points, scores=scores))
    fps, sensitivity = compute_froc_curve_data(np.concatenate(wrong), np.concatenate(right), targets, scans)
    every = sorted({*np.concatenate(wrong).tolist(), *(v for v in np.concatenate(right).tolist() if v > 0)}, reverse=True)
    whole = [[0.0, 0.0]] + [[float((np.concatenate(wrong) >= v).sum() / scans), float((np.concatenate(right) >= v).sum() / targets)] for v in every]
    return dict(scans=made, shape=[12, 20, 18], fps=fps[::-1].tolist(), sensitivity=sensitivity[::-1].tolist(),
                score=float(compute_froc_score(fps, sensitivity)), whole=whole)


def luna(scans):
    """The rule of the challenge: candidates become a list of truths and scores, sklearn draws the curve."""
    made, truths, scores, excluded = [], [], [], []
    total = 0
    for i in range(scans):
        nodules, candidates = [], []
        for _ in range(int(rng.integers(0, 4))):
            diameter = float(np.round(rng.uniform(3, 20), 1)) if rng.random() < 0.8 else -1.0
            nodules.append(dict(centre=np.round(rng.uniform(20, 60, 3), 1).tolist(), diameter=diameter, excluded=bool(rng.random() < 0.2)))
        for nodule in nodules:
            for _ in range(int(rng.integers(0, 4))):
                at = np.array(nodule["centre"]) + rng.normal(0, 3, 3)
                candidates.append([*np.round(at, 2).tolist(), float(np.round(rng.random(), 2))])
        for _ in range(int(rng.integers(0, 30))):
            candidates.append([*np.round(rng.uniform(0, 80, 3), 2).tolist(), float(np.round(rng.random() ** 3, 2))])
        wrong = set(range(len(candidates)))
        for nodule in nodules:
            diameter = nodule["diameter"] if nodule["diameter"] >= 0 else 10.0
            distance = [sum((a - b) ** 2 for a, b in zip(c[:3], nodule["centre"])) for c in candidates]
            hits = [k for k, d in enumerate(distance) if d < (diameter / 2) ** 2]
            wrong -= set(hits)
            if nodule["excluded"]:
                continue
            total += 1
            truths.append(1)
            scores.append(max((candidates[k][3] for k in hits), default=-1e9))
            excluded.append(not hits)
        for k in wrong:
            truths.append(0)
            scores.append(candidates[k][3])
            excluded.append(False)
        made.append(dict(nodules=nodules, candidates=candidates))
    kept = ~np.array(excluded)
    truth, score = np.array(truths)[kept], np.array(scores)[kept]
    fpr, tpr, _ = roc_curve(truth, score)
    fps = fpr * (len(truth) - truth.sum()) / scans
    sensitivity = tpr * truth.sum() / total
    rates = [0.125, 0.25, 0.5, 1, 2, 4, 8]
    at = np.interp(rates, fps, sensitivity)
    return dict(scans=made, sensitivities=at.tolist(), score=float(at.mean()), most=float(fps[-1]), lesions=total)


def clustered(found, lesions):
    """Wilson's interval for the effective number of lesions (Rao and Scott)."""
    p = found.sum() / lesions.sum()
    m = len(found)
    variance = m / (m - 1) * ((found - p * lesions) ** 2).sum() / lesions.sum() ** 2
    effect = variance / (p * (1 - p) / lesions.sum()) if 0 < p < 1 else 1.0
    effect = effect if effect > 0 else 1.0
    return proportion_confint(found.sum() / effect, lesions.sum() / effect, method="wilson"), variance


def coverage(patients, runs):
    """Patients with 1 to 6 lesions; each patient's chance of a find is 0.4, 0.6 or 1, the truth is 2/3."""
    inside = plain = 0
    for _ in range(runs):
        lesions = rng.integers(1, 7, patients)
        found = rng.binomial(lesions, rng.choice([0.4, 0.6, 1.0], patients))
        (low, high), _ = clustered(found, lesions)
        inside += low <= 2 / 3 <= high
        low, high = proportion_confint(found.sum(), lesions.sum(), method="wilson")
        plain += low <= 2 / 3 <= high
    return dict(patients=patients, runs=runs, clustered=inside / runs, unclustered=plain / runs)


def rate_coverage(patients, runs):
    """Patients with 1 to 3 scans; false marks a scan are uniform on 0 to 1, 2 or 6 by patient, the truth is 1.5."""
    inside = 0
    for _ in range(runs):
        scans = rng.integers(1, 4, patients)
        most = rng.choice([1, 2, 6], patients)
        wrong = np.array([rng.integers(0, m + 1, n).sum() for m, n in zip(most, scans)])
        rate = wrong.sum() / scans.sum()
        variance = patients / (patients - 1) * ((wrong - rate * scans) ** 2).sum() / scans.sum() ** 2
        low, high = t.interval(0.95, patients - 1, rate, np.sqrt(variance))
        inside += low <= 1.5 <= high
    return dict(patients=patients, runs=runs, coverage=inside / runs, last=dict(
        scans=scans.tolist(), wrong=wrong.tolist(), low=float(max(low, 0)), high=float(high)))


examples = []
for _ in range(6):
    lesions = rng.integers(1, 5, 9)
    found = rng.binomial(lesions, 0.7)
    (low, high), variance = clustered(found, lesions)
    examples.append(dict(lesions=lesions.tolist(), found=found.tolist(), low=float(low), high=float(high)))
result = dict(camelyon=[camelyon(8, False), camelyon(8, True)], luna=[luna(12), luna(30)], clustered=examples,
              coverage=[coverage(20, 4000), coverage(60, 4000)], rates=[rate_coverage(15, 4000), rate_coverage(60, 4000)])
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
print(path.stat().st_size, [c["score"] for c in result["camelyon"]], [l["score"] for l in result["luna"]], result["coverage"], [r["coverage"] for r in result["rates"]])
