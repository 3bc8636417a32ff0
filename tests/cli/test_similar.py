"""trainwell similar."""

from __future__ import annotations

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")


def test_neighbours_are_listed_with_precision(cli, tmp_path) -> None:
    rng = np.random.default_rng(0)
    for number in range(24):
        folder = tmp_path / "data" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (10, 10), dtype=np.uint8)).save(folder / f"{number}.png")
    assert cli("fit", "data", "--model", "mlp", "--epochs", 1, "--name", "r", "-q").code == 0
    done = cli("similar", "r", "data/a/0.png", "data", "-k", 3)
    assert len(done.out.splitlines()) == 4
    assert "precision@3" in done.out
    assert "precision@23," in cli("similar", "r", "data/a/0.png", "data", "-k", 100).out, "as many as there are"
    assert cli("similar", "r", "data/a/0.png", "data", "-k", 3, "--json").json["size"] == 24
    assert cli("similar", "r", "nix.png", "data").code == 65
