"""trainwell explain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")


def test_a_page_with_its_images_is_written(cli, tmp_path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", X=rng.integers(0, 256, (60, 14, 14), dtype=np.uint8), y=np.arange(60) % 3)
    Image.fromarray(rng.integers(0, 256, (14, 14), dtype=np.uint8)).save(tmp_path / "one.png")
    assert cli("fit", "d.npz", "--model", "lenet5", "--epochs", 1, "--name", "r", "-q").code == 0
    found = cli("explain", "r", "one.png", "--map", "gradient", "--map", "grad_cam", "--toward", "2", "--json").json
    assert found["attack"]["toward"] == "2"
    assert set(found["accuracy_by_strength"]) == {"one step", "ten steps"}
    assert [Path(name).is_file() for name in found["images"]].count(False) == 0
    page = Path(found["page"]).read_text()
    assert " style=" not in page  # the page's own policy would not let it
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")
    assert page.count("data:image/png;base64") >= len(found["images"])
    assert "calibration error" in cli("explain", "r").out
    wrong = cli("explain", "r", "one.png", "--class", "9")
    assert wrong.code == 2 and wrong.err.count("\n") == 1
