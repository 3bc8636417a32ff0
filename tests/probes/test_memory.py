from __future__ import annotations

from typing import Any

import torch

from trainwell.probes import Memory, process_bytes


def test_memory_grows_with_what_is_held(school: Any) -> None:
    moment = school.Lesson().backward()
    before = Memory().read(moment)["memory/process_bytes"]
    held = torch.ones(16 * 2**20)
    after = Memory().read(moment)["memory/process_bytes"]
    assert after - before > 0.75 * held.nbytes
    assert process_bytes() < 2**40
