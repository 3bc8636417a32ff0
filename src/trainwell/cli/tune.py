"""trainwell tune: search for good settings."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainwell.cli.display import TuneDisplay
from trainwell.cli.options import (
    Edits,
    Epochs,
    Json,
    Quiet,
    Runs,
    Seed,
    find_run,
    print_json,
    print_text,
    read_settings,
)

if TYPE_CHECKING:
    from trainwell.search import Study

TRIALS = 64
# What is varied by default: the learning rate matters most.
DEFAULT = ["optim.learning_rate=log:1e-4..0.1", "optim.weight_decay=log:1e-5..0.1"]
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_SHOWN = 5  # trials in a summary
_FEW = 24  # with fewer trials, settings that matter can look like noise


def tune(
    data: Annotated[
        str | None, typer.Argument(help="digits, iris, ... · table.csv · images/ · data.npz · recipe.toml")
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            metavar="KEY=RANGE",
            help="Search log:1e-4..1, 0..0.7, sgd,adamw, ...; repeatable.",
        ),
    ] = None,
    *,
    space: Annotated[Path | None, typer.Option(help="Read ranges and conditions from a TOML file.")] = None,
    trials: Annotated[
        int | None, typer.Option(help=f"Set the number of configurations to try.  [default: {TRIALS}]")
    ] = None,
    method: Annotated[str, typer.Option(help="Use auto, grid, random, sobol, coarse-to-fine, halving, tpe.")] = "auto",
    folds: Annotated[int, typer.Option(help="Set the folds of cross-validation; 1: validation split.")] = 1,
    nested: Annotated[int, typer.Option(help="Set the outer folds of nested cross-validation; 0: none.")] = 0,
    epochs: Epochs = None,
    seed: Seed = None,
    edits: Edits = None,
    engine: Annotated[str, typer.Option(help="Train with auto, population or sequential.")] = "auto",
    workers: Annotated[int, typer.Option(help="Set the number of processes; 0: one per core if faster.")] = 0,
    on: Annotated[str, typer.Option(metavar="ADDRESS", help="Train on a Ray cluster: ray or ray://host:port.")] = "",
    repeats: Annotated[int | None, typer.Option(help="Set the number of seeds to retrain the two best with.")] = None,
    stop_after: Annotated[str | None, typer.Option(metavar="TIME", help="Stop after 90s, 10m or 2h.")] = None,
    target_score: Annotated[float | None, typer.Option(help="Stop at this validation score.")] = None,
    storage: Annotated[str, typer.Option(metavar="URL", help="Share the study in a database: postgresql://...")] = "",
    resume: Annotated[str | None, typer.Option(metavar="STUDY", help="Resume this study.")] = None,
    retest: Annotated[
        str | None, typer.Option(metavar="RUN", help="Test whether this run's settings are still good.")
    ] = None,
    export_optuna: Annotated[
        str | None, typer.Option(metavar="STUDY", help="Write this study for Optuna's dashboard.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name the study; default: data and time.")] = None,
    runs: Runs = Path("runs"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search for good hyperparameters.

    Many small networks are trained at once as one program. The winner is chosen by validation score and evaluated once
    on the held-out test split.
    """
    from trainwell.core.errors import TrainwellError, UsageError
    from trainwell.search import Compute, FinalEvaluation, NoDisplay, Options, StopRule, read_space, resume_study
    from trainwell.search import retest as retest_run
    from trainwell.search import tune as search_settings

    if sum(given is not None for given in (data, resume, retest, export_optuna)) != 1:
        raise UsageError(
            "tune needs either data, --resume STUDY or --retest RUN (or --export-optuna STUDY). "
            "Example: trainwell tune digits"
        )
    if export_optuna:
        _export(find_run(export_optuna, runs), storage, json=json)
        return
    planned = trials is not None or method != "auto" or folds != 1
    if retest and (vary or space or planned):
        raise UsageError(
            "--retest chooses what to vary and tries it all: leave out --vary, --space, --trials, --method and --folds."
        )
    if resume and (vary or space or planned or edits or name or storage or epochs is not None or seed is not None):
        raise UsageError("--resume continues a study exactly as it was: leave out all other settings.")
    options = Options(
        read_settings(edits, epochs=epochs, seed=seed),
        name=name,
        display=NoDisplay() if quiet else TuneDisplay(),
        compute=Compute(engine=engine, workers=workers, cluster=on, storage=storage),
        stop=StopRule(seconds=_seconds(stop_after), target=math.inf if target_score is None else target_score),
        evaluation=FinalEvaluation(repeats=repeats, nested=nested),
    )
    try:
        if resume:
            study = resume_study(find_run(resume, runs), options=options)
        elif retest:
            study = retest_run(find_run(retest, runs), runs=runs, options=options)
        else:
            chosen = read_space(space, vary or ([] if space else DEFAULT))
            count = TRIALS if trials is None else trials
            study = search_settings(data, chosen, trials=count, method=method, folds=folds, runs=runs, options=options)
    except TrainwellError as problem:
        if problem.run is not None:
            _show(problem.run, json=json, quiet=quiet)
        raise
    _show(study.path, json=json, quiet=quiet)


def _export(path: Path, storage: str, *, json: bool) -> None:
    """Write a study for Optuna's dashboard and print how to show it."""
    from trainwell.search import export_to_optuna, open_study

    study = open_study(path)
    written = export_to_optuna(study, storage)
    print_text(f"Wrote {len(study.trials)} trials. Show them: optuna-dashboard {written}", to_stderr=json)
    if json:
        print_json({"study": str(path), "trials": len(study.trials), "storage": written})


def _seconds(text: str | None) -> float:
    """Return the seconds of a time such as 90, 90s, 10m or 2h; 0 if none is given."""
    from trainwell.core.errors import UsageError

    if text is None:
        return 0.0
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not found or float(found[1]) == 0:
        raise UsageError(f"--stop-after must be a time such as 90s, 10m or 2h, got {text!r}.")
    return float(found[1]) * _UNITS[found[2]]


def _show(path: Path, *, json: bool, quiet: bool) -> None:
    """Write the report of a search and print its summary, however the search ended."""
    from trainwell.core.errors import StorageError
    from trainwell.search import open_study

    try:
        study = open_study(path)
    except StorageError:  # it ended before anything was tried
        return
    from trainwell.report.html.study import write_study_report

    written = write_study_report(study)
    if not quiet:
        print_text(f"{_summary(study)}\nReport: {written}", to_stderr=json)
    if json:
        print_json(study.to_json())


def _summary(study: Study) -> str:
    from statistics import stdev

    from trainwell.report.text.study import nested_text, slices_in_text
    from trainwell.search import describe_settings

    counts = study.to_json()["states"]
    states = f" ({', '.join(f'{count} {state}' for state, count in counts.items() if count)})" if study.trials else ""
    execution = study.execution
    conclusions = study.conclusions
    lines = [
        f"{len(study.trials)} trials{states} in {study.seconds:.1f} s · {execution.engine}: {execution.why}",
        "",
    ]
    for trial in study.ranked[:_SHOWN]:
        if trial.score is not None:
            spread = f" ± {stdev(trial.folds):.4f}" if len(trial.folds) > 1 else ""
            lines.append(f"  {study.main_score} {trial.score:.4f}{spread}  {describe_settings(trial.settings)}")
    best = study.to_json()["best"]
    if best["interval"]:
        low = best["interval"]["low"]
        high = best["interval"]["high"]
        lines.append(
            f"Best over {len(best['folds'])} folds: 95 % confidence interval of the mean {low:.4f} to {high:.4f}"
        )
    lines += _importance_lines(study)
    if slices := slices_in_text(study):
        lines += ["Best score along each range, lowest to highest value:", *(f"  {line}" for line in slices)]
    noise = conclusions.noise
    if "really" in noise:
        verdict = "significantly better" if noise["really"] else "not significantly better"
        lines.append(
            f"Winner against runner-up, {len(noise['winner'])} seeds each: {noise['difference']:+.4f} "
            f"(p = {noise['p_value']:.2g}), {verdict}"
        )
    if "mean" in conclusions.nested:
        lines.append(f"The whole procedure, with its search: {nested_text(study)}")
    lines += [f"! {finding.title}" for finding in study.findings]
    if study.winner.test:
        score = study.winner.test[study.main_score]
        lines += ["", f"Winner on the held-out test split: {study.main_score} {score:.4f}"]
    if study.best:
        run = f" · run: {study.run}" if study.run else ""
        lines.append(f"Recipe: {study.path / 'winner.toml'}{run}")
    return "\n".join(lines)


def _importance_lines(study: Study) -> list[str]:
    if study.importance:
        ranked = " · ".join(f"{key} {share:.0%}" for key, share in list(study.importance.items())[:_SHOWN])
        return ["", f"Importance: {ranked}"]
    if study.best:
        reason = "too few trials to tell" if len(study.trials) < _FEW else "no setting matters significantly"
        return ["", f"Importance: {reason}"]
    return []
