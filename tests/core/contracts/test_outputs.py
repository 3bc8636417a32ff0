"""One tensor, a tuple, or named tensors: all are read alike."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import (
    call_network,
    join_outputs,
    main_output,
    map_outputs,
    mean_output,
    take_rows,
)

ONE, TWO = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [4.0]])
STRUCTURES = [ONE, (ONE, TWO), {"outputs": ONE, "boxes": TWO}, {"boxes": TWO, "logits": ONE}, {"any": ONE, "b": TWO}]


@pytest.mark.parametrize("outputs", STRUCTURES)
def test_the_main_tensor_is_found(outputs) -> None:
    assert main_output(outputs) is ONE


@pytest.mark.parametrize("outputs", STRUCTURES)
def test_the_structure_is_kept(outputs) -> None:
    for changed in (map_outputs(lambda t: t * 2, outputs), join_outputs(sum, [outputs, outputs])):
        assert type(changed) is type(outputs)
        assert torch.equal(main_output(changed), ONE * 2)
    assert torch.equal(main_output(mean_output([outputs, map_outputs(lambda t: t * 3, outputs)])), ONE * 2)
    assert main_output(take_rows(outputs, torch.tensor([1]))).tolist() == [[2.0]]


def test_a_network_gets_its_mask_by_name() -> None:
    class Net(nn.Module):
        def forward(self, x, *, mask=None):
            return x if mask is None else (x, mask)

    batch = Batch({"inputs": ONE, "targets": TWO})
    assert call_network(Net(), batch) is ONE
    assert len(call_network(Net(), batch.replace(mask=ONE > 0))) == 2
