"""Image retrieval by the features of a network (docs/curriculum.md, A12)."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch

from trainwell.core.errors import DataError
from trainwell.data import read_inputs
from trainwell.explain import features, nearest, precision_at, precision_of_set
from trainwell.fitting.trained_model import load_model, load_task
from trainwell.nn import head_names
from trainwell.runs import Run


@dataclass(frozen=True)
class Neighbour:
    """An image of the gallery: its name, its sub-folder's name, and the distance of its features from the query's."""

    id: str
    label: str
    distance: float


@dataclass(frozen=True)
class Similar:
    """The nearest neighbours of an image.

    Args:
        run: the network's run.
        image: the query.
        gallery: folder of the gallery.
        size: number of compared images.
        neighbours: nearest first, without the query itself.
        precision: fraction of them with the class of the query, where sub-folders give both classes; else None.
        precision_of_gallery: mean precision with each image of the gallery as query, at most 1,000; None without
            classes.
    """

    run: str
    image: str
    gallery: str
    size: int
    neighbours: tuple[Neighbour, ...]
    precision: float | None
    precision_of_gallery: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the neighbours as `similar --json` prints them."""
        return dataclasses.asdict(self)


def similar(run: Run, image: str, *, gallery: str, count: int = 10) -> Similar:
    """Find the images whose features before the head are nearest to those of one image (exact search).

    Args:
        run: a finished run on images.
        image: file of the query.
        gallery: a folder of images; names of sub-folders are classes.
        count: number of neighbours, for precision@count.
    Raises:
        DataError: if there are no images to compare.
    """
    recipe, preparation, _ = load_task(run)
    model = load_model(run)
    asked, _ = read_inputs(image, preparation, recipe=recipe.data)
    raw, ids = read_inputs(gallery, preparation, recipe=recipe.data)
    if not preparation.kind.is_spatial or len(asked) != 1:
        raise DataError(f"similar needs one image and a folder of images, got {image} and {gallery}.")
    head = head_names(model)[-1]
    query, signatures = (
        features(model, torch.from_numpy(preparation.inputs(np.asarray(part))), head=head) for part in (asked, raw)
    )
    here = Path(image).resolve()
    root = Path(gallery).resolve()
    own = [place for place, name in enumerate(ids) if (root / name).resolve() == here]
    distances, places = nearest(query, signatures, count=count + len(own))
    kept = [(d, p) for d, p in zip(distances[0].tolist(), places[0].tolist(), strict=True) if p not in own][:count]
    labels = [PurePosixPath(name).parent.name for name in ids]
    classes = sorted(set(labels))
    wanted = labels[own[0]] if own else here.parent.name
    precision = everywhere = None
    if len(classes) > 1 and max(Counter(labels).values()) > 1:
        numbers = torch.tensor([classes.index(label) for label in labels])
        everywhere = precision_of_set(signatures, numbers, count=min(count, len(ids) - 1))
        if wanted in classes and kept:
            found = torch.tensor([[place for _, place in kept]])
            precision = precision_at(found, numbers, wanted=torch.tensor([classes.index(wanted)]))
    neighbours = tuple(Neighbour(ids[place], labels[place], distance) for distance, place in kept)
    return Similar(str(run.path), image, gallery, len(ids), neighbours, precision, everywhere)
