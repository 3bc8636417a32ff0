"""Settings that hold for some choices only: with any other they change nothing, and that is said aloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trainwell.recipe.schema import SETTINGS, Recipe, flatten

_RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
_PAPERS = ("alexnet", "zfnet", "vgg16", "vgg19", "googlenet", "inception_v3", "mobilenet", "deepface")
_LENET = ("lenet", "lenet5")
_HIDDEN = ("mlp", *_LENET, *_PAPERS, "resnet9", "resnet20", *_RESNETS)
_OWN = ("logistic", *_HIDDEN)  # all but a published backbone and a network of one's own, which stay as they are

# Setting: the choice it depends on, and the names with which it has an effect. A test builds every network with each
# of them. What is not here holds always, or is refused where it cannot (nn.remodel, recipe.check).
HOLDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "nn.hidden": ("nn.model", ("mlp",)),
    "nn.width": ("nn.model", ("resnet9", "resnet20")),
    "nn.width_factor": ("nn.model", (*_PAPERS, *_RESNETS)),
    "nn.activation": ("nn.model", _HIDDEN),
    "nn.dropout": ("nn.model", _HIDDEN),
    "nn.dropconnect": ("nn.model", _OWN),
    "nn.normalisation": ("nn.model", _OWN),
    "nn.pooling": ("nn.model", _OWN),
    "nn.initialisation": ("nn.model", _OWN),
    "optim.momentum": ("optim.name", ("sgd", "momentum", "nesterov", "kfac")),
    "optim.nesterov": ("optim.name", ("sgd",)),
    "optim.beta1": ("optim.name", ("adam", "adamw")),
    "optim.beta2": ("optim.name", ("adam", "adamw")),
    "optim.rho": ("optim.name", ("rmsprop", "adadelta")),
    "optim.epsilon": ("optim.name", ("adam", "adamw", "adagrad", "adadelta", "rmsprop")),
    "optim.damping": ("optim.name", ("kfac", "newton", "saddle_free")),
    "optim.history": ("optim.name", ("lbfgs",)),
    "optim.refresh": ("optim.name", ("kfac",)),
    "optim.step_epochs": ("optim.schedule", ("step",)),
    "optim.step_factor": ("optim.schedule", ("step", "plateau")),
    "optim.schedule_decay": ("optim.schedule", ("exponential", "inverse", "inverse_power")),
    "optim.schedule_power": ("optim.schedule", ("inverse_power",)),
    "optim.plateau_epochs": ("optim.schedule", ("plateau",)),
    "data.components": ("data.prepare", ("decorrelate", "whiten_pca", "whiten_zca")),
    "transfer.pretrain_epochs": ("transfer.pretrain", ("autoencoder", "denoising")),
    "transfer.noise": ("transfer.pretrain", ("denoising",)),
}
_NAMED = 6


def holds(key: str, values: Mapping[str, object]) -> bool:
    """Tell whether a setting has an effect beside the choices of other settings, where they are known.

    >>> holds("nn.dropout", {"nn.model": "logistic"}), holds("nn.dropout", {}), holds("seed", {})
    (False, True, True)
    """
    choice, names = HOLDS.get(key, ("", ()))
    return not values.get(choice) or values[choice] in names


def without_effect(recipe: Recipe, *, validated: bool = True) -> Iterator[str]:
    """Say which settings differ from their defaults and still change nothing, a sentence each.

    Args:
        recipe: all settings.
        validated: whether there is a validation split.

    >>> from trainwell.recipe import edit
    >>> list(without_effect(edit(Recipe(), {"nn.model": "logistic", "nn.hidden": (8,)})))
    ["nn.hidden = (8,) changes nothing with nn.model = 'logistic': it holds for mlp."]
    """
    values = dict(flatten(recipe))
    for key, (choice, names) in HOLDS.items():
        if values[key] != SETTINGS[key].default and not holds(key, values):
            known = ", ".join(names[:_NAMED]) + (" and others" if len(names) > _NAMED else "")
            yield f"{key} = {values[key]!r} changes nothing with {choice} = {values[choice]!r}: it holds for {known}."
    if recipe.nn.classic_dropout and not (recipe.nn.dropout and holds("nn.dropout", values)):
        yield "nn.classic_dropout = True changes nothing where no unit is dropped: set nn.dropout."
    if recipe.train.patience and not validated:
        yield f"train.patience = {recipe.train.patience} changes nothing without validation: set data.validation."
    if not recipe.transfer.source and recipe.transfer.layers != SETTINGS["transfer.layers"].default:
        yield f"transfer.layers = {recipe.transfer.layers!r} changes nothing without transfer.source (--from RUN)."
    if recipe.transfer.freeze == "none" and recipe.transfer.unfreeze_every:
        yield f"transfer.unfreeze_every = {recipe.transfer.unfreeze_every} changes nothing where no layer is frozen."
