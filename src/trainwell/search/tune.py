"""tune: search for good settings, choose on validation only, and look at the test split once, with the winner."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from torch import nn

from trainwell.core.errors import DivergedError, Interrupted, StorageError, TrainingError, TrainwellError, UsageError
from trainwell.core.files import atomic_write, discard, storage_errors
from trainwell.data import from_arrays
from trainwell.fitting import Plan, fit, gather, plan
from trainwell.fitting.build import build_network
from trainwell.population.compatibility import FUSIBLE, why_alone
from trainwell.population.folds import Ground, stand
from trainwell.recipe import Recipe, check_values, edit, flatten, load_recipe, to_toml
from trainwell.recipe.edit import vary
from trainwell.runs import RunLock
from trainwell.runs.writer import check_name
from trainwell.search.cluster import actors
from trainwell.search.loop import Campaign, Screen, TimeUp
from trainwell.search.methods import Proposer
from trainwell.search.nested import nest, outer_grounds
from trainwell.search.runner import Check, Decision, decide
from trainwell.search.space import Space, make_space
from trainwell.search.store import Store, sqlite_address
from trainwell.search.study import DATABASE, RECIPE, WINNER, Study, open_study, winning_recipe
from trainwell.search.workers import Crews, Here, processes
from trainwell.train import Interrupt, threads

_WORTH_WORKERS = 30.0  # seconds of training; a process takes a few seconds to start
_PATIENCE = 1800.0  # seconds that another process may take to train the winner; one on this host that died has none
_REPEATS = 5  # enough for a standard error of half the deviation


class Silent(Screen):
    """A screen that shows nothing."""


@dataclass(frozen=True)
class Options:
    """What a search may be told besides.

    Args:
        edits: settings of the recipe by dotted key.
        name: of the study; None makes one from the data's name and the time.
        stop_after: seconds after which no more is tried; 0 for no limit.
        target: a validation score that is good enough.
        engine: "auto", "population" or "sequential".
        workers: processes to train in; 0 takes one per core where there is enough to do. Scripts that ask for more
            than one must guard their start with `if __name__ == "__main__":`, as Python's own pools demand.
        on: "ray" or "ray://host:port" trains on a Ray cluster.
        repeats: seeds with which winner and runner-up are trained again; None: 5 in a population, else none.
        storage: address of a database to share ("postgresql://…"); empty: a SQLite file in the study's folder.
        screen: shows the search while it goes on.
        model: makes your own network: (recipe, input_shape, outputs) -> nn.Module.
        nested: outer folds of nested cross-validation, which judges the whole procedure by searching once more for
            each; 0 for none.
        final: False leaves out the training of the winner, and the look at the test split.
    """

    edits: Mapping[str, object] = field(default_factory=dict)
    name: str | None = None
    stop_after: float = 0.0
    target: float = math.inf
    engine: str = "auto"
    workers: int = 1
    on: str = ""
    repeats: int | None = None
    storage: str = ""
    screen: Screen = field(default_factory=Silent)
    model: Callable[[Recipe, tuple[int, ...], int], nn.Module] | None = None
    nested: int = 0
    final: bool = True


def tune(
    data: Any,
    space: Space | Mapping[str, Any],
    *,
    trials: int = 64,
    method: str = "auto",
    folds: int = 1,
    runs: str | os.PathLike[str] = "runs",
    options: Options | None = None,
) -> Study:
    """Search for good settings and train the winner.

    Args:
        data: a bundled name, a path to data or to a recipe (.toml), or a pair (inputs, targets) of arrays.
        space: what is varied: {"optim.learning_rate": "log:1e-4..1", "optim.name": ["sgd", "adamw"]}, or a `Space`.
        trials: configurations to try.
        method: grid, random, sobol, coarse-to-fine, halving or tpe; "auto": halving for 9 trials and more, else sobol.
        folds: 1 chooses on the validation split; k cross-validates on all examples outside the test split.
        runs: folder in which runs live.
        options: everything else.
    Returns:
        the study: `.best`, `.best_recipe`, `.trials`, `.importance`, `.findings`, `.run`.
    Raises:
        DivergedError: if every trial diverged.
        TrainwellError: any other of the tree, with one sentence; no finished trial is ever lost.

    >>> import tempfile
    >>> study = tune("iris", {"optim.learning_rate": "log:1e-4..0.1"}, trials=4, runs=tempfile.mkdtemp(),
    ...              options=Options(edits={"train.epochs": 3}, repeats=0))
    >>> study.status, len(study.trials), sorted(study.to_json()["best"]["scores"])
    ('ok', 4, ['test', 'validation'])
    """
    options = _checked(options)
    varied = space if isinstance(space, Space) else make_space(space)
    with Interrupt() as interrupt:
        planned = _understand(data, options)
        if method == "auto":
            method = "halving" if trials >= 9 and planned.recipe.train.epochs >= 3 else "sobol"
        proposer = Proposer(varied, method=method, trials=trials, seed=planned.recipe.seed)
        ground = stand(planned, folds=folds, build=options.model or build_network)
        if options.nested:
            outer_grounds(ground, options.nested, folds)  # what cannot be divided is refused before anything is made
        folder = _folder(Path(runs), options.name, planned.recipe)
        with RunLock(folder):
            with storage_errors(f"Making the study {folder}", folder):
                atomic_write(folder / RECIPE, to_toml(planned.recipe))
            spec = {
                "source": planned.recipe.data.source, "space": varied.to_json(), "method": method, "folds": folds,
                "trials": trials, "seed": planned.recipe.seed, "data": planned.examples.fingerprint(),
                "storage": options.storage, "nested": options.nested, "repeats": options.repeats,
            }  # fmt: skip
            study = Study(folder, spec, "", "", ground.parts(planned.recipe, 0).task.main_score)
            study.save()  # from here on there is something to resume
            try:
                return _search(
                    study, ground, varied, proposer=proposer, options=options, interrupt=interrupt, data=data
                )
            except (UsageError, StorageError):
                if not open_study(folder).engine:  # refused before anything was tried: its name is free again
                    discard(folder)
                raise


def resume_study(path: str | os.PathLike[str], data: Any = None, *, options: Options | None = None) -> Study:
    """Go on with a search that was stopped: finished trials are kept, unfinished ones are tried again.

    Args:
        path: folder of the study.
        data: the arrays again, for a study on data given from Python.
        options: as in `tune`; edits, name and storage stay as they were.
    Raises:
        UsageError: if the study is finished, or was on other data.
    """
    options = _checked(options)
    with Interrupt() as interrupt:
        study = open_study(path)
        if study.status == "ok":
            raise UsageError(f"The study {study.path} is finished; nothing is left to resume. Start a new one.")
        recipe, spec = load_recipe(study.path / RECIPE), study.spec
        if recipe.data.source == "arrays" and data is None:
            raise UsageError(f"The study {study.path} is on data given from Python: resume_study(path, data).")
        settings = {key: value for key, value in flatten(recipe) if key != "data.source"}
        source = recipe.data.source if data is None else data
        planned = _understand(source, replace(options, edits=settings))
        if planned.examples.fingerprint() != spec["data"]:
            raise StorageError(f"The data of the study {study.path} have changed. Restore them, or start a new study.")
        space = make_space(spec["space"])
        proposer = Proposer(space, method=spec["method"], trials=spec["trials"], seed=spec["seed"])
        ground = stand(planned, folds=spec["folds"], build=options.model or build_network)
        repeats = spec.get("repeats") if options.repeats is None else options.repeats
        nested = options.nested or spec.get("nested", 0)
        options = replace(options, storage=spec["storage"], repeats=repeats, nested=nested)
        with RunLock(study.path):
            return _search(study, ground, space, proposer=proposer, options=options, interrupt=interrupt, data=source)


def _search(  # noqa: PLR0913
    study: Study, ground: Ground, space: Space, *, proposer: Proposer, options: Options, interrupt: Interrupt, data: Any
) -> Study:  # fmt: skip
    screen, started = options.screen, time.monotonic()
    crews: Crews | None = None
    try:
        store = _store(study, space, options)
        decision = _decide(ground, space, proposer, options)
        study = replace(study, engine="ray" if options.on else decision.engine, why=decision.why, status="running")
        crews, where = _crews(ground, decision, proposer=proposer, options=options)
        screen.say(f"{decision.engine}: {decision.why}{where}")
        campaign = Campaign(study, ground, space=space, proposer=proposer, store=store, crews=crews, screen=screen)
        campaign.pace = decision.seconds * decision.width / crews.together

        def check() -> None:
            interrupt.check()
            if options.stop_after and time.monotonic() - started > options.stop_after:
                raise TimeUp

        repeats = options.repeats if options.repeats is not None else _REPEATS * (decision.engine == "population")
        stopped = ""
        with threads(1 if decision.width > 1 else ground.plan.recipe.train.threads, 0):
            try:
                campaign.run(check, options.target)
                campaign.conclude(repeats, check)
                if options.nested and campaign.study.best:
                    screen.say(f"Nested cross-validation: {options.nested} more searches judge the whole procedure.")

                    def make(inner: Ground) -> Crews:
                        return _crews(inner, decision, proposer=proposer, options=options)[0]

                    campaign.save(nested=nest(campaign, options.nested, make=make, check=check))
            except TimeUp:
                stopped = f"The {options.stop_after:g} seconds are over: trainwell tune --resume {study.path} goes on."
                campaign.conclude(0, check)
    except Interrupted as problem:
        hint = f"{problem}; everything finished is kept: trainwell tune --resume {study.path}"
        interrupted = Interrupted(problem.exit_code - 128, hint)
        interrupted.run = study.path
        raise interrupted from None
    finally:
        screen.stop()
        if crews:
            crews.stop()
    if stopped:
        screen.say(stopped)
    return _crown(campaign, data, options=options, status="stopped" if stopped else "ok", check=interrupt.check)


def _crown(campaign: Campaign, data: Any, *, options: Options, status: str, check: Check) -> Study:
    """Write the winner's recipe, train it, and look at the test split."""
    study = campaign.study
    if study.best is None:
        campaign.save(status=status)
        title = study.findings[0].title if study.findings else "No trial was finished: give the search more time."
        problem = DivergedError(title) if study.findings else TrainingError(title)
        problem.run = study.path
        raise problem
    recipe = winning_recipe(campaign.study.recipe, study.best)
    text = to_toml(recipe)
    with storage_errors(f"Writing {study.path / WINNER}", study.path):
        atomic_write(study.path / WINNER, text)
    if not options.final:
        campaign.save(status=status)
        return campaign.study
    key = f"winner-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    found = _awaited(campaign, key, check)
    if found is None:
        model = campaign.ground.network(recipe, 0) if options.model else None
        name = free_name(study.path.parent, f"{study.path.name}-winner")
        options.screen.say(f"The winner trains as fit does, in the run {name}.")
        edits = {key: value for key, value in flatten(recipe) if key != "data.source"}
        source = recipe.data.source if isinstance(data, (str, Path)) else data
        try:
            run = fit(source, model, name=name, runs=study.path.parent, edits=edits)
        except BaseException as problem:
            with contextlib.suppress(TrainwellError):  # others need not wait for it
                campaign.store.tell(f"begun-{key}", None)
            if isinstance(problem, TrainwellError):
                problem.run = study.path
            raise
        test = dict(run.scores.get("test", {}))
        looks = max(study.test_looks, campaign.store.told("looks") or 0) + bool(test)
        campaign.store.tell("looks", looks)
        campaign.store.tell(key, found := {"run": str(run.path.absolute()), "test": test})
    looks = campaign.store.told("looks")
    where = os.path.relpath(found["run"], study.path.parent.absolute())
    campaign.save(status=status, run=where, test=found["test"], test_looks=looks)
    if looks:
        times = "once" if looks == 1 else f"{looks} times, which makes its score a little too good"
        options.screen.say(f"The winner was chosen on validation only; the test split was looked at {times}.")
    return campaign.study


def _awaited(campaign: Campaign, key: str, check: Check) -> Any:
    """Return what the test split said of this winner; None if nobody asked it, or whoever began to seems dead."""
    store, until = campaign.store, time.monotonic() + _PATIENCE
    if store.told(key) is None and store.shared and not store.claim(key):
        campaign.screen.say("Another process trains the winner; its answer is waited for, so that none looks twice.")
        while store.told(key) is None and not store.claim(key) and time.monotonic() < until:
            check()
            time.sleep(0.5)
    return store.told(key)


def _checked(options: Options | None) -> Options:
    options = options or Options()
    if options.repeats is not None and (options.repeats < 0 or options.repeats == 1):
        raise UsageError(f"--repeats must be 0, or at least 2 to show a spread, got {options.repeats}.")
    if math.isnan(options.target):
        raise UsageError("--target must be a score, got nan. Leave it out to try all.")
    if options.workers < 0:
        raise UsageError(f"--workers must be at least 0, got {options.workers}.")
    return options


def _understand(data: Any, options: Options) -> Plan:
    if isinstance(data, (str, Path)):
        return plan(gather(data, options.edits))
    if isinstance(data, (tuple, list)) and len(data) == 2:
        settings = check_values({**options.edits, "data.source": "arrays"})
        return plan(settings, from_arrays(*data, task=str(settings.get("task.name", ""))))
    raise UsageError("A search needs a name or path of data, or a pair (inputs, targets) of arrays.")


def _decide(ground: Ground, space: Space, proposer: Proposer, options: Options) -> Decision:
    """Measure with a configuration from the middle of the space, one that need not train alone if there is one."""
    points = [space.at([share] * len(space)) for share in (0.5, 0.25, 0.75)]
    fit_in = (point for point in points if not why_alone(vary(ground.plan.recipe, point)))
    middle = edit(ground.plan.recipe, next(fit_in, points[0]))
    with threads(1, 0):
        decision = decide(middle, ground, trials=proposer.trials, wanted=options.engine)
    apart = [key for key in space.settings if key not in FUSIBLE]
    if decision.engine != "population" or not apart:
        return decision
    return replace(decision, why=f"{decision.why}; those that differ in {' or '.join(apart)} train apart")


def _crews(ground: Ground, decision: Decision, *, proposer: Proposer, options: Options) -> tuple[Crews, str]:
    """Choose where to train, and say it in the end of a sentence."""
    if options.on:
        workers = actors(options.on, ground, decision, count=options.workers)
        return workers, f"; {workers.count} Ray actor{'s' * (workers.count > 1)}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    enough = decision.seconds * proposer.trials > _WORTH_WORKERS and proposer.trials > decision.width
    many = options.workers or (cores if enough else 1)
    if many == 1:
        return Here(ground, decision), ""
    return processes(many, ground, decision), f"; {many} processes"


def _store(study: Study, space: Space, options: Options) -> Store:
    address = options.storage or sqlite_address(study.path / DATABASE)
    identity = {"space": json.dumps(study.spec["space"], default=list)} | {
        key: study.spec[key] for key in ("data", "method", "folds", "seed", "trials")
    }
    identity["recipe"] = (study.path / RECIPE).read_text()
    return Store(address, study.path.name, space=space, identity=identity, shared=bool(options.storage))


def _folder(runs: Path, name: str | None, recipe: Recipe) -> Path:
    given = check_name(name) if name is not None else ""
    stem = Path(recipe.data.source).stem or "data"
    chosen = given or free_name(runs, f"{stem}-tune-{datetime.now():%Y%m%d-%H%M%S}")
    with storage_errors(f"Making the study {runs / chosen}", runs):
        try:
            (runs / chosen).mkdir(parents=True)
        except FileExistsError:
            raise UsageError(f"The name {chosen!r} is taken in {runs}. Choose another one with --name.") from None
    return runs / chosen


def free_name(runs: Path, name: str) -> str:
    """Return the name, with a number if it is taken in a folder."""
    number, free = 1, name
    while (runs / free).exists():
        number += 1
        free = f"{name}-{number}"
    return free
