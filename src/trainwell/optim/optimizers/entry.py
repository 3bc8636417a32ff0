"""What the catalogue holds for each optimizer, and what its builder is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from torch import nn
from torch.optim import Optimizer

from trainwell.core.facts import Facts
from trainwell.recipe.choice import Choice, Preset, keys_of
from trainwell.recipe.sections.setting import Value, Values

Groups = list[dict[str, Any]]
Usual = Mapping[str, tuple[Value, str]]
Trait = Literal["own_decay", "own_steps", "closure"]

SECTIONS = ("optim",)  # where the settings of an optimizer stand
_NOT_IN_THE_LOSS = ("train.clip_norm", "train.clip_value", "train.micro_batch")


class Given(NamedTuple):
    """What an optimizer is built from.

    Args:
        model: the network.
        groups: its trainable parameters, in groups with their learning rate ("lr") and weight decay.
        fused: True if torch can update all tensors in one pass.
    """

    model: nn.Module
    groups: Groups
    fused: bool

    @property
    def learning_rate(self) -> float:
        """The learning rate of the first group."""
        return float(self.groups[0]["lr"])


@dataclass(frozen=True)
class OptimizerEntry:
    """An optimizer of the catalogue.

    The keyword-only arguments of `build` are named as settings of [optim], or of a section registered from outside:
    they are what the optimizer uses, and with any other optimizer that setting has no effect.

    Args:
        build: takes `Given` and settings by name, returns the optimizer. Its docstring is the page of
            `trainwell about`. The learning rate is in the groups.
        usual: dotted key to the value that suits this optimizer, with the reason.
        like: name of the optimizer whose defaults suit this one too; empty if none.
        traits: "own_decay": weight decay shrinks the weights directly, whatever `optim.decoupled` is; "own_steps": it
            chooses the size of its steps itself; "closure": it evaluates the loss again within a step.
        refuses: settings that must keep their off value (0, false), each with the reason.
        needs: settings that must be greater than 0, each with the usual value.
    """

    build: Callable[..., Optimizer]
    usual: Usual = field(default_factory=lambda: MappingProxyType({}))
    like: str = ""
    traits: tuple[Trait, ...] = ()
    refuses: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    needs: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def choice(self, name: str) -> Choice:
        """Return what the recipe must know of this optimizer, under its name in the catalogue."""

        def usual(facts: Facts, chosen: Preset) -> Preset:
            found = dict(self.usual)
            if self.like and "optim.name" not in chosen:
                found.pop("optim.learning_rate", None)  # the one chosen for the default optimizer suits it
            if "train.batch_size" in found:
                largest, reason = found["train.batch_size"]
                assert isinstance(largest, int)
                found["train.batch_size"] = (min(max(1, facts.sizes.get("train", 0)), largest), reason)
            return found

        def relation(values: Values) -> Iterator[str]:
            return self._mistakes(name, values)

        return Choice(frozenset(keys_of(self.build, sections=SECTIONS)), usual, relation)

    def _mistakes(self, name: str, values: Values) -> Iterator[str]:
        for key, usual in self.needs.items():
            if not values[key]:
                yield f"{key} must be greater than 0 for the optimizer {name!r}, got 0. The usual value is {usual:g}."
        refused = dict(self.refuses)
        if "closure" in self.traits:
            refused |= dict.fromkeys(_NOT_IN_THE_LOSS, "it evaluates the loss of the whole batch again, without this")
        for key, reason in refused.items():
            given = values[key]
            if given:
                off, shown = ("false", "true") if given is True else ("0", f"{given:g}")
                yield f"{key} must be {off} for the optimizer {name!r}, got {shown}: {reason}. Leave it out."


def usual(name: str, learning_rate: float, *, more: Usual | None = None) -> Usual:
    """Return the usual settings of an optimizer whose weight decay goes through the gradient."""
    return {
        "optim.learning_rate": (learning_rate, f"usual for {name}"),
        "optim.weight_decay": (1e-4, "usual where weight decay goes through the gradient"),
        **(more or {}),
    }


def whole_batches(name: str) -> Usual:
    """Return the usual settings of an optimizer that needs gradients without noise."""
    reason = f"{name} needs gradients without noise"
    return {"train.batch_size": (10_000, reason), "nn.dropout": (0.0, reason)}
