"""All randomness is a function of (seed, purpose, epoch, step): never of history, process or worker count.

A run that is resumed at any step draws exactly the same random numbers, because no random state is carried from one
step to the next.
"""

from __future__ import annotations

import functools
import hashlib

_MASK = (1 << 64) - 1


@functools.cache
def _purpose_key(purpose: str) -> int:
    return int.from_bytes(hashlib.blake2b(purpose.encode(), digest_size=8).digest(), "little")


def _mix(value: int) -> int:
    """Mix 64 bits: the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def derive(seed: int, purpose: str, *, epoch: int = 0, step: int = 0) -> int:
    """Derive the random seed of one purpose at one step of a run.

    Args:
        seed: the seed of the run.
        purpose: what is drawn ("order", "step", "init", "split"); purposes never share a random stream.
        epoch: number of the epoch, from 0.
        step: number of the step or of the example, from 0.
    Returns:
        an integer in [0, 2**63), accepted by numpy's and torch's generators.

    >>> derive(0, "order", epoch=1) == derive(0, "order", epoch=1)
    True
    >>> derive(0, "order", epoch=1) == derive(0, "init", epoch=1)
    False
    """
    value = _mix((seed ^ _purpose_key(purpose)) & _MASK)
    value = _mix(value ^ epoch)
    return _mix(value ^ step) >> 1
