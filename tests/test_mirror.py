"""Every source file has its test file, and every test file of a room has its source."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "src" / "trainwell"
SOURCES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if not path.name.startswith("__"))


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_a_source_file_has_a_test_file(source: Path) -> None:
    mirror = TESTS / source.parent / f"test_{source.name}"
    assert mirror.exists(), f"{source} has no {mirror.relative_to(TESTS.parent)}"
