"""Copies across splits and shuffled labels."""

from __future__ import annotations

import pytest
import torch

from trainwell.doctor.preflight.data import data_audit, labels_fit_inputs


def test_an_example_that_stands_in_two_splits_is_found(subject, data) -> None:
    assert data_audit(subject()).findings == ()
    inputs, targets = data
    twice = torch.cat([inputs, inputs]), torch.cat([targets, targets])
    result = data_audit(subject(source=twice))
    assert [finding.rule for finding in result.findings] == ["duplicates_across_splits"]
    assert result.measured == 1


@pytest.mark.parametrize("source", ["iris", "digits", "breast-cancer", "diabetes"])
def test_labels_of_real_data_belong_to_their_inputs(subject, source) -> None:
    result = labels_fit_inputs(subject(source=source))
    assert result.measured > 3 and result.findings == ()


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_labels_are_noticed(subject, data, seed) -> None:
    inputs, targets = data
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    result = labels_fit_inputs(subject(source=(inputs, targets[order])))
    assert [finding.rule for finding in result.findings] == ["labels_unrelated_to_inputs"]


def test_a_rule_no_line_can_follow_is_still_a_rule(subject) -> None:
    """Exclusive or: a linear model sees nothing, the nearest neighbour does."""
    inputs = torch.randn(600, 2, generator=torch.Generator().manual_seed(0))
    assert labels_fit_inputs(subject(source=(inputs, (inputs.prod(dim=1) > 0).long()))).measured > 10
