"""What to take over from a trained network, measured rather than asked (curriculum P2, P3)."""

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

# Training pictures of a class in ImageNet: 732 to 1,300 (Russakovsky et al. 2015, section 3.1). The networks by which
# the four-case table was made had about as many; fewer than this are little.
MUCH = 1_000
# Fréchet distance over the source's own spread. Measured: two halves of one data set 0.01 to 0.03; CIFAR-10 and
# photographs of insects 0.4; Fashion-MNIST and MNIST 0.6 to 0.9.
SIMILAR = 0.5
SECONDS = 180.0
SCRATCH = "from scratch"
_DIVISIONS, _FOLDS = 3, 5
_HELD = 0.25  # of the examples are held out to judge on, where they were not divided already
_LEAST = 4  # epochs; fewer compare how networks start, not how they end
_WORSE = 0.05  # accuracy by which the best depth must lead the last one to speak against frozen features
_FEATURES, _ALL = "--freeze features", ""
_ASKED = ("transfer.freeze", "transfer.layers", "transfer.unfreeze_every")  # what advice is about
_OF_SOURCE = ("transfer.source", "transfer.head_rate")


@dataclass(frozen=True)
class TransferOption:
    """One way to use the source.

    Args:
        name: in words.
        options: of `fit`, beside --from; empty for none, "from scratch" where --from is to be left out as well.
        settings: the same as settings by dotted key.
        scores: main score on the part held out, for each division it was tried on.
    """

    name: str
    options: str
    settings: Mapping[str, Value] = field(repr=False)
    scores: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """Mean of the scores; -inf for what broke."""
        return float(np.mean(self.scores)) if self.scores else math.nan


@dataclass(frozen=True)
class Advice:
    """The case of the four-case table (similarity x amount of data), what was tried, and what follows.

    Args:
        source: the network to start from.
        distance: of the new data's features from the source data's, see `trainwell.explain.frechet`; None if the
            source's data cannot be read.
        own_distance: of the source's training data from its own held-out data, for comparison.
        per_class: training examples for each class (all, for regression).
        similar: whether the distance is below `SIMILAR`; None if it is unknown.
        much: whether there are at least `MUCH` examples for each class.
        case: the case in words.
        table: what the table recommends, as options of `fit`; None if the similarity is unknown.
        probes: depth to accuracy of a linear classifier on the new data, cross-validated; empty for regression.
        trials: the ways that were tried, best first; empty with many examples or too little time.
        epochs: of each trial.
        score_name: of the main score.
        error: standard error of the best mean score.
        options: what is recommended in the end, as options of `fit` beside --from, or "from scratch".
        freeze: the same as `transfer.freeze`.
        layers: the same as `transfer.layers`.
        recommendation: the same in a sentence, with its reason.
        notes: what was not measured, and why.
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
    """Measure how near new data are to those a network was trained on, and what taking it over brings.

    With few examples the ways to use the network are tried against each other: each is trained in memory on the same
    parts of the training and validation examples. The sealed test split is not read.

    Args:
        data: as for `fit`.
        edits: settings by dotted key; `transfer.source` names the run.
        seconds: that the trials may take, about; 0 for none.
        say: told what is under way.
    Raises:
        UsageError: if no run is named.
        DataError: if the data do not suit the network.
    """
    settings = gather(os.fspath(data), edits)
    settings = {key: value for key, value in settings.items() if key not in _ASKED}
    made = plan(settings)
    if not made.recipe.transfer.source:
        raise UsageError("--advise must know which network to start from. Add --from RUN.")
    parts = build_parts(made)
    distance, own, note = _distances(parts, made)
    per_class = len(made.splits.train) // max(1, len(made.examples.labels))
    similar, much = None if distance is None else distance < SIMILAR, per_class >= MUCH
    probes = _probe(parts, made)
    ways = _ways(parts, settings, probes)
    near = {None: "data of unknown similarity", True: "similar data", False: "different data"}[similar]
    measured = Advice(
        str(parts.origin.run.path) if parts.origin else made.recipe.transfer.source,
        distance=distance,
        own_distance=own,
        per_class=per_class,
        similar=similar,
        much=much,
        case=f"{near}, {'many' if much else 'few'} examples",
        table=_table(similar, much, ways, probes),
        probes=probes,
        score_name=parts.task.main_score,
        notes=tuple(filter(None, [note])),
    )
    if seconds and not much:
        measured = _try(measured, ways, parts=parts, made=made, seconds=seconds, say=say)
    return conclude(measured)


def conclude(measured: Advice) -> Advice:
    """Return the advice with what is recommended, and why.

    What the table recommends stands unless another way was better by more than a standard error (the rule of Breiman
    et al. 1984, section 3.4.3, for the simpler of two models).

    >>> fine_tuned = TransferOption("fine-tune all layers", "", {}, (0.8,))
    >>> frozen = TransferOption("a new head on frozen features", "--freeze features", {}, (0.6,))
    >>> conclude(Advice("run", table="--freeze features", trials=(fine_tuned, frozen), error=0.05)).options
    ''
    >>> conclude(Advice("run", table="--freeze features", trials=(fine_tuned, frozen), error=0.3)).options
    '--freeze features'
    """
    trials, table, probes = {way.options: way for way in measured.trials}, measured.table, measured.probes
    if trials:
        best = measured.trials[0]
        chosen = trials.get(table, best) if table is not None else best
        if best.mean - chosen.mean > measured.error:
            chosen = best
        options, why = chosen.options, f"{measured.score_name} {chosen.mean:.3f} on what was held out"
        if table is not None and options != table and table in trials:
            why += f", where the table's advice had {trials[table].mean:.3f}"
        if options != SCRATCH and SCRATCH in trials:
            why += f" ({SCRATCH}: {trials[SCRATCH].mean:.3f})"
        elif options == SCRATCH:
            why += ": no way to take this network over was better"
        if best is not chosen:
            why += f"; the table advises it, and the best is within a standard error ({measured.error:.3f})"
    else:
        options = table if table is not None else _ALL
        why = "by the table of four cases" if table is not None else "weights that are good are a start for any data"
        last = list(probes.values())[-1:]
        if options == _FEATURES and last and max(probes.values()) - last[0] > _WORSE:
            options, why = _ALL, "a linear classifier does better on earlier layers than on these features"
    known = max(probes, key=lambda name: probes[name], default="input")
    if trials and known != "input" and probes[known] - measured.trials[0].mean > 2 * measured.error:
        note = (
            f"A linear classifier on {known} does better than all that was tried: what learns on top of it overfits. "
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
    """Return the distances of the new data and of the source's own held-out data, or why there are none."""
    origin, preparation = parts.origin, parts.preparation
    if origin is None or preparation is None:
        return None, None, "Similarity is not measured: the data of a published network are not here."
    head = head_names(parts.model)[-1]
    try:
        theirs, held = _source_inputs(origin)
    except (DataError, StorageError) as problem:
        return None, None, f"Similarity is not measured: {problem}"
    ours = prepared(made.examples, draw(made.splits.train, made.recipe.seed), preparation)
    reference, new, own = (features(parts.model, inputs, head=head) for inputs in (theirs, ours, held))
    return frechet(reference, new), frechet(reference, own), ""


def _source_inputs(origin: Origin) -> tuple[torch.Tensor, torch.Tensor]:
    """Return some of the training inputs of the origin, and some it was not trained on."""
    recipe = origin.recipe
    examples = read_again(recipe.data, origin.run)
    splits = split(examples, recipe.data, split_seed(recipe))
    held = splits.validation if len(splits.validation) else splits.train
    train, held = draw(splits.train, recipe.seed), draw(held, recipe.seed)
    return prepared(examples, train, origin.preparation), prepared(examples, held, origin.preparation)


def _probe(parts: Parts, made: Plan) -> dict[str, float]:
    """Cross-validate a linear classifier at every depth, on the training examples."""
    rows = np.random.default_rng(0).permutation(draw(made.splits.train, made.recipe.seed))
    classes, preparation = made.examples.class_numbers, parts.preparation
    if classes is None or preparation is None or len(rows) < 2 * _FOLDS:
        return {}
    labels = torch.from_numpy(classes[rows])
    folds = [torch.arange(len(rows)) % _FOLDS == fold for fold in range(_FOLDS)]

    def right(x: torch.Tensor, held: torch.Tensor) -> float:
        return linear_probe((x[~held], labels[~held]), (x[held], labels[held])) * float(held.sum())

    found = features_by_depth(parts.model, made.examples, rows, preparation)
    return {name: sum(right(x, held) for held in folds) / len(rows) for name, x in found.items()}


def _ways(parts: Parts, settings: Mapping[str, Value], probes: Mapping[str, float]) -> list[TransferOption]:
    ways = [
        TransferOption("a new head on frozen features", _FEATURES, {**settings, "transfer.freeze": "features"}),
        TransferOption("all layers learn on, at a tenth of the rate", _ALL, settings),
    ]
    if inner := dict(list(probes.items())[1:-1]):
        early = _block(Freezing(parts.model, freeze="none").names, max(inner, key=lambda name: inner[name]))
        frozen = {**settings, "transfer.freeze": early}
        if parts.origin is None:  # what is published is taken over whole
            ways.append(TransferOption(f"frozen up to {early}", f"--freeze {early}", frozen))
        else:
            some = f"up to {early}, the rest starts anew"
            ways.append(TransferOption(some, f"--layers {early}", {**settings, "transfer.layers": early}))
            frozen |= {"transfer.layers": early}
            ways.append(TransferOption(f"the same, frozen up to {early}", f"--layers {early} --freeze {early}", frozen))
    if parts.origin is not None:
        network = {key: value for key, value in flatten(parts.origin.recipe) if key.startswith("nn.")}
        alone = {**network, "data.prepare": parts.recipe.data.prepare, **settings}
        alone = {key: value for key, value in alone.items() if key not in _OF_SOURCE}
        ways.append(TransferOption("the same network from scratch", SCRATCH, alone))
    return ways


def _block(names: Sequence[str], depth: str) -> str:
    """Return the shortest name of a block whose last layer this is.

    >>> _block(["a.0", "a.1", "b"], "a.1"), _block(["a.0", "a.1", "b"], "a.0")
    ('a', 'a.0')
    """
    blocks = [depth[:place] for place, letter in enumerate(depth) if letter == "."]
    return next((block for block in blocks if [n for n in names if belongs(n, [block])][-1:] == [depth]), depth)


def _table(similar: bool | None, much: bool, ways: Sequence[TransferOption], probes: Mapping[str, float]) -> str | None:
    """Return what the four-case table recommends; None if the similarity is unknown."""
    if similar is None:
        return None
    if much:
        return _ALL
    if similar:
        return _FEATURES
    if probes and max(probes, key=lambda name: probes[name]) == "input":
        return SCRATCH  # no layer knows more of these data than the inputs say themselves
    return next((way.options for way in ways if way.options.startswith("--layers")), _ALL)


def _try(
    measured: Advice,
    ways: Sequence[TransferOption],
    parts: Parts,
    made: Plan,
    seconds: float,
    say: Callable[[str], None],
) -> Advice:
    """Train every way on the same divisions of the examples, as many as there is time for."""
    if not len(made.splits.validation):
        note = "Nothing was tried: data.validation = 0 leaves nothing to judge on."
        return dataclasses.replace(measured, notes=(*measured.notes, note))
    began = time.monotonic()
    minutes = seconds / 60 / (2 * len(ways))  # two divisions at least, if no way takes longer than the whole network
    timed = in_time(dataclasses.replace(parts, recipe=edit(parts.recipe, {"train.minutes": minutes})))
    wanted = made.recipe.train.epochs
    epochs = min(wanted, timed.recipe.train.epochs)
    if epochs < min(_LEAST, wanted):
        note = f"Nothing was tried: {_LEAST} epochs of each way would take longer than {seconds:.0f} seconds."
        return dataclasses.replace(measured, notes=(*measured.notes, note))
    say(f"Trying {len(ways)} ways, {epochs} epochs each, for about {seconds / 60:.0f} minutes at most ...")
    plans = [plan(way.settings, made.examples) for way in ways]
    scores: list[list[float]] = [[] for _ in ways]
    judged: set[int] = set()
    longest = 0.0
    for division in range(_DIVISIONS):
        started = time.monotonic()
        if started - began + longest > seconds:
            break
        for one, found in zip(plans, scores, strict=True):
            held = max(_HELD, one.recipe.data.validation)  # of what is not sealed
            wide = edit(one.recipe, {"data.validation": held, "data.test": 0.0})
            part = reseeded(dataclasses.replace(one, recipe=wide), derive(made.recipe.seed, "advice", division))
            judged |= set(part.splits.validation.tolist())
            outcome = trial(part, part.recipe, epochs=epochs)
            found.append(-math.inf if outcome.broke else outcome.score)
        longest = time.monotonic() - started
    tried = [dataclasses.replace(way, scores=tuple(found)) for way, found in zip(ways, scores, strict=True)]
    tried.sort(key=lambda way: way.mean, reverse=True)
    return dataclasses.replace(measured, trials=tuple(tried), epochs=epochs, error=_error(tried[0], len(judged)))


def _error(best: TransferOption, judged: int) -> float:
    """Return the standard error of a share of the judged examples; of other scores, from what they scatter."""
    if 0 <= best.mean <= 1:
        return math.sqrt(max(best.mean * (1 - best.mean), 1 / judged) / judged)
    return float(np.std(best.scores, ddof=1) / math.sqrt(len(best.scores))) if len(best.scores) > 1 else 0.0
