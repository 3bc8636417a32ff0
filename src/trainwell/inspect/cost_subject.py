"""What a network would cost, before a second is spent on it: a name, a user's class, a recipe or a run."""

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

# Of networks that no paper ties to a data set.
_IMAGE = (3, 224, 224)
_CLASSES = 1000


@dataclass(frozen=True)
class SubjectTraining:
    """How the network of a recipe or a run is trained; unknown for any other.

    Args:
        examples: training examples of one epoch; 0 if unknown.
        evaluated: examples scored after each epoch.
        batch_size: of the recipe; 0 if there is none.
        optimizer: of the recipe; empty if there is none.
        epoch_seconds: what an epoch of the run took, on average; None for what has not been trained.
    """

    examples: int = 0
    evaluated: int = 0
    batch_size: int = 0
    optimizer: str = ""
    epoch_seconds: float | None = None


@dataclass(frozen=True)
class Subject:
    """A network whose cost is asked.

    Args:
        name: what was asked for.
        model: the network; on the meta device where it can be.
        facts: of one example.
        rebuild: builds it again, with real numbers, to be timed.
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
        input_shape: shape of one example; () takes the paper's, or the run's own.
        classes: outputs; 0 takes the paper's, or the run's own.
        runs: folder in which runs live.
    Raises:
        UsageError: if there is no such network, or it does not take such inputs.

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
            raise UsageError(
                f"--input and --classes follow from the data of a recipe. Leave them out for {plain(what)}."
            )
        return _of_recipe(what)
    if folder.is_dir():
        return _of_run(folder, input_shape=input_shape, classes=classes)
    guess = nearest(what, MODELS)
    hint = f" Did you mean {guess!r}?" if guess else ""
    raise UsageError(
        f"cost needs the name of a network, timm:NAME, module:Class, a recipe or a run, got {plain(what)!r}.{hint} "
        f"Networks: {', '.join(sorted(MODELS))}."
    )


def state_numbers(name: str) -> int:
    """Return how many numbers an optimizer remembers for each weight, by looking at it after a step.

    >>> state_numbers("sgd"), state_numbers("adamw")
    (1, 2)
    """
    layer = nn.Linear(7, 5)
    made = optimizer(layer, OptimRecipe(name=name), learning_rate=1e-3)
    layer.weight.grad = torch.ones_like(layer.weight)
    layer.bias.grad = torch.ones_like(layer.bias)
    try:
        made.step()
    except Exception:  # one that wants the loss itself; most of those keep two numbers or more
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
    except ImageError as problem:  # its advice is for those who fit; here images are given by --input
        side = problem.smallest
        channels = facts.shape[0] if facts.has_grid else _IMAGE[0]
        raise UsageError(f"{problem.need} Give --input {channels}x{side}x{side} or more.") from None
    except UsageError:
        raise
    except Exception:  # a user's network may look at its numbers while it is made
        model = build()
    return Subject(name=name, model=model, facts=facts, rebuild=build)


def _class(what: str, classes: int) -> Callable[[], nn.Module]:
    """Return a function that makes a user's network, `module:Class`, from the folder we are in."""
    path, _, attribute = what.partition(":")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    name = path.removesuffix(".py").replace(os.sep, ".")
    try:
        made = getattr(importlib.import_module(name), attribute)
    except Exception as problem:  # a user's module may fail in any way
        names = {other.lower(): other for other in dir(sys.modules.get(name))}
        guess = nearest(attribute, names)
        hint = f"Did you mean {path}:{names[guess]}?" if guess else "Start from the folder it lies in."
        raise UsageError(
            f"{plain(what)} must be a class or function that can be imported, got: {problem}. {hint}"
        ) from None
    if not callable(made):
        raise UsageError(f"{plain(what)} must be a class or function that makes a network, got {type(made).__name__}.")

    def build() -> nn.Module:
        try:
            network = made if isinstance(made, nn.Module) else made()
        except TypeError as problem:
            raise UsageError(
                f"{plain(what)} must be made without arguments, got: {str(problem).splitlines()[0]}. "
                "Write a function that makes it."
            ) from None
        except Exception as problem:  # a user's network may fail in any way
            raise UsageError(f"{plain(what)} cannot be made: {problem}. Make it by itself first.") from None
        if not isinstance(network, nn.Module):
            raise UsageError(f"{plain(what)} must make a torch.nn.Module, got {type(network).__name__}.")
        return network

    if classes:
        raise UsageError(f"--classes is for networks by name; {plain(what)} has its own outputs. Leave it out.")
    return build


def _of_recipe(path: str) -> Subject:
    parts = build_parts(plan(gather(path, {})))
    sizes = parts.facts.sizes
    recipe = parts.recipe
    return Subject(
        name=path,
        model=parts.model,
        facts=parts.input_facts,
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
        raise UsageError(f"The run {folder} trained a network given from Python: give cost its module:Class.")
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
    """Return what so many steps of a run took, evaluations included: up to checkpoints, and no time between resumes."""
    marks = [event for event in run.events() if event.kind in ("network", "pretrain", "resumed", "checkpoint")]
    pairs = [pair for pair in itertools.pairwise(marks) if pair[1].kind == "checkpoint"]
    done = sum(ended.step - begun.step for begun, ended in pairs)
    return float(sum(ended.time - begun.time for begun, ended in pairs) * steps / done) if done > 0 else None
