"""Ten crops at five scales, averaged [B7]."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.errors import UsageError
from trainwell.data.augment.crops import averaged, ten_crops
from trainwell.tasks import Classify, Multilabel, OneVsRest, Regress


def test_ten_crops_are_corners_and_centre_and_their_mirror_images() -> None:
    images = torch.arange(256.0).view(1, 1, 16, 16)
    crops = list(ten_crops(images, scales=(256,)))
    assert len(crops) == 10
    for upright, mirrored in zip(crops[::2], crops[1::2], strict=True):
        torch.testing.assert_close(upright.flip(3), mirrored)
    means = [crop.mean().item() for crop in crops[::2]]
    assert means[0] < means[1] < means[2] < means[3]
    assert means[0] < means[4] < means[3]


@pytest.mark.parametrize(
    ("task", "read"),
    [
        (Classify(classes=2), lambda outputs: outputs.softmax(1)),
        (Multilabel(count=2), torch.sigmoid),
        (OneVsRest(classes=2), lambda outputs: torch.nn.functional.normalize(outputs.sigmoid(), p=1.0)),
        (Regress(mean=(0.0, 0.0), deviation=(1.0, 1.0)), lambda outputs: outputs),
    ],
)
def test_probabilities_are_averaged(task, read) -> None:
    def model(x):
        return torch.stack([x.mean(dim=(1, 2, 3)), x[:, 0, 0, 0]], dim=1)

    images = torch.randn(3, 1, 16, 16)
    expected = torch.stack([read(model(crop)) for crop in ten_crops(images)]).mean(dim=0)
    torch.testing.assert_close(read(averaged(model, images, task=task, crops=50)), expected, atol=1e-5, rtol=1e-4)
    assert averaged(model, images, task=task, crops=1).equal(model(images))


def test_what_cannot_be_cropped_is_refused() -> None:
    with pytest.raises(UsageError, match="--crops must be 1, 10"):
        averaged(lambda x: x, torch.zeros(1, 1, 4, 4), task=Classify(classes=3), crops=5)
    with pytest.raises(UsageError, match="--crops applies to images, got inputs of 1 axes"):
        averaged(lambda x: x, torch.zeros(1, 4), task=Classify(classes=3), crops=10)
