"""The project's metadata, its pins and its files agree with the package."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "trainwell"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
# Extras that no module imports: their tools are run.
TOOLS = {"dev", "docs", "frameworks", "all"}
# What a distribution is called where it is imported, where the names differ.
IMPORTED = {"pillow": "PIL", "faiss-cpu": "faiss"}


def distribution(requirement: str) -> str:
    """Return the name of a requirement: `ray` of `ray[client]>=2.40`."""
    found = re.match(r"[\w.-]+", requirement)
    assert found, requirement
    return found.group()


def normal(name: str) -> str:
    return name.lower().replace("_", "-")


def requirements() -> list[str]:
    given = [*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]
    return [line for line in given if not line.startswith("trainwell[")]


@pytest.mark.parametrize("requirement", requirements())
def test_every_requirement_is_pinned_within_its_bounds(requirement: str) -> None:
    from packaging.requirements import Requirement

    wanted = Requirement(requirement)
    pins = {normal(name): version for name, version in PINS.items()}
    assert normal(wanted.name) in pins, f"constraints.txt has no pin of {wanted.name}"
    assert wanted.specifier.contains(pins[normal(wanted.name)]), requirement


@pytest.mark.parametrize("extra", sorted(set(EXTRAS) - TOOLS))
def test_a_module_imports_what_an_extra_installs(extra: str) -> None:
    sources = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    for requirement in EXTRAS[extra]:
        name = distribution(requirement)
        module = IMPORTED.get(name, name)
        used = re.search(rf"^\s*(import|from) {module}\b|import_module\(\"{module}\"", sources, flags=re.MULTILINE)
        assert used, f"no module imports {module}, which the extra {extra!r} installs"


def test_all_names_extras_and_leaves_out_what_pulls_torchvision() -> None:
    (listed,) = re.findall(r"trainwell\[([\w,]+)\]", "".join(EXTRAS["all"]))
    assert set(listed.split(",")) == set(EXTRAS) - TOOLS - {"zoo"}


def test_the_pins_are_sorted_and_name_each_distribution_once() -> None:
    names = [normal(name) for name in PINS]
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    assert lines == sorted(lines, key=str.lower) and len(set(names)) == len(lines)


def test_the_licence_file_is_the_one_that_is_declared() -> None:
    assert PROJECT["license"] == "Apache-2.0" and PROJECT["license-files"] == ["LICENSE"]
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text and "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text


def test_the_citation_names_this_version() -> None:
    cited = dict(re.findall(r"^([\w-]+): \"?([^\"\n]+)\"?$", (ROOT / "CITATION.cff").read_text(), flags=re.MULTILINE))
    assert cited["version"] == PROJECT["version"] and cited["license"] == PROJECT["license"]
    assert f"## [{cited['version']}] - {cited['date-released']}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("name", ["bug_report", "false_verdict", "feature_request"])
def test_an_issue_template_has_a_name_and_a_purpose(name: str) -> None:
    text = (ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.md").read_text()
    assert re.match(r"---\nname: .+\nabout: .+\nlabels: .+\n---\n", text)


def test_a_pull_request_is_asked_for_its_proof_of_value() -> None:
    text = (ROOT / ".github" / "pull_request_template.md").read_text()
    assert "## Proof of value" in text and "benchmarks/faults.py" in text


def test_the_commit_hooks_run_what_the_lint_script_runs() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    script = (ROOT / "scripts" / "lint").read_text()
    for tool in ("ruff format", "ruff check", "mypy"):
        assert f".venv/bin/{tool}" in hooks and f".venv/bin/{tool}" in script
