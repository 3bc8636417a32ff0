"""Turn what a user wrote into settings, and collect every mistake on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trainwell.core.catalogue import nearest, unknown_name
from trainwell.core.errors import RecipeError
from trainwell.recipe.schema import SETTINGS, Recipe, Setting, Value

Catalogues = Mapping[str, Iterable[str]]

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text in quotes",
    "tuple[int, ...]": "a list of whole numbers",
    "tuple[str, ...]": "a list of texts",
}


def check_values(
    values: Mapping[str, object], *, catalogues: Catalogues | None = None, places: Mapping[str, str] | None = None
) -> dict[str, Value]:
    """Return the settings in their proper types, or raise one error that names every mistake.

    Args:
        values: dotted key to what the user gave.
        catalogues: valid names by kind ("optimizer": [...]); a kind that is absent is not checked.
        places: dotted key to where it was written ("recipe.toml, line 4"), for the messages.
    Raises:
        RecipeError: with one sentence for each unknown key, wrong type, impossible value and unknown name.

    >>> check_values({"train.epochs": 3, "optim.learning_rate": 1})
    {'train.epochs': 3, 'optim.learning_rate': 1.0}
    >>> check_values({"optim.lr": 0.1})
    Traceback (most recent call last):
    trainwell.core.errors.RecipeError: Unknown setting 'optim.lr'. Did you mean 'optim.learning_rate'?
    """
    checked: dict[str, Value] = {}
    mistakes = []
    for key, given in values.items():
        place = f"{places[key]}: " if places and key in places else ""
        try:
            checked[key] = _check_one(key, given, catalogues or {})
        except ValueError as problem:
            mistakes.append(f"{place}{problem}")
    if mistakes:
        raise RecipeError(mistakes)
    return checked


LOOK_AGAIN = ("lbfgs", "newton", "saddle_free", "vsgd")  # optimizers that evaluate the loss within a step
_BATCH_STATISTICS = ("batch", "decorrelated")


def check_combinations(recipe: Recipe) -> None:
    """Raise one error that names every pair of settings that makes no sense together.

    Raises:
        RecipeError: with one sentence for each pair.

    >>> from trainwell.recipe import edit
    >>> check_combinations(edit(Recipe(), {"optim.schedule": "step", "train.epochs": 5}))
    Traceback (most recent call last):
    trainwell.core.errors.RecipeError: optim.step_epochs must be less than train.epochs = 5 for the schedule 'step', \
got 10: the rate would never drop. Train longer, or drop sooner.
    """
    if mistakes := [*_schedule_mistakes(recipe), *_network_mistakes(recipe), *_optimizer_mistakes(recipe)]:
        raise RecipeError(mistakes)


def _schedule_mistakes(recipe: Recipe) -> Iterator[str]:
    optim, train = recipe.optim, recipe.train
    length = {"step": ("step_epochs", optim.step_epochs), "plateau": ("plateau_epochs", optim.plateau_epochs)}
    if optim.schedule in length and length[optim.schedule][1] >= train.epochs > 1:
        name, given = length[optim.schedule]
        yield (
            f"optim.{name} must be less than train.epochs = {train.epochs} for the schedule {optim.schedule!r}, "
            f"got {given:g}: the rate would never drop. Train longer, or drop sooner."
        )
    if optim.schedule in length and optim.step_factor >= 1:
        yield f"optim.step_factor must be less than 1, got {optim.step_factor:g}: a drop makes the rate smaller."
    if optim.schedule == "plateau" and recipe.data.validation == 0 and recipe.data.source not in ("loaders",):
        yield "data.validation must be greater than 0 for the schedule 'plateau', got 0: it waits for a better score."


def _network_mistakes(recipe: Recipe) -> Iterator[str]:
    nn, train = recipe.nn, recipe.train
    smallest = min(train.batch_size, train.micro_batch or train.batch_size)
    if nn.normalisation in _BATCH_STATISTICS and smallest == 1:
        key = "train.batch_size" if train.batch_size == 1 else "train.micro_batch"
        yield (
            f"{key} must be at least 2 for nn.normalisation = {nn.normalisation!r}, got 1: one example has no "
            "variance. Take larger batches, or nn.normalisation = 'group'."
        )
    if nn.normalisation == "weight" and math.isfinite(recipe.optim.max_norm):
        yield (
            f"optim.max_norm must be inf for nn.normalisation = 'weight', got {recipe.optim.max_norm:g}: weight norm "
            "learns the length that max-norm would cut. Choose one of them."
        )
    if nn.normalisation == "weight" and nn.dropconnect:
        yield f"nn.dropconnect must be 0 for nn.normalisation = 'weight', got {nn.dropconnect:g}. Choose one of them."
    if recipe.task.label_smoothing and recipe.task.name != "classify":
        yield (
            f"task.label_smoothing must be 0 for the task {recipe.task.name!r}, got {recipe.task.label_smoothing:g}: "
            "it spreads a label over several classes. Set task.name = 'classify', or leave it out."
        )
    if train.micro_batch > train.batch_size:
        yield (
            f"train.micro_batch must be at most train.batch_size = {train.batch_size}, got {train.micro_batch}: it is "
            "a part of the batch. Make it smaller."
        )


def _optimizer_mistakes(recipe: Recipe) -> Iterator[str]:
    optim, train = recipe.optim, recipe.train
    if optim.name in ("momentum", "nesterov") and optim.momentum == 0:
        yield f"optim.momentum must be greater than 0 for the optimizer {optim.name!r}, got 0. Usual is 0.9."
    if optim.name == "lbfgs" and optim.decoupled:
        yield (
            "optim.decoupled must be false for the optimizer 'lbfgs', got true: its line search must see all that "
            "moves the weights. Leave it out."
        )
    if optim.name in LOOK_AGAIN:
        unfit = {"train.clip_norm": train.clip_norm, "train.clip_value": train.clip_value}
        if optim.name == "lbfgs":
            unfit["optim.l1"] = optim.l1
        for key, given in {**unfit, "train.micro_batch": train.micro_batch}.items():
            if given:
                yield (
                    f"{key} must be 0 for the optimizer {optim.name!r}, got {given:g}: it looks at the loss of the "
                    "whole batch again, where this does not hold. Leave it out."
                )


def parse_assignment(text: str) -> tuple[str, object]:
    """Read `key=value` as given to `--set`: the value is TOML, or plain text where that fails.

    >>> parse_assignment("optim.learning_rate=0.01"), parse_assignment("optim.name=sgd")
    (('optim.learning_rate', 0.01), ('optim.name', 'sgd'))
    """
    import tomllib

    key, equals, value = text.partition("=")
    if not equals:
        raise RecipeError([f"--set needs key=value, got {text!r}. Example: --set optim.learning_rate=0.01"])
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _check_one(key: str, given: object, catalogues: Catalogues) -> Value:
    entry = SETTINGS.get(key)
    if entry is None:
        raise ValueError(_unknown_key(key))
    value = _convert(entry, given)
    names = catalogues.get(entry.limits.catalogue)
    is_backbone = entry.limits.catalogue == "model" and str(value).startswith("timm:")  # of a library's own catalogue
    if names is not None and not is_backbone and value not in (names := list(names)):
        raise ValueError(f"{key}: {unknown_name(entry.limits.catalogue, str(value), names)}")
    if not entry.limits.allow(value):
        raise ValueError(f"{key} must be {entry.limits.describe()}, got {given!r}.{_guess(entry, given)}")
    return value


def _convert(entry: Setting, given: Any) -> Value:
    is_whole = isinstance(given, int) and not isinstance(given, bool)
    if entry.type == "float" and (is_whole or isinstance(given, float)):
        return _float(given)
    if entry.type == "int" and (is_whole or (isinstance(given, float) and given.is_integer())):
        return int(given)
    if entry.type == "bool" and isinstance(given, bool):
        return given
    if entry.type == "str" and isinstance(given, str):
        return given
    if entry.type.startswith("tuple"):
        items = given if isinstance(given, (list, tuple)) else [given]
        wanted = int if "int" in entry.type else str
        if all(isinstance(item, wanted) and not isinstance(item, bool) for item in items):
            return tuple(items)
    raise ValueError(f"{entry.key} must be {_EXPECTED[entry.type]}, got {given!r}.")


def _float(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:  # a whole number with more than 308 digits
        return math.inf


def _guess(entry: Setting, given: object) -> str:
    guess = nearest(given, entry.limits.words) if isinstance(given, str) else None
    return f" Did you mean {guess!r}?" if guess else ""


def _unknown_key(key: str) -> str:
    section, _, last = key.rpartition(".")
    inside = [known for known in SETTINGS if section and known.startswith(section + ".")]
    names = {known.rpartition(".")[2]: known for known in inside or SETTINGS}
    names.setdefault("lr", "optim.learning_rate")
    guess = names.get(nearest(last, names) or "")
    if guess:
        return f"Unknown setting {key!r}. Did you mean {guess!r}?"
    if inside:
        return f"Unknown setting {key!r}. Settings of [{section}]: {', '.join(inside)}."
    return f"Unknown setting {key!r}. Run 'trainwell recipe digits' to see every setting."
