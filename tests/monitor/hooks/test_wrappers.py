from __future__ import annotations

from types import SimpleNamespace

from trainwell.monitor.hooks.wrappers import Wrappers


def _owner() -> SimpleNamespace:
    return SimpleNamespace(one=lambda: 1, two=lambda: 2)


def test_functions_are_replaced_and_restored() -> None:
    owner, wrappers = _owner(), Wrappers()
    before = dict(vars(owner))
    wrappers.wrap(owner, "one", make=lambda original: lambda: 10 * original())
    assert (owner.one(), owner.two()) == (10, 2)
    wrappers.remove()
    assert vars(owner) == before


def test_what_somebody_else_has_replaced_stays() -> None:
    owner, wrappers = _owner(), Wrappers()
    wrappers.wrap(owner, "one", make=lambda original: lambda: 10)
    owner.one = theirs = lambda: 7
    wrappers.remove()
    assert owner.one is theirs


def test_wrappers_of_one_owner_are_swapped() -> None:
    first, second, wrappers = _owner(), _owner(), Wrappers()
    for owner in (first, second):
        wrappers.wrap(owner, "one", make=lambda original: lambda: 10)
    wrappers.swap(first, wrapped=False)
    assert (first.one(), second.one()) == (1, 10)
    wrappers.swap(first, wrapped=True)
    assert first.one() == 10
    wrappers.remove()
    assert (first.one(), second.one()) == (1, 1)
