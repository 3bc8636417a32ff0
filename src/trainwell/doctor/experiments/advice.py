"""Advice on transfer: which layers of a trained network to reuse, from measurements and short trainings."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from trainwell.core.errors import DataError, StorageError, UsageError
from trainwell.core.seeds import derive
from trainwell.data import split
from trainwell.doctor.experiments.recommendation import (
    ALL,
    FEATURES,
    SCRATCH,
    Advice,
    TransferCase,
    TransferOption,
    TransferTrials,
    conclude,
)
from trainwell.doctor.experiments.trial import reseeded, trial
from trainwell.explain import features, frechet, linear_probe
from trainwell.fitting.build import build_parts
from trainwell.fitting.parts import Parts
from trainwell.fitting.plan import Plan, gather, plan, split_seed
from trainwell.fitting.time_budget import in_time
from trainwell.fitting.transfer import Origin
from trainwell.inference.probing import draw, features_by_depth, prepared, read_again
from trainwell.nn import Freezing, belongs, head_names
from trainwell.recipe import edit, flatten
from trainwell.recipe.sections.setting import Value

# Training examples of each class that count as many. ImageNet, on which the networks of the four-case table were
# trained, has 732 to 1,300 (Russakovsky et al. 2015, section 3.1).
MANY = 1_000
# Fréchet distance over the source's own standard deviation. Measured: two halves of one data set 0.01 to 0.03; CIFAR-10
# and photographs of insects 0.4; Fashion-MNIST and MNIST 0.6 to 0.9.
SIMILAR = 0.5
SECONDS = 180.0
_DIVISIONS = 3
_FOLDS = 5
_HELD_OUT = 0.25  # fraction of the examples for validation, if the recipe has less
_FEWEST_EPOCHS = 4  # fewer compare how networks start, not how good they get
_ADVISED = ("transfer.freeze", "transfer.layers", "transfer.unfreeze_every")  # settings that the advice is about
_OF_SOURCE = ("transfer.source", "transfer.head_rate")


def advise(
    data: str | os.PathLike[str],
    edits: Mapping[str, object],
    *,
    seconds: float = SECONDS,
    say: Callable[[str], None] = lambda text: None,
) -> Advice:
    """Measure how similar new data are to those of a trained network, and how best to transfer from it.

    With few examples the options are compared by short trainings in memory, on the same divisions of the training and
    validation examples. The test split is not read.

    Args:
        data: as for `fit`.
        edits: settings by dotted key; `transfer.source` names the run.
        seconds: time for the trials, approximately; 0 for none.
        say: is told what is being done.
    Raises:
        UsageError: if no run is named.
        DataError: if the data do not fit the network.
    """
    settings = gather(os.fspath(data), edits)
    settings = {key: value for key, value in settings.items() if key not in _ADVISED}
    made = plan(settings)
    if not made.recipe.transfer.source:
        raise UsageError("--advise needs a network to start from. Add --from RUN.")
    parts = build_parts(made)
    distance, own, note = _distances(parts, made)
    per_class = len(made.splits.train) // max(1, len(made.examples.labels))
    similar = None if distance is None else distance < SIMILAR
    much = per_class >= MANY
    probes = _probe(parts, made)
    choices = _options(parts, settings, probes=probes)
    similarity = {None: "data of unknown similarity", True: "similar data", False: "different data"}[similar]
    case = TransferCase(
        f"{similarity}, {'many' if much else 'few'} examples",
        distance=distance,
        own_distance=own,
        similar=similar,
        per_class=per_class,
        much=much,
        options=_table(similar, much, choices=choices, probes=probes),
    )
    measured = Advice(
        str(parts.transfer.origin.run.path) if parts.transfer.origin else made.recipe.transfer.source,
        case=case,
        probes=probes,
        trials=TransferTrials(score_name=parts.task.main_score),
        notes=tuple(filter(None, [note])),
    )
    if seconds and not much:
        measured = _try(measured, choices, parts=parts, made=made, seconds=seconds, say=say)
    return conclude(measured)


def _distances(parts: Parts, made: Plan) -> tuple[float | None, float | None, str]:
    """Return the distances of the new data and of the source's held-out data, or why they are not measured."""
    origin = parts.transfer.origin
    preparation = parts.data.preparation
    if origin is None or preparation is None:
        return None, None, "Similarity is not measured: the data of a published network are not available."
    head = head_names(parts.model)[-1]
    try:
        theirs, held = _source_inputs(origin)
    except (DataError, StorageError) as problem:
        return None, None, f"Similarity is not measured: {problem}"
    ours = prepared(made.examples, draw(made.splits.train, made.recipe.seed), preparation=preparation)
    reference, new, own = (features(parts.model, inputs, head=head) for inputs in (theirs, ours, held))
    return frechet(reference, new), frechet(reference, own), ""


def _source_inputs(origin: Origin) -> tuple[torch.Tensor, torch.Tensor]:
    """Return some training inputs and some held-out inputs of the source."""
    recipe = origin.recipe
    examples = read_again(recipe.data, origin.run)
    splits = split(examples, recipe.data, seed=split_seed(recipe))
    held = splits.validation if len(splits.validation) else splits.train
    train = draw(splits.train, recipe.seed)
    held = draw(held, recipe.seed)
    return prepared(examples, train, preparation=origin.preparation), prepared(
        examples, held, preparation=origin.preparation
    )


def _probe(parts: Parts, made: Plan) -> dict[str, float]:
    """Cross-validate a linear classifier at every depth, on the training examples."""
    rows = np.random.default_rng(0).permutation(draw(made.splits.train, made.recipe.seed))
    classes = made.examples.class_numbers
    preparation = parts.data.preparation
    if classes is None or preparation is None or len(rows) < 2 * _FOLDS:
        return {}
    labels = torch.from_numpy(classes[rows])
    folds = [torch.arange(len(rows)) % _FOLDS == fold for fold in range(_FOLDS)]

    def right(x: torch.Tensor, held: torch.Tensor) -> float:
        return linear_probe((x[~held], labels[~held]), (x[held], labels[held])) * float(held.sum())

    found = features_by_depth(parts.model, made.examples, rows=rows, preparation=preparation)
    return {name: sum(right(x, held) for held in folds) / len(rows) for name, x in found.items()}


def _options(parts: Parts, settings: Mapping[str, Value], *, probes: Mapping[str, float]) -> list[TransferOption]:
    choices = [
        TransferOption("a new head on frozen features", FEATURES, {**settings, "transfer.freeze": "features"}),
        TransferOption("fine-tune all layers, at a tenth of the learning rate", ALL, settings),
    ]
    if inner := dict(list(probes.items())[1:-1]):
        early = _block(Freezing(parts.model, freeze="none").names, max(inner, key=lambda name: inner[name]))
        frozen = {**settings, "transfer.freeze": early}
        if parts.transfer.origin is None:  # published networks are reused as a whole
            choices.append(TransferOption(f"frozen up to {early}", f"--freeze {early}", frozen))
        else:
            some = f"reuse up to {early}, initialise the rest"
            choices.append(TransferOption(some, f"--layers {early}", {**settings, "transfer.layers": early}))
            frozen |= {"transfer.layers": early}
            choices.append(
                TransferOption(f"the same, frozen up to {early}", f"--layers {early} --freeze {early}", frozen)
            )
    if parts.transfer.origin is not None:
        network = {key: value for key, value in flatten(parts.transfer.origin.recipe) if key.startswith("nn.")}
        alone = {**network, "data.prepare": parts.recipe.data.prepare, **settings}
        alone = {key: value for key, value in alone.items() if key not in _OF_SOURCE}
        choices.append(TransferOption("the same network from scratch", SCRATCH, alone))
    return choices


def _block(names: Sequence[str], depth: str) -> str:
    """Return the shortest name of a block that ends with this layer.

    >>> _block(["a.0", "a.1", "b"], "a.1"), _block(["a.0", "a.1", "b"], "a.0")
    ('a', 'a.0')
    """
    blocks = [depth[:place] for place, letter in enumerate(depth) if letter == "."]
    return next((block for block in blocks if [n for n in names if belongs(n, [block])][-1:] == [depth]), depth)


def _table(
    similar: bool | None, much: bool, *, choices: Sequence[TransferOption], probes: Mapping[str, float]
) -> str | None:
    """Return the recommendation of the four-case table; None if the similarity is unknown."""
    if similar is None:
        return None
    if much:
        return ALL
    if similar:
        return FEATURES
    if probes and max(probes, key=lambda name: probes[name]) == "input":
        return SCRATCH  # no layer is better than the inputs themselves
    return next((choice.options for choice in choices if choice.options.startswith("--layers")), ALL)


def _try(
    measured: Advice,
    choices: Sequence[TransferOption],
    *,
    parts: Parts,
    made: Plan,
    seconds: float,
    say: Callable[[str], None],
) -> Advice:
    """Train every option on the same divisions of the examples, as many as there is time for."""
    if not len(made.splits.validation):
        note = "Nothing was tried: data.validation is 0, so there is nothing to compare on."
        return dataclasses.replace(measured, notes=(*measured.notes, note))
    began = time.monotonic()
    minutes = (
        seconds / 60 / (2 * len(choices))
    )  # at least two divisions, if no option takes longer than the whole network
    timed = in_time(dataclasses.replace(parts, recipe=edit(parts.recipe, {"train.minutes": minutes})))
    wanted = made.recipe.train.epochs
    epochs = min(wanted, timed.recipe.train.epochs)
    if epochs < min(_FEWEST_EPOCHS, wanted):
        note = (
            f"Nothing was tried: {_FEWEST_EPOCHS} epochs of each option would take longer than {seconds:.0f} seconds."
        )
        return dataclasses.replace(measured, notes=(*measured.notes, note))
    say(f"Trying {len(choices)} options, {epochs} epochs each, for at most about {seconds / 60:.0f} minutes ...")
    plans = [plan(choice.settings, made.examples) for choice in choices]
    scores: list[list[float]] = [[] for _ in choices]
    judged: set[int] = set()
    longest = 0.0
    for division in range(_DIVISIONS):
        started = time.monotonic()
        if started - began + longest > seconds:
            break
        for one, found in zip(plans, scores, strict=True):
            held = max(_HELD_OUT, one.recipe.data.validation)  # the test split is left out
            wide = edit(one.recipe, {"data.validation": held, "data.test": 0.0})
            part = reseeded(dataclasses.replace(one, recipe=wide), derive(made.recipe.seed, "advice", epoch=division))
            judged |= set(part.splits.validation.tolist())
            outcome = trial(part, part.recipe, epochs=epochs)
            found.append(-math.inf if outcome.diverged else outcome.score)
        longest = time.monotonic() - started
    tried = [dataclasses.replace(choice, scores=tuple(found)) for choice, found in zip(choices, scores, strict=True)]
    tried.sort(key=lambda choice: choice.mean, reverse=True)
    error = _error(tried[0], len(judged))
    trials = dataclasses.replace(measured.trials, options=tuple(tried), epochs=epochs, error=error)
    return dataclasses.replace(measured, trials=trials)


def _error(best: TransferOption, judged: int) -> float:
    """Return the standard error of a fraction of the examples, or of other scores from their standard deviation."""
    if 0 <= best.mean <= 1:
        return math.sqrt(max(best.mean * (1 - best.mean), 1 / judged) / judged)
    return float(np.std(best.scores, ddof=1) / math.sqrt(len(best.scores))) if len(best.scores) > 1 else 0.0
