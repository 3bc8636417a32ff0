"""Candidates of a treatment: sets of repairs, and the test whether one set is significantly better than another."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from trainwell.core.finding import Finding
from trainwell.doctor.experiments.trial import TrialOutcome
from trainwell.fitting import choices
from trainwell.recipe import Recipe
from trainwell.repairs import REPAIRS

# A learning rate can be wrong by any power of ten, and one repair changes it by a factor of three: it is also applied
# several times at once, for factors of 81 and of 9. No other repair gains from that.
_LARGER = {"lower_rate": (4, 2), "raise_rate": (4, 2)}
_SIGN_TEST_LEVEL = 1 / 32  # five of five seeds that gain


class RepairStep(NamedTuple):
    """One repair of a set: its name, the finding that recommends it, and how often it is applied."""

    repair: str
    finding: Finding
    dose: int = 1


RepairSet = tuple[RepairStep, ...]


def apply(recipe: Recipe, repairs: RepairSet) -> Recipe:
    """Return the recipe with a set of repairs, applied in their order.

    >>> from trainwell.core.finding import Severity
    >>> finding = Finding("learning_rate_too_high", Severity.ERROR, "")
    >>> f"{apply(Recipe(), (RepairStep('lower_rate', finding, dose=2),)).optim.learning_rate:.3g}"
    '0.000111'
    """
    known = choices()
    for step in repairs:
        repair = REPAIRS[step.repair]
        recipe = repair.apply(recipe, step.finding, choices=known)
        # The evidence was measured with the recipe as it was: it does not count the second time.
        plain = dataclasses.replace(step.finding, evidence={})
        for _ in range(step.dose - 1):
            recipe = repair.apply(recipe, plain, choices=known)
    return recipe


def recommended(findings: Sequence[Finding]) -> list[RepairStep]:
    """Return the repairs that findings recommend, each once: the first of every finding first, larger doses last.

    >>> from trainwell.core.finding import Severity
    >>> one = Finding("a", Severity.ERROR, "", remedies=("he_initialisation", "lower_rate"))
    >>> two = Finding("b", Severity.ERROR, "", remedies=("lower_rate",))
    >>> [(step.repair, step.dose) for step in recommended([one, two])]
    [('he_initialisation', 1), ('lower_rate', 1), ('lower_rate', 4), ('lower_rate', 2)]
    """
    given: dict[str, Finding] = {}
    for place in range(max((len(finding.remedies) for finding in findings), default=0)):
        for finding in findings:
            for repair in finding.remedies[place : place + 1]:
                given.setdefault(repair, finding)
    # Evidence of a run with two faults is misleading: zero weights get no updates at any learning rate. So larger doses
    # ignore it.
    larger = [
        RepairStep(repair, dataclasses.replace(finding, evidence={}), dose)
        for repair, finding in given.items()
        for dose in _LARGER.get(repair, ())
    ]
    return [*(RepairStep(repair, finding) for repair, finding in given.items()), *larger]


def standard_error(gains: Sequence[float], examples: int) -> float:
    """Return the standard error of a mean gain; at least the weight of one validation example.

    Args:
        gains: score after minus score before, each on the same seed and split.
        examples: size of the validation split.

    >>> round(standard_error([0.50, 0.54, 0.52], examples=1000), 4)
    0.0116
    """
    return math.hypot(statistics.stdev(gains) / math.sqrt(len(gains)), 1 / max(1, examples))


def critical_value(seeds: int) -> float:
    """Return how many standard errors leave a one-sided chance of 2.3 %, as two do for a normal distribution.

    The standard error of few seeds is itself uncertain, so the quantile is that of Student's t distribution
    (expansion of Abramowitz and Stegun 26.7.5).

    >>> round(critical_value(5), 2), round(critical_value(1000), 2)
    (2.86, 2.0)
    """
    free = seeds - 1
    return 2 + 2.5 / free + 3.06 / free**2 + 2.86 / free**3


def better(new: Sequence[TrialOutcome], old: Sequence[TrialOutcome], *, errors: float = 0.0) -> bool:
    """Tell whether the outcomes of one recipe are significantly better than those of another, on the same seeds.

    Diverging on fewer seeds is better. Otherwise one of two tests must pass. The mean gain in score is above two
    standard errors (t test); or so many seeds gain more than the weight of one example that chance would do it in one
    of 32 cases (sign test: five of five, nine of ten). The second is for a faulty recipe that sometimes trains well:
    its scores scatter so much that hardly any mean is significantly above theirs.

    Args:
        new: outcomes of one recipe, one for each seed.
        old: outcomes of the other on the same seeds.
        errors: number of standard errors that the mean gain must exceed; 0 makes the tests above.

    >>> good, poor, diverged = ([TrialOutcome(*ended)] * 2 for ended in [(None, 0.9), (None, 0.1), (3,)])
    >>> better(good, good), better(poor, diverged)
    (False, True)
    """
    new_diverged = sum(outcome.diverged for outcome in new)
    old_diverged = sum(outcome.diverged for outcome in old)
    if new_diverged != old_diverged:
        return new_diverged < old_diverged
    pairs = [(after, before) for after, before in zip(new, old, strict=True) if not (after.diverged or before.diverged)]
    if len(pairs) < 2:
        return False
    gains = [after.score - before.score for after, before in pairs]
    examples = pairs[0][0].examples
    losses = sum(gain <= 1 / max(1, examples) for gain in gains)
    by_chance = sum(math.comb(len(gains), count) for count in range(losses + 1)) / 2 ** len(gains)
    if not errors and by_chance <= _SIGN_TEST_LEVEL:
        return True
    return statistics.fmean(gains) > (errors or critical_value(len(pairs))) * standard_error(gains, examples)


def by_loss(outcomes: Sequence[TrialOutcome]) -> list[TrialOutcome]:
    """Return the outcomes with minus the logarithm of the validation loss as the score.

    Scores of small splits take few values and often tie; losses do not.

    >>> [round(outcome.score, 2) for outcome in by_loss([TrialOutcome(None, 0.9, 0.1), TrialOutcome(None, 0.9, 2.0)])]
    [2.3, -0.69]
    """
    return [dataclasses.replace(outcome, score=-math.log(max(outcome.loss, 1e-12))) for outcome in outcomes]
