"""Published backbones by name, "timm:NAME", with the preprocessing they were trained with (docs/curriculum.md, H5).

`timm:resnet18@weights.safetensors` loads the weights from a file, for machines without internet access.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainwell.core.catalogue import nearest
from trainwell.core.errors import DamagedError, MissingExtraError, UsageError
from trainwell.core.files import plain
from trainwell.nn.zoo.suited import normalised
from trainwell.recipe.choice import Choice

PREFIX = "timm:"


BACKBONES = Choice(usual=normalised())
"""For all backbones: no setting of [nn] changes them, and they are trained like residual networks."""


@dataclass(frozen=True)
class Preprocessing:
    """How images were prepared when a backbone was trained.

    Args:
        side: height and width of the images, in pixels.
        mean: of each channel, on pixels scaled to [0, 1].
        std: of each channel.
        interpolation: how images were resized: "bicubic", "bilinear", ...
        crop: fraction of the shorter side of an image that the centre crop keeps.
    """

    side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    crop: float = 1.0


def backbone(name: str, *, input_shape: Sequence[int], outputs: int, pretrained: bool, seed: int = 0) -> nn.Module:
    """Build a backbone of the timm library with a new last layer.

    Args:
        name: "timm:NAME" or "timm:NAME@FILE".
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        pretrained: load the published weights, from FILE, or from the hub and its local cache.
        seed: random seed of the new layer.
    Raises:
        MissingExtraError: if timm is not installed.
        UsageError: if there is no such backbone, it does not accept the inputs, or the weights cannot be loaded.
        DamagedError: if the file is not a weights file, or belongs to another network.
    """
    short, _, file = name.removeprefix(PREFIX).partition("@")
    timm = load_timm()
    _require(timm, short)
    options: dict[str, Any] = {"num_classes": outputs, "in_chans": input_shape[0]}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            if file and pretrained:
                return _from_file(timm, short, file=Path(file), options=options)
            overlay = {"file": cached} if pretrained and (cached := _in_cache(timm, short)) else None
            options |= {"pretrained": pretrained, "pretrained_cfg_overlay": overlay}
            model: nn.Module = timm.create_model(short, **options)
        except (DamagedError, UsageError):
            raise
        except (RuntimeError, OSError, ValueError) as problem:
            reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
            what = "weights could not be loaded" if pretrained else "network could not be built"
            raise UsageError(
                f"{plain(name)}: its {what}: {plain(reason).rstrip('.')}. "
                f"Without internet access give a weights file: {PREFIX}{short}@FILE."
            ) from None
    return model


def preprocessing(name: str) -> Preprocessing:
    """Return the preprocessing of a backbone's images, from timm's data configuration.

    Raises:
        MissingExtraError: if timm is not installed.
        UsageError: if there is no such backbone.
    """
    short = name.removeprefix(PREFIX).partition("@")[0]
    timm = load_timm()
    _require(timm, short)
    described = timm.models.get_pretrained_cfg(short)
    side = described.input_size[1]
    crop = min(1.0, described.crop_pct or 1.0)
    return Preprocessing(side, described.mean, described.std, described.interpolation, crop)


def _in_cache(timm: Any, short: str) -> str | None:
    """Return the cached file of a backbone's weights; None if they must be downloaded.

    Without this check, the hub's client retries for about a minute on a machine without internet access.

    Raises:
        OSError: if the weights are not cached, and the hub does not respond within seconds.
    """
    hub = importlib.import_module("huggingface_hub")
    name = (timm.models.get_pretrained_cfg(short).hf_hub_id or "").partition("@")[0]
    files = (hub.try_to_load_from_cache(name, file) for file in _FILES) if name else ()
    found = next((file for file in files if isinstance(file, str)), None)
    if found is None and not hub.constants.HF_HUB_OFFLINE:
        try:
            urllib.request.urlopen(hub.constants.ENDPOINT, timeout=_PATIENCE).close()
        except urllib.error.HTTPError:
            pass  # the hub responds
        except OSError as problem:
            reason = getattr(problem, "reason", problem)
            raise OSError(f"they are not cached on this machine, and the hub does not respond ({reason})") from None
    return found


def load_timm() -> Any:
    """Import timm, even where torchvision is missing or was built for another torch.

    timm imports torchvision for image transforms that are not used here. Where torchvision's operators do not load (a
    CUDA build with a CPU build of torch), their two missing schemas are declared first; where it is not
    installed, empty modules replace it during the import of timm.

    Raises:
        MissingExtraError: if timm is not installed.
    """
    if "timm" in sys.modules:
        return sys.modules["timm"]
    if importlib.util.find_spec("timm") is None:
        raise MissingExtraError("A timm backbone", "timm", extra="zoo")
    if importlib.util.find_spec("torchvision") is None:
        with _stand_in():
            return importlib.import_module("timm")
    try:
        importlib.import_module("torchvision")
    except RuntimeError as problem:
        if "torchvision::nms" not in str(problem):
            raise UsageError(
                f"torchvision does not match this version of torch: {problem}. Install matching versions."
            ) from None
        _forget("torchvision")
        _declare_operators()
    return importlib.import_module("timm")


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    _KEPT.append(library)  # the operators exist as long as the library object


_KEPT: list[Any] = []
_FILES = ("model.safetensors", "pytorch_model.bin")  # the names on the hub
_PATIENCE = 5  # seconds


class _Named(type):
    """A metaclass: every constant of the class is its own name."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return f"{cls.__name__}.{name}"


class _Empty(types.ModuleType):
    """A module in which every name is a class that does nothing."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _Named(name, (nn.Module,), {})
        setattr(self, name, made)
        return made


class _Finder:
    """Finds torchvision and everything in it."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name.partition(".")[0] != "torchvision":
            return None
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Do nothing: the module is empty."""


@contextmanager
def _stand_in() -> Iterator[None]:
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _forget("torchvision")  # later imports must not find the empty module


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def _require(timm: Any, short: str) -> None:
    if not timm.is_model(short.partition(".")[0]):
        guess = nearest(short, timm.list_models())
        hint = f" Did you mean {PREFIX}{guess}?" if guess else ""
        raise UsageError(f"timm has no backbone {plain(short)!r}.{hint}")


def _from_file(timm: Any, short: str, *, file: Path, options: dict[str, Any]) -> nn.Module:
    """Load every layer but the last from a file; nothing is loaded if one does not fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(file)
    except (SafetensorError, OSError) as problem:
        raise DamagedError(f"Cannot read the weights file {file}: {problem}. Give a .safetensors file.") from None
    model: nn.Module = timm.create_model(short, pretrained=False, **options)
    last = model.default_cfg["classifier"]  # type: ignore[index]
    heads = tuple(f"{name}." for name in ([last] if isinstance(last, str) else last))
    expected = model.state_dict()
    for name, tensor in expected.items():
        shape = tuple(weights[name].shape) if name in weights else "nothing"
        if not name.startswith(heads) and shape != tuple(tensor.shape):
            raise DamagedError(
                f"The weights in {file} do not match {PREFIX}{short}: {name}: expected shape "
                f"{tuple(tensor.shape)}, got {shape}. No weights were loaded."
            )
    fitting = {name: t for name, t in weights.items() if name in expected and t.shape == expected[name].shape}
    model.load_state_dict(fitting, strict=False)
    return model
