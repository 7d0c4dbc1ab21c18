"""Curves and rank correlations of the maps that explain.py left; usage: python sanity.py [output folder].

The curves are computed in f64 by the definition: places sorted by their value, filled so many at a time.
"""

import importlib.metadata
import pathlib
import sys

import numpy as np
import torch
from explain import RESNETS, images, made
from safetensors.numpy import load_file, save_file
from scipy.stats import spearmanr

here = pathlib.Path(__file__).parent
folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else here)
STEPS = 7


def curve(network, image, order, filled, insertion, probability):
    start, end = (filled, image) if insertion else (image, filled)
    start, end = (t.reshape(t.shape[0], -1) for t in (start, end))
    found = []
    places = len(order)
    for step in range(STEPS + 1):
        changed = order[: places * step // STEPS]
        now = start.copy()
        now[:, changed] = end[:, changed]
        logits = network(torch.from_numpy(now.reshape(1, *image.shape)))[0]
        found.append(float(probability(logits)))
    along = [places * step // STEPS / places for step in range(STEPS + 1)]
    return np.array(found + [np.trapezoid(found, along)])


found = {}
for stem, (dims, features, shape) in RESNETS.items():
    saved = load_file(here / f"{stem}.safetensors")
    network = made(dims, features, shape[1])
    weights = {name[7:]: torch.from_numpy(v.copy()) for name, v in saved.items() if name.startswith("weight.")}
    missing, unexpected = network.load_state_dict(weights, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing)
    network.double().eval()
    image = images(shape)[0].numpy()
    gradient = saved["gradient"][0].astype(np.float64).sum(0)
    order = np.argsort(-gradient.ravel(), kind="stable")
    lowest = np.argsort(gradient.ravel(), kind="stable")
    mean = np.broadcast_to(image.mean(tuple(range(1, image.ndim)), keepdims=True), image.shape).copy()
    value = np.full_like(image, 0.25)
    softmax = lambda logits: torch.softmax(logits, 0)[2]
    sigmoid = lambda logits: torch.sigmoid(logits)[2]
    with torch.no_grad():
        found[f"{stem}.deletion"] = curve(network, image, order, value, False, softmax)
        found[f"{stem}.insertion"] = curve(network, image, order, mean, True, softmax)
        found[f"{stem}.lowest"] = curve(network, image, lowest, value, False, softmax)
        found[f"{stem}.sigmoid"] = curve(network, image, order, value, False, sigmoid)
    cam = saved["grad_cam.layer4"][0, 0].ravel()
    merged = saved["gradient"][0].sum(0).ravel()
    pairs = [(cam, merged), (abs(cam), abs(merged))]
    found[f"{stem}.likeness"] = np.array([spearmanr(a, b).statistic for a, b in pairs])
versions = {name: importlib.metadata.version(name) for name in ("torch", "monai", "numpy", "scipy")}
save_file(found, folder / "sanity.safetensors", metadata={"versions": repr(versions)})
for name, values in found.items():
    print(name, values.round(4))
