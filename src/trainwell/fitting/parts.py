"""What `build_parts` returns: everything that a run trains with, before the first step."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from trainwell.core.contracts.protocols import Batches
from trainwell.core.facts import Facts, InputFacts
from trainwell.data import Preparation
from trainwell.fitting.plan import Plan
from trainwell.fitting.transfer import Origin
from trainwell.nn import Freezing
from trainwell.recipe import Recipe
from trainwell.tasks import Task


@dataclass(frozen=True)
class PartsData:
    """The data of a run, ready for training.

    Args:
        plan: what was read and how it was split; None where the user made the batches.
        preparation: statistics fitted on the training split; None for batches made by the user.
        input_facts: facts about one prepared example.
        train: batches of the training split in the order of training.
        splits: batches by split for evaluation, in a fixed order.
        sample: a few training examples, evaluated after each epoch.
        inputs: inputs for unsupervised pre-training, or None.
    """

    plan: Plan | None
    preparation: Preparation | None
    input_facts: InputFacts
    train: Batches
    splits: dict[str, Batches]
    sample: Batches | None
    inputs: Batches | None = None


@dataclass(frozen=True)
class PartsTransfer:
    """What a run takes over from another one.

    Args:
        freezing: freezes layers, or None.
        new: names of the newly initialised tensors of a transferred network.
        origin: the run that the weights are transferred from, or None.
    """

    freezing: Freezing | None = None
    new: frozenset[str] = frozenset()
    origin: Origin | None = None


@dataclass(frozen=True)
class Parts:
    """The built data side and network of a run.

    Args:
        recipe: every setting.
        task: the task.
        model: the network, initialised, on the CPU.
        data: batches and what they were prepared with.
        facts: facts about data and network before the first step.
        transfer: what the network takes over.
    """

    recipe: Recipe
    task: Task
    model: nn.Module
    data: PartsData
    facts: Facts
    transfer: PartsTransfer = PartsTransfer()
