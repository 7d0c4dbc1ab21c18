"""Forward and backward passes of PyTorch's operators, float32, as `benches/passes/mod.rs` measures ours.

What a call makes is part of its time, giving it back is not. The backward pass is that of a kept graph, for all inputs. A
sample is the mean of enough calls to last 20 ms, or of one; minimum and median are those of 15 samples.
"""
import argparse
import statistics
import time

import torch


def uneven(*shape):
    values = torch.arange(torch.Size(shape).numel())
    return (((values * 7919 + 13) % 2003).float() / 1001.5 - 1).view(shape)


def seconds(run):
    before = time.perf_counter()
    result = run()
    after = time.perf_counter()
    del result
    return after - before


def measure(run):
    start = time.perf_counter()
    while time.perf_counter() - start < 0.1:
        last = seconds(run)
    calls = max(1, round(0.02 / last))
    return [sum(seconds(run) for _ in range(calls)) / calls for _ in range(15)]


def main(description, cases):
    """Prints a line for each pass of each case, `name: (inputs, operator)`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--match", default="")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("case pass min_ms median_ms")
    for name, (inputs, operator) in cases.items():
        if options.match not in name:
            continue
        inputs = [t.clone() for t in inputs]

        def forward():
            with torch.no_grad():
                return operator(*inputs)

        times = {"forward": measure(forward)}
        for t in inputs:
            t.requires_grad_()
        output = operator(*inputs)
        gradient = uneven(*output.shape)
        times["backward"] = measure(lambda: torch.autograd.grad(output, inputs, gradient, retain_graph=True))
        for which, values in times.items():
            print(f"{name} {which} {min(values) * 1e3:.3f} {statistics.median(values) * 1e3:.3f}", flush=True)
