"""Sound defaults for each kind of data and task, each with its reason in one line."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.recipe.choice import Choices, Preset, choice_of
from trainwell.recipe.dependencies import has_effect
from trainwell.recipe.schema import SETTINGS

_DEFAULT_OPTIMIZER = SETTINGS["optim.name"].default
_FAST = "resnet9"  # network that reaches most accuracy in a few minutes


def preset(
    facts: Facts, choices: Choices, *, suited: Preset | None = None, optimizer: str = "", minutes: float = 0.0
) -> Preset:
    """Choose settings for what is known of the data, as key: (value, reason).

    Args:
        facts: kind, task, input_shape, sizes["train"] and model, if one was asked for, are read.
        choices: what is known of the names that settings choose.
        suited: settings that suit the kind of examples, in place of those chosen here.
        optimizer: the one that was asked for; empty leaves the choice here.
        minutes: time that may be spent; 0 if none was said.

    >>> facts = Facts(kind="picture", task="classify", input_shape=(1, 28, 28), sizes={"train": 50000})
    >>> preset(facts, {})["nn.model"]
    ('lenet5', 'small pictures: convolutions share weights over positions')
    """
    chosen: Preset = {"task.name": (facts.task, "found out from the target")}
    chosen |= _network(facts)
    chosen |= _duration(facts)
    network = facts.model
    if minutes and not network and len(facts.input_shape) == 3 and min(facts.input_shape[1:]) >= 20:
        chosen |= _fast(facts)
        network = _FAST
    for_kind = suited or {}
    chosen |= for_kind
    network = network or str(for_kind.get("nn.model", ("", ""))[0])
    if known_network := choice_of(choices, "nn.model", network):
        chosen |= known_network.usual(facts, chosen)
    known = {"nn.model": facts.model, "task.name": facts.task}
    chosen = {key: given for key, given in chosen.items() if has_effect(key, known, choices)}
    return chosen | _for_optimizer(optimizer, chosen, facts, choices)


def _for_optimizer(optimizer: str, chosen: Preset, facts: Facts, choices: Choices) -> Preset:
    """Fit learning rate, decay and batch to an optimizer other than the one that suits the data."""
    known = choices.get("optim.name", {})
    if optimizer not in known or optimizer == chosen.get("optim.name", (_DEFAULT_OPTIMIZER, ""))[0]:
        return {}
    return known[optimizer].usual(facts, chosen)


def _network(facts: Facts) -> Preset:
    side = min(facts.input_shape[-2:]) if len(facts.input_shape) == 3 else 0
    examples = facts.sizes.get("train", 0)
    if side >= 20:
        if facts.input_shape[0] == 3 and side >= 28:
            chosen: Preset = {"nn.model": ("resnet20", "colour pictures: a small residual network")}
            chosen |= {
                "optim.name": ("sgd", "the usual choice for residual networks"),
                "optim.learning_rate": (
                    (0.1, "He et al. 2016, section 4.2") if examples >= 5000 else (0.03, "smaller for smaller batches")
                ),
                "optim.weight_decay": (5e-4, "usual for residual networks on small pictures"),
                "data.flip": (True, "a mirrored photo keeps its class"),
                "data.shift": (4, "He et al. 2016 pad by 4 and crop"),
                "train.batch_size": (
                    (128, "He et al. 2016, section 4.2")
                    if examples >= 5000
                    else (32, "several steps per epoch even on few examples")
                ),
            }
            return chosen
        return {
            "nn.model": ("lenet5", "small pictures: convolutions share weights over positions"),
            "optim.learning_rate": (2e-3, "safe for Adam on small convolutional networks"),
            "train.batch_size": (128, "large enough to keep the processor busy"),
        }
    small = examples < 1000
    return {
        "nn.model": ("mlp", "few inputs without known neighbourhood"),
        "nn.hidden": ((64, 64) if small else (128, 128), "enough for tables of this size"),
        "nn.dropout": (0.2 if small else 0.1, "few examples: hidden units must not rely on one another"),
        "optim.learning_rate": (3e-3 if small else 2e-3, "safe for Adam on small networks"),
        "train.batch_size": (32 if small else 64, "several steps per epoch even on few examples"),
    }


def _fast(facts: Facts) -> Preset:
    """Choose what reaches most in little time on pictures: a small wide network, one cycle of the learning rate."""
    return {
        "nn.model": (_FAST, "most accuracy for the minutes that were given"),
        "optim.warmup": (0.15, "few epochs at a high rate need a gentle start"),
        "task.label_smoothing": (0.1, "Szegedy et al. 2016, section 7"),
        "data.flip": (facts.input_shape[0] == 3, "a mirrored photo keeps its class"),
        "data.shift": (2, "few epochs need little augmentation"),
        "train.patience": (0, "the rate falls to zero just when the time is over"),
    }


def _duration(facts: Facts) -> Preset:
    examples = max(1, facts.sizes.get("train", 0))
    picture = len(facts.input_shape) == 3 and min(facts.input_shape[-2:]) >= 20
    wanted = 600_000 if picture else 100_000
    epochs = max(5, min(100, round(wanted / examples)))
    return {
        "train.epochs": (epochs, f"about {wanted:,} examples seen in all"),
        "train.patience": (max(5, epochs // 4), "a quarter of the run without progress is enough to stop"),
    }
