"""trainwell fit: train a network on data or from a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainwell.cli.options import Edits, Json, Runs, find_run, print_json, read_edits, speak

if TYPE_CHECKING:
    from trainwell.core.errors import TrainwellError


def fit(
    data: Annotated[
        str | None,
        typer.Argument(help="digits, iris, ... · table.csv · pictures/ · idx folder · data.npz · recipe.toml"),
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column of a table to predict.")] = None,
    model: Annotated[str | None, typer.Option(help="Architecture, e.g. mlp, lenet5, resnet20.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training split.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Train so long: epochs are planned to fit.")] = None,
    seed: Annotated[int | None, typer.Option(help="All randomness follows from it.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = None,
    origin: Annotated[
        str | None, typer.Option("--from", metavar="RUN", help="Start from this run's network, with a new head.")
    ] = None,
    freeze: Annotated[
        str | None, typer.Option(help="Layers of it that stay: features (all but the head), 3, -2 or a name.")
    ] = None,
    layers: Annotated[str | None, typer.Option(help="Layers to take over; those behind start anew.")] = None,
    unfreeze: Annotated[
        int | None, typer.Option("--unfreeze-every", help="Epochs after which one more frozen layer learns.")
    ] = None,
    pretrain: Annotated[
        str | None, typer.Option(help="First learn features without labels: autoencoder or denoising.")
    ] = None,
    advise: Annotated[
        bool, typer.Option("--advise", help="With --from: measure what to take over; short trials, no run.")
    ] = False,
    edits: Edits = None,
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    runs: Runs = Path("runs"),
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Continue this run where it stopped.")] = None,
    treat: Annotated[bool, typer.Option("--treat", help="Then try repairs; train again with those that help.")] = False,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor summary.")] = False,
) -> None:
    """Train a network on data, with sound defaults or from a recipe."""
    from trainwell.core.errors import DivergedError, TrainwellError, UsageError
    from trainwell.fitting import fit as train
    from trainwell.fitting import resume as go_on

    changes = read_edits(edits)
    short = {
        "data.target": target,
        "nn.model": model,
        "train.epochs": epochs,
        "train.minutes": minutes,
        "seed": seed,
        "train.device": device,
    }
    short |= {"transfer.source": origin and str(find_run(origin, runs)), "transfer.freeze": freeze}
    short |= {"transfer.unfreeze_every": unfreeze, "transfer.layers": layers, "transfer.pretrain": pretrain}
    changes |= {key: value for key, value in short.items() if value is not None}
    if (data is None) == (resume is None):
        raise UsageError("fit needs either data or --resume RUN. Example: trainwell fit digits")
    if resume and (changes or name):
        raise UsageError("--resume continues a run exactly as it was: leave out all other settings.")
    if epochs is not None and minutes:
        raise UsageError("--epochs must be left out with --minutes, which plans the epochs. Give one of them.")
    if advise:
        return _advise(str(data), changes, json=json, quiet=quiet)
    screen = None if quiet else Screen()
    try:
        if resume:
            run = go_on(find_run(resume, runs), display=screen)
        else:
            run = train(data, edits=changes, name=name, runs=runs, display=screen)
        if treat and (repaired := _treat(run.path, json=json, quiet=quiet)):
            run = train(repaired, runs=runs, display=screen)
    except TrainwellError as problem:
        if treat and isinstance(problem, DivergedError) and problem.run is not None:
            repaired = _treat(problem.run, json=json, quiet=quiet)
            if repaired is not None:
                return fit(str(repaired), runs=runs, json=json, quiet=quiet)
        if problem.run is not None and (second := _show(problem.run, json=json, quiet=quiet)):
            speak(f"trainwell: {second}", aside=True)
        raise
    if failed := _show(run.path, json=json, quiet=quiet):
        raise failed


def _advise(data: str, changes: dict[str, object], *, json: bool, quiet: bool) -> None:
    """Say which case of the four-case table this is, what was tried, and what follows, with the measurements."""
    from trainwell.doctor import advise

    found = advise(data, changes, say=lambda text: None if quiet else speak(text, aside=True))
    if json:
        return print_json(found.to_json())
    print(f"{found.case}, seen from {found.source}")
    if found.distance is not None:
        relation = "below" if found.similar else "above"
        apart = f"{found.distance:.3f}, {relation} 0.5 (the source's own held-out data: {found.own_distance:.3f})"
        print(f"  distance of the features  {apart}")
    print(f"  examples for each class   {found.per_class:,} (many: 1,000)")
    if found.table is not None:
        print(f"  the four-case table says  {found.table or 'all layers, at a tenth of the rate: no option'}")
    if found.probes:
        print("A linear classifier on each depth, cross-validated on the training examples:")
    width = max(map(len, found.probes), default=0)
    for name, accuracy in found.probes.items():
        print(f"  {name:<{width}}  {accuracy:.3f}")
    if found.trials:
        parts = len(found.trials[0].scores)
        divisions = f"{parts} division{'s' if parts > 1 else ''} of the training and validation examples"
        print(f"Tried for {found.epochs} epochs on {divisions}; {found.score_name} held out, ± {found.error:.3f}:")
    width = max((len(way.options) for way in found.trials), default=0)
    for way in found.trials:
        print(f"  {way.mean:.3f}  {way.options or 'no option':<{width}}  {way.name}")
    for note in found.notes:
        print(note)
    print(found.recommendation)


def _show(path: Path, *, json: bool, quiet: bool) -> TrainwellError | None:
    """Write the report of a run, however it ended, and say what there is to say; return what kept the report away."""
    from trainwell.core.errors import TrainwellError
    from trainwell.report import summary, write_report
    from trainwell.runs import Run

    run = Run.open(path)
    problem = None
    try:
        write_report(run)
    except TrainwellError as found:
        problem = found
    if not quiet:
        speak(summary(run), aside=json)
    if json:
        print_json(run.to_json())
    return problem


def _treat(path: Path, *, json: bool, quiet: bool) -> Path | None:
    """Try repairs for a run, and return the repaired recipe if one helped."""
    from trainwell.doctor import treat
    from trainwell.report import treatment_text

    treatment = treat(path, say=lambda text: None if quiet else speak(text, aside=True))
    if not quiet:
        speak(treatment_text(treatment), aside=json)
    return treatment.path if treatment.helped else None


class Screen:
    """Shows a run on standard error while it trains."""

    def __init__(self) -> None:
        from trainwell.report import LiveDisplay

        self._live = LiveDisplay()

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        speak(sentence, aside=True)

    def start(self, facts: Any, step: int) -> None:
        """Show what is about to train."""
        sizes = {name: count for name, count in facts.sizes.items() if count}
        self._live.start(
            {
                "model": facts.model,
                "source": facts.source,
                "parameters": facts.parameters,
                "sizes": sizes,
                "epochs": facts.epochs,
                "steps": facts.steps,
                "step": step,
            }
        )

    def step(self, step: int, epoch: int) -> None:
        """Show where training stands, if it is time to."""
        self._live.update(step, epoch=epoch + 1)

    def epoch(self, epoch: int, numbers: Mapping[str, float], best: bool) -> None:
        """Show the numbers of an epoch."""
        self._live.epoch({"epoch": epoch, "best": best, **numbers})

    def stop(self) -> None:
        """Give the terminal back."""
        self._live.stop()
