from __future__ import annotations

import numpy as np

from trainwell.data.statistics.channels import scale_and_shift, scaled, stretched


def test_scaled_channels_have_mean_0_and_deviation_1_and_constants_are_0() -> None:
    raw = np.random.default_rng(0).normal(5, 3, (500, 2, 4))
    raw[:, 1] = 9.0
    mean, std = raw.mean(axis=(0, 2)), [raw[:, 0].std(), 0.0]
    scale, shift = scale_and_shift(mean, std)
    found = scaled(raw, scale, shift=shift)
    assert found.dtype == np.float32 and found.flags.c_contiguous
    assert abs(found[:, 0].mean()) < 1e-5 and abs(found[:, 0].std() - 1) < 1e-5
    assert not found[:, 1].any()


def test_the_unit_of_raw_numbers() -> None:
    scale, shift = scale_and_shift([0.5], [0.25], unit=255)
    assert np.allclose(np.array([0, 127.5, 255]) * scale + shift, [-2, 0, 2], atol=1e-5)


def test_equal_numbers_are_stretched_to_black() -> None:
    assert not stretched(np.ones((2, 1, 3, 3))).any()
