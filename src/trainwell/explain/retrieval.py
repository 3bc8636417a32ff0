"""Similarity search: nearest neighbours in the feature space of a network."""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.errors import ShapeError

_BLOCK = 8_192  # examples of the gallery that are compared at once
_MOST_QUERIES = 1_000  # a standard error below 2 percentage points; using all takes hours for large galleries
_LARGE = 200_000  # size of a gallery from which faiss is used, if it is installed


def nearest(queries: Tensor, gallery: Tensor, *, count: int) -> tuple[Tensor, Tensor]:
    """Return the nearest feature vectors of a gallery by Euclidean distance, exactly, block by block.

    Args:
        queries: (n, d).
        gallery: (N, d).
        count: neighbours of each query, at most N.
    Returns:
        distances (n, k), ascending, and indices (n, k) in the gallery; of equal ones the earlier comes first.
    Raises:
        ShapeError: if the feature vectors differ in length.

    >>> distances, places = nearest(torch.tensor([[0.0]]), torch.tensor([[3.0], [1.0]]), count=2)
    >>> distances.tolist(), places.tolist()
    ([[1.0, 3.0]], [[1, 0]])
    """
    if queries.shape[1:] != gallery.shape[1:]:
        raise ShapeError(
            f"Feature vectors must have equal length, got {tuple(queries.shape)} and {tuple(gallery.shape)}."
        )
    count = min(count, len(gallery))
    if len(gallery) >= _LARGE and (found := _by_faiss(queries, gallery, count=count)):
        return found
    best = queries.new_full((len(queries), 0), torch.inf)
    places = torch.zeros((len(queries), 0), dtype=torch.long)
    for start in range(0, len(gallery), _BLOCK):
        block = gallery[start : start + _BLOCK]
        distances = torch.cdist(queries, block, compute_mode="donot_use_mm_for_euclid_dist")
        best = torch.cat([best, distances], dim=1)
        places = torch.cat([places, torch.arange(start, start + len(block)).expand(len(queries), -1)], dim=1)
        best, order = best.sort(dim=1, stable=True)
        best = best[:, :count]
        places = places.gather(1, order[:, :count])
    return best, places


def _by_faiss(queries: Tensor, gallery: Tensor, *, count: int) -> tuple[Tensor, Tensor] | None:
    try:
        import faiss
    except ImportError:
        return None
    index = faiss.IndexFlatL2(gallery.shape[1])
    index.add(gallery.numpy())
    squares, places = index.search(queries.numpy(), count)
    return torch.from_numpy(squares).clamp_min(0).sqrt(), torch.from_numpy(places)


def precision_at(places: Tensor, classes: Tensor, *, wanted: Tensor) -> float:
    """Return precision@k: the fraction of neighbours that have the class of their query.

    Args:
        places: (n, k) indices in the gallery.
        classes: (N,) class of each example of the gallery.
        wanted: (n,) class of each query.

    >>> precision_at(torch.tensor([[0, 1]]), torch.tensor([5, 6]), wanted=torch.tensor([5]))
    0.5
    """
    return (classes[places] == wanted[:, None]).float().mean().item()


def precision_of_set(vectors: Tensor, classes: Tensor, *, count: int) -> float:
    """Return precision@k within a set: at most 1,000 of its examples are queries, which do not find themselves.

    Args:
        vectors: (N, d).
        classes: (N,).
        count: neighbours of each example.
    """
    kept = []
    queries = torch.arange(0, len(vectors), max(1, -(-len(vectors) // _MOST_QUERIES)))
    for block in torch.split(queries, 256):
        _, places = nearest(vectors[block], vectors, count=count + 1)
        own = places == block[:, None]
        own[:, -1] |= ~own.any(1)  # an equal example may come first: then the last neighbour is left out
        kept.append(places[~own].reshape(len(block), -1))
    return precision_at(torch.cat(kept), classes, wanted=classes[queries])
