"""trainwell page: the live page of all runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Runs


def page(
    runs: Runs = Path("runs"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Show all runs, live, in a page that only this machine can open."""
    from trainwell.web import serve

    serve(runs, port=port, open_browser=browser)
