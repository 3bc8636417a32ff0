"""trainwell similar: the images nearest to one in feature space."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json


def similar(
    run: RunPath,
    image: Annotated[str, typer.Argument(help="The image to compare with.")],
    *,
    gallery: Annotated[str, typer.Argument(help="Folder of images; its sub-folders are classes.", metavar="FOLDER")],
    count: Annotated[int, typer.Option("--count", "-k", help="Set the number of neighbours to print.", min=1)] = 10,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Find the images nearest to one in feature space.

    Prints precision@k too if the classes of the folder are known.
    """
    from trainwell.fitting import open_run
    from trainwell.inference import similar as find_similar

    found = find_similar(open_run(find_run(run, runs)), image, gallery=gallery, count=count)
    if json:
        return print_json(found.to_json())
    for neighbour in found.neighbours:
        print(f"{neighbour.distance:9.4f}  {neighbour.id}")
    measured = {
        "for this image": found.precision,
        "on average over the folder's images": found.precision_of_gallery,
    }
    if said := [f"{value:.3f} {name}" for name, value in measured.items() if value is not None]:
        print(f"precision@{len(found.neighbours)}, fraction of neighbours of the same class: {', '.join(said)}")
