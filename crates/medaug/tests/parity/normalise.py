"""Reference values for medaug's normalisation: MONAI and numpy as nnU-Net writes it.

Writes normalise.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from pathlib import Path

import monai
import numpy as np
from monai.transforms import NormalizeIntensity, ScaleIntensity, ScaleIntensityRange
from safetensors.numpy import save_file

SEED = 20261121
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array):
    tensors[name] = np.ascontiguousarray(array, np.float32)


ct = rng.normal(40, 300, (2, 5, 7, 6)).astype(np.float32)
mr = np.where(rng.random((2, 5, 7, 6)) < 0.4, 0, rng.gamma(3, 80, (2, 5, 7, 6))).astype(np.float32)
put("ct", ct)
put("mr", mr)
put("window", ScaleIntensityRange(-160, 240, 0, 1, clip=True)(ct))
put("score", NormalizeIntensity(channel_wise=True)(mr))
put("masked_score", NormalizeIntensity(nonzero=True, channel_wise=True)(mr))
put("unit", ScaleIntensity(0, 1, channel_wise=True)(mr))
# nnunetv2.preprocessing.normalization.CTNormalization
put("ct_scheme", (np.clip(ct, -950.5, 411.25) - np.float32(71.3)) / max(np.float32(141.7), 1e-8))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "normalise.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, monai {monai.__version__}"})
