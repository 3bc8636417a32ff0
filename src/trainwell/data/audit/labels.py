"""Labels that are probably wrong: out-of-sample probabilities of a fast model, and confident learning.

All predictions are out of sample: out-of-bag predictions of a random forest for tables, cross-validation for images
and texts. Its probabilities are calibrated first, because confident learning counts examples above the mean
confidence of each class (Northcutt, Jiang and Chuang, JAIR 2021; docs/references.md, T14).
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import MissingExtraError, UsageError
from trainwell.data.audit.label_network import SMALLEST, by_network
from trainwell.data.examples import Examples
from trainwell.data.values.missing import Array

Float32 = NDArray[np.float32]

_FOLDS = 5
_FEWEST = 2 * _FOLDS  # minimum number of examples of a class for its labels to be checked
_SURE = 0.5  # minimum probability of the suggested label: a weak model among many labels is no evidence
_SUREST = 0.25  # fraction of the examples, most confident first, that separates wrong labels from hard examples
_TREES = 200
_PATCHES = 160  # filters made of patches, as in Coates and Ng 2012
_SIDE = 5  # pixels of a patch
_STRIDE = 2
_PATCH_EPOCHS = 12  # at most
_SEEN = 240_000  # training examples of each fold, over all epochs: more improves little
_BLOCK = 64  # images per block: their features fit into the caches
_LARGEST = 40  # images are downsampled to this side, in pixels


@dataclass(frozen=True)
class Suspect:
    """A label that is probably wrong.

    Args:
        index: index of the example.
        given: the given label.
        suggested: the label it probably should have.
        confidence: out-of-sample probability of the suggested label.
    """

    index: int
    given: str
    suggested: str
    confidence: float


class Judgement(NamedTuple):
    """The out-of-sample check of labels by a model.

    Args:
        suspects: labels that are probably wrong, most suspicious first.
        agreement: fraction of all labels that the model agrees with: how reliable it is.
        contradicted: fraction of labels that it contradicts among the quarter of the examples with the highest
            confidence, minus one standard error. Hard examples are rarely among them, but a quarter of randomly wrong
            labels is, which separates label noise (Fashion-MNIST with 5 % injected: 0.05) from a hard task (0.001).
    """

    suspects: list[Suspect]
    agreement: float
    contradicted: float


def suspicious_labels(examples: Examples, *, judge: str = "fast", seed: int = 0) -> Judgement:
    """Find labels that contradict the rest of the data, most suspicious first.

    Args:
        examples: examples with classes; for others nothing is returned.
        judge: "fast", or "network" for images: about ten minutes, and fewer false suspicions.
        seed: random seed of the model.
    Raises:
        MissingExtraError: if cleanlab is not installed.
        UsageError: if the network is chosen for anything but images of at least 16 x 16 pixels.
    """
    network = judge == "network"
    inputs = examples.inputs
    if network and (not examples.kind.is_spatial or min(inputs.shape[1:3]) < SMALLEST):
        raise UsageError(
            f"--label-model must be 'fast' for {examples.name}, got 'network': it needs images of at least "
            f"{SMALLEST} x {SMALLEST} pixels. Omit the option."
        )
    classes = examples.class_numbers
    if classes is None:
        return Judgement([], 0.0, 0.0)
    counts = np.bincount(classes, minlength=len(examples.labels))
    judged = np.flatnonzero(counts >= _FEWEST)
    rows = np.flatnonzero(np.isin(classes, judged))
    if len(judged) < 2:
        return Judgement([], 0.0, 0.0)
    targets = np.searchsorted(judged, classes[rows])
    if network:
        probabilities = by_network(inputs, rows, targets=targets, seed=seed)
    else:
        probabilities = out_of_sample(examples, rows, targets=targets, seed=seed)
    probabilities = _calibrate(probabilities, targets)
    found = _confident_learning(targets, probabilities)
    names = [examples.labels[number] for number in judged]
    best = probabilities[found].argmax(axis=1)
    suspects = [
        Suspect(int(rows[i]), names[targets[i]], names[guess], float(probabilities[i, guess]))
        for i, guess in zip(found, best, strict=True)
        if guess != targets[i] and probabilities[i, guess] >= _SURE
    ]
    wrong = probabilities.argmax(axis=1) != targets
    surest = wrong[np.argsort(-probabilities.max(axis=1), kind="stable")[: math.ceil(_SUREST * len(rows))]]
    error = math.sqrt(surest.mean() * (1 - surest.mean()) / len(surest))
    return Judgement(suspects, float((~wrong).mean()), max(0.0, float(surest.mean() - error)))


def out_of_sample(examples: Examples, rows: Array, *, targets: Array, seed: int = 0) -> Array:
    """Return (rows, classes) probabilities, each from a model that was not trained on the example."""
    kind = examples.kind
    inputs = examples.inputs
    if (texts := kind.texts(inputs)) is not None:
        return _by_words([" ".join(map(str, texts[row])) for row in rows.tolist()], targets)
    if kind.is_spatial and min(inputs.shape[1:3]) >= 2 * _SIDE:
        return _by_folds(_patch_features(inputs, rows, seed=seed), targets, seed=seed)
    return _by_trees(kind.flat(inputs, rows, name=examples.name), targets, seed=seed)


def _by_trees(inputs: Array, targets: Array, *, seed: int) -> Array:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(_TREES, oob_score=True, min_samples_leaf=2, n_jobs=-1, random_state=seed)
    with (
        warnings.catch_warnings()
    ):  # a row in every bootstrap sample has no out-of-bag estimate; it gets the class frequencies
        warnings.simplefilter("ignore")
        forest.fit(inputs, targets)
    probabilities: Array = np.nan_to_num(forest.oob_decision_function_, nan=0.0)
    unjudged = probabilities.sum(axis=1) == 0
    probabilities[unjudged] = np.bincount(targets) / len(targets)
    return probabilities


def _by_words(texts: list[str], targets: Array) -> Array:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), LogisticRegression(C=4.0))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    found: Array = cross_val_predict(model, texts, targets, cv=folds, method="predict_proba")
    return found


def _patch_features(images: Array, rows: Array, *, seed: int) -> Float32:
    """Describe images by the mean response of whitened random patches in each quarter, (rows, features).

    The single-layer network of Coates, Lee and Ng 2011 with random patches instead of centroids.
    """
    import torch
    from torch.nn import functional as F

    every = -(-max(images.shape[1:3]) // _LARGEST)
    generator = np.random.default_rng(seed)

    def part(numbers: Array) -> Any:
        block = torch.from_numpy(np.ascontiguousarray(images[numbers])).permute(0, 3, 1, 2).float()
        return F.avg_pool2d(block, every) if every > 1 else block

    sample = F.unfold(part(generator.permutation(rows)[:2000]), _SIDE, stride=_STRIDE)
    drawn = sample.permute(0, 2, 1).reshape(-1, sample.shape[1])[::7]
    scale = drawn.std(dim=1, keepdim=True) + 10.0  # grey levels: noise of nearly constant patches must not be amplified
    patches = (drawn - drawn.mean(dim=1, keepdim=True)) / scale
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    whiten = vectors @ torch.diag((values + 0.1).rsqrt()) @ vectors.T
    varied = np.flatnonzero((patches.norm(dim=1) > 0).numpy())
    chosen = patches[torch.from_numpy(generator.permutation(varied)[:_PATCHES])] @ whiten
    filters = (chosen / chosen.norm(dim=1, keepdim=True)) @ whiten
    filters = filters - filters.mean(dim=1, keepdim=True)
    kernel = filters.reshape(len(filters), images.shape[3], _SIDE, _SIDE)
    features = []
    with torch.inference_mode():
        for start in range(0, len(rows), _BLOCK):
            block = part(rows[start : start + _BLOCK])
            mean = F.avg_pool2d(block, _SIDE, _STRIDE).mean(dim=1, keepdim=True)
            square = F.avg_pool2d(block * block, _SIDE, _STRIDE).mean(dim=1, keepdim=True)
            response = F.conv2d(block, kernel, stride=_STRIDE) / ((square - mean**2).clamp_min(0).sqrt() + 10.0)
            both = torch.cat([F.relu(response - 0.25), F.relu(-response - 0.25)], dim=1)
            features.append(F.adaptive_avg_pool2d(both, 2).flatten(1))
    found: Float32 = torch.cat(features).numpy()
    return found


def _by_folds(features: Float32, targets: Array, *, seed: int) -> Array:
    """Return out-of-fold probabilities of a multinomial logistic regression, fitted by Adam."""
    import torch
    from sklearn.model_selection import StratifiedKFold
    from torch import nn

    torch_features = torch.from_numpy(features)
    torch_targets = torch.from_numpy(targets)
    torch_features = (torch_features - torch_features.mean(0)) / (torch_features.std(0) + 1e-6)
    probabilities = np.zeros((len(targets), int(targets.max()) + 1))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    for train, held in folds.split(features, targets):
        model = nn.Linear(features.shape[1], probabilities.shape[1])
        nn.init.zeros_(model.weight)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
        generator = np.random.default_rng(seed)
        size = min(256, max(16, len(train) // 20))
        epochs = max(3, min(_PATCH_EPOCHS, round(_SEEN / len(train))))
        for epoch in range(epochs):
            optimizer.param_groups[0]["lr"] = 2e-3 * (1 - epoch / epochs)
            order = torch.from_numpy(generator.permutation(train))
            for batch in torch.split(order, size):
                loss = nn.functional.cross_entropy(model(torch_features[batch]), torch_targets[batch])
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
        with torch.inference_mode():
            probabilities[held] = model(torch_features[torch.from_numpy(held)]).softmax(dim=1).double().numpy()
    return probabilities


def _calibrate(probabilities: Array, targets: Array) -> Array:
    """Scale by the temperature that makes the given labels most likely (Guo et al. 2017)."""
    from scipy.optimize import minimize_scalar

    logs = np.log(np.clip(probabilities, 1e-4, 1.0))

    def at(temperature: float) -> Array:
        scaled = logs / temperature
        scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        calibrated: Array = scaled / scaled.sum(axis=1, keepdims=True)
        return calibrated

    def loss(log_temperature: float) -> float:
        chosen = at(float(np.exp(log_temperature)))[np.arange(len(targets)), targets]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    best = minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded")
    return at(float(np.exp(best.x)))


def _confident_learning(targets: Array, probabilities: Array) -> Array:
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        raise MissingExtraError("Finding wrong labels", "cleanlab", extra="labels") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: Array = find_label_issues(
            targets,
            probabilities,
            return_indices_ranked_by="self_confidence",
            filter_by="prune_by_noise_rate",
            n_jobs=1,
        )
    return found
