"""One page for each rule, from its docstring, its examples, its repairs and the fault bench."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from trainwell.core.files import atomic_write
from trainwell.core.finding import Finding, Severity
from trainwell.doctor.bench import bench_sentence, read_record
from trainwell.repairs import REPAIRS
from trainwell.rules import RULES, examples

_CODE_REPAIR = re.compile(r"^\*(?:Repair|Cure)\*: (.*(?:\n(?!\n|\*|Reads:).+)*)", re.MULTILINE)
_PARTS = re.compile(r"^(Reads: |ok: |hint: |bad: )", re.MULTILINE)


def rule_page(name: str) -> str:
    """Return the page of a rule in Markdown: law, reason, known problems, repairs, what it explains, examples.

    >>> rule_page("overfitting").splitlines()[0]
    '# overfitting'
    """
    text, reads = _halves(name)
    law, _, prose = text.partition("\n")
    found = _shown(name)
    repairs = [f"* `{remedy}`: {title}" for remedy, title in rule_remedies(name).items()]
    explained = ", ".join(f"[{rule}]({rule}.md)" if rule in RULES else rule for rule in _each(found, "explains"))
    blocks = [f"# {name}", law, re.sub(r"\n(?=\*)", "\n\n", prose.strip())]
    if found:
        blocks.append(
            "*Severity*: " + ", ".join(str(one) for one in Severity if one in {f.severity for f in found}) + "."
        )
    if repairs:
        blocks += ["*Repairs, best first* (edits of the recipe; `trainwell treat` tries them):", "\n".join(repairs)]
    if explained:
        blocks.append(f"*Explains* these symptoms, which are shown under it: {explained}.")
    if reads:
        blocks.append(f"Signals it reads, and examples that the tests run:\n\n```\n{reads}\n```")
    blocks.append(bench_sentence(name, read_record()))
    return "\n\n".join(block for block in blocks if block) + "\n"


def rule_remedies(name: str) -> dict[str, str]:
    """Return the repairs a rule recommends, best first, each with what it does.

    >>> list(rule_remedies("input_scale"))
    ['standardise_inputs']
    """
    return {remedy: REPAIRS[remedy].title for remedy in _each(_shown(name), "remedies")}


def code_repair(name: str) -> str:
    """Return how a fault in one's own code is repaired, or "" where the rule's page does not say or there is no rule.

    >>> code_repair("missing_zero_grad")
    'call `optimizer.zero_grad()` before each `loss.backward()`.'
    >>> code_repair("dead_units")
    ''
    """
    found = _CODE_REPAIR.search(inspect.getdoc(RULES[name]) or "") if name in RULES else None
    return " ".join(found.group(1).split()) if found else ""


def index_page() -> str:
    """Return the list of all rules by family, in Markdown.

    >>> "* [dead_units](dead_units.md): " in index_page()
    True
    """
    families: dict[str, list[str]] = {}
    for name, rule in RULES.items():
        law = (inspect.getdoc(rule) or "").partition("\n")[0]
        families.setdefault(rule.__module__.rpartition(".")[2].replace("_", " "), []).append(
            f"* [{name}]({name}.md): {law}"
        )
    blocks = [
        "# Rules",
        "Every rule is a pure function of the recorded signals; `scripts/pages` makes its page from its docstring. "
        "`error` and `warning` are problems, `info` is a hint and never an alarm. How to read a diagnosis: "
        "[watch.md](../watch.md).",
    ]
    for family, lines in families.items():
        blocks += [f"## {family.capitalize()}", "\n".join(lines)]
    return "\n\n".join(blocks) + "\n"


def pages() -> Iterator[tuple[str, str]]:
    """Yield the file name and text of every page, the index first."""
    yield "README.md", index_page()
    for name in RULES:
        yield f"{name}.md", rule_page(name)


def write_pages(folder: Path) -> int:
    """Write every page, remove those of rules that no longer exist, and return how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = dict(pages())
    for file in folder.glob("*.md"):
        if file.name not in texts:
            file.unlink()
    for name, text in texts.items():
        atomic_write(folder / name, text)
    return len(texts)


def _halves(name: str) -> tuple[str, str]:
    """Return the prose of a docstring, and the signals and examples that follow it."""
    text = (inspect.getdoc(RULES[name]) or "").strip()
    parts = _PARTS.search(text)
    return (text[: parts.start()].strip(), text[parts.start() :]) if parts else (text, "")


def _shown(name: str) -> list[Finding]:
    """Return what a rule finds in its own examples."""
    rule = RULES[name]
    return [finding for example in examples(rule) if (finding := rule(example.signals, example.facts)) is not None]


def _each(found: list[Finding], field: str) -> list[str]:
    return list(dict.fromkeys(name for finding in found for name in getattr(finding, field)))
