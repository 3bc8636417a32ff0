"""Features: the input of a network's head, and the activations at every depth with linear probes on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.batch import examples_at_once
from trainwell.core.errors import UsageError
from trainwell.core.modes import evaluation_mode

Floats = NDArray[np.float32]

_BLOCK = 256  # largest number of inputs in one forward pass
_SIDE = 4  # feature maps are averaged to this height and width, for thousands of numbers instead of millions
_INPUT_SIDE = 32


@contextmanager
def hooked(handles: list[Any]) -> Iterator[None]:
    """Remove hooks at the end, also after an error."""
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def features(model: nn.Module, inputs: Tensor, *, head: str) -> Tensor:
    """Return the flattened input of the network's head, which serves as a feature vector of the example.

    Args:
        model: the network; its modes are restored.
        inputs: (N, ...) as the network receives them.
        head: path of the module that computes the outputs from the features.
    Returns:
        (N, d) float.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Linear(3, 2))
    >>> features(net, torch.zeros(5, 2, 2), head="2").shape
    torch.Size([5, 3])
    """
    kept: list[Tensor] = []

    def keep(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        kept.append(given[0].detach().flatten(1).float())

    handle = model.get_submodule(head).register_forward_pre_hook(keep)
    with hooked([handle]), evaluation_mode(model), torch.no_grad():
        for block in _blocks(inputs):
            model(block)
    if not kept:
        raise UsageError(f"The network did not call its head {head!r}, so there are no features.")
    return torch.cat(kept)


def depths(model: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Return the features at every depth, from "input" to the input of the last layer, in order of computation.

    A depth is the output of a layer with weights and of everything up to the next one (normalisation, activation
    function, pooling). Feature maps are averaged to 4 x 4 (Alain and Bengio 2016 reduce them as well).

    Args:
        model: the network; its modes are restored.
        inputs: (N, ...) as the network receives them.
    Returns:
        name of the layer to (N, d).

    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 5))
    >>> {name: tuple(found.shape) for name, found in depths(net, torch.zeros(3, 1, 8, 8)).items()}
    {'input': (3, 64), '0': (3, 72)}
    """
    kept: dict[str, list[Tensor]] = {"input": [_small(part, _INPUT_SIDE) for part in _blocks(inputs)]}
    now: list[Any] = ["", None]

    def close() -> None:
        name, value = now
        if name:
            kept.setdefault(name, []).append(_small(value, _SIDE))

    def watch(name: str, weighted: bool) -> Callable[[nn.Module, Any, Any], None]:
        def keep(module: nn.Module, given: Any, output: Any) -> None:
            if weighted:
                close()
                now[0] = name
            if isinstance(output, Tensor):
                now[1] = output.detach()

        return keep

    leaves = [(name, module) for name, module in model.named_modules() if not list(module.children())]
    handles = [m.register_forward_hook(watch(name, _weighted(m))) for name, m in leaves]
    with hooked(handles), evaluation_mode(model), torch.no_grad():
        for block in _blocks(inputs):
            now[:] = ["", None]
            model(block)
    return {name: torch.cat(parts) for name, parts in kept.items()}


def _blocks(inputs: Tensor) -> tuple[Tensor, ...]:
    return torch.split(inputs, examples_at_once(inputs.shape[1:], most=_BLOCK))


def _weighted(module: nn.Module) -> bool:
    return any(parameter.ndim >= 2 for parameter in module.parameters(recurse=False))


def _small(values: Tensor, side: int) -> Tensor:
    if values.ndim == 4 and max(values.shape[2:]) > side:
        values = F.adaptive_avg_pool2d(values, side)
    if values.ndim == 3:  # tokens of a sequence
        values = values.mean(1)
    return values.flatten(1).float()


def linear_probe(train: tuple[Tensor, Tensor], judged: tuple[Tensor, Tensor]) -> float:
    """Return the accuracy of a linear classifier on features: ridge regression to the classes.

    The penalty is chosen by leave-one-out cross-validation on the training features (Golub, Heath, Wahba 1979).

    Args:
        train: (N, d) features and (N,) classes to fit on.
        judged: (M, d) features and (M,) classes to evaluate on.

    >>> points = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    >>> linear_probe((points, (points[:, 0] > 0).long()), (points, (points[:, 0] > 0).long())) > 0.8
    True
    """
    from sklearn.linear_model import RidgeClassifierCV

    mean = train[0].mean(0)
    deviation = train[0].std(0).clamp_min(1e-6)
    x, held = ((part - mean) / deviation for part in (train[0], judged[0]))
    # A feature that hardly varies in training may be large elsewhere: clip it at ten standard deviations.
    probe = RidgeClassifierCV(alphas=np.logspace(-1, 5, 7)).fit(x.numpy(), train[1].numpy())
    return float((probe.predict(held.clamp(-10, 10).numpy()) == judged[1].numpy()).mean())


def frechet(source: Tensor, target: Tensor) -> float:
    """Return the distance between two sets of features, relative to the variance of the source.

    The squared Fréchet distance between the normal distributions fitted to both (Dowson and Landau 1982; Heusel et
    al. 2017), |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), over tr C1, on the principal axes of the source: as many as
    the smaller set allows, at most 64. 0 means equal; 1 is the distance of the source's examples from their mean.

    Args:
        source: (N, d) features of the data the network was trained on.
        target: (M, d) features of the new data.

    >>> one = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    >>> frechet(one, one) < 1e-6, round(frechet(one, one + one.std()), 1)
    (True, 1.0)
    """
    a = source.double()
    b = target.double()
    centre = a.mean(0)
    count = max(1, min(64, a.shape[1], len(a) // 4, len(b) // 4))
    axes = torch.linalg.svd(a - centre, full_matrices=False).Vh[:count].T
    a = (a - centre) @ axes
    b = (b - centre) @ axes
    first, second = (torch.cov(part.T).reshape(count, count) for part in (a, b))
    # tr (C1 C2)^(1/2) from the eigenvalues of the symmetric C1^(1/2) C2 C1^(1/2).
    values, vectors = torch.linalg.eigh(first)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ second @ root).clamp_min(0).sqrt().sum()
    distance = (a.mean(0) - b.mean(0)).square().sum() + first.trace() + second.trace() - 2 * cross
    return float(distance.clamp_min(0) / first.trace().clamp_min(1e-12))


def flat_map(values: Floats, *, method: str = "pca", seed: int = 0) -> Floats:
    """Project features to a plane.

    Args:
        values: (N, d).
        method: "pca" for the first two principal axes, or "tsne" (van der Maaten and Hinton 2008), which keeps
            neighbourhoods.
        seed: random seed of t-SNE.
    Returns:
        (N, 2).

    >>> flat_map(np.eye(4, dtype=np.float32)).shape
    (4, 2)
    """
    centred = values - values.mean(0)
    if method == "tsne":
        from sklearn.manifold import TSNE

        perplexity = min(30.0, max(2.0, (len(values) - 1) / 4))
        mapped: Floats = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(centred)
        return mapped
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(centred @ axes[:2].T, np.float32)
