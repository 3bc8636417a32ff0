"""trainwell fit: train a network on data or from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainwell.cli.display import FitDisplay
from trainwell.cli.options import (
    BatchSize,
    Edits,
    Epochs,
    Json,
    LearningRate,
    Model,
    Optimizer,
    Quiet,
    Runs,
    Seed,
    Target,
    find_run,
    print_json,
    print_text,
    read_settings,
)

if TYPE_CHECKING:
    from trainwell.core.errors import TrainwellError


def fit(
    data: Annotated[
        str | None, typer.Argument(help="digits, iris, ... · table.csv · book.txt · images/ · data.npz · recipe.toml")
    ] = None,
    target: Target = None,
    *,
    model: Model = None,
    optimizer: Optimizer = None,
    learning_rate: LearningRate = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    minutes: Annotated[float | None, typer.Option(help="Train for this time in minutes; plans the epochs.")] = None,
    seed: Seed = None,
    device: Annotated[str | None, typer.Option(help="Compute on auto, cpu, cuda, cuda:1 or mps.")] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="RUN", help="Start from this run's network, with a new head.")
    ] = None,
    freeze: Annotated[str | None, typer.Option(help="Freeze layers: features (all but the head), 3, -2, NAME.")] = None,
    layers: Annotated[str | None, typer.Option(help="Copy these layers only; initialise the others.")] = None,
    unfreeze_every: Annotated[int | None, typer.Option(help="Unfreeze one more layer every N epochs.")] = None,
    pretrain: Annotated[str | None, typer.Option(help="Pretrain without labels: autoencoder, denoising.")] = None,
    advise: Annotated[bool, typer.Option("--advise", help="With --from: measure what to copy; train nothing.")] = False,
    edits: Edits = None,
    name: Annotated[str | None, typer.Option(help="Name the run; default: data and time.")] = None,
    runs: Runs = Path("runs"),
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Resume this run from its last checkpoint.")] = None,
    treat: Annotated[bool, typer.Option("--treat", help="Then try repairs; train again if they help.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a network on data.

    Settings that are not given get defaults that suit the data. Network, scores, findings and a report are written to a
    folder in --runs.
    """
    from trainwell.core.errors import DivergedError, TrainwellError, UsageError
    from trainwell.fitting import fit as fit_data
    from trainwell.fitting import resume as resume_run

    settings = read_settings(
        edits,
        target=target,
        model=model,
        optimizer=optimizer,
        learning_rate=learning_rate,
        epochs=epochs,
        batch_size=batch_size,
        minutes=minutes,
        seed=seed,
        device=device,
        source=source and str(find_run(source, runs)),
        freeze=freeze,
        layers=layers,
        unfreeze_every=unfreeze_every,
        pretrain=pretrain,
    )
    if (data is None) == (resume is None):
        raise UsageError("fit needs either data or --resume RUN. Example: trainwell fit digits")
    if resume and (settings or name):
        raise UsageError("--resume continues a run exactly as it was: leave out all other settings.")
    if epochs is not None and minutes:
        raise UsageError("--epochs must be left out with --minutes, which plans the epochs. Give one of them.")
    if advise:
        return _advise(str(data), settings, json=json, quiet=quiet)
    display = None if quiet else FitDisplay()
    try:
        if resume:
            run = resume_run(find_run(resume, runs), display=display)
        else:
            run = fit_data(data, edits=settings, name=name, runs=runs, display=display)
        if treat and (repaired := _treat(run.path, json=json, quiet=quiet)):
            run = fit_data(repaired, runs=runs, display=display)
    except TrainwellError as problem:
        if treat and isinstance(problem, DivergedError) and problem.run is not None:
            repaired = _treat(problem.run, json=json, quiet=quiet)
            if repaired is not None:
                return fit(str(repaired), runs=runs, json=json, quiet=quiet)
        if problem.run is not None and (second := _show(problem.run, json=json, quiet=quiet)):
            print_text(f"trainwell: {second}", to_stderr=True)
        raise
    if failed := _show(run.path, json=json, quiet=quiet):
        raise failed


def _advise(data: str, settings: dict[str, object], *, json: bool, quiet: bool) -> None:
    """Measure what to copy from the source network, and print the recommendation with its measurements."""
    from trainwell.doctor import advise
    from trainwell.report import advice_text

    advice = advise(data, settings, say=lambda text: None if quiet else print_text(text, to_stderr=True))
    if json:
        return print_json(advice.to_json())
    print(advice_text(advice))


def _show(path: Path, *, json: bool, quiet: bool) -> TrainwellError | None:
    """Write the report of a run, however it ended, and print its summary; return why there is no report."""
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
        print_text(summary(run), to_stderr=json)
    if json:
        print_json(run.to_json())
    return problem


def _treat(path: Path, *, json: bool, quiet: bool) -> Path | None:
    """Try repairs for a run, and return the repaired recipe if one helped."""
    from trainwell.doctor import treat
    from trainwell.report import treatment_text

    treatment = treat(path, say=lambda text: None if quiet else print_text(text, to_stderr=True))
    if not quiet:
        print_text(treatment_text(treatment), to_stderr=json)
    return treatment.path if treatment.helped else None
