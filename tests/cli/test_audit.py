"""trainwell audit [B10]."""

from __future__ import annotations

import numpy as np
import pytest


def test_a_table_with_a_leak_and_copies(cli, tmp_path) -> None:
    random = np.random.default_rng(0)
    rows = [
        f"{random.normal():.6f},{random.normal():.6f},{'yes' if i % 3 else 'no'},{int(i % 3 > 0)}" for i in range(200)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,alive,survived", *rows, rows[5], rows[9]]) + "\n")
    done = cli("audit", "t.csv", "--json", "--no-labels")
    assert done.code == 0
    rules = {finding["rule"]: finding for finding in done.json["findings"]}
    assert rules["leaking_column"]["where"] == ["alive"]
    assert done.json["duplicates"] == [[5, 200], [9, 201]]
    assert done.json["suspicious_labels"] == []
    assert (tmp_path / done.json["page"]).read_text().startswith("<!doctype html>")
    assert "leaking_column" in done.err


def test_scores_that_would_measure_memory_are_an_error(cli, tmp_path) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    np.savez("d.npz", x_train=images, y_train=np.arange(60) % 2, x_test=images[:20, :, ::-1], y_test=np.arange(20) % 2)
    done = cli("audit", "d.npz", "--output", "p.html", "--no-labels")
    assert done.code == 3
    assert "duplicates_across_splits" in done.out
    assert (tmp_path / "p.html").exists()


def test_the_splits_are_those_of_fit(cli) -> None:
    plain, other, same = (
        cli("audit", "iris", "--no-labels", "--json", *more).json["findings"]
        for more in ((), ("--set", "seed=3"), ("--set", "seed=3", "--set", "data.split_seed=0"))
    )
    assert plain == same != other


@pytest.mark.parametrize(("arguments", "code"), [(("nothing-here.csv",), 65), (("iris", "--set", "data.tset=0"), 2)])
def test_what_cannot_be_read_is_one_sentence(cli, arguments, code) -> None:
    done = cli("audit", *arguments)
    assert done.code == code and done.err.count("\n") == 1
