"""Probe: memory of the process and of the device."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import final

import torch

from trainwell.core.contracts.moment import Moment

_STATM = Path("/proc/self/statm")


@final
class Memory:
    """Writes `memory/process_bytes`, and on a CUDA device `memory/device_peak_bytes`."""

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Ask the operating system; this takes microseconds."""
        measured = {"memory/process_bytes": float(process_bytes())}
        if moment.loss.is_cuda:
            measured["memory/device_peak_bytes"] = float(torch.cuda.max_memory_allocated(moment.loss.device))
        return measured


def process_bytes() -> int:
    """Return the resident memory of this process in bytes: now (Linux), or its peak (elsewhere).

    >>> process_bytes() > 2**20
    True
    """
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024  # macOS counts bytes, others kibibytes.
