"""SMOTE of imbalanced-learn 0.14.2 (scikit-learn 1.9.1, numpy 2.2.6): rows, the numbers it drew, and the rows it made."""

import numpy as np
import torch
from imblearn.over_sampling import SMOTE, SMOTENC
from safetensors.torch import save_file

out = {}


def recorded(smote):
    """Writes down what the method draws."""
    seen = {}
    make = smote._generate_samples

    def generate(x, data, near, rows, cols, steps, *rest):
        seen.update(x=x, rows=rows, cols=cols, steps=steps)
        return make(x, data, near, rows, cols, steps, *rest)

    smote._generate_samples = generate
    return seen


random = np.random.default_rng(5)
x = random.normal(size=(60, 7)) * [1, 2, 0.1, 5, 1, 1, 3]
y = np.array([0] * 41 + [1] * 19)
smote = SMOTE(k_neighbors=4, random_state=3)
seen = recorded(smote)
made, labels = smote.fit_resample(x, y)
out["rows"] = torch.from_numpy(x[y == 1].copy())
out["draws"] = torch.from_numpy(np.stack([seen["rows"], seen["cols"]], 1)).to(torch.uint32)
out["steps"] = torch.from_numpy(seen["steps"].ravel())
out["made"] = torch.from_numpy(made[60:].copy())

# Continuous columns beside a category that all rows share, so that no tie is left to chance.
mixed = np.concatenate([x, np.full((60, 1), 2.0)], 1)
smote = SMOTENC(categorical_features=[7], k_neighbors=4, random_state=3)
seen = recorded(smote)
made, labels = smote.fit_resample(mixed, y)
out["mixed.draws"] = torch.from_numpy(np.stack([seen["rows"], seen["cols"]], 1)).to(torch.uint32)
out["mixed.steps"] = torch.from_numpy(seen["steps"].ravel())
out["mixed.made"] = torch.from_numpy(made[60:].copy())
save_file(out, __file__.replace(".py", ".safetensors"))
