from __future__ import annotations

import numpy as np
import pytest
import torch

from trainwell.data.batches import ArrayBatches
from trainwell.data.prepare import Preparation
from trainwell.data.sources import from_arrays
from trainwell.data.statistics.normalise import Normalise
from trainwell.recipe.sections import DataRecipe


@pytest.mark.parametrize("channels", [1, 3])
def test_normalising_batch_by_batch_equals_preparing_at_once(channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 5, channels), dtype=np.uint8)
    examples = from_arrays(images, np.arange(40) % 2)
    prepared = Preparation.fit(examples, np.arange(30), recipe=DataRecipe())
    batches = ArrayBatches(
        {"inputs": images, "targets": examples.targets}, batch_size=16, finish=Normalise(*prepared.fitted.affine)
    )
    inputs = torch.cat([batch.inputs for batch in batches.epoch(0)])
    assert torch.equal(inputs, torch.from_numpy(prepared.inputs(images)))
    assert inputs.is_contiguous()
