"""Names to entries, one catalogue per room; an unknown name is answered with the nearest one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from trainwell.core.errors import UnknownNameError, UsageError

Entry = TypeVar("Entry")

_FEW = 20  # names that are all listed if none is near


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
        listing: the command that lists all names ("trainwell rules"); empty if there is none.

    >>> Catalogue("optimizer", {"sgd": 1, "adamw": 2}, listing="trainwell about")["adamv"]
    Traceback (most recent call last):
    trainwell.core.errors.UnknownNameError: Unknown optimizer 'adamv'. Did you mean 'adamw'? List all: trainwell about
    """

    def __init__(
        self,
        kind: str,
        entries: Mapping[str, Entry],
        *,
        aliases: Mapping[str, str] | None = None,
        listing: str = "",
    ) -> None:
        self.kind = kind
        self.listing = listing
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
            raise UnknownNameError(unknown_name(self.kind, name, names=self._entries, listing=self.listing)) from None

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


def unknown_name(kind: str, name: str, *, names: Iterable[str], listing: str = "") -> str:
    """Return the message about an unknown name: the nearest valid one, or all of them.

    Args:
        kind: what the name denotes, in the singular.
        name: the unknown name.
        names: the valid ones.
        listing: the command that lists them; empty if there is none.

    >>> unknown_name("task", "clasify", names=["classify", "regress"])
    "Unknown task 'clasify'. Did you mean 'classify'?"
    >>> unknown_name("task", "sing", names=["classify", "regress"])
    "Unknown task 'sing'. Valid names: classify, regress."
    """
    names = sorted(names)
    message = f"Unknown {kind} {name!r}."
    if guess := nearest(name, names):
        message += f" Did you mean {guess!r}?"
    elif len(names) <= _FEW or not listing:
        return f"{message} Valid names: {', '.join(names)}."
    return f"{message} List all: {listing}" if listing else message
