"""Stratified folds by group of scikit-learn 1.9.1 (numpy 2.2.6, torch 2.15.0 to write them).

Each cohort has groups of very different size and a rare class; the folds are those of five seeds.
"""

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.model_selection import StratifiedGroupKFold

out = {}
cohorts = {"few": (23, 3, 9, 3), "many": (400, 4, 12, 5), "large": (60, 3, 60, 10), "single": (97, 2, 2, 5)}
for number, (name, (groups, classes, most, folds)) in enumerate(cohorts.items()):
    random = np.random.default_rng(number)
    group, label = [], []
    for g in range(groups):
        usual = 0 if random.random() < 0.7 else int(random.integers(classes))
        for _ in range(1 if most == 2 else int(random.integers(1, most))):
            group.append(g)
            label.append(usual if random.random() < 0.8 else 0)
    group, label = np.array(group), np.array(label)
    found = np.zeros((5, len(group)), np.int64)
    for seed in range(5):
        split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        for fold, (_, held_out) in enumerate(split.split(np.zeros(len(group)), label, group)):
            found[seed, held_out] = fold
    out[f"{name}.group"] = torch.from_numpy(group).to(torch.uint32)
    out[f"{name}.class"] = torch.from_numpy(label).to(torch.uint8)
    out[f"{name}.folds"] = torch.from_numpy(found).to(torch.uint8)
save_file(out, __file__.replace(".py", ".safetensors"))
