"""Power and sample sizes by statsmodels, written to sample_size.json."""
import json
import math
import pathlib

from statsmodels.stats.proportion import power_proportions_2indep, samplesize_confint_proportion

proportions = [{"expected": p, "half_width": h, "level": level,
                "cases": math.ceil(samplesize_confint_proportion(p, h, alpha=1 - level))}
               for p in (0.5, 0.9, 0.97) for h in (0.1, 0.02) for level in (0.9, 0.95)]


def power(p1, p2, ratio, n, alpha):
    return float(power_proportions_2indep(p1 - p2, p2, n, ratio=ratio, alpha=alpha).power)


two = []
for p1, p2, ratio, alpha, target in [(0.9, 0.8, 1, 0.05, 0.8), (0.7, 0.75, 2, 0.05, 0.9), (0.2, 0.5, 0.5, 0.01, 0.8)]:
    n = 2
    while power(p1, p2, ratio, n, alpha) < target:
        n += 1
    two.append({"first": p1, "second": p2, "ratio": ratio, "level": alpha, "target": target, "cases": n,
                "powers": [[m, power(p1, p2, ratio, m, alpha)] for m in (10, 50, 400)]})

pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps({"proportions": proportions, "two": two}))
