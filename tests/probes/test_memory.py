from __future__ import annotations

import subprocess
import sys

from trainwell.probes import process_bytes

# In a process of its own: one that has held more before gives memory out again without growing.
_SCRIPT = """
import torch
from torch import nn
from trainwell.core.batch import Batch
from trainwell.core.contracts.moment import Moment
from trainwell.probes import Memory

net = nn.Linear(2, 2)
batch = Batch({"inputs": torch.zeros(1, 2), "targets": torch.zeros(1)})
moment = Moment(0, net, torch.optim.SGD(net.parameters()), batch, net(batch.inputs), torch.tensor(1.0))
before = Memory().read(moment)["memory/process_bytes"]
held = torch.ones(16 * 2**20)
print((Memory().read(moment)["memory/process_bytes"] - before) / held.nbytes)
"""


def test_memory_grows_with_what_is_held() -> None:
    grown = float(subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True).stdout)
    assert 0.75 < grown < 1.5


def test_a_process_holds_something_and_not_everything() -> None:
    assert 2**20 < process_bytes() < 2**40
