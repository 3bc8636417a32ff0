"""Predictions are what the network says on inputs prepared as in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import trainwell as tw
from trainwell.core.errors import DataError, ShapeError


def test_a_table_without_its_target(tmp_path) -> None:
    rng = np.random.default_rng(0)
    rows = [(a, "xyz"[int(rng.integers(3))], "yes" if a > 0 else "no") for a in rng.normal(size=300).round(3)]
    train, new = tmp_path / "train.csv", tmp_path / "new.csv"
    train.write_text("a,b,label\n" + "\n".join(f"{a},{b},{c}" for a, b, c in rows))
    new.write_text("b,extra,a\nx,1,2.5\nunseen,2,-2.5\n,3,1.5\n")
    run = tw.fit(train, epochs=30, runs=tmp_path / "runs")
    found = tw.predict(run, new)
    assert found.values == ["yes", "no", "yes"]
    assert all(0.5 <= sure <= 1 for sure in found.confidence)
    new.write_text("b\nx\n")
    with pytest.raises(DataError, match="'a'"):
        tw.predict(run, new)
    new.write_text("b,a\n")
    with pytest.raises(DataError, match=r"new.csv has no examples to predict"):
        tw.predict(run, new)


def test_predictions_equal_the_network_on_prepared_inputs(tmp_path) -> None:
    run = tw.fit("digits", epochs=3, runs=tmp_path)
    found = tw.predict(run.path, "digits")
    from trainwell.data.sources.bundled import BUNDLED
    from trainwell.fitting.trained_model import load_task

    examples = BUNDLED["digits"]()
    _, preparation, _ = load_task(run)
    with torch.no_grad():
        outputs = run.model()(torch.from_numpy(preparation.inputs(examples.inputs)))
    assert found.values == [examples.labels[k] for k in outputs.argmax(1)]
    assert np.mean([value == examples.labels[t] for value, t in zip(found.values, examples.targets, strict=True)]) > 0.8
    assert tw.predict(run, examples.inputs[:5]).values == found.values[:5]
    rows = found.to_json()
    assert sum(rows[0]["probabilities"].values()) == pytest.approx(1)


def test_images_from_files_and_folders(tmp_path) -> None:
    image = pytest.importorskip("PIL.Image", reason="images need pillow")
    rng = np.random.default_rng(0)
    for label, level in (("dark", 40), ("light", 210)):
        (tmp_path / "train" / label).mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(rng.normal(level, 20, (16, 16)), 0, 255).astype(np.uint8)
            image.fromarray(pixels).save(tmp_path / "train" / label / f"{number}.png")
    run = tw.fit(tmp_path / "train", epochs=10, runs=tmp_path / "runs", edits={"nn.model": "mlp"})
    found = tw.predict(run, tmp_path / "train" / "dark" / "3.png")
    assert (found.values, list(found.ids)) == (["dark"], ["3.png"])
    assert tw.predict(run, tmp_path / "train" / "light").values == ["light"] * 20
    with pytest.raises(DataError, match="no file or folder"):
        tw.predict(run, tmp_path / "nothing.png")


def test_regression_is_in_the_targets_unit(tmp_path) -> None:
    run = tw.fit("diabetes", epochs=20, runs=tmp_path)
    found = tw.predict(run, "diabetes")
    assert 100 < np.mean(found.values) < 200
    assert found.confidence is None


def test_inputs_of_another_shape(tmp_path) -> None:
    run = tw.fit("digits", epochs=1, runs=tmp_path)
    with pytest.raises((ShapeError, DataError), match="shape"):
        tw.predict(run, np.zeros((2, 9, 9, 1), np.uint8))


def test_numbers_that_are_not_finite_are_refused_as_in_training(tmp_path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    run = tw.fit((x, np.arange(60) % 2), epochs=1, runs=tmp_path)
    with pytest.raises(DataError, match="The array has no examples to predict"):
        tw.predict(run, x[:0])
    x[2, 1] = np.nan
    with pytest.raises(DataError, match="row 2"):
        tw.predict(run, x)


def test_an_own_network_predicts_when_it_is_given_again(tmp_path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    net = torch.nn.Linear(3, 1)
    run = tw.fit((x, np.arange(60) % 2), net, epochs=1, runs=tmp_path)
    assert len(tw.predict(run, x[:1], network=torch.nn.Linear(3, 1)).values) == 1
