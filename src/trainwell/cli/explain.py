"""trainwell explain: why a network says what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json


def explain(
    run: RunPath,
    picture: Annotated[str, typer.Argument(help="A picture; none: the network as a whole.", show_default=False)] = "",
    about: Annotated[str, typer.Option("--class", help="Class the maps are about; none: the likeliest.")] = "",
    toward: Annotated[str, typer.Option(help="Class to push the picture to; none: the second likeliest.")] = "",
    strength: Annotated[float, typer.Option(help="Largest change of a pixel, in levels of 256.", min=0, max=255)] = 8.0,
    maps: Annotated[
        list[str] | None, typer.Option("--map", help="A map to draw instead of the usual ones (repeatable).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for page, pictures and figures.")] = None,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Show what a picture's answer hangs on, what changes it, and how the network does as a whole."""
    from trainwell.fitting import open_run
    from trainwell.inference import Asked
    from trainwell.inference import explain as look
    from trainwell.report.html.explained import attack_sentence, file_name, summary_json, write_explanation
    from trainwell.report.text.words import percent

    opened = open_run(find_run(run, runs))
    asked = Asked(picture, about, toward, strength, **({"maps": tuple(maps)} if maps else {}))
    found = look(opened, asked)
    folder = out or opened.path / "explain" / (file_name(Path(picture).stem) if picture else "network")
    page = write_explanation(found, folder)
    if json:
        return print_json(summary_json(found, page))
    for label, share in found.guesses:
        print(f"{label:<24} {percent(share)}")
    if found.attacked:
        print(attack_sentence(found.attacked))
    if found.calibration:
        errors = ", ".join(f"{name[:3]}-{name[3:]} error {percent(value)}" for name, value in found.errors.items())
        print(f"{found.split} split: {errors}, calibration error {percent(found.calibration.error)}")
    for remark in found.remarks:
        print(remark)
    print(page)
