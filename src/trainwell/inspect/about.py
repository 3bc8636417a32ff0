"""Pages on every setting and on every name a setting may have: formula, when to use it, what it costs, what shows it.

The pages of names are the docstrings of what is built: a first sentence, and lines that begin with one of `PARTS`.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from trainwell.core.catalogue import nearest
from trainwell.core.errors import UnknownNameError
from trainwell.fitting.plan import CATALOGUES
from trainwell.nn import ACTIVATIONS, INITIALISATIONS, MODELS, NORMALISATIONS, POOLINGS, zoo
from trainwell.optim import OPTIMIZERS, SCHEDULES
from trainwell.optim.functional import FUNCTIONAL
from trainwell.recipe.schema import SETTINGS, Setting, TaskRecipe
from trainwell.tasks import TASKS, TargetFacts

PARTS = ("Formula", "Use", "Cost", "Lab", "Source")
_LINE = re.compile(rf"^({'|'.join(PARTS)}): (.*)$")

_KINDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "optim": ("optimizer", OPTIMIZERS),
    "schedule": ("schedule", SCHEDULES),
    "nn.init": ("initialisation", INITIALISATIONS),
    "nn.activation": ("activation", ACTIVATIONS),
    "nn.norm": ("normalisation", NORMALISATIONS),
    "nn.pool": ("pooling", POOLINGS),
    "model": ("network", {name: getattr(zoo, name, None) for name in MODELS}),
    "optim.functional": ("pure function", {name: entry.law for name, entry in FUNCTIONAL.items()}),
}

# Formula, use, cost and lab figure of the settings that are not themselves a choice among names.
_NOTES: Mapping[str, tuple[str, str, str, str]] = {
    "optim.learning_rate": (
        "w <- w - r g; plain descent converges on a quadratic while r < 2 / largest curvature",
        "the setting that matters most: find it with `trainwell range-test`, then tune it on a log scale",
        "too high diverges or kills rectifiers, too low never arrives",
        "critical_rate, batch_and_rate, dying_relu",
    ),
    "optim.momentum": (
        "v <- m v + g; w <- w - r v",
        "0.9; up to 0.99 with smooth losses",
        "overshoots",
        "optimizer_race",
    ),
    "optim.weight_decay": (
        "adamw: w <- (1 - r d) w; others: g + d w",
        "0.01 to 0.1 for adamw, 1e-4 to 5e-4 for sgd",
        "under-fitting when too strong",
        "weight_decay",
    ),
    "optim.decoupled": ("w <- (1 - r d) w before the step", "with adaptive optimizers", "none", "weight_decay"),
    "optim.l1": ("after each step w moves by r l1 towards 0 and no further", "to remove inputs", "bias", "l1_sparsity"),
    "optim.l2": ("loss + l2/2 sum w²", "ridge regression; with l1 the elastic net", "under-fitting", "l1_sparsity"),
    "optim.max_norm": (
        "|w_unit| <= limit after every step",
        "3 or 4, with dropout and bold rates",
        "next to nothing; units that need large weights",
        "max_norm",
    ),
    "optim.warmup": (
        "r (n + 1) / (w + 1) over the first w steps",
        "adaptive optimizers, large batches",
        "none",
        "schedules",
    ),
    "optim.reference_batch": (
        "k times the batch: r k (practice) or r sqrt(k) (theory)",
        "to change the batch size without tuning the rate again",
        "breaks beyond about 32 times: there a warning is given",
        "batch_and_rate",
    ),
    "nn.dropout": (
        "training: y = mask x / (1 - p); prediction: y = x",
        "0.2 to 0.5 in wide hidden layers that over-fit",
        "slower learning; harmful beside batch norm and in small networks",
        "dropout_ensemble",
    ),
    "nn.classic_dropout": (
        "training: mask x; prediction: (1 - p) x",
        "to follow old papers",
        "none",
        "dropout_ensemble",
    ),
    "nn.dropconnect": (
        "each weight of a hidden dense layer is dropped with probability p for each example",
        "instead of dropout in wide dense layers",
        "batch x inputs x outputs numbers of memory",
        "dropconnect",
    ),
    "nn.normalise": (
        "before: f(norm(Wx)); after: norm(f(Wx))",
        "before is the paper's; try both",
        "none",
        "batch_norm",
    ),
    "nn.initial_bias": ("b = value", "0.01 where rectifiers die at the start", "none", "dying_relu"),
    "nn.hidden": (
        "units of each layer",
        "wider before deeper for tables",
        "weights grow with products",
        "universal_approximation",
    ),
    "train.batch_size": (
        "noise of the gradient falls with sqrt(batch)",
        "32 to 256; all examples or more: batch descent; 1: single examples",
        "large batches take fewer, longer steps and need larger rates",
        "batch_paths, batch_and_rate, batch_norm",
    ),
    "train.micro_batch": ("g = sum of share_i g_i", "batches larger than memory", "batch norm sees the parts only", ""),
    "train.clip_norm": (
        "g <- g min(1, c / |g|)",
        "1 for recurrent networks and cliffs",
        "a lower effective rate",
        "optimizer_race",
    ),
    "train.clip_value": (
        "each g_i is cut to [-c, c]",
        "single wild gradients",
        "turns the direction",
        "optimizer_race",
    ),
    "train.patience": (
        "stop when no better score for so many epochs, restore the best",
        "always",
        "needs validation",
        "early_stopping",
    ),
    "train.ema": ("a <- d a + (1 - d) w", "0.999: steadier predictions", "a copy of the weights", ""),
    "task.label_smoothing": (
        "y <- (1 - s) y + s / C",
        "0.1 with many classes or wrong labels",
        "probabilities less sharp",
        "",
    ),
    "data.shift": ("random shift by up to so many pixels", "small picture data", "longer training", "augmentation"),
    "data.flip": (
        "mirror with probability 1/2",
        "where a mirrored picture keeps its class",
        "longer training",
        "augmentation",
    ),
    "data.prepare": ("(x - mean) / deviation, of the training split", "always for numbers", "none", "whitening"),
}

_TITLES = {"nn.norm.weight": "Split each weight vector into length and direction: w = g v / |v|."}


@dataclass(frozen=True)
class Page:
    """What there is to know of one name.

    Args:
        name: "optim.nesterov", "optim.learning_rate".
        kind: "optimizer", "setting", "part" and so on.
        title: one sentence.
        parts: formula, use, cost, lab and source, those that are known.
        text: what else its docstring says.
        setting: the setting of this name, if there is one.
    """

    name: str
    kind: str
    title: str
    parts: Mapping[str, str]
    text: str = ""
    setting: Setting | None = None

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the lab's experiments that show it."""
        return tuple(name for name in re.split(r",\s*", self.parts.get("Lab", "")) if name)


@cache
def pages() -> Mapping[str, Page]:
    """Return every page by name.

    >>> pages()["optim.nesterov"].parts["Formula"]
    'v <- m v + g; w <- w - r (g + m v)'
    >>> pages()["optim.learning_rate"].setting.default
    0.001
    """
    made = {key: _of_setting(entry) for key, entry in SETTINGS.items()}
    for place, (kind, entries) in _KINDS.items():
        for name, entry in entries.items():
            page = _of_doc(f"{place}.{name}", kind, inspect.getdoc(entry) or f"The {kind} {name}.")
            taken = made.get(page.name)  # optim.nesterov is an optimizer and a setting of sgd
            made[page.name] = page if taken is None else Page(*_start(page), setting=taken.setting)
    for name in TASKS:
        task = TASKS[name](TaskRecipe(), TargetFacts(3))
        made[f"task.{name}"] = _of_doc(f"task.{name}", "task", inspect.getdoc(task) or name)
    for room in ("nn", "optim"):
        made |= {page.name: page for page in _parts_of(room) if page.name not in made}
    made["nn.norm.weight"] = Page(
        "nn.norm.weight",
        "normalisation",
        _TITLES["nn.norm.weight"],
        {
            "Formula": "w = g v / |v|, g and v are learned",
            "Use": "recurrent networks and small batches: no statistics of the batch enter",
            "Cost": "one more weight a unit",
            "Source": "Salimans and Kingma 2016",
        },
    )
    return made


def about(name: str) -> Page:
    """Return the page of a name; the last part is enough where it is clear.

    Raises:
        UnknownNameError: with the nearest name.

    >>> about("nn.init.xavier_normal").figures
    ('initialisation',)
    >>> about("cosine").name
    'schedule.cosine'
    """
    known = pages()
    wanted = name.removeprefix("trainwell.")
    if wanted in known:
        return known[wanted]
    ending = [key for key in known if key.rpartition(".")[2] == wanted.rpartition(".")[2]]
    if ending and "." not in wanted:
        return known[min(ending, key=len)]
    guess = (ending[0] if ending else None) or nearest(wanted, known) or nearest(wanted, _last_parts())
    hint = f" Did you mean {guess!r}?" if guess else ""
    raise UnknownNameError(f"There is no page {name!r}.{hint} 'trainwell about' lists them all.")


def _last_parts() -> set[str]:
    return {key.rpartition(".")[2] for key in pages()}


def _start(page: Page) -> tuple[str, str, str, Mapping[str, str], str]:
    return page.name, page.kind, page.title, page.parts, page.text


def _of_setting(entry: Setting) -> Page:
    parts: dict[str, str] = {}
    if entry.key in _NOTES:
        parts = {part: text for part, text in zip(PARTS, _NOTES[entry.key], strict=False) if text}
    names = CATALOGUES.get(entry.limits.catalogue)
    text = f"Names: {', '.join(names)}." if names else ""
    return Page(entry.key, "setting", entry.meaning[:1].upper() + entry.meaning[1:] + ".", parts, text, entry)


def _of_doc(name: str, kind: str, doc: str) -> Page:
    """Take a docstring apart: first sentence, marked lines, the rest without its examples."""
    title, _, rest = doc.partition("\n")
    parts: dict[str, str] = {}
    kept: list[str] = []
    for line in rest.splitlines():
        if line.startswith(">>>"):
            break
        if found := _LINE.match(line.strip()):
            parts[found.group(1)] = found.group(2)
        else:
            kept.append(line)
    return Page(name, kind, title, parts, "\n".join(kept).strip())


def _parts_of(room: str) -> Iterator[Page]:
    for name, part in vars(importlib.import_module(f"trainwell.{room}")).items():
        if name.startswith("_") or not (inspect.isfunction(part) or inspect.isclass(part)):
            continue
        if doc := inspect.getdoc(part):
            yield _of_doc(f"{room}.{name}", "part", doc)
