"""The gain of an ensemble over its members (docs/curriculum.md, A22).

Claim: the mean of five networks' probabilities scores higher than the mean member.
Command: python benchmarks/ensemble.py
Hardware: 2 cores.
n: 3 groups of five members.

MLP on digits with 10 % and 100 % of the training labels; members differ in their random seed only and share one split;
the gain is on the held-out test split.
"""

from __future__ import annotations

import statistics
import tempfile

import trainwell as tw
from trainwell.fitting import open_run
from trainwell.inference import ensemble

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for share in (0.1, 1.0):
            gains, means, together = [], [], []
            for group in range(3):
                edits = {"data.split_seed": group, "transfer.labelled": share, "train.checkpoint_seconds": 1e9}
                edits |= {"train.epochs": 30, "train.patience": 0}
                seeds = range(10 * group, 10 * group + 5)
                runs = [open_run(tw.fit("digits", edits=edits | {"seed": seed}, runs=folder).path) for seed in seeds]
                found = ensemble(runs)
                gains.append(found.gain)
                means.append(found.mean)
                together.append(found.together)
            shown = " ".join(f"{gain:+.3f}" for gain in gains)
            print(
                f"{share:.0%} of the labels: mean member {statistics.mean(means):.3f}, together "
                f"{statistics.mean(together):.3f}, gain {statistics.mean(gains):+.3f} ({shown})",
                flush=True,
            )
