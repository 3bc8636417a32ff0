"""What to do about a finding, as far as possible as settings to type in: a cure is an edit of the recipe."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from trainwell.core.errors import RecipeError
from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, differences, parse_settings, unflatten
from trainwell.recipe.sections.setting import Value
from trainwell.repairs import REPAIRS
from trainwell.report.text.words import words


class Cure(NamedTuple):
    """One thing to do.

    Args:
        title: what, as an order.
        change: what it changes in this run's recipe, "optim.learning_rate 0.3 → 0.1"; empty if that is unknown.
        options: the same for the command line, "--set optim.learning_rate=0.1".
    """

    title: str
    change: str = ""
    options: str = ""


def cures(finding: Finding, recipe_text: str) -> list[Cure]:
    """Return what can be done about a finding, best first; cures that would change nothing more are left out.

    Args:
        finding: the finding; its remedies name repairs.
        recipe_text: the run's recipe, TOML; empty for a run that has none.

    >>> from trainwell.core.finding import Severity
    >>> finding = Finding("loss_diverges", Severity.ERROR, "", remedies=("lower_rate",))
    >>> [(cure.change, cure.options) for cure in cures(finding, "[optim]\\nlearning_rate = 0.3")]
    [('optim.learning_rate 0.3 → 0.1', '--set optim.learning_rate=0.1')]
    """
    recipe = _recipe(recipe_text)
    found = []
    for name in finding.remedies:
        if name not in REPAIRS:
            found.append(Cure(_sentence(words(name))))
            continue
        repair = REPAIRS[name]
        if recipe is None:
            found.append(Cure(repair.title))
        elif changes := differences(recipe, repair.edit(recipe, finding)):
            said = ", ".join(f"{key} {_literal(old)} → {_literal(new)}" for key, (old, new) in changes.items())
            options = " ".join(f"--set {shlex.quote(f'{key}={_literal(new)}')}" for key, (_, new) in changes.items())
            found.append(Cure(repair.title, said, options))
    return found


def _recipe(text: str) -> Recipe | None:
    if not text.strip():
        return None
    try:
        return unflatten(parse_settings(text))
    except RecipeError:
        return None


def _literal(value: Value) -> str:
    """Write a value as `--set` reads it back."""
    if isinstance(value, tuple):
        return "[" + ",".join(f'"{item}"' if isinstance(item, str) else _literal(item) for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
