"""Learning rates of PyTorch's schedulers (torch 2.15) over runs of 6 epochs of 5 steps, base rate 1."""

import pathlib

import safetensors.torch
import torch
from torch.optim import SGD
from torch.optim import lr_scheduler as lr

EPOCHS, STEPS = 6, 5
TOTAL = EPOCHS * STEPS


def rates(make, by_epoch=False):
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    found = []
    for step in range(TOTAL):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if not by_epoch or step % STEPS == STEPS - 1:
            scheduler.step()
    return torch.tensor(found, dtype=torch.float64)


out = {
    "poly": rates(lambda o: lr.PolynomialLR(o, TOTAL, power=0.9)),
    "cosine": rates(lambda o: lr.CosineAnnealingLR(o, TOTAL, eta_min=0.01)),
    "one_cycle": rates(lambda o: lr.OneCycleLR(o, 1.0, total_steps=TOTAL)),
    "one_cycle_linear": rates(
        lambda o: lr.OneCycleLR(
            o, 1.0, total_steps=TOTAL, pct_start=0.4, anneal_strategy="linear", div_factor=10, final_div_factor=100
        )
    ),
    "step": rates(lambda o: lr.StepLR(o, 2, gamma=0.3), by_epoch=True),
    "milestones": rates(lambda o: lr.MultiStepLR(o, [1, 4, 4], gamma=0.5), by_epoch=True),
    "exponential": rates(lambda o: lr.ExponentialLR(o, 0.8), by_epoch=True),
    "warmup_cosine": rates(
        lambda o: lr.SequentialLR(
            o, [lr.LinearLR(o, 0.01, total_iters=7), lr.CosineAnnealingLR(o, TOTAL - 7)], milestones=[7]
        )
    ),
}
scores = [0.1, 0.3, 0.3, 0.29, 0.305, 0.2, 0.1, 0.31, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.6, 0.1, 0.1, 0.1, 0.1]
out["scores"] = torch.tensor(scores, dtype=torch.float64)
for name, settings in {
    "plateau": dict(factor=0.5, patience=1, threshold=0.01, cooldown=0, min_lr=0.0),
    "plateau_cooldown": dict(factor=0.3, patience=0, threshold=0.0, cooldown=2, min_lr=0.02),
}.items():
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = lr.ReduceLROnPlateau(optimizer, mode="max", threshold_mode="abs", **settings)
    found = []
    for score in scores:
        scheduler.step(score)
        found.append(optimizer.param_groups[0]["lr"])
    out[name] = torch.tensor(found, dtype=torch.float64)
safetensors.torch.save_file(out, pathlib.Path(__file__).with_suffix(".safetensors"))
