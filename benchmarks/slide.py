"""Sliding a classifier over a 10-megapixel image in one pass, compared with classifying every crop.

Claim: one pass is at least 10x faster than crop by crop, and equal to 1e-4.
Command: python benchmarks/slide.py [rows-of-crops-to-time]
Hardware: 2 cores, torch 2.13 CPU.
n: 611,306 windows (LeNet-5 on windows of 64 x 64, stride 4), one run.

Crops are classified 512 at a time, which is the fastest batch size; only some rows of windows are timed, and the time
of all is extrapolated.
"""

from __future__ import annotations

import sys
import time

import torch

from trainwell.inference.slide import by_crops, in_one_pass
from trainwell.nn import fully_convolutional, initialise
from trainwell.nn.zoo.lenet5 import lenet5

SIDE, WIDTH, WINDOW = 2560, 3968, 64


def main() -> None:
    timed = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    torch.manual_seed(0)
    model = lenet5(input_shape=(3, WINDOW, WINDOW), outputs=10).eval()
    initialise(model, "he_normal", seed=0)
    image = torch.randn(1, 3, SIDE, WIDTH)
    slid, stride = fully_convolutional(model, (3, WINDOW, WINDOW))
    started = time.perf_counter()
    whole = in_one_pass(slid, image, window=(WINDOW, WINDOW), stride=stride)
    seconds = time.perf_counter() - started
    rows, columns = whole.shape[1:]
    apart, spent = 0.0, 0.0
    for row in list(range(0, rows, max(1, rows // timed)))[:timed]:
        band = image[:, :, row * stride : row * stride + WINDOW]
        started = time.perf_counter()
        crops = by_crops(model, band, window=(WINDOW, WINDOW), stride=stride)
        spent += time.perf_counter() - started
        apart = max(apart, (crops[:, 0] - whole[:, row]).abs().max().item())
    cropped = spent / timed * rows
    print(f"{SIDE * WIDTH / 1e6:.1f} megapixels, {rows * columns:,} windows, {torch.get_num_threads()} threads")
    print(f"one pass {seconds:.2f} s, crop by crop {cropped:.1f} s (from {timed} of {rows} rows)")
    print(f"ratio {cropped / seconds:.1f} (claim 10), largest difference {apart:.1e} (claim 1e-4)")


if __name__ == "__main__":
    main()
