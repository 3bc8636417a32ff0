"""Parts of the result of a search as text for the terminal."""

from __future__ import annotations

from trainwell.report.text.words import number, words
from trainwell.search import Range, Study, make_space

_BLOCKS = "▁▂▃▄▅▆▇█"


def slices_in_text(study: Study, width: int = 24) -> list[str]:
    """Return one line for each range: the best score in each part of it as a block character.

    >>> from pathlib import Path
    >>> from trainwell.search import Study, Trial, ValidationScores
    >>> scores = [ValidationScores(n / 10) for n in range(5)]
    >>> trials = [Trial(n, {"nn.dropout": n / 10}, state="done", validation=scores[n]) for n in range(5)]
    >>> spec = {"space": {"nn.dropout": {"vary": "0..0.5", "when": {}}}}
    >>> slices_in_text(Study(Path(), spec, trials=tuple(trials)), width=5)
    ['nn.dropout  0 ▁▂▄▆█ 0.5']
    """
    found = []
    for key, kind in make_space(study.spec["space"]).settings.items():
        if not isinstance(kind, Range):
            continue
        best: list[float | None] = [None] * width
        for trial in study.trials:
            if trial.score is not None and key in trial.settings:
                place = min(width - 1, int(kind.fraction(trial.settings[key]) * width))
                best[place] = max(trial.score, best[place] if best[place] is not None else trial.score)  # type: ignore[type-var]
        known = [score for score in best if score is not None]
        if len(known) < 2:
            continue
        low = min(known)
        span = (max(known) - min(known)) or 1.0
        blocks = "".join(" " if s is None else _BLOCKS[int((s - low) / span * (len(_BLOCKS) - 1))] for s in best)
        found.append(f"{key}  {number(kind.low)} {blocks} {number(kind.high)}")
    return found


def nested_text(study: Study) -> str:
    """Return the result of nested cross-validation."""
    nested = study.conclusions.nested
    return (
        f"{words(study.main_score)} {nested['mean']:.4f} ± {nested['deviation']:.4f} over {len(nested['scores'])} "
        f"outer folds, 95 % interval {nested['low']:.4f} to {nested['high']:.4f}"
    )
