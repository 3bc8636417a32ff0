"""trainwell show-batch."""

from __future__ import annotations

import pytest

pytest.importorskip("PIL")


def test_a_image_of_a_batch(cli, tmp_path) -> None:
    done = cli("show-batch", "digits", "--set", "data.augment=['rotate:20']", "--step", "2", "--json")
    assert done.code == 0 and done.json["shape"][1:] == [1, 8, 8]
    assert (tmp_path / done.json["image"]).read_bytes().startswith(b"\x89PNG")
    assert len(done.json["labels"]) == done.json["shape"][0]


@pytest.mark.parametrize(
    "arguments", [("digits", "--set", "data.augment=['crop:9']"), ("iris", "--step", "99999"), ("nothing.csv",)]
)
def test_what_cannot_be_shown_is_one_sentence(cli, arguments) -> None:
    done = cli("show-batch", *arguments)
    assert done.code in (2, 65) and done.err.count("\n") == 1
