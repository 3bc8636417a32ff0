"""trainwell page: a live page of all runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Runs


def page(
    runs: Runs = Path("runs"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Listen on this port; 0: any free one.")] = 0,
    *,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Show all runs live in a web page.

    Only this machine can open the page.
    """
    from trainwell.web import serve

    serve(runs, port=port, open_browser=browser)
