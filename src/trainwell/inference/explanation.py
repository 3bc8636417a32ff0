"""Look inside a trained network: why it says what it says of an image, and how it does as a whole (L4, L5, L6)."""

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
STRENGTHS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # levels of 256, doubled each time
OWN_MAPS = ("gradient", "integrated_gradients", "grad_cam", "occlusion")
_STEPS = 10
_MISTAKES = 12
_EXAMPLES = 300  # looked at to judge the network as a whole: a standard error below 3 percentage points
# attacked at least, and multiply-adds of one pass of more: about 66 are made
_ATTACKED = 30
_WORK = 8_000_000_000


@dataclass(frozen=True)
class Attacked:
    """An image pushed to a chosen class.

    Args:
        toward: the class.
        strength: largest change of a pixel, in levels of 256.
        reached: whether the network now says so, of the image rounded to whole levels.
        probability: what it gives the class now.
        before: what it gave it before.
    """

    toward: str
    strength: float
    reached: bool
    probability: float
    before: float


@dataclass(frozen=True)
class ImageExplanation:
    """What a network predicts for one image, in numbers.

    Args:
        file: the image; empty for the network alone.
        guesses: (label, probability) of the likeliest five classes, best first.
        asked: the class the maps are about.
        mask_share: share of the image that the saliency-based mask takes for the object; None without an image.
        attacked: the adversarial image; None without an image.
    """

    file: str = ""
    guesses: tuple[tuple[str, float], ...] = ()
    asked: str = ""
    mask_share: float | None = None
    attacked: Attacked | None = None


@dataclass(frozen=True)
class NetworkExplanation:
    """How a network does on examples that it was not trained on.

    Args:
        split: which examples judged the network; empty if its data could not be read again.
        errors: "top1" and "top5": share of examples whose class is not among the first guesses.
        calibration: whether it is as right as it is sure.
        by_strength: "one step" and "ten steps" to strength to accuracy under attack.
        maps: "pca" and "tsne" to (examples, 2) places of the features.
        classes: label of each of these examples.
        mistakes: what was said of the worst mistakes, with their images.
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
    """What there is to see of a network, and of one image it looks at.

    Args:
        run: folder of the run.
        image: the prediction for the image, in numbers.
        network: the network as a whole.
        images: name to (height, width[, 3]) uint8, in the order in which they are best looked at.
        remarks: what could not be shown, and why.
    """

    run: str
    image: ImageExplanation = ImageExplanation()
    network: NetworkExplanation = field(default_factory=NetworkExplanation)
    images: Mapping[str, Bytes] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What a user wants explained.

    Args:
        image: file; empty for the network alone.
        about: the class the maps are about; empty for the likeliest.
        toward: the class an attack leads to; empty for the second likeliest.
        strength: largest change of a pixel, in levels of 256.
        maps: names of `trainwell.explain.MAPS`.
    """

    image: str = ""
    about: str = ""
    toward: str = ""
    strength: float = 8.0
    maps: Sequence[str] = OWN_MAPS


@dataclass(frozen=True)
class _Eye:
    """A network with what it takes to look at an image."""

    run: Run
    model: nn.Module
    task: Task
    preparation: Preparation
    rule: Pixels | None  # how pixels become inputs, where each channel is prepared by itself

    def probabilities(self, inputs: Tensor) -> NDArray[np.float64]:
        with torch.no_grad():
            blocks = torch.split(inputs, examples_at_once(inputs.shape[1:], most=EVALUATION_BATCH))
            found = self.task.predict(torch.cat([main_output(self.model(block)) for block in blocks])).probabilities
        assert found is not None  # classification always has them
        return found


def explain(run: Run, asked: Asked) -> Explanation:
    """Explain a network that classifies images, and one image if there is one.

    Raises:
        DataError: if the network's inputs are no images or the file is none.
        UsageError: if a class is not among the labels, or a map is not known.
    """
    recipe, preparation, task = load_task(run)
    if not preparation.kind.is_spatial or not task.has_class_logits:
        raise DataError(
            f"explain needs a network that classifies images, got {preparation.kind.description} and the task "
            f"{task.name}."
        )
    about, toward = (_class(name, task.labels) for name in (asked.about, asked.toward))
    for name in asked.maps:
        MAPS[name]  # a name nobody knows is refused before anything is computed
    affine = preparation.fitted.channel_affine
    rule = Pixels(*(torch.from_numpy(part) for part in affine)) if affine else None
    eye = _Eye(run, load_model(run), task, preparation, rule)
    filters = first_filters(eye.model)
    shown: dict[str, Bytes] = {}
    remarks: list[str] = []
    image = ImageExplanation()
    network = NetworkExplanation()
    if asked.image:
        raw, _ = read_inputs(os.fspath(asked.image), preparation, recipe=recipe.data)
        if len(raw) != 1:
            raise DataError(f"explain looks at one image, got {len(raw):,} in {asked.image}. Name a single file.")
        image, unseen = _of_image(eye, np.asarray(raw), asked=asked, about=about, toward=toward, shown=shown)
        remarks += unseen
    if filters:
        shown["first-layer filters"] = grid(filters)
    try:
        network, unseen = _of_network(eye)
        remarks += unseen
    except TrainwellError as problem:
        remarks.append(f"The network as a whole is not judged: {problem}")
    return Explanation(str(run.path), image, network=network, images=shown, remarks=tuple(remarks))


def _of_image(
    eye: _Eye, raw: Bytes, *, asked: Asked, about: int | None, toward: int | None, shown: dict[str, Bytes]
) -> tuple[ImageExplanation, list[str]]:
    """Explain one image; return the numbers and what could not be shown, and add the images to `shown`."""
    inputs = torch.from_numpy(eye.preparation.inputs(raw))
    labels = eye.task.labels
    image = raw[0]
    probabilities = eye.probabilities(inputs)[0]
    order = np.argsort(-probabilities, kind="stable")
    chosen = int(order[0]) if about is None else about
    classes = torch.tensor([chosen])
    remarks = []
    shown["image"] = _grey(image)
    strongest = None
    for name in asked.maps:
        try:
            strength = flat(MAPS[name](eye.model, inputs, classes=classes))[0].numpy()
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
    if eye.rule is not None:
        goal = toward if toward is not None else int(order[1])
        reached, changed = _push(eye, eye.rule, raw=raw, goal=goal, strength=asked.strength)
        attacked = Attacked(labels[goal], asked.strength, *reached, float(probabilities[goal]))
        difference = changed.astype(int) - image
        shown |= {f"pushed to {labels[goal]}": _grey(changed), "change, enlarged": _grey(_enlarged(difference))}
    else:
        remarks.append(f"No attack: data.prepare = {eye.run.recipe.data.prepare!r} mixes pixels.")
    for name, tiles in volumes(eye.model, inputs).items():
        shown[f"feature maps of {name}"] = grid(tiles)
    guesses = tuple((labels[place], float(probabilities[place])) for place in order[:5])
    return ImageExplanation(asked.image, guesses, labels[chosen], mask_share=share, attacked=attacked), remarks


def _push(eye: _Eye, rule: Pixels, *, raw: Bytes, goal: int, strength: float) -> tuple[tuple[bool, float], Bytes]:
    pixels = torch.from_numpy(raw).movedim(-1, 1).float()
    target = torch.tensor([goal])
    changed = attack(eye.model, pixels, classes=target, rule=rule, strength=strength, steps=_STEPS, toward=True)
    image = changed.movedim(1, -1).numpy().astype(np.uint8)
    now = eye.probabilities(torch.from_numpy(eye.preparation.inputs(image)))[0]
    return (int(now.argmax()) == goal, float(now[goal])), image[0]


def _of_network(eye: _Eye) -> tuple[NetworkExplanation, list[str]]:
    """Judge the network on examples that it was not trained on; return the judgement and its limits."""
    recipe = eye.run.recipe
    examples = read_again(recipe.data, eye.run)
    splits = split(examples, recipe.data, seed=split_seed(recipe))
    name = next((name for name in ("validation", "test") if len(getattr(splits, name))), "train")
    rows = draw(getattr(splits, name), recipe.seed, most=_EXAMPLES)
    classes = examples.targets[rows]
    inputs = prepared(examples, rows, preparation=eye.preparation)
    probabilities = eye.probabilities(inputs)
    work = multiply_adds(eye.model, Batch({"inputs": inputs[:1]}))[""]
    few = draw(rows, recipe.seed, most=max(_ATTACKED, _WORK // max(1, work)))
    pixels = torch.from_numpy(np.asarray(examples.inputs[few])).movedim(-1, 1).float()
    truth = torch.from_numpy(examples.targets[few])
    rule = eye.rule
    said = f"Accuracy under attack is of {len(few)} of the {len(rows)} examples, for each takes this network long."
    signatures = features(eye.model, inputs, head=head_names(eye.model)[-1]).numpy()
    judged = NetworkExplanation(
        split=name,
        errors={f"top{n}": top_error(probabilities, classes, count=n) for n in (1, 5) if n < probabilities.shape[1]},
        calibration=calibration(probabilities, classes),
        by_strength={
            said: accuracy_by_strength(eye.model, pixels, classes=truth, rule=rule, strengths=STRENGTHS, steps=steps)
            for said, steps in (("one step", 1), ("ten steps", _STEPS))
            if rule is not None
        },
        maps={method: flat_map(signatures, method=method) for method in ("pca", "tsne")},
        classes=tuple(examples.labels[number] for number in classes),
        mistakes=_mistakes(np.asarray(examples.inputs[rows]), probabilities, classes=classes, labels=examples.labels),
    )
    return judged, [said] if rule is not None and len(few) < len(rows) else []


def _mistakes(
    images: Bytes, probabilities: NDArray[np.float64], *, classes: NDArray[np.int64], labels: Sequence[str]
) -> tuple[tuple[str, Bytes], ...]:
    """Return the images whose true class got the least probability, worst first, with what was said of them."""
    given = probabilities[np.arange(len(classes)), classes]
    said = probabilities.argmax(axis=1)
    wrong = [int(place) for place in np.argsort(given, kind="stable") if said[place] != classes[place]]
    return tuple(
        (f"{labels[said[place]]} instead of {labels[classes[place]]}", _grey(images[place]))
        for place in wrong[:_MISTAKES]
    )


def _class(name: str, labels: Sequence[str]) -> int | None:
    """Return the number of a class; None where no name is given."""
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
    """Show a change around grey, its largest part fully."""
    most = max(1, int(np.abs(difference).max()))
    shown: Bytes = np.rint(128 + difference * (127 / most)).astype(np.uint8)
    return shown


def _cut_out(image: Bytes, mask: NDArray[np.bool_]) -> Bytes:
    """Show the object on white, the rest faintly."""
    faint = 255 - (255 - image.astype(float)) * 0.15
    shown: Bytes = np.where(mask[..., np.newaxis], image, faint).astype(np.uint8)
    return _grey(shown)
