"""trainwell explain: what a network's predictions depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json


def explain(
    run: RunPath,
    image: Annotated[str, typer.Argument(help="An image; none: the network as a whole.", show_default=False)] = "",
    *,
    label: Annotated[str, typer.Option("--class", help="Explain this class; default: the predicted one.")] = "",
    toward: Annotated[str, typer.Option(help="Perturb the image towards this class; default: second.")] = "",
    strength: Annotated[
        float, typer.Option(help="Limit the change of a pixel, in levels of 256.", min=0, max=255)
    ] = 8.0,
    maps: Annotated[list[str] | None, typer.Option("--map", help="Draw this saliency map; repeatable.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write page and images to this folder.")] = None,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Explain a prediction: saliency maps, adversarial image.

    Without an image, the network as a whole: filters, calibration, largest mistakes.
    """
    from trainwell.fitting import open_run
    from trainwell.inference import ExplanationRequest
    from trainwell.inference import explain as explain_run
    from trainwell.report.html.explained import attack_sentence, file_name, summary_json, write_explanation
    from trainwell.report.text.words import percent

    opened = open_run(find_run(run, runs))
    request = ExplanationRequest(image, label, toward, strength, **({"maps": tuple(maps)} if maps else {}))
    found = explain_run(opened, request)
    folder = output or opened.path / "explain" / (file_name(Path(image).stem) if image else "network")
    page = write_explanation(found, folder)
    if json:
        return print_json(summary_json(found, page))
    for name, share in found.image.top_classes:
        print(f"{name:<24} {percent(share)}")
    if found.image.attacked:
        print(attack_sentence(found.image.attacked))
    network = found.network
    if network.calibration:
        errors = ", ".join(f"{name[:3]}-{name[3:]} error {percent(value)}" for name, value in network.errors.items())
        print(f"{network.split} split: {errors}, calibration error {percent(network.calibration.error)}")
    for remark in found.remarks:
        print(remark)
    print(page)
