"""A page for every setting and every name: formula, use, cost, and the experiment that shows it.

The page of a setting is its note (`recipe/sections`). The page of a name is the docstring of the object it builds: a
first sentence, and lines that begin with one of `PARTS`.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trainwell.core.catalogue import nearest
from trainwell.core.errors import UnknownNameError
from trainwell.fitting.catalogues import CATALOGUES, choices
from trainwell.nn import ACTIVATIONS, INITIALISATIONS, MODELS, NORMALISATIONS, POOLINGS
from trainwell.optim import OPTIMIZERS, SCHEDULES
from trainwell.optim.functional import FUNCTIONAL
from trainwell.recipe.schema import SETTINGS, Setting
from trainwell.tasks import TASKS

PARTS = ("Formula", "Use", "Cost", "Lab", "Source")
_LINE = re.compile(rf"^({'|'.join(PARTS)}): (.*)$")
_MOST_NAMED = 12  # names listed of those that use a setting


@dataclass(frozen=True)
class Group:
    """Names of one kind.

    Args:
        place: prefix of the names of pages ("schedule" in "schedule.cosine").
        kind: "optimizer", "schedule" and so on.
        documented: name to the object whose docstring is the page.
        chosen_by: key of the setting that chooses one; empty if there is none.
    """

    place: str
    kind: str
    documented: Mapping[str, Any]
    chosen_by: str = ""


def _groups() -> tuple[Group, ...]:
    return (
        Group("optim", "optimizer", {name: entry.build for name, entry in OPTIMIZERS.items()}, "optim.name"),
        Group("schedule", "schedule", {name: entry.build for name, entry in SCHEDULES.items()}, "optim.schedule"),
        Group("nn.init", "initialisation", INITIALISATIONS, "nn.initialisation"),
        Group("nn.activation", "activation", ACTIVATIONS, "nn.activation"),
        Group("nn.norm", "normalisation", NORMALISATIONS, "nn.normalisation"),
        Group("nn.pool", "pooling", POOLINGS, "nn.pooling"),
        Group("model", "network", {name: entry.page for name, entry in MODELS.items()}, "nn.model"),
        Group("task", "task", TASKS, "task.name"),
        Group("optim.functional", "pure function", {name: entry.rule for name, entry in FUNCTIONAL.items()}),
    )


@dataclass(frozen=True)
class Page:
    """The page of one name.

    Args:
        name: "optim.nesterov", "optim.learning_rate".
        kind: "optimizer", "setting", "part" and so on.
        title: one sentence.
        parts: formula, use, cost, lab and source, where given.
        text: the rest of its docstring.
        setting: the setting of this name, if there is one.
        choose: the assignment that chooses it, "optim.name=nesterov"; empty if there is none.
    """

    name: str
    kind: str
    title: str
    parts: Mapping[str, str]
    text: str = ""
    setting: Setting | None = None
    choose: str = ""

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the experiments of `trainwell lab` that show it."""
        return tuple(name for name in re.split(r",\s*", self.parts.get("Lab", "")) if name)


def pages() -> Mapping[str, Page]:
    """Return every page by name, including those of names and settings registered by plug-ins.

    >>> pages()["optim.nesterov"].parts["Formula"]
    'v <- m v + g; w <- w - r (g + m v)'
    >>> pages()["optim.learning_rate"].setting.default
    0.001
    """
    made = {key: _of_setting(entry) for key, entry in SETTINGS.items()}
    for group in _groups():
        for name, documented in group.documented.items():
            doc = inspect.getdoc(documented) or f"The {group.kind} {name}."
            page = _of_doc(f"{group.place}.{name}", group.kind, doc=doc)
            setting = made[page.name].setting if page.name in made else None  # optim.nesterov is a setting of sgd too
            chosen = f"{group.chosen_by}={name}" if group.chosen_by else ""
            made[page.name] = replace(page, setting=setting, choose=chosen)
    for room in ("nn", "optim"):
        made |= {page.name: page for page in _parts_of(room) if page.name not in made}
    made["nn.norm.weight"] = Page(
        "nn.norm.weight",
        "normalisation",
        "Split each weight vector into length and direction: w = g v / |v|.",
        {
            "Formula": "w = g v / |v|, g and v are learned",
            "Use": "recurrent networks and small batches: independent of the other examples of a batch",
            "Cost": "one more weight for each unit",
            "Source": "Salimans and Kingma 2016",
        },
        choose="nn.normalisation=weight",
    )
    return made


def about(name: str) -> Page:
    """Return the page of a name; the last part is enough if it is unambiguous.

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
    last_parts = {key.rpartition(".")[2] for key in known}
    guess = (ending[0] if ending else None) or nearest(wanted, known) or nearest(wanted, last_parts)
    hint = f" Did you mean {guess!r}?" if guess else ""
    raise UnknownNameError(f"There is no page {name!r}.{hint} List all pages with: trainwell about")


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
    text = f"Names: {', '.join(names)}." if names else _dependency(entry)
    return Page(entry.key, "setting", entry.meaning[:1].upper() + entry.meaning[1:] + ".", parts, text, entry)


def _dependency(entry: Setting) -> str:
    """Describe the values of another setting with which a setting applies; empty if it always applies."""
    needed = entry.declared.only_with
    if needed is None:
        return ""
    if needed.off is not None:
        return f"Applies only if {needed.key} is not {needed.off!r}."
    named = choices().get(needed.key, {})
    names = needed.names or tuple(name for name, choice in named.items() if entry.key in choice.uses)
    shown = ", ".join(names[:_MOST_NAMED]) + (" and others" if len(names) > _MOST_NAMED else "")
    return f"Applies only with {needed.key} = {shown}."


def _of_doc(name: str, kind: str, *, doc: str) -> Page:
    """Split a docstring into its first sentence, the marked lines, and the rest without examples."""
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
            yield _of_doc(f"{room}.{name}", "part", doc=doc)
