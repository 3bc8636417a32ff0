"""Explain the prediction for an image, and evaluate the classifier as a whole (docs/curriculum.md, L4, L5, L6)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainwell.core.batch import Batch, examples_at_once
from trainwell.core.catalogue import nearest
from trainwell.core.contracts.outputs import main_output
from trainwell.core.errors import DataError, TrainwellError, UsageError
from trainwell.cost import multiply_adds
from trainwell.data import Preparation, read_inputs, split
from trainwell.explain import (
    MAPS,
    Calibration,
    Pixels,
    accuracy_by_strength,
    attack,
    calibration,
    features,
    first_filters,
    flat,
    flat_map,
    grid,
    heat,
    segment,
    top_error,
    volumes,
)
from trainwell.fitting.build import EVALUATION_BATCH
from trainwell.fitting.plan import split_seed
from trainwell.fitting.trained_model import load_model, load_task
from trainwell.inference.probing import draw, prepared, read_again
from trainwell.nn import head_names
from trainwell.runs import Run
from trainwell.tasks import Task

Bytes = NDArray[np.uint8]
STRENGTHS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # in levels of 256, doubled each time
OWN_MAPS = ("gradient", "integrated_gradients", "grad_cam", "occlusion")
_STEPS = 10
_MISTAKES = 12
_EXAMPLES = 300  # to evaluate the network: a standard error below 3 percentage points
# attacked at least, and multiply-adds of one pass of more: about 66 are made
_ATTACKED = 30
_WORK = 8_000_000_000


@dataclass(frozen=True)
class AdversarialExample:
    """An adversarial example for a target class.

    Args:
        toward: the target class.
        strength: maximum change of a pixel, in levels of 256.
        reached: whether the network predicts the target class, for the image rounded to whole levels.
        probability: probability of the target class after the attack.
        before: probability of the target class before the attack.
    """

    toward: str
    strength: float
    reached: bool
    probability: float
    before: float


@dataclass(frozen=True)
class ImageExplanation:
    """The explanation of a prediction for one image.

    Args:
        file: the image; empty for the network alone.
        top_classes: (label, probability) of the five most probable classes, most probable first.
        explained_class: the class of the saliency maps.
        mask_share: fraction of the image covered by the saliency-based object mask; None without an image.
        attacked: the adversarial example; None without an image.
    """

    file: str = ""
    top_classes: tuple[tuple[str, float], ...] = ()
    explained_class: str = ""
    mask_share: float | None = None
    attacked: AdversarialExample | None = None


@dataclass(frozen=True)
class NetworkExplanation:
    """The evaluation of a network on examples that it was not trained on.

    Args:
        split: split of these examples; empty if the data of the run could not be read again.
        errors: "top1" and "top5": fraction of examples whose class is not among the most probable classes.
        calibration: confidence compared with accuracy.
        by_strength: "one step" and "ten steps" to strength to accuracy under attack.
        maps: "pca" and "tsne" to (examples, 2) coordinates of the features.
        classes: label of each of these examples.
        mistakes: descriptions and images of the worst mistakes.
    """

    split: str = ""
    errors: Mapping[str, float] = field(default_factory=dict)
    calibration: Calibration | None = None
    by_strength: Mapping[str, Mapping[float, float]] = field(default_factory=dict)
    maps: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    mistakes: tuple[tuple[str, Bytes], ...] = ()


@dataclass(frozen=True)
class Explanation:
    """The explanation of a classifier, and of its prediction for one image.

    Args:
        run: folder of the run.
        image: the explanation of the image.
        network: the evaluation of the network.
        images: name to (height, width[, 3]) uint8, in display order.
        remarks: what is not shown, and why.
    """

    run: str
    image: ImageExplanation = ImageExplanation()
    network: NetworkExplanation = field(default_factory=NetworkExplanation)
    images: Mapping[str, Bytes] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExplanationRequest:
    """What to explain.

    Args:
        image: file; empty for the network alone.
        about: the class of the saliency maps; empty for the most probable.
        toward: the target class of the attack; empty for the second most probable.
        strength: maximum change of a pixel, in levels of 256.
        maps: names of `trainwell.explain.MAPS`.
    """

    image: str = ""
    about: str = ""
    toward: str = ""
    strength: float = 8.0
    maps: Sequence[str] = OWN_MAPS


@dataclass(frozen=True)
class _ImageClassifier:
    """An image classifier with its preprocessing."""

    run: Run
    model: nn.Module
    task: Task
    preparation: Preparation
    rule: Pixels | None  # maps pixels to inputs, if each channel is prepared separately

    def probabilities(self, inputs: Tensor) -> NDArray[np.float64]:
        with torch.no_grad():
            blocks = torch.split(inputs, examples_at_once(inputs.shape[1:], most=EVALUATION_BATCH))
            found = self.task.predict(torch.cat([main_output(self.model(block)) for block in blocks])).probabilities
        assert found is not None  # classification always has them
        return found


def explain(run: Run, request: ExplanationRequest) -> Explanation:
    """Explain an image classifier, and its prediction for one image if one is given.

    Raises:
        DataError: if the network's inputs are not images, or the file is not an image.
        UsageError: if a class is not among the labels, or a map is unknown.
    """
    recipe, preparation, task = load_task(run)
    if not preparation.kind.is_spatial or not task.has_class_logits:
        raise DataError(
            f"explain needs an image classifier, got {preparation.kind.description} and the task {task.name}."
        )
    about, toward = (_class(name, task.labels) for name in (request.about, request.toward))
    for name in request.maps:
        MAPS[name]  # raises for an unknown name before anything is computed
    affine = preparation.fitted.channel_affine
    rule = Pixels(*(torch.from_numpy(part) for part in affine)) if affine else None
    classifier = _ImageClassifier(run, load_model(run), task, preparation, rule)
    filters = first_filters(classifier.model)
    shown: dict[str, Bytes] = {}
    remarks: list[str] = []
    image = ImageExplanation()
    network = NetworkExplanation()
    if request.image:
        raw, _ = read_inputs(os.fspath(request.image), preparation, recipe=recipe.data)
        if len(raw) != 1:
            raise DataError(f"explain needs one image, got {len(raw):,} in {request.image}. Give a single file.")
        image, unshown = _of_image(
            classifier, np.asarray(raw), request=request, about=about, toward=toward, shown=shown
        )
        remarks += unshown
    if filters:
        shown["first-layer filters"] = grid(filters)
    try:
        network, unshown = _of_network(classifier)
        remarks += unshown
    except TrainwellError as problem:
        remarks.append(f"The network was not evaluated: {problem}")
    return Explanation(str(run.path), image, network=network, images=shown, remarks=tuple(remarks))


def _of_image(
    classifier: _ImageClassifier,
    raw: Bytes,
    *,
    request: ExplanationRequest,
    about: int | None,
    toward: int | None,
    shown: dict[str, Bytes],
) -> tuple[ImageExplanation, list[str]]:
    """Explain one image; return the explanation and remarks, and add the images to `shown`."""
    inputs = torch.from_numpy(classifier.preparation.inputs(raw))
    labels = classifier.task.labels
    image = raw[0]
    probabilities = classifier.probabilities(inputs)[0]
    order = np.argsort(-probabilities, kind="stable")
    chosen = int(order[0]) if about is None else about
    classes = torch.tensor([chosen])
    remarks = []
    shown["image"] = _grey(image)
    strongest = None
    for name in request.maps:
        try:
            strength = flat(MAPS[name](classifier.model, inputs, classes=classes))[0].numpy()
        except UsageError as problem:
            remarks.append(str(problem))
            continue
        shown[name.replace("_", " ")] = heat(image, strength)
        strongest = strength if strongest is None or name == "integrated_gradients" else strongest
    share = None
    if strongest is not None:
        mask = segment(image, strongest)
        share = float(mask.mean())
        shown["mask"] = _cut_out(image, mask)
    attacked = None
    if classifier.rule is not None:
        goal = toward if toward is not None else int(order[1])
        reached, changed = _push(classifier, classifier.rule, raw=raw, goal=goal, strength=request.strength)
        attacked = AdversarialExample(labels[goal], request.strength, *reached, float(probabilities[goal]))
        difference = changed.astype(int) - image
        shown |= {f"adversarial: {labels[goal]}": _grey(changed), "change, amplified": _grey(_enlarged(difference))}
    else:
        remarks.append(f"No adversarial example: data.prepare = {classifier.run.recipe.data.prepare!r} mixes pixels.")
    for name, tiles in volumes(classifier.model, inputs).items():
        shown[f"feature maps of {name}"] = grid(tiles)
    top_classes = tuple((labels[place], float(probabilities[place])) for place in order[:5])
    return ImageExplanation(request.image, top_classes, labels[chosen], mask_share=share, attacked=attacked), remarks


def _push(
    classifier: _ImageClassifier, rule: Pixels, *, raw: Bytes, goal: int, strength: float
) -> tuple[tuple[bool, float], Bytes]:
    pixels = torch.from_numpy(raw).movedim(-1, 1).float()
    target = torch.tensor([goal])
    changed = attack(classifier.model, pixels, classes=target, rule=rule, strength=strength, steps=_STEPS, toward=True)
    image = changed.movedim(1, -1).numpy().astype(np.uint8)
    now = classifier.probabilities(torch.from_numpy(classifier.preparation.inputs(image)))[0]
    return (int(now.argmax()) == goal, float(now[goal])), image[0]


def _of_network(classifier: _ImageClassifier) -> tuple[NetworkExplanation, list[str]]:
    """Evaluate the network on examples that it was not trained on; return the evaluation and remarks."""
    recipe = classifier.run.recipe
    examples = read_again(recipe.data, classifier.run)
    splits = split(examples, recipe.data, seed=split_seed(recipe))
    name = next((name for name in ("validation", "test") if len(getattr(splits, name))), "train")
    rows = draw(getattr(splits, name), recipe.seed, most=_EXAMPLES)
    classes = examples.targets[rows]
    inputs = prepared(examples, rows, preparation=classifier.preparation)
    probabilities = classifier.probabilities(inputs)
    work = multiply_adds(classifier.model, Batch({"inputs": inputs[:1]}))[""]
    few = draw(rows, recipe.seed, most=max(_ATTACKED, _WORK // max(1, work)))
    pixels = torch.from_numpy(np.asarray(examples.inputs[few])).movedim(-1, 1).float()
    truth = torch.from_numpy(examples.targets[few])
    rule = classifier.rule
    remark = f"Accuracy under attack was measured on {len(few)} of the {len(rows)} examples to save time."
    embedded = features(classifier.model, inputs, head=head_names(classifier.model)[-1]).numpy()
    judged = NetworkExplanation(
        split=name,
        errors={f"top{n}": top_error(probabilities, classes, count=n) for n in (1, 5) if n < probabilities.shape[1]},
        calibration=calibration(probabilities, classes),
        by_strength={
            attack_name: accuracy_by_strength(
                classifier.model, pixels, classes=truth, rule=rule, strengths=STRENGTHS, steps=steps
            )
            for attack_name, steps in (("one step", 1), ("ten steps", _STEPS))
            if rule is not None
        },
        maps={method: flat_map(embedded, method=method) for method in ("pca", "tsne")},
        classes=tuple(examples.labels[number] for number in classes),
        mistakes=_mistakes(np.asarray(examples.inputs[rows]), probabilities, classes=classes, labels=examples.labels),
    )
    return judged, [remark] if rule is not None and len(few) < len(rows) else []


def _mistakes(
    images: Bytes, probabilities: NDArray[np.float64], *, classes: NDArray[np.int64], labels: Sequence[str]
) -> tuple[tuple[str, Bytes], ...]:
    """Return the misclassified images with the lowest probability of the true class, worst first, and descriptions."""
    given = probabilities[np.arange(len(classes)), classes]
    predicted = probabilities.argmax(axis=1)
    wrong = [int(place) for place in np.argsort(given, kind="stable") if predicted[place] != classes[place]]
    return tuple(
        (f"{labels[predicted[place]]} instead of {labels[classes[place]]}", _grey(images[place]))
        for place in wrong[:_MISTAKES]
    )


def _class(name: str, labels: Sequence[str]) -> int | None:
    """Return the index of a class; None where no name is given."""
    if not name:
        return None
    if name not in labels:
        guess = nearest(name, labels)
        hint = f" Did you mean {guess!r}?" if guess else ""
        few = ", ".join(labels[:20]) + (f" and {len(labels) - 20} more" if len(labels) > 20 else "")
        raise UsageError(f"The class must be one of the labels, got {name!r}.{hint} Labels: {few}.")
    return labels.index(name)


def _grey(image: Bytes) -> Bytes:
    return image[..., 0] if image.shape[2] == 1 else image


def _enlarged(difference: NDArray[Any]) -> Bytes:
    """Scale a change to the full range around mid-grey."""
    most = max(1, int(np.abs(difference).max()))
    shown: Bytes = np.rint(128 + difference * (127 / most)).astype(np.uint8)
    return shown


def _cut_out(image: Bytes, mask: NDArray[np.bool_]) -> Bytes:
    """Fade the background of the object to white."""
    faint = 255 - (255 - image.astype(float)) * 0.15
    shown: Bytes = np.where(mask[..., np.newaxis], image, faint).astype(np.uint8)
    return _grey(shown)
