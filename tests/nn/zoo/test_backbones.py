"""Published backbones with their own preparation (docs/curriculum.md, H5); weights are saved locally, no network is needed."""

from __future__ import annotations

import sys
import time

import pytest
import torch

from trainwell.core.errors import DamagedError, UsageError
from trainwell.nn.zoo.backbones import backbone, load_timm, preprocessing

pytest.importorskip("safetensors")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def timm():
    if not __import__("importlib.util").util.find_spec("timm"):
        pytest.skip("timm is not installed")
    return load_timm()


@pytest.fixture(scope="module")
def weights(timm, tmp_path_factory):
    from safetensors.torch import save_file

    torch.manual_seed(7)
    original = timm.create_model("resnet18", num_classes=10)
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    save_file(original.state_dict(), path)
    return path, original.eval()


def test_the_import_leaves_no_torchvision_behind(timm) -> None:
    assert timm.__version__
    assert not [name for name in sys.modules if name.startswith("torchvision") and sys.modules[name].__spec__ is None]


def test_weights_of_a_file_and_a_new_head(weights) -> None:
    path, original = weights
    same = backbone(f"timm:resnet18@{path}", input_shape=(3, 64, 64), outputs=10, pretrained=True).eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(same(x), original(x), atol=1e-5)
    other = backbone(f"timm:resnet18@{path}", input_shape=(3, 64, 64), outputs=4, pretrained=True)
    assert other(x).shape == (2, 4)
    assert torch.equal(other.conv1.weight, original.conv1.weight)


def test_the_new_head_is_a_function_of_the_seed(timm) -> None:
    heads = [
        backbone("timm:resnet18", input_shape=(1, 64, 64), outputs=2, pretrained=False, seed=seed).fc.weight
        for seed in (1, 1, 2)
    ]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_preparation_is_timms_own(timm) -> None:
    found = preprocessing("timm:resnet18")
    assert (found.side, found.mean, found.std) == (224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert found.interpolation in ("bilinear", "bicubic")
    assert found.crop == timm.models.get_pretrained_cfg("resnet18").crop_pct < 1


def test_weights_of_another_network_are_refused(weights, tmp_path) -> None:
    path, _ = weights
    with pytest.raises(DamagedError, match="do not match timm:resnet34: .*No weights were loaded"):
        backbone(f"timm:resnet34@{path}", input_shape=(3, 64, 64), outputs=4, pretrained=True)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing")
    with pytest.raises(DamagedError, match="cannot be read"):
        backbone(f"timm:resnet18@{broken}", input_shape=(3, 64, 64), outputs=4, pretrained=True)


def test_unknown_names_and_no_network_are_one_sentence(timm, monkeypatch) -> None:
    with pytest.raises(UsageError, match="timm has no backbone 'resnet19'. Did you mean timm:resnet"):
        backbone("timm:resnet19", input_shape=(3, 64, 64), outputs=4, pretrained=False)

    def offline(*args, **kwargs):
        raise OSError("we are offline")

    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub.constants, "ENDPOINT", "http://localhost:1")  # nobody listens there
    begun = time.perf_counter()
    with pytest.raises(UsageError, match="they are not on this machine, and the hub does not answer"):
        backbone("timm:resnet18", input_shape=(3, 64, 64), outputs=4, pretrained=True)
    assert time.perf_counter() - begun < 10
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(
        UsageError, match="weights could not be loaded: we are offline. Without internet access give a weights file"
    ):
        backbone("timm:resnet18", input_shape=(3, 64, 64), outputs=4, pretrained=True)
