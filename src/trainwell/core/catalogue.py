"""Names to factories, one catalogue per room, with "did you mean"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from trainwell.core.errors import UnknownNameError, UsageError

Entry = TypeVar("Entry")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the valid name a user most likely meant, or None if none is close.

    >>> nearest("adamm", ["sgd", "adam", "adamw"])
    'adam'
    """
    found = difflib.get_close_matches(name.lower(), list(names), n=1, cutoff=0.6)
    return found[0] if found else None


class Catalogue(Mapping[str, Entry], Generic[Entry]):
    """A mapping from names to entries that suggests the nearest name when a lookup fails.

    Args:
        kind: what the entries are, in the singular ("optimizer").
        entries: name to entry.
        aliases: former name to present name. A former name is found but not listed.

    >>> Catalogue("optimizer", {"sgd": 1, "adamw": 2})["adamv"]
    Traceback (most recent call last):
    trainwell.core.errors.UnknownNameError: Unknown optimizer 'adamv': did you mean 'adamw'? Valid names: adamw, sgd.
    """

    def __init__(self, kind: str, entries: Mapping[str, Entry], *, aliases: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self._entries = dict(entries)
        self._aliases = dict(aliases or {})

    def current(self, name: str) -> str:
        """Return the present name of an entry that has been renamed; any other name is returned as it is.

        >>> Catalogue("optimizer", {"sgd": 1}, aliases={"gradient_descent": "sgd"}).current("gradient_descent")
        'sgd'
        """
        return self._aliases.get(name, name)

    def __getitem__(self, name: str) -> Entry:
        try:
            return self._entries[self.current(name)]
        except KeyError:
            raise UnknownNameError(unknown_name(self.kind, name, self._entries)) from None

    def register(self, name: str, entry: Entry) -> None:
        """Add an entry from outside the package.

        Raises:
            UsageError: the name is taken.

        >>> fruit = Catalogue("fruit", {"apple": 1})
        >>> fruit.register("pear", 2)
        >>> fruit["pear"]
        2
        """
        if name in self._entries:
            raise UsageError(f"The {self.kind} {name!r} is registered already. Choose another name.")
        self._entries[name] = entry

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._aliases


def unknown_name(kind: str, name: str, names: Iterable[str]) -> str:
    """Write the sentence for a name nobody knows.

    >>> unknown_name("task", "clasify", ["classify", "regress"])
    "Unknown task 'clasify': did you mean 'classify'? Valid names: classify, regress."
    """
    names = sorted(names)
    guess = nearest(name, names)
    hint = f" did you mean {guess!r}?" if guess else ""
    return f"Unknown {kind} {name!r}:{hint} Valid names: {', '.join(names)}."
