"""Citations of docs/references.md and docs/curriculum.md resolve, and nothing cites a document that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "trainwell").rglob("*.py"))
CITING = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py"))]
CITING = [path for path in CITING if path != Path(__file__)]

# "docs/references.md, T31", "docs/references.md, T7 and T18", "docs/curriculum.md, P2, P3, L5"
CITATION = r"docs/{document}\.md, ({entry}(?:(?:, | and ){entry})*)"
ENTRIES = {"references": r"T\d+", "curriculum": r"[A-Z]\d+"}


def cited(document: str, text: str) -> set[str]:
    entry = ENTRIES[document]
    lists = re.findall(CITATION.format(document=document, entry=entry), text)
    return {name for names in lists for name in re.findall(entry, names)}


def entries(document: str) -> list[str]:
    text = (ROOT / "docs" / f"{document}.md").read_text()
    return re.findall(rf"^\| ({ENTRIES[document]}) \|", text, flags=re.MULTILINE)


@pytest.mark.parametrize("document", ENTRIES)
def test_every_citation_names_an_entry(document: str) -> None:
    known = set(entries(document))
    assert known
    for path in CITING:
        text = path.read_text()
        assert cited(document, text) <= known, path
        # A citation that the pattern above does not read is a spelling that would never be checked.
        for line in text.splitlines():
            if f"docs/{document}.md" in line:
                assert cited(document, line), f"{path}: {line.strip()}"


@pytest.mark.parametrize("document", ENTRIES)
def test_no_entry_is_there_twice(document: str) -> None:
    names = entries(document)
    assert len(names) == len(set(names))


def test_every_threshold_is_cited_by_the_code_that_uses_it() -> None:
    known = entries("references")
    assert known == [f"T{number}" for number in range(1, len(known) + 1)]
    used = set().union(*(cited("references", path.read_text()) for path in SOURCES))
    assert set(known) - used == set()


def test_every_paper_that_a_threshold_names_is_listed() -> None:
    text = (ROOT / "docs" / "references.md").read_text()
    listed = set(re.findall(r"^\* \[([^\]]+)\]", text, flags=re.MULTILINE))
    body = text.partition("## Literature")[0]
    named = {name.partition(",")[0] for name in re.findall(r"\[([A-Z][A-Za-z ]+ \d{4}[^\]]*)\]", body)}
    assert named == listed


def test_nothing_cites_a_document_that_is_not_in_the_repository() -> None:
    private = re.compile(r"diagnosis,? (section|[A-Z]\d)|\bcurriculum,? [A-Z]\d", re.IGNORECASE)
    for path in CITING:
        assert not private.search(path.read_text()), path


def test_every_test_that_the_curriculum_names_exists() -> None:
    text = (ROOT / "docs" / "curriculum.md").read_text()
    named = re.findall(r"\b(?:tests|benchmarks)/[\w/]+\.py", text)
    assert named
    for path in named:
        assert (ROOT / path).is_file(), path


def test_the_curriculum_is_complete() -> None:
    """77 rows; a row that a command shows names a test, and one that code or tests cite is there."""
    text = (ROOT / "docs" / "curriculum.md").read_text()
    rows = re.findall(r"^\| ([A-Z]\d+) \|(.*)\|$", text, flags=re.MULTILINE)
    assert len(rows) == 77
    for name, row in rows:
        *_, command, tests = (cell.strip() for cell in row.split("|"))
        assert command == "not yet" or command.startswith("`"), name
        assert command == "not yet" or tests or "benchmarks/" in command, name


def test_every_command_that_the_curriculum_names_exists() -> None:
    from typer.main import get_command

    from trainwell.cli.main import app

    known = set(get_command(app).commands)
    text = (ROOT / "docs" / "curriculum.md").read_text()
    assert set(re.findall(r"`trainwell ([\w-]+)", text)) <= known


def test_every_experiment_that_the_curriculum_names_exists() -> None:
    from trainwell.lab import EXPERIMENTS

    text = (ROOT / "docs" / "curriculum.md").read_text()
    assert set(re.findall(r"`trainwell lab (\w+)`", text)) <= set(EXPERIMENTS)
