"""trainwell slide: a classifier of small images, applied to a large one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json, print_text


def slide(
    run: RunPath,
    image: Annotated[str, typer.Argument(help="An image at least as large as those of the run.")],
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the class map here, a .png.")] = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="Classify each window separately (slow; any network).")
    ] = False,
    stride: Annotated[int, typer.Option(help="With --crops: set the stride in pixels; 0: automatic.")] = 0,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Classify every window of a large image.

    One pass for fully convolutional networks. Writes the map of classes as PNG and JSON.
    """
    import time

    from trainwell.core.errors import UsageError
    from trainwell.core.files import atomic_write, storage_errors
    from trainwell.explain import png
    from trainwell.fitting import open_run
    from trainwell.inference import slide as classify_windows
    from trainwell.report.text.words import duration, percent, printable

    if stride < 0 or (stride and not crops):
        raise UsageError(f"--stride must be at least 1 and goes with --crops, got {stride}.")
    started = time.perf_counter()
    found = classify_windows(open_run(find_run(run, runs)), image, crops=crops, stride=stride)
    seconds = time.perf_counter() - started
    target = output or Path(f"{Path(image).stem}-classes.png")
    if target.suffix.lower() != ".png":
        raise UsageError(f"--output must end in .png, got {target.name!r}.")
    plain = {"image": image, "seconds": seconds, **found.to_json()}
    with storage_errors(f"Writing {target}", target.parent):
        atomic_write(target, png(found.image()))
    import json as text

    with storage_errors(f"Writing {target.with_suffix('.json')}", target.parent):
        atomic_write(target.with_suffix(".json"), text.dumps(plain))
    rows, columns = found.classes.shape
    way = "in one pass" if found.one_pass else "window by window"
    print_text(f"{rows * columns:,} windows ({rows} x {columns}) {way} in {duration(seconds)}.", to_stderr=json)
    for label, share in sorted(found.shares().items(), key=lambda pair: -pair[1]):
        if share:
            print_text(f"  {printable(label)}  {percent(share)}", to_stderr=json)
    print_text(f"class map  {target}\nnumbers    {target.with_suffix('.json')}", to_stderr=json)
    if json:
        print_json({**plain, "map": str(target)})
