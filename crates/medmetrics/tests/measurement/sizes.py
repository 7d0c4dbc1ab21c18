"""Reference diameters for medmetrics: every pair of points by SciPy, and scikit-image's own.

Writes sizes.json into the folder named by the first argument, by default beside this file.
"""
import json
import sys
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.measure import find_contours, label, marching_cubes, regionprops

rng = np.random.default_rng(20261123)


def blob(shape, sigma, share):
    field = ndimage.gaussian_filter(rng.normal(size=shape), sigma)
    mask = field > np.quantile(field, 1 - share)
    parts = label(mask, connectivity=1)
    return parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])


def outline(mask, model):
    """The points of all voxels by a pixel model, in voxels."""
    centres = np.argwhere(mask).astype(float)
    dims = mask.ndim
    if model == "centres":
        return centres
    if model == "corners":
        ways = np.array(np.meshgrid(*[[-0.5, 0.5]] * dims)).reshape(dims, -1).T
        return np.unique((centres[:, None] + ways).reshape(-1, dims), axis=0)
    # Where an isosurface at one half passes.
    padded = np.pad(mask, 1).astype(float)
    points = np.vstack(find_contours(padded, 0.5)) if dims == 2 else marching_cubes(padded, 0.5)[0]
    return np.unique(np.round(2 * (points - 1)) / 2, axis=0)


def largest(points):
    return float(pdist(points).max()) if len(points) > 1 else 0.0


def width(points):
    """The smallest extent along the normal of a facet of the hull."""
    if len(points) <= points.shape[1] or np.linalg.matrix_rank(points - points[0]) < points.shape[1]:
        return 0.0
    hull = ConvexHull(points)
    return float(min(np.ptp(points @ normal) for normal in hull.equations[:, :-1]))


def orthogonal(points):
    """The extent across the pair of points that is farthest apart; that pair is unique in these masks."""
    if len(points) < 2:
        return 0.0
    i, j = np.triu_indices(len(points), 1)
    k = np.argmax(pdist(points))
    along = points[j[k]] - points[i[k]]
    return float(np.ptp(points @ np.array([-along[1], along[0]]) / np.linalg.norm(along)))


def plane(name, mask, spacing):
    case = {"name": name, "shape": mask.shape, "spacing": spacing, "voxels": np.flatnonzero(mask).tolist()}
    for model in ("corners", "centres", "contour"):
        points = outline(mask, model) * spacing
        case[model] = {"maximum": largest(points), "minimum": width(points), "orthogonal": orthogonal(points)}
    case["scikit_image"] = float(regionprops(mask.astype(int), spacing=spacing)[0].feret_diameter_max)
    return case


def volume(name, mask, spacing):
    case = {"name": name, "shape": mask.shape, "spacing": spacing, "voxels": np.flatnonzero(mask).tolist()}
    for model in ("corners", "centres", "contour"):
        points = outline(mask, model) * spacing
        case[model] = {"maximum": largest(points), "minimum": width(points)}
        case[model]["by_slice"] = [
            [[s, largest(outline(mask.take(s, axis), model) * np.delete(spacing, axis))]
             for s in range(mask.shape[axis]) if mask.take(s, axis).any()] for axis in range(3)]
    region = regionprops(mask.astype(int), spacing=spacing)[0]
    case["volume_mm3"] = float(region.area)
    case["equivalent_diameter"] = float(region.equivalent_diameter_area)
    return case


grid = np.mgrid[-12:13, -12:13]
planes = [
    plane("square", np.pad(np.ones((10, 10), bool), 2), (3.0, 0.7)),
    plane("unit square", np.ones((10, 10), bool), (1.0, 1.0)),
    plane("bar", np.ones((1, 10), bool), (1.0, 1.0)),
    plane("pixel", np.pad(np.ones((1, 1), bool), 1), (1.0, 1.0)),
    plane("disc", (grid ** 2).sum(0) <= 100, (1.0, 1.0)),
    plane("ring", np.pad(blob((30, 41), 2.0, 0.3), 1), (0.7, 1.9)),
    plane("rough", np.pad(blob((33, 20), 1.0, 0.4), 1), (1.3, 0.41)),
    plane("fine", np.pad(blob((60, 60), 3.0, 0.4), 1), (0.31, 0.37)),
]
volumes = [
    volume("blob", blob((9, 20, 23), 2.0, 0.2), (3.0, 0.8, 0.9)),
    volume("rough", blob((11, 13, 12), 0.8, 0.3), (1.3, 2.1, 0.7)),
    volume("one slice", np.pad(blob((1, 18, 15), 1.5, 0.4), ((2, 1), (0, 0), (0, 0))), (2.5, 0.5, 0.6)),
    volume("voxel", np.pad(np.ones((1, 1, 1), bool), 1), (2.0, 1.0, 0.5)),
    volume("block", np.pad(np.ones((3, 4, 5), bool), 1), (2.0, 1.0, 0.5)),
]
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
(folder / "sizes.json").write_text(json.dumps({"planes": planes, "volumes": volumes}) + "\n")
