from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainwell.core.descriptors import Descriptors, high_duplicate, open_descriptors, opened_high


def test_what_was_closed_or_taken_by_another_file_is_not_intact(tmp_path: Path) -> None:
    (tmp_path / "ours").write_text("ours")
    (tmp_path / "theirs").write_text("theirs")
    number = os.open(tmp_path / "ours", os.O_RDWR)
    ours = Descriptors.of_files([tmp_path / "ours", tmp_path / "absent"])
    assert ours.are_intact()
    os.close(number)
    assert not ours.are_intact()
    assert os.open(tmp_path / "theirs", os.O_RDWR) == number
    assert not ours.are_intact()
    ours.close()
    assert os.read(number, 10) == b"theirs", "a descriptor of another file stays open"
    os.close(number)


def test_descriptors_of_ours_are_closed(tmp_path: Path) -> None:
    number = os.open(tmp_path / "ours", os.O_RDWR | os.O_CREAT)
    Descriptors({number}).close()
    with pytest.raises(OSError):
        os.fstat(number)


def test_what_is_opened_high_leaves_the_low_numbers_free(tmp_path: Path) -> None:
    before = open_descriptors()
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    with opened_high():
        number = os.open(tmp_path / "ours", os.O_RDWR | os.O_CREAT)
    assert number >= 256
    assert open_descriptors() == before | {number}
    again = os.open(os.devnull, os.O_RDONLY)
    assert again == lowest
    os.close(number)
    os.close(again)


def test_a_duplicate_is_high_and_not_inherited() -> None:
    first, second = os.pipe()
    duplicate = high_duplicate(second)
    assert duplicate >= 256 and not os.get_inheritable(duplicate)
    os.write(duplicate, b"x")
    assert os.read(first, 1) == b"x"
    for number in (first, second, duplicate):
        os.close(number)
    with pytest.raises(OSError):
        high_duplicate(second)
