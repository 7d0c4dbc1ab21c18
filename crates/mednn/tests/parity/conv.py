"""Makes conv.safetensors: convolutions of torch.nn.functional and their gradients, computed in f64, stored as f32.

Run: python conv.py [folder]. Inputs are uneven numbers that both languages could make, kept here because they are small.
"""

import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

SEED = 20240117

# name: (transposed, batch, in, out, size, kernel, stride, padding before/after, dilation, groups, output padding, bias)
CASES = {
    "odd_3d": (False, 2, 2, 3, (3, 5, 4), (3, 3, 3), (1, 1, 1), ((1, 1), (1, 1), (1, 1)), (1, 1, 1), 1, None, True),
    "rectangular_3d": (False, 1, 2, 4, (3, 7, 6), (1, 3, 2), (1, 2, 3), ((0, 0), (2, 0), (1, 3)), (1, 2, 1), 2, None, False),
    "strided_3d": (False, 1, 2, 3, (5, 4, 7), (3, 3, 3), (2, 2, 2), ((1, 1), (1, 1), (1, 1)), (1, 1, 1), 1, None, True),
    "pointwise_3d": (False, 2, 3, 5, (2, 3, 4), (1, 1, 1), (1, 1, 1), ((0, 0), (0, 0), (0, 0)), (1, 1, 1), 1, None, True),
    "pointwise_strided_3d": (False, 1, 3, 4, (3, 4, 5), (1, 1, 1), (2, 2, 2), ((0, 0), (0, 0), (0, 0)), (1, 1, 1), 1, None, True),
    "halving_3d": (False, 1, 3, 4, (4, 6, 5), (2, 2, 2), (2, 2, 2), ((0, 0), (0, 0), (0, 0)), (1, 1, 1), 1, None, True),
    "odd_2d": (False, 2, 2, 3, (5, 17), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, None, True),
    "dilated_2d": (False, 1, 2, 3, (9, 7), (3, 3), (1, 1), ((2, 2), (2, 2)), (2, 2), 1, None, True),
    "depthwise_2d": (False, 2, 3, 3, (5, 9), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 3, None, True),
    "depthwise_strided_2d": (False, 1, 4, 8, (8, 11), (5, 5), (2, 2), ((2, 2), (2, 2)), (1, 1), 4, None, False),
    "stem_2d": (False, 1, 2, 3, (13, 10), (7, 7), (2, 2), ((3, 3), (3, 3)), (1, 1), 1, None, False),
    "patches_2d": (False, 1, 2, 3, (12, 8), (4, 4), (4, 4), ((0, 0), (0, 0)), (1, 1), 1, None, True),
    "wide_padding_2d": (False, 1, 2, 3, (4, 5), (2, 2), (1, 1), ((3, 3), (3, 3)), (1, 1), 1, None, True),
    "upsample_3d": (True, 2, 3, 2, (2, 3, 2), (2, 2, 2), (2, 2, 2), ((0, 0), (0, 0), (0, 0)), (1, 1, 1), 1, (0, 0, 0), True),
    "overlap_3d": (True, 1, 4, 2, (2, 3, 3), (3, 3, 3), (2, 2, 2), ((1, 1), (1, 1), (1, 1)), (1, 1, 1), 2, (1, 1, 1), True),
    "anisotropic_3d": (True, 1, 3, 2, (3, 4, 5), (1, 2, 2), (1, 2, 2), ((0, 0), (0, 0), (0, 0)), (1, 1, 1), 1, (0, 0, 0), False),
    "spread_2d": (True, 2, 2, 3, (3, 4), (4, 3), (3, 2), ((1, 1), (0, 0)), (1, 2), 1, (2, 0), True),
    "unit_stride_2d": (True, 1, 2, 3, (5, 7), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, (0, 0), True),
    "odd_1d": (False, 2, 3, 4, (19,), (3,), (1,), ((1, 1),), (1,), 1, None, True),
    "dilated_1d": (False, 1, 4, 6, (17,), (5,), (2,), ((4, 3),), (2,), 2, None, False),
    "upsample_1d": (True, 2, 3, 2, (7,), (4,), (2,), ((1, 1),), (1,), 1, (1,), True),
}


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    generator = torch.Generator().manual_seed(SEED)
    tensors = {}
    for name, case in CASES.items():
        transposed, batch, cin, cout, size, kernel, stride, padding, dilation, groups, output_padding, bias = case

        def draw(*shape):
            # Multiples of 1/64, exact in f32, so that the reference sees the same numbers.
            values = torch.randint(-64, 65, shape, generator=generator)
            return (values.double() / 64).requires_grad_()

        x = draw(batch, cin, *size)
        w = draw(cin, cout // groups, *kernel) if transposed else draw(cout, cin // groups, *kernel)
        b = draw(cout) if bias else None
        dims = len(size)
        if transposed:
            convolve = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}[dims]
            y = convolve(x, w, b, stride, [p[0] for p in padding], output_padding, groups, dilation)
        else:
            convolve = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[dims]
            flat = [p for before_after in reversed(padding) for p in before_after]
            y = convolve(F.pad(x, flat), w, b, stride, 0, dilation, groups)
        g = draw(*y.shape)
        y.backward(g)
        settings = [
            int(transposed), groups, *stride, *[p for pair in padding for p in pair], *dilation,
            *(output_padding or [0] * dims),
        ]
        tensors[f"{name}.settings"] = torch.tensor(settings, dtype=torch.uint8)
        named = {"x": x, "w": w, "b": b, "y": y, "g": g, "dx": x.grad, "dw": w.grad, "db": b.grad if bias else None}
        for key, value in named.items():
            if value is not None:
                # The inputs take one byte: 64 times the number.
                exact = key in "xwbg"
                value = value.detach()
                tensors[f"{name}.{key}"] = (
                    (value * 64).round().to(torch.int16) + 64
                ).to(torch.uint8) if exact else value.float().contiguous()
    metadata = {"torch": torch.__version__, "seed": str(SEED)}
    save_file(tensors, str(folder / "conv.safetensors"), metadata=metadata)


if __name__ == "__main__":
    main()
