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
from trainwell.fitting.catalogues import CATALOGUES
from trainwell.nn import ACTIVATIONS, INITIALISATIONS, MODELS, NORMALISATIONS, POOLINGS
from trainwell.optim import OPTIMIZERS, SCHEDULES
from trainwell.optim.functional import FUNCTIONAL
from trainwell.recipe.schema import SETTINGS, Setting
from trainwell.tasks import TASKS

PARTS = ("Formula", "Use", "Cost", "Lab", "Source")
_LINE = re.compile(rf"^({'|'.join(PARTS)}): (.*)$")

_KINDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "optim": ("optimizer", {name: entry.build for name, entry in OPTIMIZERS.items()}),
    "schedule": ("schedule", {name: entry.build for name, entry in SCHEDULES.items()}),
    "nn.init": ("initialisation", INITIALISATIONS),
    "nn.activation": ("activation", ACTIVATIONS),
    "nn.norm": ("normalisation", NORMALISATIONS),
    "nn.pool": ("pooling", POOLINGS),
    "model": ("network", {name: entry.page for name, entry in MODELS.items()}),
    "optim.functional": ("pure function", {name: entry.rule for name, entry in FUNCTIONAL.items()}),
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
    for name, task in TASKS.items():
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
    note = entry.declared.note
    texts = {
        "Formula": note.formula,
        "Use": note.use,
        "Cost": note.cost,
        "Lab": ", ".join(note.lab),
        "Source": note.source,
    }
    parts = {part: text for part, text in texts.items() if text}
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
