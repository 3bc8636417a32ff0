"""Unsupervised pre-training: an autoencoder whose encoder is the network without its head (docs/curriculum.md, A20).

Vincent, Larochelle, Bengio, Manzagol 2008: a denoising autoencoder, which reconstructs inputs of which a fraction was
set to zero, learns dependencies between inputs, and so features for a classifier with few labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.contracts.protocols import Batches
from trainwell.core.seeds import derive
from trainwell.data import Examples
from trainwell.nn import head_names, initialise
from trainwell.recipe import Recipe
from trainwell.train.checkpoint import load_checkpoint, save_checkpoint

_RATE = 1e-3  # Kingma and Ba 2015: Adam's default
_HIDDEN = 256  # units of the decoder, which is discarded


def labelled(examples: Examples, rows: NDArray[np.int64], *, recipe: Recipe) -> NDArray[np.int64]:
    """Draw the training examples whose labels are used, sorted: the fraction `transfer.labelled` of each class.

    Args:
        examples: all examples.
        rows: indices of the training examples.
        recipe: `transfer.labelled` and `seed` are read; at least one example per class is kept, and two in total.
    """
    if recipe.transfer.labelled == 1:
        return rows
    generator = np.random.default_rng(derive(recipe.seed, "labelled"))
    order = generator.permutation(rows)
    classes = examples.class_numbers
    groups = [order] if classes is None else [order[classes[order] == c] for c in np.unique(classes[rows])]
    kept = [group[: max(1, round(recipe.transfer.labelled * len(group)))] for group in groups]
    chosen = np.concatenate(kept)
    return np.sort(chosen if len(chosen) > 1 else order[:2])


def pretrain(
    model: nn.Module, batches: Batches, *, recipe: Recipe, folder: Path, device: torch.device, check: Callable[[], None]
) -> list[float]:
    """Train the network without its head as the encoder of an autoencoder, in place; its head does not change.

    Every epoch ends with a checkpoint and depends only on its number and on its initial weights: an interrupted
    pre-training resumes exactly.

    Args:
        model: the network, on its device.
        batches: all training inputs, labelled or not; their order depends on the epoch only.
        recipe: `transfer.pretrain`, `pretrain_epochs`, `noise` and `seed` are read.
        folder: folder of the checkpoints, whose parent exists; pre-training resumes from an existing one.
        device: the device to train on.
        check: called before each step; raises to stop.
    Returns:
        the mean squared error of each epoch, relative to the mean square of the inputs.
    """
    transfer = recipe.transfer
    noise = transfer.noise if transfer.pretrain == "denoising" else 0.0
    path = head_names(model)[-1]
    owner, _, name = path.rpartition(".")
    head = model.get_submodule(path)
    setattr(model.get_submodule(owner), name, nn.Identity())
    try:
        first = next(iter(batches.epoch(0))).inputs[:2].to(device)
        decoder = _decoder(model, first, seed=derive(recipe.seed, "decoder")).to(device)
        optimizer = torch.optim.Adam([*model.parameters(), *decoder.parameters()], lr=_RATE)
        parts: dict[str, Any] = {"model": model, "decoder": decoder, "optim": optimizer}
        losses = _restore(folder, parts)
        for epoch in range(len(losses), transfer.pretrain_epochs):
            error = power = 0.0
            for step, batch in enumerate(batches.epoch(epoch)):
                check()
                torch.default_generator.manual_seed(derive(recipe.seed, "pretrain", epoch=epoch, step=step))
                inputs = batch.inputs.to(device)
                loss = F.mse_loss(decoder(model(_blank(inputs, noise)).flatten(1)), inputs.flatten(1))
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                error += loss.item() * len(batch)
                power += inputs.square().mean().item() * len(batch)
            losses.append(error / power if power else 0.0)
            states = {name: part.state_dict() for name, part in parts.items()}
            save_checkpoint(folder, states | {"state": {"losses": losses}}, step=epoch + 1)
    finally:
        setattr(model.get_submodule(owner), name, head)
    return losses


def _restore(folder: Path, parts: dict[str, Any]) -> list[float]:
    """Load the newest checkpoint into network, decoder and optimizer, and return the errors so far."""
    folder.mkdir(exist_ok=True)
    if not any(folder.glob("step-*")):
        return []
    found = load_checkpoint(folder).parts
    for name, part in parts.items():
        part.load_state_dict(found[name])
    losses: list[float] = found["state"]["losses"]
    return losses


def _decoder(model: nn.Module, inputs: Tensor, *, seed: int) -> nn.Module:
    """Build two layers from features to inputs."""
    with torch.no_grad():
        features = model(inputs).flatten(1).shape[1]
    built = nn.Sequential(nn.Linear(features, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, math.prod(inputs.shape[1:])))
    initialise(built, "he_normal", seed=seed)
    return built


def _blank(inputs: Tensor, share: float) -> Tensor:
    """Set a fraction of the inputs to 0, which is their mean if they are standardised."""
    return inputs * (torch.rand_like(inputs) >= share) if share else inputs
