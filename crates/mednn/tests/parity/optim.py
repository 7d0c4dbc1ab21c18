"""Five steps of PyTorch's optimizers on two parameters with fixed gradients, with gradient clipping; writes optim.safetensors."""
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

torch.manual_seed(5)
STEPS = 5
CASES = {
    "sgd": (torch.optim.SGD, dict()),
    "sgd_momentum": (torch.optim.SGD, dict(momentum=0.9, dampening=0.3, weight_decay=0.02)),
    "sgd_nesterov": (torch.optim.SGD, dict(momentum=0.99, nesterov=True, weight_decay=3e-5)),
    "adamw": (torch.optim.AdamW, dict()),
    "adam": (torch.optim.Adam, dict(weight_decay=0.05, betas=(0.8, 0.95), eps=1e-6)),
}
RATES = [0.1, 0.05, 0.2, 0.01, 0.1]
start = {"a": torch.randn(3, 5), "b": torch.randn(7)}
gradients = [{k: torch.randn_like(v) * (10 if step == 2 else 1) for k, v in start.items()} for step in range(STEPS)]
out = {f"start/{k}": v for k, v in start.items()}
out |= {f"gradient/{step}/{k}": v for step, g in enumerate(gradients) for k, v in g.items()}
for case, (kind, settings) in CASES.items():
    params = {k: torch.nn.Parameter(v.clone()) for k, v in start.items()}
    optimizer = kind(params.values(), lr=1.0, **settings)
    for step in range(STEPS):
        for k, p in params.items():
            p.grad = gradients[step][k].clone()
        norm = torch.nn.utils.clip_grad_norm_(params.values(), 12.0)
        out[f"norm/{step}"] = norm.reshape(1)
        for group in optimizer.param_groups:
            group["lr"] = RATES[step]
        optimizer.step()
        out |= {f"{case}/{step}/{k}": p.detach().clone() for k, p in params.items()}
about = json.dumps({"script": "optim.py", "torch": torch.__version__, "seed": 5})
save_file(out, Path(__file__).with_suffix(".safetensors"), metadata={"about": about})
