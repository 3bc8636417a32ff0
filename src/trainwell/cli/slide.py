"""trainwell slide: a classifier of small pictures over a large one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json, speak


def slide(
    run: RunPath,
    picture: Annotated[str, typer.Argument(help="A picture at least as large as those of the run.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where the class map goes, as a .png.")] = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="Classify every window by itself: slow, for any network.")
    ] = False,
    stride: Annotated[int, typer.Option(help="Pixels between two windows (with --crops).")] = 0,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Classify every window of a large picture in one pass; writes a picture and a JSON file of the classes."""
    import time

    from trainwell.core.errors import UsageError
    from trainwell.core.files import atomic_write, storage_errors
    from trainwell.explain import png
    from trainwell.fitting import open_run
    from trainwell.inference import slide as classify
    from trainwell.report.text.words import duration, percent, printable

    if stride < 0 or (stride and not crops):
        raise UsageError(f"--stride must be at least 1 and goes with --crops, got {stride}.")
    started = time.perf_counter()
    found = classify(open_run(find_run(run, runs)), picture, crops=crops, stride=stride)
    seconds = time.perf_counter() - started
    target = out or Path(f"{Path(picture).stem}-classes.png")
    if target.suffix.lower() != ".png":
        raise UsageError(f"--out must end in .png, got {target.name!r}.")
    plain = {"picture": picture, "seconds": seconds, **found.to_json()}
    with storage_errors(f"Writing {target}", target.parent):
        atomic_write(target, png(found.picture()))
    import json as text

    with storage_errors(f"Writing {target.with_suffix('.json')}", target.parent):
        atomic_write(target.with_suffix(".json"), text.dumps(plain))
    rows, columns = found.classes.shape
    way = "in one pass" if found.one_pass else "window by window"
    speak(f"{rows * columns:,} windows ({rows} x {columns}) {way} in {duration(seconds)}.", aside=json)
    for label, share in sorted(found.shares().items(), key=lambda pair: -pair[1]):
        if share:
            speak(f"  {printable(label)}  {percent(share)}", aside=json)
    speak(f"class map  {target}\nnumbers    {target.with_suffix('.json')}", aside=json)
    if json:
        print_json({**plain, "map": str(target)})
