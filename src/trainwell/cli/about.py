"""trainwell about: what every setting and every name means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainwell.cli.options import Json, print_json

if TYPE_CHECKING:
    from trainwell.inspect.about import Page


def about(
    name: Annotated[str | None, typer.Argument(help="optim.momentum, schedule.cosine, ...; none: list all")] = None,
    json: Json = False,
) -> None:
    """Explain a setting, an optimizer or a layer.

    Prints the formula, when to use it, what it costs, and which lab experiment shows it.
    """
    from trainwell.inspect.about import about as page_of
    from trainwell.inspect.about import pages

    if name:
        page = page_of(name)
        if json:
            print_json(_plain(page))
        else:
            print(_text(page))
    elif json:
        print_json({"pages": [{"name": p.name, "kind": p.kind, "title": p.title} for p in pages().values()]})
    else:
        _print_list(pages().values())


def _text(page: Page) -> str:
    lines = [page.name, "=" * len(page.name), "", page.title]
    lines += [f"  {part + ':':<9}{text}" for part, text in page.parts.items() if part != "Lab"]
    if page.figures:
        lines.append("  Figure:  " + ", ".join(f"trainwell lab {figure}" for figure in page.figures))
    if page.choose:
        lines.append(f"  Choose:  --set {page.choose}")
    if page.setting:
        lines.append(f"  Setting: --set {page.setting.key}={page.setting.default} ({_allowed(page)})")
    return "\n".join([*lines, *(["", page.text] if page.text else [])])


def _allowed(page: Page) -> str:
    """Describe the value shown as an example: the default, its unit and the limits."""
    assert page.setting is not None
    default = f"the default, {page.setting.declared.unit}" if page.setting.declared.unit else "the default"
    limits = page.setting.limits.describe()
    return f"{default}; {limits}" if limits else default


def _plain(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = {"name": page.name, "kind": page.kind, "title": page.title}
    found |= {part: page.parts.get(part.capitalize()) for part in ("formula", "use", "cost", "source")}
    setting = None
    if page.setting:
        setting = {
            "key": page.setting.key,
            "default": page.setting.default,
            "allowed": page.setting.limits.describe(),
            "unit": page.setting.declared.unit,
        }
    return {**found, "lab": list(page.figures), "text": page.text, "setting": setting}


def _print_list(listed: Any) -> None:
    kinds: dict[str, list[Page]] = {}
    for page in listed:
        kinds.setdefault(page.kind, []).append(page)
    width = max(len(page.name) for page in listed)
    for kind, members in kinds.items():
        print(f"{kind}\n")
        for page in members:
            print(f"  {page.name:<{width}}  {page.title}")
        print()
