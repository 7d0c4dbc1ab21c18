"""Reference values for intervals of decisions, predictive values and decision curves: statsmodels, dcurves, formulas.

Coverage is exact: the sum of binomial probabilities of the outcomes whose interval holds the truth.
Writes benefit.json into the folder named by the first argument, by default beside this file.
"""
import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from dcurves import dca
from scipy.stats import binom, norm
from statsmodels.stats.contingency_tables import Table2x2
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

warnings.filterwarnings("ignore")
Z = norm.ppf(0.975)


def ratios(tp, fn, fp, tn):
    """Likelihood ratios are risk ratios of calls, the diagnostic odds ratio is an odds ratio."""
    positive, negative = Table2x2([[tp, fn], [fp, tn]]), Table2x2([[fn, tp], [tn, fp]])
    return {"lr+": (positive.riskratio, *positive.riskratio_confint()),
            "lr-": (negative.riskratio, *negative.riskratio_confint()),
            "dor": (positive.oddsratio, *positive.oddsratio_confint())}


def predictive(tp, fn, fp, tn, prevalence, corrected):
    """Mercaldo, Lau and Zhou 2007; corrected by half a case in each of the four counts."""
    def value(se, sp, p):
        called = se * p + (1 - sp) * (1 - p)
        return se * p / called if called else math.nan

    plain = (tp / (tp + fn), tn / (fp + tn))
    more = 0.5 if corrected else 0
    n1, n0 = np.float64(tp + fn + 2 * more), np.float64(fp + tn + 2 * more)
    se, sp = (tp + more) / n1, (tn + more) / n0
    found = {}
    variances = (1 - se) / se / n1 + sp / (1 - sp) / n0, se / (1 - se) / n1 + (1 - sp) / sp / n0
    for name, order, variance in zip(("ppv", "npv"), (1, -1), variances):
        p = prevalence if order == 1 else 1 - prevalence
        centre, half = value(*(se, sp)[::order], p), Z * math.sqrt(variance)
        logit = np.log(centre / (1 - centre))
        found[name] = (value(*plain[::order], p), *(float(1 / (1 + np.exp(-end))) for end in (logit - half, logit + half)))
    return found


def coverage(positives, negatives, se, sp, interval, truth):
    """Among outcomes with an interval."""
    held = defined = 0.0
    for tp in range(positives + 1):
        for tn in range(negatives + 1):
            weight = binom.pmf(tp, positives, se) * binom.pmf(tn, negatives, sp)
            ends = interval(tp, positives - tp, negatives - tn, tn)
            if ends is not None:
                defined += weight
                held += weight * (ends[0] <= truth <= ends[1])
    return held / defined


def ratio_ends(name):
    def ends(tp, fn, fp, tn):
        needed = {"lr+": (tp, fp), "lr-": (fn, tn), "dor": (tp, fn, fp, tn)}[name]
        if min(needed) == 0:
            return None
        one = lambda *counts: sum(1 / n for n in counts)
        value, variance = {
            "lr+": lambda: (tp / (tp + fn) / (fp / (fp + tn)), one(tp, fp) - one(tp + fn, fp + tn)),
            "lr-": lambda: (fn / (tp + fn) / (tn / (fp + tn)), one(fn, tn) - one(tp + fn, fp + tn)),
            "dor": lambda: (tp * tn / (fp * fn), one(tp, fn, fp, tn)),
        }[name]()
        factor = math.exp(Z * math.sqrt(variance))
        return value / factor, value * factor
    return ends


def predictive_ends(name, prevalence, corrected):
    def ends(tp, fn, fp, tn):
        if not corrected and min((tp, fp) if name == "ppv" else (fn, tn)) == 0:
            return None
        return predictive(tp, fn, fp, tn, prevalence, corrected)[name][1:]
    return ends


tables = []
for tp, fn, fp, tn in [(45, 5, 8, 92), (3, 2, 1, 7), (80, 20, 50, 9000)]:
    values = {name: list(map(float, found)) for name, found in ratios(tp, fn, fp, tn).items()}
    for kind, corrected in (("logit", False), ("corrected_logit", True)):
        values |= {f"{name}:{kind}": list(v) for name, v in predictive(tp, fn, fp, tn, 0.03, corrected).items()}
    sensitivity = proportion_confint(tp, tp + fn, method="wilson")
    values["sensitivity"] = [tp / (tp + fn), *map(float, sensitivity)]
    newcombe = confint_proportions_2indep(tp, tp + fn, fp, fp + tn, method="newcomb")
    values["informedness"] = [tp / (tp + fn) - fp / (fp + tn), *map(float, newcombe)]
    tables.append({"counts": [tp, fn, fp, tn], "values": values})

covered = []
for positives, negatives, se, sp, prevalence in [(30, 60, 0.8, 0.9, 0.1), (15, 15, 0.9, 0.7, 0.3), (100, 100, 0.95, 0.9, 0.02)]:
    study = (positives, negatives, se, sp)
    truths = {"lr+": se / (1 - sp), "lr-": (1 - se) / sp, "dor": se * sp / ((1 - se) * (1 - sp)),
              "ppv": se * prevalence / (se * prevalence + (1 - sp) * (1 - prevalence)),
              "npv": sp * (1 - prevalence) / (sp * (1 - prevalence) + (1 - se) * prevalence)}
    shares = {name: coverage(*study, ratio_ends(name), truths[name]) for name in ("lr+", "lr-", "dor")}
    for kind, corrected in (("logit", False), ("corrected_logit", True)):
        for name in ("ppv", "npv"):
            shares[f"{name}:{kind}"] = coverage(*study, predictive_ends(name, prevalence, corrected), truths[name])
    covered.append({"study": study, "prevalence": prevalence, "truths": truths, "coverage": shares})

rng = np.random.default_rng(20261124)
truth = (rng.random(120) < 0.3).astype(int)
scores = np.round(1 / (1 + np.exp(-(rng.normal(size=120) + 1.5 * truth - 1.2))), 3)
thresholds = [0.05, 0.1, 0.25, 0.5, 0.8]
curves = []
for prevalence in (None, 0.12):
    data = pd.DataFrame({"y": truth, "model": scores})
    table = dca(data, "y", ["model"], thresholds=thresholds, prevalence=prevalence)
    model, everybody = (table[table.model == name].sort_values("threshold") for name in ("model", "all"))
    curves.append({"prevalence": prevalence, "net_benefit": model.net_benefit.tolist(),
                   "treat_all": everybody.net_benefit.tolist(),
                   "interventions_avoided": model.net_intervention_avoided.tolist()})
result = {"tables": tables, "covered": covered, "truth": truth.tolist(), "scores": scores.tolist(),
          "thresholds": thresholds, "curves": curves}
target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
(target / "benefit.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
