"""Nearest neighbours (docs/curriculum.md, A12)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainwell.core.errors import ShapeError
from trainwell.explain import nearest, precision_of_set, retrieval


@pytest.mark.parametrize("block", [3, 7, 1000])
def test_blocks_change_nothing(monkeypatch, block) -> None:
    from sklearn.neighbors import NearestNeighbors

    monkeypatch.setattr(retrieval, "_BLOCK", block)
    rng = np.random.default_rng(0)
    gallery, queries = rng.normal(size=(50, 4)).astype(np.float32), rng.normal(size=(6, 4)).astype(np.float32)
    distances, places = nearest(torch.from_numpy(queries), torch.from_numpy(gallery), count=9)
    reference, expected = NearestNeighbors(n_neighbors=9).fit(gallery).kneighbors(queries)
    assert (places.numpy() == expected).all()
    assert distances.numpy() == pytest.approx(reference, abs=1e-5)


def test_faiss_finds_the_same(monkeypatch) -> None:
    pytest.importorskip("faiss")
    gallery, queries = torch.randn(200, 8), torch.randn(5, 8)
    exact = nearest(queries, gallery, count=4)
    monkeypatch.setattr(retrieval, "_LARGE", 100)
    fast = nearest(queries, gallery, count=4)
    assert torch.equal(exact[1], fast[1])
    assert torch.allclose(exact[0], fast[0], atol=1e-4)


def test_precision_leaves_the_query_out_even_among_equals() -> None:
    signatures = torch.tensor([[0.0], [0.0], [0.1], [9.0], [9.0], [9.1]])
    classes = torch.tensor([0, 0, 0, 1, 1, 1])
    assert precision_of_set(signatures, classes, count=2) == 1.0
    assert precision_of_set(signatures, torch.tensor([0, 1, 2, 3, 4, 5]), count=2) == 0.0
    assert precision_of_set(torch.zeros(6, 1), torch.arange(6), count=1) == 0.0


def test_of_a_large_set_few_are_asked() -> None:
    places = torch.arange(2_001)
    assert precision_of_set(places[:, None].float(), (places % 3 != 0).long(), count=2) == 0.0, "every third is asked"


def test_signatures_of_other_lengths_are_refused() -> None:
    with pytest.raises(ShapeError, match="equal length"):
        nearest(torch.zeros(1, 2), torch.zeros(1, 3), count=1)
