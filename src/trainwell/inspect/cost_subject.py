"""The network whose cost is computed: a name, a user's class, a recipe or a run."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from trainwell.core.catalogue import nearest
from trainwell.core.errors import ImageError, UsageError
from trainwell.core.facts import InputFacts
from trainwell.core.files import plain
from trainwell.fitting.build import build_network, build_parts
from trainwell.fitting.catalogues import CUSTOM
from trainwell.fitting.model_files import read_preparation
from trainwell.fitting.plan import gather, plan
from trainwell.fitting.trained_model import open_run
from trainwell.nn import MODELS, PREFIX, backbone, preprocessing
from trainwell.optim import optimizer
from trainwell.recipe.sections import NetworkRecipe, OptimRecipe
from trainwell.runs import Run

# For networks without a data set in their paper.
_IMAGE = (3, 224, 224)
_CLASSES = 1000


@dataclass(frozen=True)
class SubjectTraining:
    """How the network of a recipe or a run is trained; unknown for any other.

    Args:
        examples: training examples of one epoch; 0 if unknown.
        evaluated: examples evaluated after each epoch.
        batch_size: of the recipe; 0 if there is none.
        optimizer: of the recipe; empty if there is none.
        epoch_seconds: mean seconds of an epoch of the run; None if there is no run.
    """

    examples: int = 0
    evaluated: int = 0
    batch_size: int = 0
    optimizer: str = ""
    epoch_seconds: float | None = None


@dataclass(frozen=True)
class Subject:
    """A network whose cost is computed.

    Args:
        name: as the user gave it.
        model: the network; on the meta device where possible.
        facts: of one example.
        rebuild: builds it again with values, for timing.
        training: how it is trained.
    """

    name: str
    model: nn.Module
    facts: InputFacts
    rebuild: Callable[[], nn.Module]
    training: SubjectTraining = SubjectTraining()


def find_subject(
    what: str, *, input_shape: tuple[int, ...] = (), classes: int = 0, runs: Path = Path("runs")
) -> Subject:
    """Find the network a user means.

    Args:
        what: a name of the catalogue, "timm:NAME", "module:Class", a recipe (.toml), or a run.
        input_shape: shape of one example; (): that of the paper or of the run.
        classes: number of outputs; 0: that of the paper or of the run.
        runs: folder of the runs.
    Raises:
        UsageError: if there is no such network, or it does not accept such inputs.

    >>> find_subject("lenet").facts.shape
    (1, 28, 28)
    """
    folder = Path(what) if Path(what).is_dir() else runs / what
    if what in MODELS:
        return _of_catalogue(what, input_shape=input_shape, classes=classes)
    if what.startswith(PREFIX):
        side = preprocessing(what).side
        shape = input_shape or (3, side, side)
        outputs = classes or _CLASSES
        return _built(
            what,
            lambda: backbone(what, input_shape=shape, outputs=outputs, pretrained=False),
            facts=InputFacts(shape),
        )
    if ":" in what and not Path(what).exists():
        return _built(what, _class(what, classes), facts=InputFacts(input_shape or _IMAGE))
    if what.endswith(".toml") and Path(what).is_file():
        if input_shape or classes:
            raise UsageError(f"The data of a recipe determine --input and --classes. Omit them for {plain(what)}.")
        return _of_recipe(what)
    if folder.is_dir():
        return _of_run(folder, input_shape=input_shape, classes=classes)
    guess = nearest(what, MODELS)
    hint = f" Did you mean {guess!r}?" if guess else ""
    raise UsageError(
        f"cost needs a network's name, timm:NAME, module:Class, a recipe or a run, got {plain(what)!r}.{hint} "
        f"Networks: {', '.join(sorted(MODELS))}."
    )


def state_numbers(name: str) -> int:
    """Return the size of an optimizer's state in numbers per weight, measured after a step.

    >>> state_numbers("sgd"), state_numbers("adamw")
    (1, 2)
    """
    layer = nn.Linear(7, 5)
    made = optimizer(layer, OptimRecipe(name=name), learning_rate=1e-3)
    layer.weight.grad = torch.ones_like(layer.weight)
    layer.bias.grad = torch.ones_like(layer.bias)
    try:
        made.step()
    except Exception:  # optimizers that take the loss; most of them keep two numbers or more
        return 2
    state = made.state[layer.weight]
    return sum(isinstance(value, torch.Tensor) and value.shape == layer.weight.shape for value in state.values())


def _of_catalogue(name: str, *, input_shape: tuple[int, ...], classes: int) -> Subject:
    network = MODELS[name]
    facts = InputFacts(input_shape) if input_shape else network.published.input or InputFacts(_IMAGE)
    outputs = classes or network.published.classes
    return _built(name, lambda: network.build(NetworkRecipe(model=name), facts, outputs), facts=facts)


def _built(name: str, build: Callable[[], nn.Module], *, facts: InputFacts) -> Subject:
    try:
        with torch.device("meta"):
            model = build()
    except ImageError as problem:  # its advice is about `fit`; here --input gives the size of images
        side = problem.smallest
        channels = facts.shape[0] if facts.has_grid else _IMAGE[0]
        raise UsageError(f"{problem.need} Give --input {channels}x{side}x{side} or more.") from None
    except UsageError:
        raise
    except Exception:  # the constructor of a user's network may read values
        model = build()
    return Subject(name=name, model=model, facts=facts, rebuild=build)


def _class(what: str, classes: int) -> Callable[[], nn.Module]:
    """Return a function that builds a user's network, `module:Class`, imported from the current folder."""
    path, _, attribute = what.partition(":")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    name = path.removesuffix(".py").replace(os.sep, ".")
    try:
        made = getattr(importlib.import_module(name), attribute)
    except Exception as problem:  # a user's module may raise any exception
        names = {other.lower(): other for other in dir(sys.modules.get(name))}
        guess = nearest(attribute, names)
        hint = f"Did you mean {path}:{names[guess]}?" if guess else "Run the command in the folder of the module."
        raise UsageError(f"Cannot import {plain(what)}: {problem}. {hint}") from None
    if not callable(made):
        raise UsageError(
            f"{plain(what)} must be a class or function that returns a network, got {type(made).__name__}."
        )

    def build() -> nn.Module:
        try:
            network = made if isinstance(made, nn.Module) else made()
        except TypeError as problem:
            raise UsageError(
                f"{plain(what)} must need no arguments, got: {str(problem).splitlines()[0]}. "
                "Give a function without arguments that returns the network."
            ) from None
        except Exception as problem:  # a user's network may raise any exception
            raise UsageError(f"{plain(what)} raised an exception: {problem}. Test it in Python first.") from None
        if not isinstance(network, nn.Module):
            raise UsageError(f"{plain(what)} must return a torch.nn.Module, got {type(network).__name__}.")
        return network

    if classes:
        raise UsageError(f"--classes applies to networks of the catalogue; {plain(what)} has its own outputs. Omit it.")
    return build


def _of_recipe(path: str) -> Subject:
    parts = build_parts(plan(gather(path, {})))
    sizes = parts.facts.sizes
    recipe = parts.recipe
    return Subject(
        name=path,
        model=parts.model,
        facts=parts.data.input_facts,
        rebuild=lambda: parts.model,
        training=SubjectTraining(
            examples=sizes.get("train", 0),
            evaluated=sizes.get("validation", 0),
            batch_size=recipe.train.batch_size,
            optimizer=recipe.optim.name,
        ),
    )


def _of_run(folder: Path, *, input_shape: tuple[int, ...], classes: int) -> Subject:
    run = open_run(folder)
    recipe = run.recipe
    facts = run.facts
    if recipe.nn.model == CUSTOM:
        raise UsageError(f"The run {folder} trained a network from Python. Give its module:Class to cost instead.")
    given = InputFacts(input_shape) if input_shape else read_preparation(run).facts
    outputs = classes or facts.outputs
    found = _built(run.name, lambda: build_network(recipe, given, outputs=outputs, fresh=False), facts=given)
    training = SubjectTraining(
        examples=facts.sizes.get("train", 0),
        evaluated=facts.sizes.get("validation", 0),
        batch_size=recipe.train.batch_size,
        optimizer=recipe.optim.name,
        epoch_seconds=_epoch_seconds(run, facts.steps / max(1, facts.epochs)),
    )
    return dataclasses.replace(found, training=training)


def _epoch_seconds(run: Run, steps: float) -> float | None:
    """Return the seconds of an epoch of a run, with evaluations, without the time between interruption and resume."""
    marks = [event for event in run.events() if event.kind in ("network", "pretrain", "resumed", "checkpoint")]
    pairs = [pair for pair in itertools.pairwise(marks) if pair[1].kind == "checkpoint"]
    done = sum(ended.step - begun.step for begun, ended in pairs)
    return float(sum(ended.time - begun.time for begun, ended in pairs) * steps / done) if done > 0 else None
