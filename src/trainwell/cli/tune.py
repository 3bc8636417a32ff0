"""trainwell tune: search for good settings."""

from __future__ import annotations

import math
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainwell.cli.options import Edits, Json, Runs, find_run, print_json, read_edits, speak

if TYPE_CHECKING:
    from trainwell.search import Progress, Study

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_SHOWN = 5  # trials in a summary
_TELLING = 24  # trials below which settings that mattered can look like noise
TRIALS = 64
_PLAIN_SECONDS = 10.0  # between lines where nothing can be redrawn


def tune(
    data: Annotated[
        str | None, typer.Argument(help="digits, iris, ... · table.csv · pictures/ · data.npz · recipe.toml")
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            metavar="KEY=RANGE",
            help="optim.learning_rate=log:1e-4..1 · nn.dropout=0..0.7 · optim.name=sgd,adamw · data.flip=bernoulli:0.5",
        ),
    ] = None,
    space: Annotated[Path | None, typer.Option(help="Ranges in a TOML file, conditions too.")] = None,
    trials: Annotated[int | None, typer.Option(help=f"Configurations to try.  [default: {TRIALS}]")] = None,
    method: Annotated[str, typer.Option(help="auto, grid, random, sobol, coarse-to-fine, halving or tpe.")] = "auto",
    folds: Annotated[int, typer.Option(help="k-fold cross-validation; 1: the validation split.")] = 1,
    nested: Annotated[int, typer.Option(help="Outer folds that judge the whole procedure, search included.")] = 0,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training split, at most.")] = None,
    seed: Annotated[int | None, typer.Option(help="All randomness follows from it.")] = None,
    edits: Edits = None,
    engine: Annotated[str, typer.Option(help="auto, population or sequential.")] = "auto",
    workers: Annotated[int, typer.Option(help="Processes; 0: one per core where there is enough to do.")] = 0,
    on: Annotated[str, typer.Option(metavar="ADDRESS", help="Train on a Ray cluster: ray or ray://host:port.")] = "",
    repeats: Annotated[int | None, typer.Option(help="Seeds with which the two best are trained again.")] = None,
    stop_after: Annotated[str | None, typer.Option(metavar="TIME", help="Try no more after 90s, 10m or 2h.")] = None,
    target: Annotated[float | None, typer.Option(help="Stop at this validation score.")] = None,
    storage: Annotated[str, typer.Option(metavar="URL", help="Database to share, e.g. postgresql://...")] = "",
    resume: Annotated[str | None, typer.Option(metavar="STUDY", help="Go on with this study.")] = None,
    retest: Annotated[
        str | None, typer.Option(metavar="RUN", help="Try this run's choice and its neighbours again.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the study.")] = None,
    runs: Runs = Path("runs"),
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor summary.")] = False,
) -> None:
    """Search for good settings: many configurations, one winner, chosen on validation only."""
    from trainwell.core.errors import TrainwellError, UsageError
    from trainwell.search import Options, Silent, read_space, resume_study
    from trainwell.search import retest as again
    from trainwell.search import tune as search

    if sum(given is not None for given in (data, resume, retest)) != 1:
        raise UsageError("tune needs either data, --resume STUDY or --retest RUN. Example: trainwell tune digits")
    planned = trials is not None or method != "auto" or folds != 1
    if retest and (vary or space or planned):
        raise UsageError(
            "--retest chooses what to vary and tries it all: leave out --vary, --space, --trials, --method and --folds."
        )
    if resume and (vary or space or planned or edits or name or storage or epochs is not None or seed is not None):
        raise UsageError("--resume goes on with a study exactly as it was: leave out all other settings.")
    given = {"train.epochs": epochs, "seed": seed}
    changes = read_edits(edits) | {key: value for key, value in given.items() if value is not None}
    options = Options(
        edits=changes,
        name=name,
        engine=engine,
        workers=workers,
        on=on,
        repeats=repeats,
        storage=storage,
        nested=nested,
        stop_after=_seconds(stop_after),
        target=math.inf if target is None else target,
        screen=Silent() if quiet else Screen(),
    )
    try:
        if resume:
            study = resume_study(find_run(resume, runs), options=options)
        elif retest:
            study = again(find_run(retest, runs), runs=runs, options=options)
        else:
            assert data is not None
            chosen = read_space(space, vary or ([] if space else DEFAULT))
            most = TRIALS if trials is None else trials
            study = search(data, chosen, trials=most, method=method, folds=folds, runs=runs, options=options)
    except TrainwellError as problem:
        if problem.run is not None:
            _show(problem.run, json=json, quiet=quiet)
        raise
    _show(study.path, json=json, quiet=quiet)


# What matters most, where nothing else is asked for: the rate above all.
DEFAULT = ["optim.learning_rate=log:1e-4..0.1", "optim.weight_decay=log:1e-5..0.1"]


def _seconds(text: str | None) -> float:
    """Read a time such as 90, 90s, 10m or 2h."""
    from trainwell.core.errors import UsageError

    if text is None:
        return 0.0
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not found or float(found[1]) == 0:
        raise UsageError(f"--stop-after must be a time such as 90s, 10m or 2h, got {text!r}.")
    return float(found[1]) * _UNITS[found[2]]


def _show(path: Path, *, json: bool, quiet: bool) -> None:
    """Say what came of a search, however it ended."""
    from trainwell.core.errors import StorageError
    from trainwell.search import open_study

    try:
        study = open_study(path)
    except StorageError:  # it ended before anything was tried
        return
    from trainwell.report.html.study import write_study_report

    written = write_study_report(study)
    if not quiet:
        speak(f"{_summary(study)}\nReport: {written}", aside=json)
    if json:
        print_json(study.to_json())


def _summary(study: Study) -> str:
    from statistics import stdev

    from trainwell.report.html.study import nested_text, slices_in_text
    from trainwell.search import describe_settings

    counts = study.to_json()["states"]
    states = f" ({', '.join(f'{count} {state}' for state, count in counts.items() if count)})" if study.trials else ""
    lines = [f"{len(study.trials)} trials{states} in {study.seconds:.1f} s · {study.engine}: {study.why}", ""]
    for trial in study.ranked[:_SHOWN]:
        if trial.score is not None:
            spread = f" ± {stdev(trial.folds):.4f}" if len(trial.folds) > 1 else ""
            lines.append(f"  {study.main_score} {trial.score:.4f}{spread}  {describe_settings(trial.settings)}")
    best = study.to_json()["best"]
    if best["interval"]:
        low, high = best["interval"]["low"], best["interval"]["high"]
        lines.append(f"The best over {len(best['folds'])} folds: 95 % interval of the mean {low:.4f} to {high:.4f}")
    if study.importance:
        ranked = " · ".join(f"{key} {share:.0%}" for key, share in list(study.importance.items())[:_SHOWN])
        lines += ["", f"What mattered: {ranked}"]
    elif study.best:
        few = len(study.trials) < _TELLING
        lines += ["", f"What mattered: {'too few trials to tell' if few else 'nothing that can be told from noise'}"]
    if slices := slices_in_text(study):
        lines += ["Best score along each range, lowest to highest:", *(f"  {line}" for line in slices)]
    if "really" in study.noise:
        noise = study.noise
        verdict = "really better" if noise["really"] else "not clearly better: either will do"
        lines.append(
            f"Winner against runner-up, {len(noise['winner'])} seeds each: {noise['difference']:+.4f} "
            f"(p = {noise['p_value']:.2g}), {verdict}"
        )
    if "mean" in study.nested:
        lines.append(f"The whole procedure, search included: {nested_text(study)}")
    lines += [f"! {finding.title}" for finding in study.findings]
    if study.test:
        lines += ["", f"Winner on the sealed test split: {study.main_score} {study.test[study.main_score]:.4f}"]
    if study.best:
        lines.append(f"Its recipe: {study.path / 'winner.toml'}" + (f" · its run: {study.run}" if study.run else ""))
    return "\n".join(lines)


class Screen:
    """Shows a search on standard error: a table of the best on a terminal, a line every ten seconds elsewhere."""

    def __init__(self) -> None:
        self._live: Any = None
        self._shown, self._complete = 0.0, False

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        self.stop()
        speak(sentence, aside=True)

    def progress(self, progress: Progress) -> None:
        """Show where the search stands, if it is time to."""
        from trainwell.report.text.words import duration

        terminal, now = sys.stderr.isatty(), time.monotonic()
        complete = progress.trials >= progress.total
        if now - self._shown < (0.2 if terminal else _PLAIN_SECONDS) and complete == self._complete:
            return
        self._shown, self._complete = now, complete
        parts = [f"{progress.trials:,}/{progress.total:,} trials", f"{progress.seconds:.0f} s"]
        parts += [f"about {duration(progress.left)} left"] if progress.left else []
        parts += [f"{progress.diverged:,} diverged"] if progress.diverged else []
        if terminal:
            self._draw(" · ".join(parts), progress)
            return
        from trainwell.search import describe_settings

        best = progress.leaders[0] if progress.leaders else None
        if best and best.score is not None:
            parts.append(f"best {best.score:.4f}: {describe_settings(best.settings)}")
        speak("  " + " · ".join(parts), aside=True)

    def stop(self) -> None:
        """Give the terminal back."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self, status: str, progress: Progress) -> None:
        from rich import box
        from rich.console import Console
        from rich.live import Live
        from rich.table import Table

        from trainwell.search import describe_settings

        table = Table("trial", "score", "epochs", "settings", box=box.SIMPLE_HEAD, pad_edge=False, title=status)
        for trial in progress.leaders:
            if trial.score is not None:
                settings = describe_settings(trial.settings).replace("[", r"\[")
                table.add_row(str(trial.number), f"{trial.score:.4f}", str(trial.epochs), settings)
        if self._live is None:
            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(table, refresh=True)
