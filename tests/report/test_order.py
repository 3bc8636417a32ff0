"""Within the room imports go down: html uses figures and text, figures use text, text uses neither."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import trainwell.report

ROOM = Path(trainwell.report.__file__).parent
BELOW = {"text": {"text"}, "figures": {"text", "figures"}, "html": {"text", "figures", "html"}}


@pytest.mark.parametrize("folder", BELOW)
def test_a_folder_imports_only_what_lies_below_it(folder: str) -> None:
    for path in (ROOM / folder).glob("*.py"):
        used = set(re.findall(r"trainwell\.report\.(\w+)", path.read_text()))
        assert used <= BELOW[folder], path.name


@pytest.mark.parametrize("folder", BELOW)
def test_a_folder_has_at_most_15_files(folder: str) -> None:
    assert len([path for path in (ROOM / folder).glob("*.py") if path.name != "__init__.py"]) <= 15
