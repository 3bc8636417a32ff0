"""Advice on transfer: which layers of a trained network to reuse, from measurements and short trainings."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from trainwell.core.errors import DataError, StorageError, UsageError
from trainwell.core.seeds import derive
from trainwell.data import split
from trainwell.doctor.experiments.trial import reseeded, trial
from trainwell.explain import features, frechet, linear_probe
from trainwell.fitting.build import Parts, build_parts
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
SCRATCH = "from scratch"
_DIVISIONS = 3
_FOLDS = 5
_HELD_OUT = 0.25  # fraction of the examples for validation, if the recipe has less
_FEWEST_EPOCHS = 4  # fewer compare how networks start, not how good they get
_WORSE = 0.05  # accuracy by which the best depth must exceed the last one to advise against frozen features
_FEATURES = "--freeze features"
_ALL = ""
_ADVISED = ("transfer.freeze", "transfer.layers", "transfer.unfreeze_every")  # settings that the advice is about
_OF_SOURCE = ("transfer.source", "transfer.head_rate")


@dataclass(frozen=True)
class TransferOption:
    """One way to use the source network.

    Args:
        name: description.
        options: of `fit`, beside --from; empty for none, "from scratch" for training without --from.
        settings: the same as settings by dotted key.
        scores: main score on the held-out part of each division of the examples.
    """

    name: str
    options: str
    settings: Mapping[str, Value] = field(repr=False)
    scores: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """Mean of the scores; -inf if it diverged."""
        return float(np.mean(self.scores)) if self.scores else math.nan


@dataclass(frozen=True)
class Advice:
    """What was measured, the case of the four-case table (similarity x number of examples), and the recommendation.

    Args:
        source: the network to start from.
        distance: of the features of the new data from those of the source's data, see `trainwell.explain.frechet`; None
            if the source's data cannot be read.
        own_distance: of the source's held-out data from its training data, for comparison.
        per_class: training examples of each class (all, for regression).
        similar: whether the distance is below `SIMILAR`; None if it is unknown.
        much: whether there are at least `MANY` examples of each class.
        case: description of the case.
        table: the recommendation of the table, as options of `fit`; None if the similarity is unknown.
        probes: depth to accuracy of a linear classifier on the new data, cross-validated; empty for regression.
        trials: the options that were tried, best first; empty with many examples or too little time.
        epochs: epochs of each trial.
        score_name: name of the main score.
        error: standard error of the best mean score.
        options: the recommendation, as options of `fit` beside --from, or "from scratch".
        freeze: the same as `transfer.freeze`.
        layers: the same as `transfer.layers`.
        recommendation: the same in a sentence, with its reason.
        notes: what could not be measured, and why.
    """

    source: str
    distance: float | None = None
    own_distance: float | None = None
    per_class: int = 0
    similar: bool | None = None
    much: bool = False
    case: str = ""
    table: str | None = None
    probes: Mapping[str, float] = field(default_factory=dict)
    trials: tuple[TransferOption, ...] = ()
    epochs: int = 0
    score_name: str = ""
    error: float = 0.0
    options: str = ""
    freeze: str = "none"
    layers: str = "all"
    recommendation: str = ""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as `fit --advise --json` prints it."""
        trials = [{"name": w.name, "options": w.options, "scores": list(w.scores)} for w in self.trials]
        return dataclasses.asdict(self) | {"trials": trials}


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
    measured = Advice(
        str(parts.origin.run.path) if parts.origin else made.recipe.transfer.source,
        distance=distance,
        own_distance=own,
        per_class=per_class,
        similar=similar,
        much=much,
        case=f"{similarity}, {'many' if much else 'few'} examples",
        table=_table(similar, much, choices=choices, probes=probes),
        probes=probes,
        score_name=parts.task.main_score,
        notes=tuple(filter(None, [note])),
    )
    if seconds and not much:
        measured = _try(measured, choices, parts=parts, made=made, seconds=seconds, say=say)
    return conclude(measured)


def conclude(measured: Advice) -> Advice:
    """Return the advice with the recommendation and its reason.

    The table's recommendation is kept unless another option was better by more than a standard error (the rule of
    Breiman et al. 1984, section 3.4.3, for the simpler of two models).

    >>> fine_tuned = TransferOption("fine-tune all layers", "", {}, (0.8,))
    >>> frozen = TransferOption("a new head on frozen features", "--freeze features", {}, (0.6,))
    >>> conclude(Advice("run", table="--freeze features", trials=(fine_tuned, frozen), error=0.05)).options
    ''
    >>> conclude(Advice("run", table="--freeze features", trials=(fine_tuned, frozen), error=0.3)).options
    '--freeze features'
    """
    trials = {choice.options: choice for choice in measured.trials}
    table = measured.table
    probes = measured.probes
    if trials:
        best = measured.trials[0]
        chosen = trials.get(table, best) if table is not None else best
        if best.mean - chosen.mean > measured.error:
            chosen = best
        options = chosen.options
        why = f"{measured.score_name} {chosen.mean:.3f} on held-out examples"
        if table is not None and options != table and table in trials:
            why += f", the recommendation of the table {trials[table].mean:.3f}"
        if options != SCRATCH and SCRATCH in trials:
            why += f" ({SCRATCH}: {trials[SCRATCH].mean:.3f})"
        elif options == SCRATCH:
            why += ": no transfer from this network was better"
        if best is not chosen:
            why += f"; the table recommends it, and the best is within a standard error ({measured.error:.3f})"
    else:
        options = table if table is not None else _ALL
        why = "by the four-case table" if table is not None else "good weights are a good initialisation for most data"
        last = list(probes.values())[-1:]
        if options == _FEATURES and last and max(probes.values()) - last[0] > _WORSE:
            options = _ALL
            why = "a linear classifier is better on earlier layers than on these features"
    known = max(probes, key=lambda name: probes[name], default="input")
    if trials and known != "input" and probes[known] - measured.trials[0].mean > 2 * measured.error:
        note = (
            f"A linear classifier on {known} is better than all options tried: the layers above it overfit. "
            f"Try --layers {known} --freeze {known} with a larger optim.weight_decay."
        )
        measured = dataclasses.replace(measured, notes=(*measured.notes, note))
    words = options.split()
    picked = dict(zip(words[::2], words[1::2], strict=False)) if options != SCRATCH else {}
    shown = "train from scratch" if options == SCRATCH else f"--from {measured.source} {options}".strip()
    return dataclasses.replace(
        measured,
        options=options,
        freeze=picked.get("--freeze", "none"),
        layers=picked.get("--layers", "all"),
        recommendation=f"Recommended: {shown}; {why}.",
    )


def _distances(parts: Parts, made: Plan) -> tuple[float | None, float | None, str]:
    """Return the distances of the new data and of the source's held-out data, or why they are not measured."""
    origin = parts.origin
    preparation = parts.preparation
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
    preparation = parts.preparation
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
        TransferOption("a new head on frozen features", _FEATURES, {**settings, "transfer.freeze": "features"}),
        TransferOption("fine-tune all layers, at a tenth of the learning rate", _ALL, settings),
    ]
    if inner := dict(list(probes.items())[1:-1]):
        early = _block(Freezing(parts.model, freeze="none").names, max(inner, key=lambda name: inner[name]))
        frozen = {**settings, "transfer.freeze": early}
        if parts.origin is None:  # published networks are reused as a whole
            choices.append(TransferOption(f"frozen up to {early}", f"--freeze {early}", frozen))
        else:
            some = f"reuse up to {early}, initialise the rest"
            choices.append(TransferOption(some, f"--layers {early}", {**settings, "transfer.layers": early}))
            frozen |= {"transfer.layers": early}
            choices.append(
                TransferOption(f"the same, frozen up to {early}", f"--layers {early} --freeze {early}", frozen)
            )
    if parts.origin is not None:
        network = {key: value for key, value in flatten(parts.origin.recipe) if key.startswith("nn.")}
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
        return _ALL
    if similar:
        return _FEATURES
    if probes and max(probes, key=lambda name: probes[name]) == "input":
        return SCRATCH  # no layer is better than the inputs themselves
    return next((choice.options for choice in choices if choice.options.startswith("--layers")), _ALL)


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
    return dataclasses.replace(measured, trials=tuple(tried), epochs=epochs, error=_error(tried[0], len(judged)))


def _error(best: TransferOption, judged: int) -> float:
    """Return the standard error of a fraction of the examples, or of other scores from their standard deviation."""
    if 0 <= best.mean <= 1:
        return math.sqrt(max(best.mean * (1 - best.mean), 1 / judged) / judged)
    return float(np.std(best.scores, ddof=1) / math.sqrt(len(best.scores))) if len(best.scores) > 1 else 0.0
