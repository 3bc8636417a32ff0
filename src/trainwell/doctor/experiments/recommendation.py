"""The recommendation on transfer learning, with its measurements and trials as values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainwell.recipe.sections.setting import Value

SCRATCH = "from scratch"
FEATURES = "--freeze features"
ALL = ""
_WORSE = 0.05  # accuracy by which the best depth must exceed the last one to advise against frozen features


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
class TransferCase:
    """The case of the four-case table (similarity x number of examples), and what the table recommends.

    Args:
        name: description of the case.
        distance: of the features of the new data from those of the source's data, see `trainwell.explain.frechet`; None
            if the source's data cannot be read.
        own_distance: of the source's held-out data from its training data, for comparison.
        similar: whether the distance is below `SIMILAR`; None if it is unknown.
        per_class: training examples of each class (all, for regression).
        much: whether there are at least `MANY` examples of each class.
        options: the recommendation of the table, as options of `fit`; None if the similarity is unknown.
    """

    name: str = ""
    distance: float | None = None
    own_distance: float | None = None
    similar: bool | None = None
    per_class: int = 0
    much: bool = False
    options: str | None = None


@dataclass(frozen=True)
class TransferTrials:
    """Short trainings of every option.

    Args:
        options: the options that were tried, best first; empty with many examples or too little time.
        epochs: epochs of each trial.
        score_name: name of the main score.
        error: standard error of the best mean score.
    """

    options: tuple[TransferOption, ...] = ()
    epochs: int = 0
    score_name: str = ""
    error: float = 0.0


@dataclass(frozen=True)
class Recommendation:
    """How to use the source network.

    Args:
        options: of `fit` beside --from, or "from scratch".
        freeze: the same as `transfer.freeze`.
        layers: the same as `transfer.layers`.
        text: the same in a sentence, with its reason.
    """

    options: str = ""
    freeze: str = "none"
    layers: str = "all"
    text: str = ""


@dataclass(frozen=True)
class Advice:
    """Measurements, trials and the recommendation.

    Args:
        source: the network to start from.
        case: the case of the four-case table.
        probes: depth to accuracy of a linear classifier on the new data, cross-validated; empty for regression.
        trials: short trainings of the options.
        recommended: the recommendation.
        notes: what could not be measured, and why.
    """

    source: str
    case: TransferCase = TransferCase()
    probes: Mapping[str, float] = field(default_factory=dict)
    trials: TransferTrials = TransferTrials()
    recommended: Recommendation = Recommendation()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the advice as `fit --advise --json` prints it."""
        return {
            "source": self.source,
            "distance": self.case.distance,
            "own_distance": self.case.own_distance,
            "per_class": self.case.per_class,
            "similar": self.case.similar,
            "much": self.case.much,
            "case": self.case.name,
            "table": self.case.options,
            "probes": dict(self.probes),
            "trials": [
                {"name": option.name, "options": option.options, "scores": list(option.scores)}
                for option in self.trials.options
            ],
            "epochs": self.trials.epochs,
            "score_name": self.trials.score_name,
            "error": self.trials.error,
            "options": self.recommended.options,
            "freeze": self.recommended.freeze,
            "layers": self.recommended.layers,
            "recommendation": self.recommended.text,
            "notes": self.notes,
        }


def conclude(measured: Advice) -> Advice:
    """Return the advice with the recommendation and its reason.

    The table's recommendation is kept unless another option was better by more than a standard error (the rule of
    Breiman et al. 1984, section 3.4.3, for the simpler of two models).

    >>> fine_tuned = TransferOption("fine-tune all layers", "", {}, (0.8,))
    >>> frozen = TransferOption("a new head on frozen features", "--freeze features", {}, (0.6,))
    >>> case = TransferCase(options="--freeze features")
    >>> conclude(Advice("run", case, trials=TransferTrials((fine_tuned, frozen), error=0.05))).recommended.options
    ''
    >>> conclude(Advice("run", case, trials=TransferTrials((fine_tuned, frozen), error=0.3))).recommended.options
    '--freeze features'
    """
    tried = measured.trials
    trials = {choice.options: choice for choice in tried.options}
    table = measured.case.options
    probes = measured.probes
    if trials:
        best = tried.options[0]
        chosen = trials.get(table, best) if table is not None else best
        if best.mean - chosen.mean > tried.error:
            chosen = best
        options = chosen.options
        why = f"{tried.score_name} {chosen.mean:.3f} on held-out examples"
        if table is not None and options != table and table in trials:
            why += f", the recommendation of the table {trials[table].mean:.3f}"
        if options != SCRATCH and SCRATCH in trials:
            why += f" ({SCRATCH}: {trials[SCRATCH].mean:.3f})"
        elif options == SCRATCH:
            why += ": no transfer from this network was better"
        if best is not chosen:
            why += f"; the table recommends it, and the best is within a standard error ({tried.error:.3f})"
    else:
        options = table if table is not None else ALL
        why = "by the four-case table" if table is not None else "good weights are a good initialisation for most data"
        last = list(probes.values())[-1:]
        if options == FEATURES and last and max(probes.values()) - last[0] > _WORSE:
            options = ALL
            why = "a linear classifier is better on earlier layers than on these features"
    known = max(probes, key=lambda name: probes[name], default="input")
    if trials and known != "input" and probes[known] - tried.options[0].mean > 2 * tried.error:
        note = (
            f"A linear classifier on {known} is better than all options tried: the layers above it overfit. "
            f"Try --layers {known} --freeze {known} with a larger optim.weight_decay."
        )
        measured = dataclasses.replace(measured, notes=(*measured.notes, note))
    words = options.split()
    picked = dict(zip(words[::2], words[1::2], strict=False)) if options != SCRATCH else {}
    shown = "train from scratch" if options == SCRATCH else f"--from {measured.source} {options}".strip()
    recommended = Recommendation(
        options,
        freeze=picked.get("--freeze", "none"),
        layers=picked.get("--layers", "all"),
        text=f"Recommended: {shown}; {why}.",
    )
    return dataclasses.replace(measured, recommended=recommended)
