"""The preprocessing of a published backbone, for data that are not its own (docs/curriculum.md, H5)."""

from __future__ import annotations

import dataclasses

from trainwell.core.errors import RecipeError, UsageError
from trainwell.data import Preparation
from trainwell.nn import preprocessing
from trainwell.recipe.sections.setting import Value

_KNOWN = ("bilinear", "bicubic", "nearest", "lanczos")


def published(model: str, prepare: str) -> dict[str, tuple[Value, str]]:
    """Return the data settings that a backbone needs, as key: (value, reason).

    Args:
        model: "timm:NAME".
        prepare: the requested preparation; only "standardise" (with the backbone's own mean and standard deviation)
            is accepted.
    Raises:
        MissingExtraError, UsageError: if there is no such backbone.
        RecipeError: if inputs would be prepared differently from what the published weights expect.
    """
    if prepare != "standardise":
        raise RecipeError(
            [
                f"data.prepare must be 'standardise' for {model}, because of its pretrained weights, "
                f"got {prepare!r}. Omit the setting."
            ]
        )
    known = preprocessing(model)
    reason = f"as {model} was trained"
    how = known.interpolation if known.interpolation in _KNOWN else "bicubic"
    return {
        "data.image_size": (known.side, reason),
        "data.interpolation": (how, reason),
        "data.centre_crop": (known.crop, reason),
    }


def as_published(model: str, preparation: Preparation) -> Preparation:
    """Return a preparation with the backbone's mean and standard deviation of each channel.

    Args:
        model: "timm:NAME".
        preparation: fitted on images; greyscale images get the mean over the backbone's channels.
    Raises:
        UsageError: if the inputs are not images of one or three channels.
    """
    known = preprocessing(model)
    fitted = preparation.fitted.published(known.mean, known.std)
    if fitted is None:
        raise UsageError(
            f"{model} needs images of 1 or 3 channels, got {preparation.kind.description} of shape "
            f"{'x'.join(map(str, preparation.input_shape))}. Try nn.model = 'mlp'."
        )
    shown = ", ".join(f"{mean:.3g}" for mean in fitted.colours[0])
    remark = f"Images are standardised as for {model}: mean {shown}."
    return dataclasses.replace(preparation, fitted=fitted, remarks=(*preparation.remarks, remark))
