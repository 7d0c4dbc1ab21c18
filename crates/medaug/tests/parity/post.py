"""Reference values for medaug's post-processing: MONAI, SciPy and scikit-image.

Writes post.safetensors into the folder named by the first argument, by default beside this file.
"""
import sys
import warnings
from pathlib import Path

import monai
import numpy as np
import scipy
import skimage
import torch
from monai.transforms import (Activations, AsDiscrete, ConvertToMultiChannelBasedOnBratsClasses, FillHoles,
                              KeepLargestConnectedComponent, LabelFilter, LabelToContour, MapLabelValue, MeanEnsemble,
                              RemoveSmallObjects, VoteEnsemble)
from safetensors.numpy import save_file
from scipy import ndimage

warnings.simplefilter("ignore")
SEED = 20261123
rng = np.random.default_rng(SEED)
tensors = {}


def put(name, array, kind=np.uint8):
    tensors[name] = np.ascontiguousarray(np.asarray(array), kind)


def blobs(shape, density):
    """Classes 1 to 3 in blobs with holes, of which some hold another class."""
    noise = ndimage.gaussian_filter(rng.normal(size=shape), 1.1, mode="wrap")
    place = rng.integers(1, 4, [max(1, n // 5) for n in shape])
    classes = np.kron(place, np.ones([-(-n // m) for n, m in zip(shape, place.shape)], int))
    classes = classes[tuple(slice(0, n) for n in shape)]
    return np.where(noise > np.quantile(noise, 1 - density), classes, 0).astype(np.uint8)


def ring(labels):
    """A ring of class 1 around a crumb of class 2 and background, closed at faces but open at one corner."""
    out = labels.copy()
    middle = tuple(slice(2, 7) for _ in labels.shape)
    inner = tuple(slice(3, 6) for _ in labels.shape)
    out[middle] = 1
    out[inner] = 0
    out[tuple(4 for _ in labels.shape)] = 2
    return out


for rank, shape, few in ((2, (19, 27), (5, 7)), (3, (9, 10, 11), (3, 4, 5))):
    name = f"{rank}d"
    labels = ring(blobs(shape, 0.55))
    put(f"{name}.labels", labels)
    image = torch.from_numpy(labels.astype(np.int64))[None]
    full = rank
    for key, options in (
            ("largest", {}),
            ("largest_two", {"num_components": 2, "applied_labels": [1, 3], "connectivity": 1}),
            ("largest_union", {"independent": False, "connectivity": 1}),
    ):
        put(f"{name}.{key}", KeepLargestConnectedComponent(is_onehot=False, **options)(image.clone())[0])
    for key, connectivity in (("holes", None), ("holes_face", 1)):
        put(f"{name}.{key}", FillHoles([1, 2, 3], connectivity)(image.clone())[0])
    one = (image == 1).float()
    put(f"{name}.small", RemoveSmallObjects(6, 1)(one.clone())[0])
    put(f"{name}.small_together", RemoveSmallObjects(9, full, independent_channels=False)(image.clone())[0])
    put(f"{name}.small_measure", RemoveSmallObjects(7.3, 1, by_measure=True, pixdim=[1.1, 0.8, 2.0][:rank])(one.clone())[0])
    put(f"{name}.contour", LabelToContour()(one)[0])
    put(f"{name}.filtered", LabelFilter([1, 3])(image.clone())[0])
    put(f"{name}.mapped", MapLabelValue([1, 2, 3], [2, 9, 1])(image.clone())[0])
    mask = labels == 1
    for key, function in (("dilated", ndimage.binary_dilation), ("eroded", ndimage.binary_erosion),
                          ("opened", ndimage.binary_opening), ("closed", ndimage.binary_closing)):
        cross = ndimage.generate_binary_structure(rank, 1)
        put(f"{name}.{key}", function(mask, cross, iterations=2 if key in ("dilated", "closed") else 1))
    scores = rng.normal(0, 3, (4, *few)).astype(np.float32)
    scores[2] = np.where(rng.random(few) < 0.3, scores[1], scores[2])  # ties
    put(f"{name}.scores", scores, np.float32)
    tensor = torch.from_numpy(scores)
    put(f"{name}.sigmoid", Activations(sigmoid=True)(tensor), np.float32)
    put(f"{name}.softmax", Activations(softmax=True)(tensor), np.float32)
    put(f"{name}.tanh", Activations(other=torch.tanh)(tensor), np.float32)
    put(f"{name}.softplus", Activations(other=torch.nn.functional.softplus)(tensor), np.float32)
    put(f"{name}.argmax", np.argmax(scores, 0))
    put(f"{name}.threshold", AsDiscrete(threshold=0.5)(tensor))
    put(f"{name}.one_hot", AsDiscrete(to_onehot=4)(image.clone()))
    others = torch.from_numpy(rng.normal(0, 3, (2, 4, *few)).astype(np.float32))
    put(f"{name}.others", others, np.float32)
    stack = torch.cat([tensor[None], others])
    put(f"{name}.mean", MeanEnsemble()(stack), np.float32)
    put(f"{name}.mean_weighted", MeanEnsemble([0.5, 1.0, 2.5])(stack), np.float32)
    each = np.array([[1, 2, 3, 4], [4, 1, 1, 2], [0.5, 0, 3, 1]], np.float32)
    put(f"{name}.weights", each, np.float32)
    put(f"{name}.mean_each", MeanEnsemble(each)(stack), np.float32)
    votes = torch.stack([torch.from_numpy(rng.integers(0, 4, few)) for _ in range(4)])[:, None]
    put(f"{name}.votes", votes[:, 0])
    put(f"{name}.vote", VoteEnsemble(num_classes=4)(votes)[0])
    masks = torch.from_numpy(rng.integers(0, 2, (4, 2, *few)).astype(np.float32))
    put(f"{name}.masks", masks)
    put(f"{name}.mask_vote", VoteEnsemble()(masks))
    put(f"{name}.brats", ConvertToMultiChannelBasedOnBratsClasses(et_label=3)(image[0]))

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
save_file(tensors, folder / "post.safetensors", metadata={
    "provenance": f"seed {SEED}, numpy {np.__version__}, scipy {scipy.__version__}, scikit-image {skimage.__version__}, "
                  f"torch {torch.__version__}, monai {monai.__version__}"})
