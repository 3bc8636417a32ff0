from __future__ import annotations

import time
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.contracts.moment import Moment
from trainwell.core.facts import Facts
from trainwell.probes import SampledProbes, Time
from trainwell.rules.speed import data_loading_bottleneck


def test_slow_reading_is_seen(lab: Any) -> None:
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    memo = lab.Memo()
    probes = SampledProbes([Time()], memo, budget=1e3)
    probes.start(model)
    batch = Batch({"inputs": torch.zeros(2, 4), "targets": torch.tensor([0, 1])})
    for step in range(30):
        time.sleep(0.004)
        outputs = model(batch.inputs)
        loss = F.cross_entropy(outputs, batch.targets)
        loss.backward()
        probes.measure(Moment(step, model, optimizer, batch, outputs, loss.detach()))
        optimizer.step()
    probes.stop()
    finding = data_loading_bottleneck(memo.signals, Facts())
    assert finding is not None
    assert finding.evidence["data_fraction"] > 0.5
