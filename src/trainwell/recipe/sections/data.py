"""[data]: where the examples come from, how they are split, prepared and augmented."""

from __future__ import annotations

from dataclasses import dataclass

from trainwell.recipe.sections.setting import (
    AT_LEAST_ONE,
    COUNT,
    FRACTION,
    SHARE,
    Limits,
    Note,
    OnlyWith,
    setting,
)

_ROTATIONS = ("decorrelate", "whiten_pca", "whiten_zca")
_PREPARATIONS = (
    "standardise",
    "none",
    "centre",
    "scale",
    "min_max",
    *_ROTATIONS,
    "mean_image",
    "channel_mean",
    "channel_mean_std",
)


@dataclass(frozen=True)
class DataRecipe:
    """Where the examples come from and how they are split, prepared and augmented."""

    source: str = setting(
        "digits", "bundled data set, table, image folder, IDX file or folder, or .npz", population="ignored"
    )
    target: str = setting("", "table column to predict; empty: the last column", population="ignored")
    drop: tuple[str, ...] = setting((), "table columns to leave out", population="ignored")
    group: str = setting("", "table column whose groups stay within one split", population="ignored")
    delimiter: str = setting("", "column separator of a table; empty: detected", population="ignored")
    validation: float = setting(
        0.15, "fraction held out for validation; large data use less", limits=FRACTION, population="ignored"
    )
    test: float = setting(0.15, "fraction held out for the final test", limits=FRACTION, population="ignored")
    split_seed: int = setting(
        -1, "random seed of the splits, to share them between runs; -1: seed", limits=Limits(low=-1, high=2**63 - 1)
    )
    stratify: bool = setting(True, "keep the class proportions in every split", population="ignored")
    prepare: str = setting(
        "standardise",
        "preprocessing, fitted on the training split: standardise (mean 0, standard deviation 1), centre, scale, "
        "min_max, decorrelate (PCA), whiten_pca, whiten_zca; images: mean_image, channel_mean, channel_mean_std",
        limits=Limits(words=_PREPARATIONS),
        note=Note(
            formula="(x - mean) / standard deviation, of the training split",
            use="always for numbers",
            cost="none",
            lab=("whitening",),
        ),
        population="equal",
    )
    components: int = setting(
        0,
        "dimensions kept by decorrelate, whiten_pca and whiten_zca; 0: all",
        limits=COUNT,
        only_with=OnlyWith("data.prepare", names=_ROTATIONS),
        population="ignored",
    )
    image_size: int = setting(
        0,
        "side length to which images are resized; 0: unchanged, or the median",
        limits=COUNT,
        unit="pixels",
        population="ignored",
    )
    interpolation: str = setting(
        "bilinear",
        "interpolation used to resize images",
        limits=Limits(words=("bilinear", "bicubic", "nearest", "lanczos")),
        population="ignored",
    )
    centre_crop: float = setting(
        1.0, "fraction of the shorter side kept by a centre crop", limits=SHARE, population="ignored"
    )
    max_pixels: int = setting(
        50_000_000,
        "larger images are refused before they are decoded",
        limits=AT_LEAST_ONE,
        unit="pixels",
        population="ignored",
    )
    shift: int = setting(
        0,
        "augmentation: random shift by up to this many pixels",
        limits=COUNT,
        unit="pixels",
        note=Note(
            formula="random shift by up to so many pixels",
            use="small image data",
            cost="longer training",
            lab=("augmentation",),
        ),
        population="equal",
    )
    flip: bool = setting(
        False,
        "augmentation: random horizontal flip",
        note=Note(
            formula="mirror with probability 1/2",
            use="where a mirrored image keeps its class",
            cost="longer training",
            lab=("augmentation",),
        ),
        population="equal",
    )
    augment: tuple[str, ...] = setting((), "further augmentations, optionally with strengths: ['rotate:15', 'blur']")
    mix: float = setting(1.0, "probability of each further augmentation, for each image", limits=SHARE)
    label_noise: float = setting(0.0, "fraction of labels replaced at random in every step", limits=FRACTION)
    text: str = setting("", "table column of texts to read as sequences of tokens", population="ignored")
    tokenisation: str = setting(
        "",
        "how texts become tokens: words, spaces, characters or byte_pairs; empty: words",
        limits=Limits(words=("", "words", "spaces", "characters", "byte_pairs")),
        population="ignored",
    )
    vocabulary: int = setting(
        20_000, "most tokens of the vocabulary", limits=Limits(low=8), unit="tokens", population="ignored"
    )
    rarest: int = setting(
        2, "training occurrences below which a token is unknown", limits=AT_LEAST_ONE, population="ignored"
    )
    lowercase: bool = setting(True, "lower-case texts first", population="ignored")
    max_length: int = setting(
        0,
        "tokens read of a text; 0: what 98 % of the training texts need, at most 512",
        limits=COUNT,
        unit="tokens",
        population="ignored",
    )
    context: int = setting(
        128,
        "tokens of a window of a text that a language model reads",
        limits=Limits(low=2),
        unit="tokens",
        population="ignored",
    )
    workers: int = setting(
        0,
        "threads that load batches ahead; never changes a result",
        limits=Limits(low=0, high=256),
        unit="threads",
        population="ignored",
    )
