"""trainwell rules: everything that is judged."""

from __future__ import annotations

import inspect
from typing import Annotated

import typer

from trainwell.cli.options import Json, print_json


def rules(
    name: Annotated[str | None, typer.Argument(help="Print the page of this rule.")] = None, json: Json = False
) -> None:
    """List all rules, or print one rule's page: law, reason, known problems, examples."""
    from trainwell.rules import RULES

    chosen = {name: RULES[name]} if name else dict(RULES)
    pages = {key: inspect.getdoc(rule) or "" for key, rule in chosen.items()}
    if json:
        print_json({"rules": [{"name": key, "law": page.splitlines()[0], "page": page} for key, page in pages.items()]})
    elif name:
        print(f"{name}\n{'=' * len(name)}\n\n{pages[name]}")
    else:
        width = max(map(len, pages))
        for key, page in pages.items():
            print(f"{key:<{width}}  {page.splitlines()[0]}")
