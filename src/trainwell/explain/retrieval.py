"""What looks alike to a network: nearest neighbours in its feature space (curriculum A12)."""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.errors import ShapeError

_BLOCK = 8_192  # of the gallery, compared at once
_ASKED = 1_000  # a standard error below 2 percentage points; asking all takes hours for large galleries
_LARGE = 200_000  # from here on faiss is worth its start, where it is installed


def nearest(queries: Tensor, gallery: Tensor, *, count: int) -> tuple[Tensor, Tensor]:
    """Return the nearest signatures of a gallery by Euclidean distance, exactly, block by block.

    Args:
        queries: (n, d).
        gallery: (N, d).
        count: neighbours of each query, at most N.
    Returns:
        distances (n, k), ascending, and places (n, k) in the gallery; among equals the earlier comes first.
    Raises:
        ShapeError: if the signatures differ in length.

    >>> distances, places = nearest(torch.tensor([[0.0]]), torch.tensor([[3.0], [1.0]]), count=2)
    >>> distances.tolist(), places.tolist()
    ([[1.0, 3.0]], [[1, 0]])
    """
    if queries.shape[1:] != gallery.shape[1:]:
        raise ShapeError(f"Signatures must have equal length, got {tuple(queries.shape)} and {tuple(gallery.shape)}.")
    count = min(count, len(gallery))
    if len(gallery) >= _LARGE and (found := _by_faiss(queries, gallery, count)):
        return found
    best = queries.new_full((len(queries), 0), torch.inf)
    places = torch.zeros((len(queries), 0), dtype=torch.long)
    for start in range(0, len(gallery), _BLOCK):
        block = gallery[start : start + _BLOCK]
        apart = torch.cdist(queries, block, compute_mode="donot_use_mm_for_euclid_dist")
        best = torch.cat([best, apart], dim=1)
        places = torch.cat([places, torch.arange(start, start + len(block)).expand(len(queries), -1)], dim=1)
        best, order = best.sort(dim=1, stable=True)
        best, places = best[:, :count], places.gather(1, order[:, :count])
    return best, places


def _by_faiss(queries: Tensor, gallery: Tensor, count: int) -> tuple[Tensor, Tensor] | None:
    try:
        import faiss
    except ImportError:
        return None
    index = faiss.IndexFlatL2(gallery.shape[1])
    index.add(gallery.numpy())
    squares, places = index.search(queries.numpy(), count)
    return torch.from_numpy(squares).clamp_min(0).sqrt(), torch.from_numpy(places)


def precision_at(places: Tensor, classes: Tensor, *, wanted: Tensor) -> float:
    """Return the share of neighbours that have the class of their query, precision@k.

    Args:
        places: (n, k) places in the gallery.
        classes: (N,) class of each picture of the gallery.
        wanted: (n,) class of each query.

    >>> precision_at(torch.tensor([[0, 1]]), torch.tensor([5, 6]), wanted=torch.tensor([5]))
    0.5
    """
    return (classes[places] == wanted[:, None]).float().mean().item()


def precision_of_set(signatures: Tensor, classes: Tensor, *, count: int) -> float:
    """Return precision@k of a whole set: its examples, at most 1,000, are asked and left out of their own answers.

    Args:
        signatures: (N, d).
        classes: (N,).
        count: neighbours of each example.
    """
    kept = []
    asked = torch.arange(0, len(signatures), max(1, -(-len(signatures) // _ASKED)))
    for block in torch.split(asked, 256):
        _, places = nearest(signatures[block], signatures, count=count + 1)
        own = places == block[:, None]
        own[:, -1] |= ~own.any(1)  # an equal one may have come first: then the last neighbour is left out
        kept.append(places[~own].reshape(len(block), -1))
    return precision_at(torch.cat(kept), classes, wanted=classes[asked])
