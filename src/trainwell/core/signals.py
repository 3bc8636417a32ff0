"""Named series that only grow: all measurements of a run that rules and pages read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Series:
    """Values and the steps at which they were measured, oldest first.

    >>> series = Series([0, 10], [2.3, 0.4])
    >>> series.last, series.first, len(series)
    (0.4, 2.3, 2)
    """

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[tuple[int, float]]:
        return iter(zip(self.steps, self.values, strict=True))

    @property
    def first(self) -> float:
        """The oldest value."""
        return self.values[0]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.values[-1]

    def tail(self, count: int) -> list[float]:
        """Return the newest `count` values, oldest first."""
        return self.values[-count:]


class Signals(Mapping[str, Series]):
    """Series by name; names are paths from general to specific ("grad/norm/layers.0.weight").

    A name that was never written gives an empty series, so that rules need no checks.

    >>> signals = Signals()
    >>> signals.add("loss/train", 0, value=2.3)
    >>> signals.add("grad/norm/fc1.weight", 0, value=0.5)
    >>> signals["loss/train"].last, len(signals["loss/validation"])
    (2.3, 0)
    >>> {name: series.last for name, series in signals.under("grad/norm").items()}
    {'fc1.weight': 0.5}
    """

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}
        self._under: dict[str, dict[str, Series]] = {}  # by path, because rules read it often

    def add(self, name: str, step: int, *, value: float) -> None:
        """Append one value; steps must not go back within a series."""
        series = self._series.get(name)
        if series is None:
            series = self._series[name] = Series()
            for place in (at for at, letter in enumerate(name) if letter == "/"):
                self._under.setdefault(name[:place], {})[name[place + 1 :]] = series
        series.steps.append(step)
        series.values.append(value)

    def under(self, path: str) -> dict[str, Series]:
        """Return the series below a path, keyed by the rest of their names, in the order they appeared."""
        return dict(self._under.get(path, {}))

    def __getitem__(self, name: str) -> Series:
        return self._series.get(name) or Series()

    def __contains__(self, name: object) -> bool:
        return name in self._series

    def __iter__(self) -> Iterator[str]:
        return iter(self._series)

    def __len__(self) -> int:
        return len(self._series)
