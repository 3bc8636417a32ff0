"""fit and resume: from data to a trained network and a run on disk."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainwell.core.contracts.protocols import Display
from trainwell.core.errors import DivergedError, Interrupted, StorageError, TrainwellError, UsageError
from trainwell.core.facts import Facts
from trainwell.core.files import discard
from trainwell.data import Examples, from_arrays
from trainwell.fitting.build import build_parts
from trainwell.fitting.catalogues import CUSTOM, catalogues, usual_learning_rate
from trainwell.fitting.job import Tools, build_job, build_tools
from trainwell.fitting.loaders import loader_parts
from trainwell.fitting.model_files import save_model
from trainwell.fitting.parts import Parts
from trainwell.fitting.plan import gather, plan
from trainwell.fitting.pretrain import pretrain
from trainwell.fitting.record import describe, gather_evidence, judge, network_table
from trainwell.fitting.time_budget import in_time
from trainwell.fitting.trained_model import open_run
from trainwell.probes import standard_probes
from trainwell.recipe import check_values, flatten, to_toml
from trainwell.runs import Run, RunWriter
from trainwell.tasks import target_type_for
from trainwell.train import Checkpoints, Interrupt, State, threads, train

_FEATURES = "pretraining"  # folder of a run with the checkpoints of pre-training, removed when it is done


class Silent:
    """A display that shows nothing."""

    def say(self, sentence: str) -> None:
        """Show nothing."""

    def start(self, facts: Facts, step: int) -> None:
        """Show nothing."""

    def step(self, step: int, epoch: int) -> None:
        """Show nothing."""

    def epoch(self, epoch: int, numbers: Mapping[str, float], *, best: bool) -> None:
        """Show nothing."""

    def stop(self) -> None:
        """Show nothing."""


def fit(
    data: Any,
    model: nn.Module | None = None,
    *,
    epochs: int | None = None,
    name: str | None = None,
    runs: str | os.PathLike[str] = "runs",
    edits: Mapping[str, object] | None = None,
    display: Display | None = None,
) -> Run:
    """Train a network and return its run.

    Args:
        data: a bundled data set ("digits"); a path to a table, image folder, idx folder, .npz or recipe (.toml); a
            pair (inputs, targets) of arrays or tensors; `Examples`; or loaders by split, {"train": ...,
            "validation": ...}.
        model: your own network, trained in place; None: the default for the data.
        epochs: passes over the training split; None: the default for the data.
        name: name of the run; None: the name of the data and the time.
        runs: folder of the runs.
        edits: further settings by dotted key, {"optim.learning_rate": 0.01, "seed": 1}.
        display: shows progress; None shows nothing.
    Returns:
        the finished run: `.scores`, `.findings`, `.recipe`, `.model()`, `.path`.
    Raises:
        TrainwellError: a subclass from `trainwell.core.errors`; progress up to the last checkpoint is on disk.

    >>> import tempfile
    >>> run = fit("iris", epochs=2, runs=tempfile.mkdtemp())
    >>> run.status, sorted(run.scores)
    ('ok', ['test', 'train', 'validation'])
    """
    changes = dict(edits or {})
    if epochs is not None:
        changes["train.epochs"] = epochs
    if model is not None:
        changes["nn.model"] = CUSTOM
    with Interrupt() as interrupt:
        begun = time.perf_counter()
        parts = understand(data, model, changes=changes)
        if parts.recipe.train.minutes:
            parts = in_time(parts, begun=begun)
        tools = build_tools(parts)
        interrupt.check()
        writer = RunWriter.create(Path(runs), name, recipe_text=to_toml(parts.recipe))
        return _run(writer, tools, interrupt=interrupt, display=display or Silent(), fresh=True)


def resume(
    path: str | os.PathLike[str], data: Any = None, *, model: nn.Module | None = None, display: Display | None = None
) -> Run:
    """Resume a run from its newest intact checkpoint, with the same result as without the interruption.

    Args:
        path: the run's folder.
        data: the same data, for a run whose data were given from Python.
        model: the same network, for a run whose network was given from Python.
        display: shows progress; None shows nothing.
    Raises:
        UsageError: if the run is finished, or needs data or a network from Python.
        StorageError: if there is no intact checkpoint, or the data have changed.
    """
    with Interrupt() as interrupt:
        run = Run.open(path)
        if run.status == "ok":
            raise UsageError(f"The run {run.path} is finished and cannot be resumed. Start a new run with fit.")
        settings = dict(flatten(run.recipe))
        if settings["data.source"] in ("arrays", "loaders") and data is None:
            raise UsageError(
                f"The data of the run {run.path} were given from Python. Pass them again: resume(path, data)."
            )
        if settings["nn.model"] == CUSTOM and model is None:
            raise UsageError(
                f"The network of the run {run.path} was given from Python. Pass it again: resume(path, data, network)."
            )
        source = settings.pop("data.source")
        if settings["transfer.source"]:
            settings["transfer.source"] = found_again(str(settings["transfer.source"]), run)
        parts = understand(found_again(str(source), run) if data is None else data, model, changes=settings)
        _check_same_data(run, parts)
        tools = build_tools(parts)
        return _run(RunWriter.reopen(run.path), tools, interrupt=interrupt, display=display or Silent(), fresh=False)


def understand(data: Any, model: nn.Module | None, *, changes: Mapping[str, object]) -> Parts:
    """Build the parts for data of any accepted type."""
    custom = model is not None
    if isinstance(data, (str, Path)):
        return build_parts(plan(gather(data, changes, custom=custom)), model)
    settings = check_values({"data.source": "arrays", **changes}, catalogues=catalogues(custom=custom))
    if isinstance(data, Examples):
        return build_parts(plan(settings, data), model)
    if isinstance(data, (tuple, list)) and len(data) == 2:
        wanted = target_type_for(str(settings.get("task.name", "")))
        return build_parts(plan(settings, from_arrays(*data, target_type=wanted)), model)
    if isinstance(data, Mapping):
        return loader_parts(data, model, settings=settings)
    if hasattr(data, "__iter__") and not hasattr(data, "shape"):
        return loader_parts({"train": data}, model, settings=settings)
    raise UsageError(
        "Data must be a name, a path, a pair (inputs, targets), a loader or loaders by split, "
        f"got {type(data).__name__}. Example: fit((X, y))."
    )


def _run(writer: RunWriter, tools: Tools, *, interrupt: Interrupt, display: Display, fresh: bool) -> Run:
    parts = tools.parts
    recipe = parts.recipe
    table = network_table(parts)
    per_batch = sum(layer.multiply_adds for layer in table) * recipe.train.batch_size
    with writer, _named(writer), threads(recipe.train.threads, per_batch):
        job, after_step = build_job(tools, writer, interrupt=interrupt, display=display)
        state = State.before_training(job.device, micro_batch=recipe.train.micro_batch)
        features = writer.path / _FEATURES
        if fresh:
            describe(writer, parts, table=table, display=display)
        if parts.data.inputs and (fresh or (features.is_dir() and not any(writer.checkpoints.glob("step-*")))):
            losses = pretrain(
                job.model, parts.data.inputs, recipe=recipe, folder=features, device=job.device, check=interrupt.check
            )
            writer.event("pretrain", {"losses": losses})
            first = losses[0]
            last = losses[-1]
            display.say(f"Unsupervised pre-training: relative reconstruction error {first:.3f} to {last:.3f}.")
            after_step.checkpoints.save(
                state
            )  # from here on the run resumes from the checkpoints of supervised training
            discard(features)
        elif not fresh:
            state = _restore(writer, after_step.checkpoints, display=display, device=job.device)
        probes = standard_probes(writer, budget=recipe.watch.budget)
        display.start(parts.facts, state.step)
        moment = None
        try:
            after_step.complete(state)
            probes.start(job.model, state.step)
            for moment in train(job, state):
                probes.measure(moment)
                display.step(moment.step, state.epoch)
        except DivergedError as problem:
            problem.recommend(usual_learning_rate(parts.facts, recipe.optim.name))
            if moment is not None:
                probes.measure_now(moment)  # the failing step may not have been sampled
            judge(writer, parts)
            raise
        finally:
            probes.stop()
            display.stop()
            writer.progress(state.step)
        after_step.checkpoints.save(state)  # the evaluation takes time and may be interrupted too
        after_step.checkpoints.contents.use_final_weights()
        writer.set_meta("overhead_fraction", probes.overhead_fraction)
        save_model(writer.path, job.model, preparation=parts.data.preparation, targets=parts.task.targets)
        gather_evidence(writer, parts, state=state, interrupt=interrupt)
        judge(writer, parts)
    return open_run(writer.path)


@contextlib.contextmanager
def _named(writer: RunWriter) -> Iterator[None]:
    """Add the run to an error, and to an interruption the command that resumes it."""
    try:
        yield
    except TrainwellError as problem:
        problem.run = writer.path
        if isinstance(problem, Interrupted):
            problem.args = (f"{problem}; resume with: trainwell fit --resume {writer.path}",)
        raise


def _restore(writer: RunWriter, checkpoints: Checkpoints, *, display: Display, device: torch.device) -> State:
    try:
        state, skipped = checkpoints.restore(device=device)
    except StorageError as problem:
        if any(writer.checkpoints.iterdir()):
            raise
        raise StorageError(f"{problem} The run stopped before its first checkpoint. Start it again with fit.") from None
    writer.rewind(state.step)
    writer.event("resumed", {"step": state.step, "skipped": list(skipped)})
    for sentence in skipped:
        display.say(sentence)
    place = f"epoch {state.epoch + 1}, batch {state.current.position}"
    display.say(f"Resuming {writer.path} at step {state.step:,} ({place}).")
    return state


def found_again(source: str, run: Run) -> str:
    """Return the path of a run's data, which may be relative to where the run was started."""
    there = Path(str(run.meta.get("folder", ""))) / source
    return str(there) if there.exists() and not Path(source).exists() else source


def _check_same_data(run: Run, parts: Parts) -> None:
    if parts.transfer.origin and run.meta.get("origin") not in (None, parts.transfer.origin.fingerprint):
        raise StorageError(
            f"The weights of {parts.transfer.origin.run.path} have changed since the run {run.path} started from them. "
            "Restore them, or start a new run with fit."
        )
    before = run.meta.get("fingerprint")
    now = parts.data.plan.examples.fingerprint() if parts.data.plan else None
    if before and now and before != now:
        raise StorageError(
            f"The data of the run {run.path} have changed since it started. Restore them, or start a new run with fit."
        )
