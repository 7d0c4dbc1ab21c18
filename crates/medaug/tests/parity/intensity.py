"""Reference values for medaug's intensity transforms: batchgeneratorsv2, given the drawn parameters.

Writes intensity.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from batchgeneratorsv2.transforms.intensity.brightness import MultiplicativeBrightnessTransform
from batchgeneratorsv2.transforms.intensity.contrast import ContrastTransform
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from safetensors.numpy import save_file

SEED = 20261121
rng = np.random.default_rng(SEED)
tensors = {}
one = torch.tensor([0])


def put(name, array):
    tensors[name] = np.ascontiguousarray(array, np.float32)


def run(transform, image, **parameters):
    return transform._apply_to_image(torch.from_numpy(image.copy())[None], **parameters)[0].numpy()


for rank, shape in ((2, (13, 17)), (3, (7, 11, 9))):
    image = rng.normal(0.3, 1.2, shape).astype(np.float32)
    name = f"{rank}d"
    put(f"{name}.image", image)
    put(f"{name}.brightness", run(MultiplicativeBrightnessTransform((1, 1), False), image,
                                  apply_to_channel=one, multipliers=torch.tensor([1.21])))
    for key, preserve in (("contrast_preserved", True), ("contrast_free", False)):
        put(f"{name}.{key}", run(ContrastTransform((1, 1), preserve, False), image,
                                 apply_to_channel=one, multipliers=torch.tensor([1.23])))
    for key, invert, retain, gamma in (("gamma", 0, 0, 0.74), ("gamma_retained", 0, 1, 1.46),
                                       ("gamma_inverted", 1, 0, 1.3), ("gamma_inverted_retained", 1, 1, 0.71)):
        put(f"{name}.{key}", run(GammaTransform((1, 1), 0, False, 1, 0), image, apply_to_channel=one,
                                 retain_stats=torch.tensor([bool(retain)]), invert_image=torch.tensor([bool(invert)]),
                                 gamma=torch.tensor([gamma])))
    sigmas = [0.97, 0.55, 0.76][:rank]
    put(f"{name}.blur", run(GaussianBlurTransform(), image, apply_to_channel=torch.tensor([True]), sigmas=[sigmas]))
    for key, scale in (("low_resolution", [0.5, 0.5, 0.5]), ("low_resolution_uneven", [0.83, 0.61, 0.5])):
        put(f"{name}.{key}", run(SimulateLowResolutionTransform((1, 1), False, False, ()), image,
                                 apply_to_channel=one, scales=torch.tensor([scale[:rank]])))
put("constant.image", np.full((3, 4, 5), 2.5))
put("constant.gamma", run(GammaTransform((1, 1), 0, False, 1, 0), tensors["constant.image"], apply_to_channel=one,
                          retain_stats=torch.tensor([True]), invert_image=torch.tensor([False]), gamma=torch.tensor([0.7])))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "intensity.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, torch {torch.__version__}, "
                  f"batchgeneratorsv2 {version('batchgeneratorsv2')}"})
