"""What to do about a finding: in one's own code, or as settings that can be typed in."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from trainwell.core.errors import RecipeError
from trainwell.core.finding import Finding
from trainwell.doctor.pages import code_repair
from trainwell.recipe import Choices, Recipe, differences, parse_settings, unflatten
from trainwell.recipe.schema import SETTINGS
from trainwell.recipe.sections.setting import Value
from trainwell.repairs import REPAIRS, Repair
from trainwell.report.text.words import capitalised, words


class RepairText(NamedTuple):
    """One recommended change.

    Args:
        title: what to do, as an imperative sentence; code stands between backquotes.
        change: what it changes in the recipe, "optim.learning_rate 0.3 → 0.1"; empty without a recipe.
        options: the same for the command line, "--set optim.learning_rate=0.1".
    """

    title: str
    change: str = ""
    options: str = ""


def repair_texts(finding: Finding, *, recipe_text: str = "") -> list[RepairText]:
    """Return what can be done about a finding, best first.

    With a recipe these are edits of it, without those that would change nothing. Without one, or where no edit of a
    recipe helps, it is the change in one's own code that the rule's page recommends.

    Args:
        finding: its remedies name repairs.
        recipe_text: the run's recipe, TOML; empty for a run that has none, as that of a script.

    >>> from trainwell.core.finding import Severity
    >>> finding = Finding("loss_diverges", Severity.ERROR, "", remedies=("lower_rate",))
    >>> [(one.change, one.options) for one in repair_texts(finding, recipe_text="[optim]\\nlearning_rate = 0.3")]
    [('optim.learning_rate 0.3 → 0.1', '--set optim.learning_rate=0.1')]
    >>> [one.title for one in repair_texts(Finding("missing_zero_grad", Severity.ERROR, ""))]
    ['Call `optimizer.zero_grad()` before each `loss.backward()`.']
    """
    recipe = _recipe(recipe_text)
    found = []
    for name in finding.remedies:
        if name not in REPAIRS:
            found.append(RepairText(capitalised(words(name) + ".")))
            continue
        repair = REPAIRS[name]
        if recipe is None:
            found.append(RepairText(repair.title))
        elif changes := _changes(recipe, repair, finding=finding):
            change = ", ".join(f"{key} {_literal(old)} → {_literal(new)}" for key, (old, new) in changes.items())
            options = " ".join(f"--set {shlex.quote(f'{key}={_literal(new)}')}" for key, (_, new) in changes.items())
            found.append(RepairText(repair.title, change, options))
    in_code = code_repair(finding.rule)
    if in_code and (recipe is None or not finding.remedies):
        found.insert(0, RepairText(capitalised(in_code)))
    return found


def _changes(recipe: Recipe, repair: Repair, *, finding: Finding) -> dict[str, tuple[Value, Value]]:
    known = _choices(recipe, repair.edit(recipe, finding))
    return differences(recipe, repair.apply(recipe, finding, choices=known))


def _choices(before: Recipe, after: Recipe) -> Choices:
    """Return what is known of networks and optimizers, if it matters for the edits: it costs the import of torch."""
    needed = [SETTINGS[key].declared.only_with for key in differences(before, after)]
    if not any(dependency and dependency.by_choice for dependency in needed):
        return {}
    from trainwell.fitting import choices

    return choices()


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
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
