"""Default settings that suit the data, the network and the optimizer, each with its reason in one line."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.recipe.choice import Choices, Preset, choice_of
from trainwell.recipe.dependencies import has_effect
from trainwell.recipe.schema import SETTINGS

_DEFAULT_OPTIMIZER = SETTINGS["optim.name"].default
_FAST = "resnet9"  # the network with the highest accuracy after a few minutes
_CONVOLUTION_SIDE = 20  # smallest side length of images, in pixels, from which on convolutions are the default
_COLOUR_SIDE = 28  # the same for the residual network of colour images
_MANY = 5000  # examples from which on batches of 128 give enough steps per epoch
_FEW = 1000  # rows of a table below which a smaller network is the default


def preset(
    facts: Facts, choices: Choices, *, suited: Preset | None = None, optimizer: str = "", minutes: float = 0.0
) -> Preset:
    """Choose settings for the data, as key: (value, reason).

    Args:
        facts: kind, task, input_shape, sizes["train"], and model if the user chose one, are read.
        choices: what is known of the names that settings choose.
        suited: settings that suit the kind of examples, instead of those chosen here.
        optimizer: the one that the user chose; empty if none.
        minutes: time budget; 0 if there is none.

    >>> facts = Facts(kind="image", task="classify", input_shape=(1, 28, 28), sizes={"train": 50000})
    >>> preset(facts, {})["nn.model"]
    ('lenet5', 'small images: convolutions share weights over positions')
    """
    chosen: Preset = {"task.name": (facts.task, "detected from the target")}
    chosen |= _network(facts)
    chosen |= _duration(facts)
    network = facts.model
    if minutes and not network and _side(facts) >= _CONVOLUTION_SIDE:
        chosen |= _fast(facts)
        network = _FAST
    for_kind = suited or {}
    chosen |= for_kind
    network = network or str(for_kind.get("nn.model", ("", ""))[0])
    if known_network := choice_of(choices, "nn.model", name=network):
        chosen |= known_network.usual(facts, chosen)
    known = {"nn.model": facts.model, "task.name": facts.task}
    chosen = {key: given for key, given in chosen.items() if has_effect(key, known, choices=choices)}
    return chosen | _for_optimizer(optimizer, chosen, facts=facts, choices=choices)


def _for_optimizer(optimizer: str, chosen: Preset, *, facts: Facts, choices: Choices) -> Preset:
    """Fit learning rate, weight decay and batch size to an optimizer other than the default for the data."""
    known = choices.get("optim.name", {})
    if optimizer not in known or optimizer == chosen.get("optim.name", (_DEFAULT_OPTIMIZER, ""))[0]:
        return {}
    return known[optimizer].usual(facts, chosen)


def _network(facts: Facts) -> Preset:
    side = _side(facts)
    if side < _CONVOLUTION_SIDE:
        return _for_numbers(few=_examples(facts) < _FEW)
    if facts.input_shape[0] == 3 and side >= _COLOUR_SIDE:
        return _for_colour_images(many=_examples(facts) >= _MANY)
    return {
        "nn.model": ("lenet5", "small images: convolutions share weights over positions"),
        "optim.learning_rate": (2e-3, "safe for Adam on small convolutional networks"),
        "train.batch_size": (128, "large enough to keep the processor busy"),
    }


def _for_colour_images(*, many: bool) -> Preset:
    source = "He et al. 2016, section 4.2"
    return {
        "nn.model": ("resnet20", "colour images: a small residual network"),
        "optim.name": ("sgd", "the usual choice for residual networks"),
        "optim.learning_rate": (0.1, source) if many else (0.03, "smaller for smaller batches"),
        "optim.weight_decay": (5e-4, "usual for residual networks on small images"),
        "data.flip": (True, "a mirrored photo keeps its class"),
        "data.shift": (4, "He et al. 2016 pad by 4 and crop"),
        "train.batch_size": (128, source) if many else (32, "several steps per epoch even with few examples"),
    }


def _for_numbers(*, few: bool) -> Preset:
    return {
        "nn.model": ("mlp", "few inputs without spatial structure"),
        "nn.hidden": ((64, 64) if few else (128, 128), "enough for tables of this size"),
        "nn.dropout": (0.2 if few else 0.1, "few examples: prevents co-adaptation of hidden units"),
        "optim.learning_rate": (3e-3 if few else 2e-3, "safe for Adam on small networks"),
        "train.batch_size": (32 if few else 64, "several steps per epoch even with few examples"),
    }


def _fast(facts: Facts) -> Preset:
    """Choose what reaches the highest accuracy in little time on images: a small wide network, one cycle."""
    return {
        "nn.model": (_FAST, "highest accuracy within the time budget"),
        "optim.warmup": (0.15, "few epochs at a high learning rate need a gentle start"),
        "task.label_smoothing": (0.1, "Szegedy et al. 2016, section 7"),
        "data.flip": (facts.input_shape[0] == 3, "a mirrored photo keeps its class"),
        "data.shift": (2, "few epochs need little augmentation"),
        "train.patience": (0, "the learning rate reaches zero when the time is over"),
    }


def _duration(facts: Facts) -> Preset:
    wanted = 600_000 if _side(facts) >= _CONVOLUTION_SIDE else 100_000
    epochs = max(5, min(100, round(wanted / max(1, _examples(facts)))))
    return {
        "train.epochs": (epochs, f"about {wanted:,} examples in all"),
        "train.patience": (max(5, epochs // 4), "stop after a quarter of the run without progress"),
    }


def _side(facts: Facts) -> int:
    """Return the shorter side of images, in pixels; 0 for other inputs."""
    return min(facts.input_shape[-2:]) if len(facts.input_shape) == 3 else 0


def _examples(facts: Facts) -> int:
    return facts.sizes.get("train", 0)
