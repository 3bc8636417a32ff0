"""trainwell similar: which pictures look alike to a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json


def similar(
    run: RunPath,
    picture: Annotated[str, typer.Argument(help="The picture to compare with.")],
    gallery: Annotated[str, typer.Argument(help="Folder of pictures; its sub-folders are classes.", metavar="FOLDER")],
    count: Annotated[int, typer.Option("--count", "-k", help="How many neighbours.", min=1)] = 10,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Find the pictures nearest to one in the network's feature space, with precision@k where classes are known."""
    from trainwell.fitting import open_run
    from trainwell.inference import similar as find

    found = find(open_run(find_run(run, runs)), picture, gallery, count=count)
    if json:
        return print_json(found.to_json())
    for neighbour in found.neighbours:
        print(f"{neighbour.distance:9.4f}  {neighbour.id}")
    measured = {
        "of this picture": found.precision,
        "of the folder's pictures asked in turn": found.precision_of_gallery,
    }
    if said := [f"{value:.3f} {name}" for name, value in measured.items() if value is not None]:
        print(f"precision@{len(found.neighbours)}, the share of neighbours of the same class: {', '.join(said)}")
