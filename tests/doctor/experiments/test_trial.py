"""Trials: the same training as fit's, in memory, with the test split sealed."""

from __future__ import annotations

import math

import pytest

import trainwell as tw
from trainwell.doctor.experiments.trial import TrialOutcome, loses_to_linear, reseeded, trial
from trainwell.fitting import gather, plan
from trainwell.recipe import edit


def plan_of(source: str, **edits: object):
    return plan(gather(source, {key.replace("__", "."): value for key, value in edits.items()}))


def test_a_trial_is_what_fit_would_do(tmp_path) -> None:
    one = plan_of("digits", train__epochs=3)
    outcome = trial(one, one.recipe, epochs=3)
    run = tw.fit("digits", epochs=3, runs=tmp_path)
    assert outcome.score == run.scores["validation"]["accuracy"]
    assert outcome.loss == pytest.approx(run.scores["validation"]["loss"], rel=1e-6)
    assert (outcome.score_name, outcome.examples, outcome.epochs) == ("accuracy", 270, 3)


@pytest.mark.parametrize("source", ["iris", "diabetes"])
def test_another_seed_draws_other_examples_to_choose_on_but_never_the_sealed_ones(source) -> None:
    one = plan_of(source)
    sealed = set(one.splits.test.tolist())
    for seed in (1, 2):
        other = reseeded(one, seed)
        assert set(other.splits.test.tolist()) == sealed
        assert not sealed & {*other.splits.train.tolist(), *other.splits.validation.tolist()}
        assert set(other.splits.validation.tolist()) != set(one.splits.validation.tolist())
    assert reseeded(one, one.recipe.seed) is one


def test_without_a_test_split_none_is_drawn() -> None:
    other = reseeded(plan_of("iris", data__test=0.0), 1)
    assert len(other.splits.test) == 0 and len(other.splits.train) + len(other.splits.validation) == 150


def test_a_run_that_breaks_says_when_and_what_rules_say() -> None:
    one = plan_of("iris", optim__name="sgd", optim__learning_rate=1e20)
    outcome = trial(one, one.recipe, epochs=3)
    assert outcome.diverged and outcome.diverged_at >= 1
    assert any("lower_rate" in finding.remedies for finding in outcome.findings)


def test_a_recipe_that_cannot_be_built_is_the_worst_outcome() -> None:
    one = plan_of("digits")
    outcome = trial(one, edit(one.recipe, {"nn.model": "lenet5"}), epochs=1)
    assert outcome.diverged_at == -1 and outcome.rank < TrialOutcome(0).rank


def test_nan_never_wins() -> None:
    order = [
        TrialOutcome(-1),
        TrialOutcome(3),
        TrialOutcome(40),
        TrialOutcome(None, math.nan),
        TrialOutcome(None, 0.1, math.nan),
    ]
    order += [TrialOutcome(None, 0.1, 9.0), TrialOutcome(None, 0.1, 2.0), TrialOutcome(None, 0.9, 5.0)]
    assert sorted(reversed(order), key=lambda outcome: outcome.rank) == order


def test_a_network_that_loses_to_a_line_is_noticed() -> None:
    one = plan_of("digits", train__epochs=8)
    assert loses_to_linear(one, trial(one, one.recipe, epochs=8)) is None
    finding = loses_to_linear(one, TrialOutcome(None, 0.5, 1.0, score_name="accuracy", examples=270))
    assert finding is not None and finding.evidence["linear_score"] > 0.9
    assert loses_to_linear(one, TrialOutcome(3, score_name="accuracy", examples=270)) is not None
    table = plan_of("diabetes")
    assert loses_to_linear(table, TrialOutcome(None, -0.5, 1.0, score_name="r2", examples=66)) is not None
