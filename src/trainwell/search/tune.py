"""tune: search for good settings, choose by validation score, and evaluate the winner once on the test split."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from trainwell.core.errors import Interrupted, StorageError, UsageError
from trainwell.core.files import atomic_write, discard, storage_errors
from trainwell.data import from_arrays
from trainwell.fitting import Plan, gather, plan
from trainwell.fitting.build import build_network
from trainwell.population.compatibility import PER_MEMBER, why_incompatible
from trainwell.population.folds import Folds, make_folds
from trainwell.recipe import check_values, edit, flatten, load_recipe, to_toml
from trainwell.recipe.edit import vary
from trainwell.runs import RunLock
from trainwell.runs.writer import check_name
from trainwell.search.compute.cluster import ray_pool
from trainwell.search.compute.engine import EngineChoice, choose_engine
from trainwell.search.compute.pool import process_pool
from trainwell.search.compute.protocols import Pool, StopCheck
from trainwell.search.compute.runner import LocalPool
from trainwell.search.conclude import conclude
from trainwell.search.loop import SearchLoop, TimeUp
from trainwell.search.methods import METHODS, Method, default_method
from trainwell.search.nested import cross_validate_search, outer_folds
from trainwell.search.options import Compute, Options
from trainwell.search.records import Records
from trainwell.search.store import TrialStore, sqlite_url
from trainwell.search.study import DATABASE, RECIPE, Study, free_name, open_study
from trainwell.search.trials.read_space import make_space
from trainwell.search.trials.space import Space
from trainwell.search.winner import finish
from trainwell.tasks import target_type_for
from trainwell.train import Interrupt, threads

_WORTH_WORKERS = 30.0  # seconds of training for which it pays to start processes, which takes a few seconds
_REPEATS = 5  # enough for a standard error of half the standard deviation
_AT = (0.5, 0.25, 0.75)  # fractions of the ranges at which a configuration for timing is looked for


@dataclass(frozen=True)
class _Request:
    """A search that is about to run.

    Args:
        study: its folder and specification.
        data: the examples, in folds.
        method: proposes the configurations.
        options: everything else.
        source: the data as the user gave them.
    """

    study: Study
    data: Folds
    method: Method
    options: Options
    source: Any


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
        space: what to vary: {"optim.learning_rate": "log:1e-4..1", "optim.name": ["sgd", "adamw"]}, or a `Space`.
        trials: number of configurations to try.
        method: a name of `METHODS`: "grid", "random", "sobol", "coarse-to-fine", "halving", "tpe". "auto" is halving
            for 9 trials and more, and otherwise sobol.
        folds: 1 chooses by the score on the validation split; k cross-validates on all examples outside the test
            split.
        runs: the folder of runs and studies.
        options: everything else.
    Returns:
        the study: `.best`, `.best_recipe`, `.trials`, `.importance`, `.findings`, `.run`.
    Raises:
        DivergedError: if every trial diverged.
        TrainwellError: another error of the tree, with one sentence; finished trials are never lost.

    >>> import tempfile
    >>> from trainwell.search import FinalEvaluation
    >>> study = tune("iris", {"optim.learning_rate": "log:1e-4..0.1"}, trials=4, runs=tempfile.mkdtemp(),
    ...              options=Options({"train.epochs": 3}, evaluation=FinalEvaluation(repeats=0)))
    >>> study.status, len(study.trials), sorted(study.to_json()["best"]["scores"])
    ('ok', 4, ['test', 'validation'])
    """
    options = options or Options()
    varied = space if isinstance(space, Space) else make_space(space)
    with Interrupt() as interrupt:
        planned = _plan(data, options.edits)
        recipe = planned.recipe
        if method == "auto":
            method = default_method(trials=trials, epochs=recipe.train.epochs)
        chosen = METHODS[method](varied, trials=trials, seed=recipe.seed)
        folded = make_folds(planned, folds=folds, build=options.model or build_network)
        if options.evaluation.nested:
            outer_folds(folded, outer=options.evaluation.nested, inner=folds)  # raises before anything is created
        folder = _make_folder(Path(runs), options.name, source=recipe.data.source)
        with RunLock(folder):
            with storage_errors(f"Creating the study {folder}", folder):
                atomic_write(folder / RECIPE, to_toml(recipe))
            spec = {
                "source": recipe.data.source,
                "space": varied.to_json(),
                "method": method,
                "folds": folds,
                "trials": trials,
                "seed": recipe.seed,
                "main_score": folded.parts(recipe, 0).task.main_score,
                "data": planned.examples.fingerprint(),
                "storage": options.compute.storage,
                "nested": options.evaluation.nested,
                "repeats": options.evaluation.repeats,
            }
            study = Study(folder, spec)
            study.save()  # from here on there is something to resume
            try:
                return _search(_Request(study, folded, chosen, options, data), interrupt)
            except (UsageError, StorageError):
                if not open_study(folder).execution.engine:  # nothing was tried: free the name
                    discard(folder)
                raise


def resume_study(path: str | os.PathLike[str], data: Any = None, *, options: Options | None = None) -> Study:
    """Continue a search that was stopped: finished trials are kept, unfinished ones are repeated.

    Args:
        path: folder of the study.
        data: the arrays again, for a study on arrays.
        options: as in `tune`; edits, name and storage stay as they were.
    Returns:
        the study.
    Raises:
        UsageError: if the study is finished, or needs its arrays.
        StorageError: if its data have changed.
    """
    options = options or Options()
    with Interrupt() as interrupt:
        study = open_study(path)
        if study.status == "ok":
            raise UsageError(f"The study {study.path} is finished; nothing is left to resume. Start a new one.")
        recipe = load_recipe(study.path / RECIPE)
        spec = study.spec
        if recipe.data.source == "arrays" and data is None:
            raise UsageError(f"The study {study.path} is on arrays. Give them again: resume_study(path, data).")
        source = recipe.data.source if data is None else data
        planned = _plan(source, {key: value for key, value in flatten(recipe) if key != "data.source"})
        if planned.examples.fingerprint() != spec["data"]:
            raise StorageError(f"The data of the study {study.path} have changed. Restore them, or start a new study.")
        method = METHODS[spec["method"]](make_space(spec["space"]), trials=spec["trials"], seed=spec["seed"])
        folded = make_folds(planned, folds=spec["folds"], build=options.model or build_network)
        with RunLock(study.path):
            return _search(_Request(study, folded, method, _resumed(options, spec), source), interrupt)


def _resumed(options: Options, spec: Mapping[str, Any]) -> Options:
    """Return the options with what the study was started with."""
    evaluation = options.evaluation
    repeats = spec.get("repeats") if evaluation.repeats is None else evaluation.repeats
    nested = evaluation.nested or spec.get("nested", 0)
    return replace(
        options,
        compute=replace(options.compute, storage=spec["storage"]),
        evaluation=replace(evaluation, repeats=repeats, nested=nested),
    )


def _search(request: _Request, interrupt: Interrupt) -> Study:
    """Run a search to its end and train the winner."""
    options = request.options
    try:
        store = _open_store(request.study, options.compute.storage)
    except BaseException:
        options.display.stop()
        raise
    with store:
        search, time_up = _run(request, store, interrupt=interrupt)
        if time_up:
            options.display.say(
                f"The time limit of {options.stop.seconds:g} seconds is reached. To continue: trainwell tune --resume "
                f"{request.study.path}"
            )
        return finish(
            search,
            request.source,
            options=options,
            status="stopped" if time_up else "ok",
            check=interrupt.check,
        )


def _run(request: _Request, store: TrialStore, *, interrupt: Interrupt) -> tuple[SearchLoop, bool]:
    """Try all configurations; return the search, and True if the time limit was reached before its end."""
    options = request.options
    started = time.monotonic()
    pool: Pool | None = None

    def check() -> None:
        interrupt.check()
        if options.stop.seconds and time.monotonic() - started > options.stop.seconds:
            raise TimeUp

    try:
        choice = _choose_engine(request)
        pool, where = _make_pool(request.data, choice, trials=request.method.trials, compute=options.compute)
        options.display.say(f"{choice.engine}: {choice.why}{where}")
        engine = "ray" if options.compute.cluster else choice.engine
        execution = replace(request.study.execution, engine=engine, why=choice.why, status="running")
        records = Records(replace(request.study, execution=execution), store)
        records.time.seconds_per_training = choice.seconds * choice.width / pool.width
        search = SearchLoop(records, request.data, method=request.method, pool=pool, display=options.display)
        with threads(1 if choice.width > 1 else request.data.plan.recipe.train.threads, 0):
            return search, _run_to_end(search, choice, options=options, check=check)
    except Interrupted as problem:
        message = f"{problem}; everything finished is kept: trainwell tune --resume {request.study.path}"
        interrupted = Interrupted(problem.exit_code - 128, message)
        interrupted.run = request.study.path
        raise interrupted from None
    finally:
        options.display.stop()
        if pool:
            pool.stop()


def _run_to_end(search: SearchLoop, choice: EngineChoice, *, options: Options, check: StopCheck) -> bool:
    """Run the search and its evaluation; return True if the time limit was reached."""
    evaluation = options.evaluation
    repeats = evaluation.repeats
    if repeats is None:
        repeats = _REPEATS if choice.engine == "population" else 0
    records = search.records
    try:
        search.run(check, target=options.stop.target)
        conclude(search, repeats=repeats, check=check)
        if evaluation.nested and records.study.best:
            search.display.say(f"Nested cross-validation: {evaluation.nested} more searches evaluate the procedure.")

            def make_pool(data: Folds) -> Pool:
                return _make_pool(data, choice, trials=search.method.trials, compute=options.compute)[0]

            nested = cross_validate_search(search, evaluation.nested, make_pool=make_pool, check=check)
            records.save(conclusions=replace(records.study.conclusions, nested=nested))
    except TimeUp:
        conclude(search, repeats=0, check=check)
        return True
    return False


def _plan(data: Any, edits: Mapping[str, object]) -> Plan:
    if isinstance(data, (str, Path)):
        return plan(gather(data, edits))
    if isinstance(data, (tuple, list)) and len(data) == 2:
        settings = check_values({**edits, "data.source": "arrays"})
        return plan(settings, from_arrays(*data, target_type=target_type_for(str(settings.get("task.name", "")))))
    raise UsageError("A search needs a name or path of data, or a pair (inputs, targets) of arrays.")


def _choose_engine(request: _Request) -> EngineChoice:
    """Choose the engine by a configuration from the middle of the space that can join a population, if there is one."""
    base = request.data.plan.recipe
    space = request.method.space
    configurations = [space.at([fraction] * len(space)) for fraction in _AT]
    compatible = (settings for settings in configurations if not why_incompatible(vary(base, settings)))
    middle = edit(base, next(compatible, configurations[0]))
    with threads(1, 0):
        choice = choose_engine(
            middle, request.data, trials=request.method.trials, engine=request.options.compute.engine
        )
    separate = [key for key in space.settings if key not in PER_MEMBER]
    if choice.engine != "population" or not separate:
        return choice
    return replace(choice, why=f"{choice.why}; configurations that differ in {' or '.join(separate)} train separately")


def _make_pool(data: Folds, choice: EngineChoice, *, trials: int, compute: Compute) -> tuple[Pool, str]:
    """Return what trains, and the end of the sentence that describes it."""
    if compute.cluster:
        ray = ray_pool(data, choice, address=compute.cluster, count=compute.workers)
        return ray, f"; {ray.count} Ray actor{'s' if ray.count > 1 else ''}"
    count = compute.workers
    if not count:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        enough = choice.seconds * trials > _WORTH_WORKERS and trials > choice.width
        count = cores if enough else 1
    if count == 1:
        return LocalPool(data, choice), ""
    return process_pool(data, choice, count=count), f"; {count} processes"


def _open_store(study: Study, storage: str) -> TrialStore:
    identity = {"space": json.dumps(study.spec["space"], default=list)}
    identity |= {key: study.spec[key] for key in ("data", "method", "folds", "seed", "trials")}
    identity["recipe"] = (study.path / RECIPE).read_text()
    url = storage or sqlite_url(study.path / DATABASE)
    return TrialStore(url, study.path.name, identity=identity, shared=bool(storage))


def _make_folder(runs: Path, name: str | None, *, source: str) -> Path:
    if name is None:
        stem = Path(source).stem or "data"
        chosen = free_name(runs, f"{stem}-tune-{datetime.now():%Y%m%d-%H%M%S}")
    else:
        chosen = check_name(name)
    with storage_errors(f"Creating the study {runs / chosen}", runs):
        try:
            (runs / chosen).mkdir(parents=True)
        except FileExistsError:
            raise UsageError(f"The name {chosen!r} is taken in {runs}. Choose another one with --name.") from None
    return runs / chosen
