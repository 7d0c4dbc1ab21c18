"""Where TorchIO and MONAI take patches: patches.safetensors beside this file, or in the folder named first."""
import sys
from pathlib import Path

import monai
import numpy as np
import torch
import torchio
from monai.data.utils import dense_patch_slices
from monai.transforms.utils import weighted_patch_samples
from safetensors.numpy import save_file

SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}

# Grids: image, patch, overlap.
for name, shape, patch, overlap in (("grid_a", (10, 23, 31), (5, 8, 31), (2, 4, 0)),
                                    ("grid_b", (12, 12, 9), (4, 6, 4), (0, 2, 2))):
    found = torchio.GridSampler._get_patches_locations(shape, patch, overlap)[:, :3]
    steps = [p - o for p, o in zip(patch, overlap)]
    slices = [[s.start for s in part] for part in dense_patch_slices(shape, patch, steps)]
    assert found.tolist() == slices
    tensors[name] = np.array([shape, patch, overlap, *found], np.uint8)

# Weighted places: whole weights, so that sums are exact; the far planes of centres are 0, where MONAI has none.
shape, patch = (9, 11, 13), (4, 3, 6)
weights = rng.integers(0, 5, shape).astype(np.float32)
for axis, (n, p) in enumerate(zip(shape, patch)):
    np.moveaxis(weights, axis, 0)[n - p + p // 2] = 0
shares = rng.random(64)


class Shares:
    """Stands in for MONAI's random state."""

    def random(self, count):
        return shares[:count]


monai_centres = np.array(weighted_patch_samples(patch, weights, len(shares), Shares()))
cleared = weights.astype(np.float64)
torchio.WeightedSampler.clear_probability_borders(cleared, np.array(patch))
cdf = torchio.WeightedSampler.get_cumulative_distribution_function(cleared)
torchio_centres = np.array([np.unravel_index(np.searchsorted(cdf, s), shape) for s in shares])
assert (monai_centres == torchio_centres).all()
tensors |= {"weights": weights, "patch": np.array(patch, np.uint8), "shares": shares,
            "centres": torchio_centres.astype(np.uint8)}

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, folder / "patches.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, torch {torch.__version__}, monai {monai.__version__}, "
                  f"torchio {torchio.__version__}"})
