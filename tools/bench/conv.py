"""PyTorch's side of `benches/conv.rs`: forward, input gradient and weight gradient of single convolutions, and the forward
pass with bias, residual and ReLU (`prepared`, which PyTorch cannot pack beforehand in eager mode).

Seconds are wall time, output allocation included; the minimum and the median over two seconds of runs.

    python tools/bench/conv.py [--threads 2] [--match 3d_16]
"""

import argparse
import statistics
import time

import torch

# name, in, out, groups, size, kernel, stride
CASES = [
    ("3d_16-16_64", 16, 16, 1, [64] * 3, [3] * 3, 1),
    ("3d_32-16_64", 32, 16, 1, [64] * 3, [3] * 3, 1),
    ("3d_16-16_128", 16, 16, 1, [128] * 3, [3] * 3, 1),
    ("3d_1-32_96", 1, 32, 1, [96] * 3, [3] * 3, 1),
    ("3d_32-32_96", 32, 32, 1, [96] * 3, [3] * 3, 1),
    ("3d_64-64_48", 64, 64, 1, [48] * 3, [3] * 3, 1),
    ("3d_128-128_24", 128, 128, 1, [24] * 3, [3] * 3, 1),
    ("3d_256-256_12", 256, 256, 1, [12] * 3, [3] * 3, 1),
    ("3d_256-256_6", 256, 256, 1, [6] * 3, [3] * 3, 1),
    ("3d_pointwise_32-14_96", 32, 14, 1, [96] * 3, [1] * 3, 1),
    ("3d_strided_32-64_96", 32, 64, 1, [96] * 3, [3] * 3, 2),
    ("3d_halving_32-64_96", 32, 64, 1, [96] * 3, [2] * 3, 2),
    ("3d_depthwise_64_48", 64, 64, 64, [48] * 3, [3] * 3, 1),
    ("2d_64-64_56", 64, 64, 1, [56] * 2, [3] * 2, 1),
    ("2d_128-128_28", 128, 128, 1, [28] * 2, [3] * 2, 1),
    ("2d_256-256_14", 256, 256, 1, [14] * 2, [3] * 2, 1),
    ("2d_512-512_7", 512, 512, 1, [7] * 2, [3] * 2, 1),
    ("2d_32-32_256", 32, 32, 1, [256] * 2, [3] * 2, 1),
    ("2d_stem_3-64_224", 3, 64, 1, [224] * 2, [7] * 2, 2),
    ("2d_depthwise_96_56", 96, 96, 96, [56] * 2, [3] * 2, 1),
]


def measure(run, seconds):
    run()
    times = []
    start = time.perf_counter()
    while time.perf_counter() - start < seconds or len(times) < 5:
        before = time.perf_counter()
        run()
        times.append(time.perf_counter() - before)
    return min(times), statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--match", default="")
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    print("case pass min_ms median_ms GFLOP/s(min)")
    for name, channels, out, groups, size, kernel, stride in CASES:
        if options.match not in name:
            continue
        x = torch.randn(1, channels, *size)
        w = torch.randn(out, channels // groups, *kernel)
        padding = [(k - 1) // 2 for k in kernel]
        convolve = torch.nn.functional.conv3d if len(size) == 3 else torch.nn.functional.conv2d
        with torch.no_grad():
            y = convolve(x, w, None, stride, padding, 1, groups)
        g = torch.randn_like(y)
        b = torch.randn(out)
        strides, ones = [stride] * len(size), [1] * len(size)

        def backward(mask):
            torch.ops.aten.convolution_backward(
                g, x, w, None, strides, padding, ones, False, [0] * len(size), groups, mask
            )

        passes = {
            "forward": lambda: convolve(x, w, None, stride, padding, 1, groups),
            "input_gradient": lambda: backward([True, False, False]),
            "weight_gradient": lambda: backward([False, True, False]),
            "prepared": lambda: convolve(x, w, b, stride, padding, 1, groups).add_(g).relu_(),
        }
        flops = 2 * y.numel() * w[0].numel()
        for which, run in passes.items():
            with torch.no_grad():
                least, median = measure(run, options.seconds)
            print(f"{name} {which} {least * 1e3:.2f} {median * 1e3:.2f} {flops / least / 1e9:.0f}", flush=True)


if __name__ == "__main__":
    main()
