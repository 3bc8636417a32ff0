from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from trainwell.core.facts import InputFacts
from trainwell.cost import free_bytes, training_memory


def _kept(model: nn.Module, inputs: Tensor) -> int:
    """Return the bytes autograd keeps for the backward pass, without the weights."""
    weights = {parameter.data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in weights:
            kept[tensor.data_ptr()] = max(kept.get(tensor.data_ptr(), 0), tensor.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(inputs)
    return sum(kept.values())


@pytest.mark.parametrize("batch", [8, 64])
def test_what_autograd_keeps_is_part_of_the_prediction(lenet: nn.Sequential, batch: int) -> None:
    memory = training_memory(lenet, InputFacts((1, 28, 28)), batch_size=batch)
    kept = _kept(lenet, torch.zeros(batch, 1, 28, 28))
    assert kept <= memory.activations * batch <= 2 * kept


@pytest.mark.parametrize("state_numbers", [0, 1, 2])
def test_parts_and_their_sum(lenet: nn.Sequential, state_numbers: int) -> None:
    lenet[0].requires_grad_(False)
    memory = training_memory(lenet, InputFacts((1, 28, 28)), state_numbers=state_numbers)
    trainable = 4 * (61_706 - 156)
    assert (memory.parameters, memory.gradients) == (4 * 61_706, trainable)
    assert memory.optimizer_state == state_numbers * trainable
    assert memory.total(64) - memory.total(32) == 32 * memory.activations
    fits = memory.largest_batch(10_000_000)
    assert memory.total(fits) <= 10_000_000 < memory.total(fits + 1)
    assert memory.largest_batch(1000) == 0


def test_state_is_what_adam_really_holds(lenet: nn.Sequential) -> None:
    optimizer = torch.optim.AdamW(lenet.parameters())
    lenet(torch.zeros(2, 1, 28, 28)).sum().backward()
    optimizer.step()
    held = sum(t.nbytes for state in optimizer.state.values() for t in state.values() if t.ndim)
    assert training_memory(lenet, InputFacts((1, 28, 28))).optimizer_state == held


class Refuses(nn.Module):
    """Cannot be followed without its numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) if float(x.sum()) < 1 else x


def test_a_network_that_looks_at_numbers_is_estimated_from_its_layers() -> None:
    memory = training_memory(Refuses(), InputFacts((4,)))
    assert memory.activations == 4 * (4 + 3)
    assert memory.other == 0
    assert free_bytes(torch.device("cpu")) > 1 << 20
