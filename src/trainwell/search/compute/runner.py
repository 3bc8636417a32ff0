"""Training some configurations in this process: as populations where they can share a program, else one by one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import final

from trainwell.population.compatibility import Member, make_member, why_incompatible
from trainwell.population.folds import Folds
from trainwell.population.population import Population
from trainwell.population.result import ValidationResult
from trainwell.population.sequential import SequentialTraining
from trainwell.recipe import Recipe
from trainwell.search.compute.engine import FEWEST, EngineChoice
from trainwell.search.compute.protocols import Runner, StopCheck


@final
class LocalRunner:
    """Trains some configurations in this process.

    Args:
        recipes: the configurations.
        data: the examples, in folds.
        choice: the engine.
    """

    def __init__(self, recipes: Sequence[Recipe], data: Folds, *, choice: EngineChoice) -> None:
        self._folds = data.count
        groups: dict[Hashable, list[int]] = {}
        members: dict[int, list[Member]] = {}
        sequential: list[int] = []
        for number, recipe in enumerate(recipes):
            if choice.engine != "population" or why_incompatible(recipe):
                sequential.append(number)
                continue
            members[number] = [make_member(recipe, data, fold=fold) for fold in range(data.count)]
            groups.setdefault(members[number][0].key, []).append(number)
        self._populations: list[tuple[Population, list[int]]] = []
        for numbers in groups.values():
            if len(numbers) * data.count < FEWEST:
                sequential += numbers
            else:
                chosen = [member for number in numbers for member in members[number]]
                self._populations.append((Population(chosen, data, width=choice.width), numbers))
        self._one_by_one = sorted(sequential)
        self._sequential = SequentialTraining([recipes[number] for number in self._one_by_one], data)

    def train(self, fraction: float, check: StopCheck = lambda: None) -> None:
        """Train each configuration until a fraction of its epochs is done."""
        for population, _ in self._populations:
            population.train(fraction, check)
        self._sequential.train(fraction, check)

    def results(self) -> list[list[ValidationResult]]:
        """Return, for each configuration, the scores on the validation part of each fold."""
        found = dict(zip(self._one_by_one, self._sequential.results(), strict=True))
        for population, numbers in self._populations:
            results = population.results()
            for place, number in enumerate(numbers):
                found[number] = results[place * self._folds : (place + 1) * self._folds]
        return [found[number] for number in sorted(found)]

    def keep(self, positions: Sequence[int]) -> None:
        """Continue with these configurations only, in this order."""
        new = {old: number for number, old in enumerate(positions)}
        populations = []
        for population, numbers in self._populations:
            places = [place for place, number in enumerate(numbers) if number in new]
            if places:
                population.keep([place * self._folds + fold for place in places for fold in range(self._folds)])
                populations.append((population, [new[numbers[place]] for place in places]))
        self._populations = populations
        places = [place for place, number in enumerate(self._one_by_one) if number in new]
        self._sequential.keep(places)
        self._one_by_one = [new[self._one_by_one[place]] for place in places]


@final
class LocalPool:
    """Trains in this process.

    Args:
        data: the examples, in folds.
        choice: the engine.
    """

    def __init__(self, data: Folds, choice: EngineChoice) -> None:
        self._data = data
        self._choice = choice
        self.width = choice.width

    def start(self, recipes: Sequence[Recipe]) -> Runner:
        """Start training some configurations."""
        return LocalRunner(recipes, self._data, choice=self._choice)

    def stop(self) -> None:
        """Do nothing: there is no other process."""
