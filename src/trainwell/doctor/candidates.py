"""What a treatment is made of: sets of recipe edits, and the test that one set is better beyond noise."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from trainwell.core.finding import Finding
from trainwell.doctor.experiments.trial import TrialOutcome
from trainwell.recipe import Recipe
from trainwell.repairs import REPAIRS

# A rate can be wrong by any power of ten, and one repair moves it by a factor of three: it is also tried in larger
# doses, of 81 and of 9. No other repair gains from being applied at once several times.
_LARGER = {"lower_rate": (4, 2), "raise_rate": (4, 2)}
_SIGNS = 1 / 32  # chance at which the seeds' signs alone are believed: five of five


class RepairStep(NamedTuple):
    """One edit of a cure: a repair, the finding it answers to, and how often it is applied."""

    repair: str
    finding: Finding
    dose: int = 1


RepairSet = tuple[RepairStep, ...]


def apply(recipe: Recipe, cure: RepairSet) -> Recipe:
    """Return the recipe with the edits of a cure, in their order.

    >>> from trainwell.core.finding import Severity
    >>> finding = Finding("learning_rate_too_high", Severity.ERROR, "")
    >>> f"{apply(Recipe(), (RepairStep('lower_rate', finding, dose=2),)).optim.learning_rate:.3g}"
    '0.000111'
    """
    for step in cure:
        change = REPAIRS[step.repair].edit
        recipe = change(recipe, step.finding)
        # The evidence spoke of the recipe as it was: further doses go by plain steps.
        plain = dataclasses.replace(step.finding, evidence={})
        for _ in range(step.dose - 1):
            recipe = change(recipe, plain)
    return recipe


def remedies(findings: Sequence[Finding]) -> list[RepairStep]:
    """Return what the findings recommend, each repair once: the first remedy of every cause first, larger doses last.

    >>> from trainwell.core.finding import Severity
    >>> one = Finding("a", Severity.ERROR, "", remedies=("he_initialisation", "lower_rate"))
    >>> two = Finding("b", Severity.ERROR, "", remedies=("lower_rate",))
    >>> [(step.repair, step.dose) for step in remedies([one, two])]
    [('he_initialisation', 1), ('lower_rate', 1), ('lower_rate', 4), ('lower_rate', 2)]
    """
    given: dict[str, Finding] = {}
    for place in range(max((len(finding.remedies) for finding in findings), default=0)):
        for finding in findings:
            for repair in finding.remedies[place : place + 1]:
                given.setdefault(repair, finding)
    # Evidence of a run with two faults misleads: zero weights have updates of no size at any rate. Doses ignore it.
    larger = [
        RepairStep(repair, dataclasses.replace(finding, evidence={}), dose)
        for repair, finding in given.items()
        for dose in _LARGER.get(repair, ())
    ]
    return [*(RepairStep(repair, finding) for repair, finding in given.items()), *larger]


def standard_error(gains: Sequence[float], examples: int) -> float:
    """Return the standard error of a mean gain; never less than one validation example counts.

    Args:
        gains: score after minus score before, on the same seed and split each.
        examples: size of the validation split.

    >>> round(standard_error([0.50, 0.54, 0.52], examples=1000), 4)
    0.0116
    """
    return math.hypot(statistics.stdev(gains) / math.sqrt(len(gains)), 1 / max(1, examples))


def two(seeds: int) -> float:
    """Return what "two standard errors" of a normal distribution (a chance of 2.3 %) are for so few seeds.

    Few seeds know their own spread badly, so they take the wider tails of Student's distribution
    (expansion of Abramowitz and Stegun 26.7.5).

    >>> round(two(5), 2), round(two(1000), 2)
    (2.86, 2.0)
    """
    free = seeds - 1
    return 2 + 2.5 / free + 3.06 / free**2 + 2.86 / free**3


def better(new: Sequence[TrialOutcome], old: Sequence[TrialOutcome], *, errors: float = 0.0) -> bool:
    """Tell whether one recipe's outcomes are better than another's beyond noise, on the same seeds.

    Breaking on fewer seeds is better. Else the mean gain in score must lie above two standard errors; or so many
    seeds must gain more than one example counts as chance allows in one of 32 cases: five of five, nine of ten. For a
    sick recipe that sometimes gets through has a large spread, and hardly any mean is surely above it.

    Args:
        new: outcomes of one recipe, one for each seed.
        old: outcomes of the other on the same seeds.
        errors: standard errors that the mean gain must exceed; 0 is the test above.

    >>> good, poor, diverged = ([TrialOutcome(*ended)] * 2 for ended in [(None, 0.9), (None, 0.1), (3,)])
    >>> better(good, good), better(poor, diverged)
    (False, True)
    """
    broken = sum(outcome.broke for outcome in new), sum(outcome.broke for outcome in old)
    if broken[0] != broken[1]:
        return broken[0] < broken[1]
    pairs = [(after, before) for after, before in zip(new, old, strict=True) if not (after.broke or before.broke)]
    if len(pairs) < 2:
        return False
    gains = [after.score - before.score for after, before in pairs]
    examples = pairs[0][0].examples
    losses = sum(gain <= 1 / max(1, examples) for gain in gains)
    by_chance = sum(math.comb(len(gains), count) for count in range(losses + 1)) / 2 ** len(gains)
    if not errors and by_chance <= _SIGNS:
        return True
    return statistics.fmean(gains) > (errors or two(len(pairs))) * standard_error(gains, examples)


def by_loss(outcomes: Sequence[TrialOutcome]) -> list[TrialOutcome]:
    """Return the outcomes with the validation loss in the place of the score, in logarithms and higher for better.

    Scores of small splits are coarse and often tie; losses do not.

    >>> [round(outcome.score, 2) for outcome in by_loss([TrialOutcome(None, 0.9, 0.1), TrialOutcome(None, 0.9, 2.0)])]
    [2.3, -0.69]
    """
    return [dataclasses.replace(outcome, score=-math.log(max(outcome.loss, 1e-12))) for outcome in outcomes]
