"""docs/curriculum.md, A4."""

from __future__ import annotations

import itertools

import torch

from trainwell.lab.many_classes import votes


def test_every_pair_gives_one_vote_and_a_clear_winner_gets_all_of_its_own() -> None:
    pairs = torch.tensor(list(itertools.combinations(range(5), 2)))
    strength = torch.tensor([[1.0, 4.0, 2.0, 5.0, 3.0]])
    counted = votes(strength[:, pairs[:, 0]] - strength[:, pairs[:, 1]], pairs, classes=5)
    assert counted.tolist() == [[0, 3, 1, 4, 2]]
