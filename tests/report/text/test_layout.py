from __future__ import annotations

import pytest

from trainwell.report.text.layout import WIDTH, columns, pairs, wrapped


def test_paragraphs_end_before_the_margin_and_indent_what_follows() -> None:
    lines = wrapped("word " * 60, indent="  repair: ", later=" " * 10).splitlines()
    assert lines[0].startswith("  repair: word") and all(line.startswith(" " * 10 + "word") for line in lines[1:])
    assert max(map(len, lines)) <= WIDTH


def test_a_command_is_never_broken() -> None:
    command = "--set=" + "x" * 200
    assert command in wrapped(f"try {command} now").splitlines()[1]


def test_numbers_stand_below_each_other() -> None:
    assert columns([["", "test"], ["r", "10.5"], ["accuracy", "2"]]).splitlines() == [
        "            test",
        "  r         10.5",
        "  accuracy     2",
    ]
    with pytest.raises(ValueError):
        columns([["a", "b"], ["c"]])


def test_values_are_aligned() -> None:
    assert pairs([("run", "a b"), ("report", "c")]) == "  run     a b\n  report  c"
