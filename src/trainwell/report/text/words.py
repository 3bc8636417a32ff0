"""How numbers and names are written: the same words in the terminal, the report, the live page and the figures."""

from __future__ import annotations

import math
from collections.abc import Iterable

from trainwell.core.files import plain
from trainwell.data.kinds import KINDS

_DASH = "–"
_LOWER_IS_BETTER = ("loss", "error", "perplexity")
SEVERITIES = {"error": "error", "warning": "warning", "info": "hint"}
"""What a severity is called."""

STATUSES = {
    "ok": "finished",
    "running": "training",
    "failed": "failed",
    "interrupted": "interrupted",
    "killed": "killed",
    "damaged": "damaged",
}
"""What the status of a run is called."""

SPLITS = {"train": "training", "validation": "validation", "test": "test"}
"""What the splits are called, in their order."""

_TITLES = {
    "r2": "R²",
    "f1_macro": "macro F1",
    "roc_auc": "ROC AUC",
    "hamming_loss": "Hamming loss",
    "neg_log_loss": "log-likelihood per token",
}


def number(value: float | None) -> str:
    """Write a number with four significant digits, an integer in full.

    >>> number(25450), number(0.97777), number(0.00002), number(None), number(float("nan"))
    ('25,450', '0.9778', '2e-5', '–', 'NaN')
    """
    if value is None:
        return _DASH
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    text = f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa}e{int(power)}" if exponent else text


def aligned(values: Iterable[float | None]) -> list[str]:
    """Write numbers of one row with the same number of decimals: four, fewer for large numbers.

    >>> aligned([0.5, 0.9777, None]), aligned([3440.3669, 44.0]), aligned([0.00002])
    (['0.5000', '0.9777', '–'], ['3,440.4', '44.0'], ['2e-5'])
    """
    values = list(values)
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    decimals = max(1, 4 - len(f"{largest:.0f}") + 1)
    tiny = 0 < largest < 1e-3 or largest >= 1e9
    return [
        number(value) if tiny or value is None or not math.isfinite(value) else f"{value:,.{decimals}f}"
        for value in values
    ]


def percent(fraction: float) -> str:
    """Write a fraction in percent; 100 % stands only for what five decimals cannot tell from 1.

    >>> percent(0.97777), percent(0.99996), percent(1 - 1e-16)
    ('97.8 %', '99.996 %', '100 %')
    """
    if not math.isfinite(fraction):
        return number(fraction)
    if abs(round(fraction, 7)) in (0, 1):
        return f"{abs(fraction):.0%}".replace("%", " %")
    for decimals in range(1, 6):
        text = f"{100 * fraction:.{decimals}f}"
        if float(text) not in (0.0, 100.0):
            break
    return f"{text} %"


def duration(seconds: float) -> str:
    """Write a time in its two largest units.

    >>> duration(0.42), duration(75), duration(8000), duration(100000)
    ('0.4 s', '1 min 15 s', '2 h 13 min', '1 d 3 h')
    """
    if not math.isfinite(seconds) or seconds < 0:
        return _DASH
    if seconds < 0.05:
        return "under 0.1 s"
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    whole = round(seconds)
    for size, unit, smaller, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def unbroken(text: str) -> str:
    """Keep a number and its percent sign on one line.

    >>> unbroken("97.8 % sure")
    '97.8\\xa0% sure'
    """
    return text.replace(" %", "\u00a0%")


def plural(count: int, noun: str) -> str:
    """Write a count with its noun.

    >>> plural(1, "problem"), plural(1200, "step")
    ('1 problem', '1,200 steps')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def printable(text: object, *, limit: int = 500, lines: bool = False) -> str:
    """Remove control characters: names of files, classes and runs may hold what steers a terminal or reorders text.

    Args:
        text: anything.
        limit: length of the longest result; the rest becomes an ellipsis.
        lines: keep line breaks, and tabs as four spaces.

    >>> printable("cat" + chr(27) + "[31m" + chr(0x202E) + "dog" + chr(10))
    'cat[31mdog'
    """
    clean = "\n".join(map(plain, str(text).expandtabs(4).split("\n"))) if lines else plain(str(text))
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def capitalised(text: str) -> str:
    """Return a text with its first letter in upper case.

    >>> capitalised("R² of A"), capitalised("accuracy")
    ('R² of A', 'Accuracy')
    """
    return text[:1].upper() + text[1:]


def words(name: str) -> str:
    """Turn an identifier into words.

    >>> words("lower_learning_rate"), words("f1_macro"), words("r2")
    ('lower learning rate', 'macro F1', 'R²')
    """
    return _TITLES.get(name) or printable(name).replace("_", " ").strip()


def examples(kind: str) -> str:
    """Return what the examples of a kind of data are called, in the plural.

    >>> examples("image"), examples("table"), examples("")
    ('images', 'rows', 'examples')
    """
    return KINDS[kind].units if kind in KINDS else "examples"


def lower_is_better(score: str) -> bool:
    """Tell whether a smaller value of this score is better; the name says so, as in scikit-learn.

    >>> lower_is_better("accuracy"), lower_is_better("mean_absolute_error"), lower_is_better("neg_log_loss")
    (False, True, False)
    """
    if score.startswith("neg_"):
        return False
    return score == "bits_per_character" or score.rsplit("_", 1)[-1] in _LOWER_IS_BETTER


def score_text(name: str, value: float | None) -> str:
    """Write a score: accuracies in percent, others as numbers.

    >>> score_text("accuracy", 0.97777), score_text("r2", 0.5123456)
    ('97.8 %', '0.5123')
    """
    return percent(value) if value is not None and is_percent(name) else number(value)


def is_percent(name: str) -> bool:
    """Tell whether a score is written in percent."""
    return name.endswith("accuracy")
