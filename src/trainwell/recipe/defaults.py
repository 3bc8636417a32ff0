"""Sound defaults for each kind of data and task, each with its reason in one line."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.recipe.choice import Choices, Preset
from trainwell.recipe.dependencies import has_effect
from trainwell.recipe.schema import SETTINGS

_DEFAULT_OPTIMIZER = SETTINGS["optim.name"].default

# Probability of dropping, as the papers have it; without normalisation rates must be smaller.
_DROPOUT = {"alexnet": 0.5, "zfnet": 0.5, "vgg16": 0.5, "vgg19": 0.5, "googlenet": 0.4, "inception_v3": 0.2}
_DROPOUT |= {"deepface": 0.5, "mobilenet": 0.001}
_UNNORMALISED = ("alexnet", "zfnet", "vgg16", "vgg19", "googlenet", "deepface")
_NORMALISED = ("inception_v3", "mobilenet", *(f"resnet{depth}" for depth in (9, 18, 20, 34, 50, 101, 152)))


# Its answers are scaled by 1/8, and so are its head's gradients: after three epochs on CIFAR-10, 0.3 gave 79.5 %, 0.1
# 75.8 %; unscaled at 0.1 it was 68.6 % (one seed each, validation).
_RESNET9_RATE = 0.3
# In batches of 32 of Fashion-MNIST (width 8, one seed, 300 held out): 400 examples, 20 epochs, 0.01 gave 66 %, 0.03
# 78 %; 1,000, 6 epochs, 0.03 gave 77.7 %, 0.1 80.7 %, 0.3 81.7 %; 3,000, 3 epochs, 77.3 %, 82.0 %, 83.3 %.
_RESNET9_FEW, _RESNET9_SOME = 0.03, 0.1


def preset(facts: Facts, choices: Choices, *, optimizer: str = "", minutes: float = 0.0) -> Preset:
    """Choose settings for what is known of the data, as key: (value, reason).

    Args:
        facts: kind, task, input_shape, sizes["train"] and model, if one was asked for, are read.
        choices: what is known of the names that settings choose.
        optimizer: the one that was asked for; empty leaves the choice here.
        minutes: time that may be spent; 0 if none was said.

    >>> facts = Facts(kind="picture", task="classify", input_shape=(1, 28, 28), sizes={"train": 50000})
    >>> preset(facts, {})["nn.model"]
    ('lenet5', 'small pictures: convolutions share weights over positions')
    """
    chosen: Preset = {"task.name": (facts.task, "found out from the target")}
    chosen |= _network(facts)
    chosen |= _duration(facts)
    if minutes and not facts.model and len(facts.input_shape) == 3 and min(facts.input_shape[1:]) >= 20:
        chosen |= _fast(facts)
    chosen |= _asked(facts)
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


def resnet9_rate(examples: int) -> float:
    """Return the learning rate of resnet9, measured; smaller for the smaller batches of fewer examples."""
    if examples >= 5000:
        return _RESNET9_RATE
    return _RESNET9_SOME if examples >= 1000 else _RESNET9_FEW


def _fast(facts: Facts) -> Preset:
    """Choose what reaches most in little time on pictures: a small wide network, one cycle of the rate."""
    many = facts.sizes.get("train", 0) >= 5000
    return {
        "nn.model": ("resnet9", "most accuracy for the minutes that were given"),
        "optim.name": ("sgd", "the usual choice for residual networks"),
        "optim.learning_rate": (resnet9_rate(facts.sizes.get("train", 0)), "measured; smaller for smaller batches"),
        "optim.weight_decay": (5e-4, "usual for residual networks on small pictures"),
        "optim.warmup": (0.15, "few epochs at a high rate need a gentle start"),
        "task.label_smoothing": (0.1, "Szegedy et al. 2016, section 7"),
        "data.flip": (facts.input_shape[0] == 3, "a mirrored photo keeps its class"),
        "data.shift": (2, "few epochs need little augmentation"),
        "train.batch_size": (128 if many else 32, "He et al. 2016, section 4.2; smaller for few examples"),
        "train.patience": (0, "the rate falls to zero just when the time is over"),
    }


def _asked(facts: Facts) -> Preset:
    """Choose what suits a network of the zoo that was asked for by name."""
    examples = facts.sizes.get("train", 0)
    batch = 32 if examples < 5000 else 128
    chosen: Preset = {}
    if facts.model in _DROPOUT:
        chosen["nn.dropout"] = (_DROPOUT[facts.model], f"as in the paper of {facts.model}")
    if facts.model in _UNNORMALISED:
        chosen |= {
            "optim.name": ("adamw", "networks without normalisation need steps of their own for every weight"),
            "optim.learning_rate": (2e-4, "safe for deep networks without normalisation"),
            "train.batch_size": (batch, "several steps per epoch even on few examples"),
            "train.clip_norm": (1.0, "nothing else bounds the gradients of a network without normalisation"),
        }
    if facts.model in _NORMALISED or facts.model.startswith("timm:"):
        # Measured on 244 photographs: the first of so few steps are too large at 0.03, and the loss jumps.
        rate = 0.1 if batch == 128 else 0.03 if examples >= 1000 else 0.01
        if facts.model == "resnet9":
            rate = resnet9_rate(examples)
        chosen |= {
            "optim.name": ("sgd", "the usual choice for networks with batch normalisation"),
            "optim.learning_rate": (rate, "He et al. 2016, section 4.2; smaller for smaller batches"),
            "optim.weight_decay": (5e-4, "usual for residual networks"),
            "train.batch_size": (batch, "several steps per epoch even on few examples"),
        }
    return chosen


def _duration(facts: Facts) -> Preset:
    examples = max(1, facts.sizes.get("train", 0))
    picture = len(facts.input_shape) == 3 and min(facts.input_shape[-2:]) >= 20
    wanted = 600_000 if picture else 100_000
    epochs = max(5, min(100, round(wanted / examples)))
    return {
        "train.epochs": (epochs, f"about {wanted:,} examples seen in all"),
        "train.patience": (max(5, epochs // 4), "a quarter of the run without progress is enough to stop"),
    }
