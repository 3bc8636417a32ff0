"""trainwell rules: the rules that a run is judged by."""

from __future__ import annotations

import inspect
from typing import Annotated

import typer

from trainwell.cli.options import Json, print_json


def rules(
    name: Annotated[str | None, typer.Argument(help="Rule to explain; none: list all.")] = None, json: Json = False
) -> None:
    """List the rules, or explain one.

    The page of a rule says what it does, why that is bad, what is known to fail, and which repairs it recommends.
    """
    from trainwell.doctor import rule_remedies
    from trainwell.doctor.bench import bench_sentence, read_record
    from trainwell.rules import RULES

    if name and name in RULES:
        name = RULES.current(name)
    chosen = {name: RULES[name]} if name else dict(RULES)
    pages = {key: inspect.getdoc(rule) or "" for key, rule in chosen.items()}
    if json:
        rows = [
            {"name": key, "law": page.splitlines()[0], "page": page, "remedies": list(rule_remedies(key))}
            for key, page in pages.items()
        ]
        print_json({"rules": rows})
    elif name:
        print(f"{name}\n{'=' * len(name)}\n\n{pages[name]}")
        for number, (remedy, title) in enumerate(rule_remedies(name).items()):
            print(("" if number else "\nRepairs, best first (edits of the recipe):\n") + f"  {remedy}: {title}")
        if measured := bench_sentence(name, read_record()):
            print("\n" + measured)
    else:
        width = max(map(len, pages))
        for key, page in pages.items():
            print(f"{key:<{width}}  {page.splitlines()[0]}")
