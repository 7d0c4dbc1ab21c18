"""Reference values for medmetrics: scikit-image, torchmetrics and MONAI on images made of whole numbers.

Writes quality.json into the folder named by the first argument, by default beside this file.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from monai.metrics import MAEMetric, MSEMetric, PSNRMetric, RMSEMetric
from monai.metrics.regression import SSIMMetric, compute_ms_ssim
from scipy.stats import pearsonr
from skimage.metrics import normalized_mutual_information, peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import normalized_mutual_info_score
from torchmetrics.functional.image import (multiscale_structural_similarity_index_measure,
                                           peak_signal_noise_ratio as torch_psnr,
                                           structural_similarity_index_measure as torch_ssim)

RANGE = 200.0


def images(shape):
    """Both images, the same in every language."""
    d, h, w = np.indices((1,) * (3 - len(shape)) + tuple(shape)).astype(np.int64)
    reference = (3 * d * d + 2 * h * w + 17 * d + 5 * h + 3 * w) % 97 + 40 * ((h // 7 + w // 5 + d // 3) % 3)
    noise = ((7 * d + 13 * h + 29 * w + 1) * 2654435761 // 128) % 23 - 11
    return [v.reshape(shape).astype(np.float64) for v in (reference, reference + noise)]


def one(x):
    return float(np.asarray(x).reshape(-1)[0])


def batch(x, dtype):
    return torch.from_numpy(x).to(dtype)[None, None]


def case(shape, weights):
    x, y = images(shape)
    a, b = (batch(v, torch.float64) for v in (x, y))
    # MONAI computes in single precision, which intensities from 0 to 1 suit best.
    p, q = (batch(v / RANGE, torch.float32) for v in (x, y))
    monai = {"spatial_dims": len(shape), "data_range": 1.0}
    low = np.floor(x / 8), np.floor(y / 8)
    result = {
        "shape": shape, "weights": weights,
        "monai": {
            "mae": one(MAEMetric()(b, a)), "mse": one(MSEMetric()(b, a)), "rmse": one(RMSEMetric()(b, a)),
            "psnr": one(PSNRMetric(RANGE)(b, a)),
            "ssim": one(SSIMMetric(**monai)(q, p)),
            "ssim_uniform": one(SSIMMetric(kernel_type="uniform", win_size=9, **monai)(q, p)),
        },
        "scikit_image": {
            "psnr": peak_signal_noise_ratio(x, y, data_range=RANGE),
            "ssim": structural_similarity(x, y, data_range=RANGE),
            "ssim_gaussian": structural_similarity(x, y, data_range=RANGE, gaussian_weights=True,
                                                   use_sample_covariance=False),
            "ssim_gaussian_sample": structural_similarity(x, y, data_range=RANGE, gaussian_weights=True),
            "nmi": normalized_mutual_information(x, y), "nmi_7": normalized_mutual_information(x, y, bins=7),
        },
        "torchmetrics": {
            "psnr": one(torch_psnr(b, a, data_range=RANGE)),
            "ssim": one(torch_ssim(b, a, data_range=RANGE)),
            "ssim_uniform": one(torch_ssim(b, a, data_range=RANGE, gaussian_kernel=False, kernel_size=5)),
            # The last axis of a volume is padded for kernel_size, which a Gaussian ignores otherwise.
            "ssim_wide": one(torch_ssim(b, a, data_range=RANGE, sigma=2.5, kernel_size=19, k1=0.02, k2=0.05)),
        },
        "scipy": {"ncc": float(pearsonr(x.ravel(), y.ravel())[0])},
        "scikit_learn": {"nmi": normalized_mutual_info_score(low[0].ravel(), low[1].ravel())},
    }
    if weights:
        result["monai"]["ms_ssim"] = one(compute_ms_ssim(q, p, weights=weights, **monai))
        result["torchmetrics"]["ms_ssim"] = one(multiscale_structural_similarity_index_measure(
            b, a, data_range=RANGE, betas=tuple(weights)))
    return result


paper = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
cases = [case([33, 41], None), case([181, 178], paper), case([19, 23, 21], None), case([25, 28, 23], [0.3, 0.7])]
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
(folder / "quality.json").write_text(json.dumps({"range": RANGE, "cases": cases}, indent=1) + "\n")
