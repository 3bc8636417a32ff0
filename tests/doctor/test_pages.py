"""The pages of the rules in docs/rules are those of the rules as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainwell.doctor.pages import pages, rule_page, write_pages
from trainwell.rules import RULES

FOLDER = Path(__file__).parents[2] / "docs" / "rules"
PAGES = dict(pages())


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name], "run scripts/pages"


def test_no_page_is_left_over() -> None:
    assert {path.name for path in FOLDER.glob("*.md")} == {"README.md", *(f"{rule}.md" for rule in RULES)}


def test_a_page_tells_repairs_and_what_is_explained() -> None:
    page = rule_page("dead_units")
    assert "*Why it matters*" in page and "*Known problems*" in page
    assert "* `lower_rate`: " in page and "bad: activation/dead_fraction" in page
    assert "(no_better_than_chance.md)" in page


def test_pages_of_rules_that_are_no_more_are_removed(tmp_path: Path) -> None:
    (tmp_path / "old_rule.md").write_text("gone")
    assert write_pages(tmp_path) == len(RULES) + 1
    assert not (tmp_path / "old_rule.md").exists()
