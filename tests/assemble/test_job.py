"""Everything that can refuse is built before a run is made on disk."""

from __future__ import annotations

import pytest
import torch

from trainwell.assemble.build import build_parts
from trainwell.assemble.job import build_tools
from trainwell.assemble.plan import gather, plan
from trainwell.core.errors import UsageError


def parts(source="iris", **edits):
    return build_parts(plan(gather(source, {key.replace("__", "."): value for key, value in edits.items()})))


def test_tools_follow_the_recipe() -> None:
    tools = build_tools(parts(optim__name="sgd", train__ema=0.9, optim__learning_rate=0.5, optim__warmup=0.0))
    assert isinstance(tools.optimizer, torch.optim.SGD)
    assert tools.average is not None and tools.augment is None
    assert tools.rate(0) == 0.5
    assert build_tools(parts("digits", data__shift=1)).augment is not None


@pytest.mark.parametrize("edits", [{"data__shift": 1}, {"train__device": "cuda:9"}])
def test_what_does_not_fit_is_refused(edits) -> None:
    with pytest.raises(UsageError):
        build_tools(parts(**edits))


def test_a_frozen_network_is_refused() -> None:
    frozen = parts()
    frozen.model.requires_grad_(False)
    with pytest.raises(UsageError, match="at least one trainable parameter"):
        build_tools(frozen)
