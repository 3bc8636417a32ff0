"""The whole run as frozen data: what is trained on what, how, and with which seed. No torch.

Every setting carries its meaning and its limits beside its default, so that checking, printing and
documenting a recipe read from one place.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

Value = bool | int | float | str | tuple[int, ...] | tuple[str, ...]


@dataclass(frozen=True)
class Limits:
    """What a setting may be: a range, a list of words, or names from a room's catalogue.

    Args:
        low: smallest value.
        high: largest value.
        above: True if `low` itself is excluded.
        below: True if `high` itself is excluded.
        words: the only valid words; empty if free.
        unlimited: True if infinity is valid too: it stands for "none".
        catalogue: the kind of thing a name must denote ("optimizer"); checked against that catalogue when assembled.

    >>> Limits(low=0, above=True).describe()
    'greater than 0'
    """

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False
    words: tuple[str, ...] = ()
    catalogue: str = ""
    unlimited: bool = False

    def describe(self) -> str:
        """Say in words what is allowed."""
        if self.words:
            return "one of " + ", ".join(map(repr, self.words))
        parts = []
        if self.low > -math.inf:
            parts.append(f"greater than {self.low:,g}" if self.above else f"at least {self.low:,g}")
        if self.high < math.inf:
            parts.append(f"less than {self.high:,g}" if self.below else f"at most {self.high:,.0f}")
        return " and ".join(parts)

    def allow(self, value: Value) -> bool:
        """Tell whether one value keeps the limits."""
        if self.words:
            return value in self.words
        if isinstance(value, tuple):
            return all(self.allow(item) for item in value)
        if isinstance(value, (bool, str)):
            return True
        low_kept = value > self.low if self.above else value >= self.low
        high_kept = value < self.high if self.below else value <= self.high
        number = isinstance(value, int) or math.isfinite(value) or (self.unlimited and value == math.inf)
        return number and low_kept and high_kept


def setting(default: Value, meaning: str, *, limits: Limits | None = None) -> Any:
    """Declare one setting: its default, its meaning in one line and its limits."""
    return field(default=default, metadata={"meaning": meaning, "limits": limits or Limits()})


FRACTION = Limits(low=0, high=1, below=True)
SHARE = Limits(low=0, high=1, above=True)
POSITIVE = Limits(low=0, above=True)
NOT_NEGATIVE = Limits(low=0)
COUNT = Limits(low=0, high=2**31)
THREADS = Limits(low=0, high=1024)
SEED = Limits(low=-1, high=2**63 - 1)
AT_LEAST_ONE = Limits(low=1, high=2**31)
WIDTHS = Limits(low=0.01, high=8)
ABOVE_ZERO_OR_NONE = Limits(low=0, above=True, unlimited=True)


@dataclass(frozen=True)
class DataRecipe:
    """Where the examples come from and how they are split and prepared."""

    source: str = setting("digits", "bundled name, table, picture folder, idx file or folder, or .npz")
    target: str = setting("", "column of a table to predict; empty: the last one")
    drop: tuple[str, ...] = setting((), "columns of a table to leave out")
    group: str = setting("", "column whose equal values never straddle two splits")
    delimiter: str = setting("", "what separates columns in a table; empty: found out")
    validation: float = setting(0.15, "fraction held out to choose on (no more than needed is drawn)", limits=FRACTION)
    test: float = setting(0.15, "fraction sealed until the end", limits=FRACTION)
    split_seed: int = setting(-1, "seed of the splits, so that runs of other seeds share them; -1: seed", limits=SEED)
    stratify: bool = setting(True, "keep the class proportions in every split")
    prepare: str = setting(
        "standardise",
        "fitted on the training split only: standardise (mean 0, deviation 1), centre, scale, min_max, "
        "decorrelate (PCA), whiten_pca, whiten_zca; pictures: mean_image, channel_mean, channel_mean_std",
        limits=Limits(
            words=("standardise", "none", "centre", "scale", "min_max", "decorrelate", "whiten_pca", "whiten_zca")
            + ("mean_image", "channel_mean", "channel_mean_std")
        ),
    )
    components: int = setting(0, "dimensions kept by decorrelate and whiten_...; 0: all", limits=COUNT)
    image_size: int = setting(0, "side to which pictures are resized; 0: as they are, or the median", limits=COUNT)
    interpolation: str = setting(
        "bilinear", "how pictures are resized", limits=Limits(words=("bilinear", "bicubic", "nearest", "lanczos"))
    )
    centre_crop: float = setting(1.0, "share of a picture's shorter side that is kept, from the middle", limits=SHARE)
    max_pixels: int = setting(50_000_000, "larger pictures are refused before they are decoded", limits=AT_LEAST_ONE)
    shift: int = setting(0, "augmentation: shift by up to this many pixels", limits=COUNT)
    flip: bool = setting(False, "augmentation: mirror left and right at random")
    augment: tuple[str, ...] = setting((), "further augmentations, perhaps with strengths: ['rotate:15', 'blur']")
    mix: float = setting(1.0, "probability of each of them for each picture", limits=Limits(low=0, high=1, above=True))
    label_noise: float = setting(0.0, "share of labels drawn anew at every step", limits=FRACTION)
    workers: int = setting(0, "threads that make batches ahead; never changes a result", limits=Limits(low=0, high=256))


@dataclass(frozen=True)
class TaskRecipe:
    """What is learned."""

    name: str = setting("classify", "what is learned", limits=Limits(catalogue="task"))
    label_smoothing: float = setting(0.0, "share of each label spread over all classes", limits=FRACTION)


@dataclass(frozen=True)
class NetworkRecipe:
    """The network."""

    model: str = setting("mlp", "architecture", limits=Limits(catalogue="model"))
    hidden: tuple[int, ...] = setting((128, 128), "units of each hidden layer (mlp)", limits=AT_LEAST_ONE)
    width: int = setting(16, "channels of the first stage (resnet9, resnet20)", limits=AT_LEAST_ONE)
    width_factor: float = setting(1.0, "channels of every layer times this (alexnet ... deepface)", limits=WIDTHS)
    activation: str = setting("relu", "non-linearity", limits=Limits(catalogue="activation"))
    normalisation: str = setting(
        "as_designed", "normalisation of hidden layers", limits=Limits(catalogue="normalisation")
    )
    normalise: str = setting(
        "before", "where it stands: before or after the non-linearity", limits=Limits(words=("before", "after"))
    )
    dropout: float = setting(0.0, "probability of dropping a hidden unit", limits=FRACTION)
    classic_dropout: bool = setting(False, "scale units down at prediction instead of up in training")
    dropconnect: float = setting(0.0, "probability of dropping a connection of a hidden dense layer", limits=FRACTION)
    pooling: str = setting("as_designed", "how windows are pooled", limits=Limits(catalogue="pooling"))
    initialisation: str = setting("he_normal", "how weights start", limits=Limits(catalogue="initialisation"))
    initial_bias: float = setting(0.0, "where biases of hidden layers start; 0.01 keeps rectifiers alive at first")


@dataclass(frozen=True)
class OptimRecipe:
    """How weights are changed."""

    name: str = setting("adamw", "optimizer", limits=Limits(catalogue="optimizer"))
    learning_rate: float = setting(1e-3, "highest step size", limits=POSITIVE)
    momentum: float = setting(0.9, "share of the last step kept (sgd, momentum, nesterov, kfac)", limits=FRACTION)
    nesterov: bool = setting(True, "look ahead along the momentum (sgd)")
    beta1: float = setting(0.9, "decay of the mean gradient (adam, adamw)", limits=FRACTION)
    beta2: float = setting(0.999, "decay of the mean squared gradient (adam, adamw)", limits=FRACTION)
    rho: float = setting(0.9, "decay of the mean squared gradient (rmsprop, adadelta)", limits=FRACTION)
    epsilon: float = setting(1e-8, "keeps divisions by the size of gradients finite", limits=POSITIVE)
    weight_decay: float = setting(0.01, "pull of weight matrices towards zero; never of biases", limits=NOT_NEGATIVE)
    decoupled: bool = setting(False, "weight decay shrinks weights directly, not through the gradient (adamw: always)")
    l1: float = setting(0.0, "strength of an L1 penalty: makes weights exactly zero", limits=NOT_NEGATIVE)
    l2: float = setting(
        0.0, "strength of an L2 penalty in the loss: l2/2 times the sum of squares", limits=NOT_NEGATIVE
    )
    penalise_biases: bool = setting(False, "decay and penalties hold for biases and scales too")
    max_norm: float = setting(
        math.inf, "longest incoming weight vector of a unit, often 3; inf: no limit", limits=ABOVE_ZERO_OR_NONE
    )
    damping: float = setting(1e-3, "added to curvatures (kfac, newton, saddle_free)", limits=POSITIVE)
    history: int = setting(10, "past steps that stand for the curvature (lbfgs)", limits=AT_LEAST_ONE)
    refresh: int = setting(10, "steps between two looks at the curvature (kfac)", limits=AT_LEAST_ONE)
    schedule: str = setting("cosine", "how the rate falls", limits=Limits(catalogue="schedule"))
    warmup: float = setting(0.05, "share of all steps over which the rate rises from 0", limits=FRACTION)
    step_epochs: float = setting(10.0, "epochs between drops (schedule step)", limits=POSITIVE)
    step_factor: float = setting(0.1, "the rate is multiplied by this at each drop (step, plateau)", limits=POSITIVE)
    schedule_decay: float = setting(0.1, "fall per epoch (exponential, inverse, inverse_power)", limits=NOT_NEGATIVE)
    schedule_power: float = setting(0.75, "exponent of the fall (schedule inverse_power)", limits=POSITIVE)
    plateau_epochs: int = setting(
        3, "epochs without a better score before a drop (schedule plateau)", limits=AT_LEAST_ONE
    )
    reference_batch: int = setting(
        0, "batch size the rate is meant for; another one rescales it; 0: never", limits=COUNT
    )
    batch_scaling: str = setting(
        "linear",
        "rescale the rate by k, or by its root, for k times the batch",
        limits=Limits(words=("linear", "sqrt")),
    )


@dataclass(frozen=True)
class TrainRecipe:
    """How long, in which portions and on what."""

    epochs: int = setting(20, "passes over the training split", limits=AT_LEAST_ONE)
    minutes: float = setting(0.0, "train so long: epochs are planned to fit; 0: as many as said", limits=NOT_NEGATIVE)
    batch_size: int = setting(64, "examples per optimizer step", limits=AT_LEAST_ONE)
    micro_batch: int = setting(0, "examples per backward pass; 0: the whole batch", limits=COUNT)
    clip_norm: float = setting(0.0, "largest norm of the whole gradient; 0: no clipping", limits=NOT_NEGATIVE)
    clip_value: float = setting(0.0, "largest size of each number of the gradient; 0: no clipping", limits=NOT_NEGATIVE)
    patience: int = setting(0, "stop after this many epochs without a better validation score; 0: never", limits=COUNT)
    ema: float = setting(0.0, "decay of the averaged weights used to predict; 0: none", limits=FRACTION)
    checkpoint_seconds: float = setting(60.0, "seconds between checkpoints; 0: after every step", limits=NOT_NEGATIVE)
    device: str = setting("auto", "where to compute: auto, cpu, cuda, cuda:1, mps")
    threads: int = setting(0, "threads of the processor to use; 0: one for small networks, else all", limits=THREADS)


@dataclass(frozen=True)
class TransferRecipe:
    """What is taken over from a network that was trained before, and what of it may change."""

    source: str = setting("", "run the network starts from, its preparation included; empty: from scratch")
    freeze: str = setting("none", "layers that stay as they are: none, features (all but the head), 3, -2, a name")
    layers: str = setting("all", "layers that are taken over, written as for freeze; those behind start anew")
    unfreeze_every: int = setting(0, "epochs after which one more frozen layer learns; 0: never", limits=COUNT)
    head_rate: float = setting(10.0, "the new head learns at this times optim.learning_rate", limits=POSITIVE)
    labelled: float = setting(1.0, "share of the training labels that are used", limits=SHARE)
    pretrain: str = setting(
        "none",
        "learn features from all training inputs first, without labels",
        limits=Limits(words=("none", "autoencoder", "denoising")),
    )
    pretrain_epochs: int = setting(10, "passes over the training inputs without labels", limits=AT_LEAST_ONE)
    noise: float = setting(0.3, "share of the inputs that are blanked out (pretrain denoising)", limits=FRACTION)


@dataclass(frozen=True)
class WatchRecipe:
    """What watching may cost."""

    budget: float = setting(0.02, "fraction of training time that probes may take", limits=FRACTION)


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a run: the same recipe, data and seed give the same network.

    >>> Recipe().optim.name
    'adamw'
    >>> dict(flatten(Recipe()))["train.epochs"]
    20
    """

    seed: int = setting(0, "all randomness follows from it", limits=Limits(low=0, high=2**63 - 1))
    data: DataRecipe = field(default_factory=DataRecipe)
    task: TaskRecipe = field(default_factory=TaskRecipe)
    nn: NetworkRecipe = field(default_factory=NetworkRecipe)
    optim: OptimRecipe = field(default_factory=OptimRecipe)
    train: TrainRecipe = field(default_factory=TrainRecipe)
    transfer: TransferRecipe = field(default_factory=TransferRecipe)
    watch: WatchRecipe = field(default_factory=WatchRecipe)


@dataclass(frozen=True)
class Setting:
    """One key of the recipe: where it stands, what it means, what it may be."""

    key: str
    type: str
    default: Value
    meaning: str
    limits: Limits


def _settings() -> Iterator[Setting]:
    recipe = Recipe()
    for outer in dataclasses.fields(Recipe):
        default = getattr(recipe, outer.name)
        if not dataclasses.is_dataclass(default):
            yield Setting(outer.name, str(outer.type), default, **outer.metadata)
            continue
        for inner in dataclasses.fields(default):
            key = f"{outer.name}.{inner.name}"
            yield Setting(key, str(inner.type), getattr(default, inner.name), **inner.metadata)


SETTINGS: Mapping[str, Setting] = {entry.key: entry for entry in _settings()}


def flatten(recipe: Recipe) -> Iterator[tuple[str, Value]]:
    """Yield every setting of a recipe as (dotted key, value), in the order of the schema."""
    for key in SETTINGS:
        section, _, name = key.rpartition(".")
        yield key, cast(Value, getattr(getattr(recipe, section) if section else recipe, name))


def unflatten(values: Mapping[str, Value]) -> Recipe:
    """Build a recipe from dotted keys; keys that are absent keep their defaults.

    >>> unflatten({"optim.learning_rate": 0.1, "seed": 3}).seed
    3
    """
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, {})[name] = value
    changes: dict[str, Any] = sections.pop("", {})
    for section, inner in sections.items():
        changes[section] = dataclasses.replace(getattr(Recipe(), section), **inner)
    return Recipe(**changes)
