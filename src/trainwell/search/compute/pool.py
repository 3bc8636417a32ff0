"""Several worker processes with one thread each: small networks gain nothing from a second thread.

What a configuration's training computes does not depend on the number of workers. A worker that dies is started again
once, and repeats the training of its configurations.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any, final

import torch

from trainwell.core.errors import TrainingError, UsageError
from trainwell.population.folds import Folds
from trainwell.population.result import ValidationResult
from trainwell.recipe import Recipe
from trainwell.search.compute.engine import EngineChoice
from trainwell.search.compute.protocols import Runner, StopCheck
from trainwell.search.compute.runner import LocalPool

_POLL_SECONDS = 0.05  # between two checks of the clock and of signals
_STARTS = 2  # how often a worker is started for the same configurations


@final
class WorkerPool:
    """Trains in other processes, which are started when they are first needed.

    Args:
        count: number of workers.
        width: networks that train together in each.
        launch: starts one worker.
    """

    def __init__(self, count: int, *, width: int, launch: Callable[[], Worker]) -> None:
        self.count = count
        self.width = width * count
        self.workers: list[Worker] = []
        self._launch = launch

    def start(self, recipes: Sequence[Recipe]) -> Runner:
        """Start training some configurations, distributed over the workers."""
        self.workers = self.workers or [self._launch() for _ in range(self.count)]
        return ShardedRunner(recipes, self.workers)

    def stop(self) -> None:
        """End the processes."""
        for worker in self.workers:
            worker.stop()
        self.workers = []


def process_pool(data: Folds, choice: EngineChoice, *, count: int) -> WorkerPool:
    """Return a pool of processes on this machine, each with its own copy of the data.

    Raises:
        UsageError: if the network is built by a function that cannot be sent to a process.
    """
    packed = pack(data, choice)
    return WorkerPool(count, width=choice.width, launch=lambda: ProcessWorker(packed))


def pack(data: Folds, choice: EngineChoice) -> bytes:
    """Return data and engine as bytes, without prepared tensors: each worker prepares its own.

    Raises:
        UsageError: if the network is built by a function that cannot be sent to a process.
    """
    try:
        return pickle.dumps((Folds(data.plan, data.splits, data.build), choice))
    except (pickle.PicklingError, AttributeError, TypeError):
        raise UsageError(
            "Several workers need a network built by a function at the top level of a module, which a process can "
            "import. Move it there, or use one worker."
        ) from None


@final
class ShardedRunner:
    """Trains some configurations in several workers.

    Args:
        recipes: the configurations.
        workers: the workers; each gets every n-th configuration.
    """

    def __init__(self, recipes: Sequence[Recipe], workers: Sequence[Worker]) -> None:
        self._shards: list[tuple[Worker, list[int]]] = []
        for number, worker in enumerate(workers):
            shard = list(range(number, len(recipes), len(workers)))
            if shard:
                worker.begin([recipes[i] for i in shard])
                self._shards.append((worker, shard))
        self._found: dict[int, list[ValidationResult]] = {}

    def train(self, fraction: float, check: StopCheck = lambda: None) -> None:
        """Train each configuration until a fraction of its epochs is done, in all workers at once."""
        try:
            for worker, _ in self._shards:
                worker.train(fraction)
            waiting = dict(self._shards)
            while waiting:
                check()
                for worker in list(waiting):
                    if not worker.is_ready(_POLL_SECONDS / len(waiting)):
                        continue
                    results = worker.collect()
                    if results is not None:
                        self._found |= zip(waiting.pop(worker), results, strict=True)
        except BaseException:
            for worker, _ in self._shards:
                worker.stop()
            raise

    def results(self) -> list[list[ValidationResult]]:
        """Return, for each configuration, the scores on the validation part of each fold."""
        return [self._found[number] for number in sorted(self._found)]

    def keep(self, positions: Sequence[int]) -> None:
        """Continue with these configurations only."""
        new = {old: number for number, old in enumerate(positions)}
        shards = []
        for worker, shard in self._shards:
            worker.keep([place for place, number in enumerate(shard) if number in new])
            kept = [new[number] for number in shard if number in new]
            if kept:
                shards.append((worker, kept))
        self._shards = shards
        self._found = {}


class Worker(ABC):
    """Trains configurations elsewhere, and is started again once if it dies."""

    def __init__(self) -> None:
        self._recipes: list[Recipe] = []
        self._fraction = 0.0
        self._starts_left = 0
        self.launch()

    def begin(self, recipes: list[Recipe]) -> None:
        """Start on some configurations."""
        self._recipes = recipes
        self._starts_left = _STARTS
        self.send("start", recipes)

    def train(self, fraction: float) -> None:
        """Train until a fraction of the epochs is done; `collect` returns the results."""
        self._fraction = fraction
        self.send("train", fraction)

    def keep(self, places: list[int]) -> None:
        """Continue with these configurations only."""
        self._recipes = [self._recipes[place] for place in places]
        self.send("keep", places)

    def collect(self) -> list[list[ValidationResult]] | None:
        """Return the results of the training, or None if the worker died and starts again.

        Raises:
            TrainingError: it died for the second time.
        """
        try:
            return self.receive()
        except (EOFError, OSError):
            self._starts_left -= 1
        if not self._starts_left:
            raise TrainingError(
                "A worker died twice on the same trials, possibly for lack of memory. Use fewer workers: --workers 1."
            )
        self.launch()
        self.send("start", self._recipes)
        self.send("train", self._fraction)
        return None

    @abstractmethod
    def launch(self) -> None:
        """Start the worker, or start it again."""

    @abstractmethod
    def send(self, command: str, argument: Any) -> None:
        """Send a command without waiting; a dead worker is noticed when its result is missing."""

    @abstractmethod
    def is_ready(self, seconds: float) -> bool:
        """Wait at most this many seconds, and return True if there is a result or the worker died."""

    @abstractmethod
    def receive(self) -> list[list[ValidationResult]]:
        """Return the results; raise EOFError or OSError if the worker died."""

    @abstractmethod
    def stop(self) -> None:
        """End the worker."""


@final
class ProcessWorker(Worker):
    """A process on this machine.

    Args:
        packed: what `pack` returned.
    """

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        super().__init__()

    def launch(self) -> None:
        """Start the process, or start it again."""
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe()
        self.process = context.Process(target=serve, args=(end, self._packed), daemon=True)
        self.process.start()
        end.close()

    def send(self, command: str, argument: Any) -> None:
        """Send a command."""
        if command == "start" and not self.process.is_alive():
            self.launch()
        with contextlib.suppress(OSError):
            self._pipe.send((command, argument))

    def is_ready(self, seconds: float) -> bool:
        """Wait at most this many seconds, and return True if there is a result or the process ended."""
        return self._pipe.poll(seconds)

    def receive(self) -> list[list[ValidationResult]]:
        """Return the results, or raise the exception of the process."""
        received: Any = self._pipe.recv()
        if isinstance(received, Exception):
            raise received
        results: list[list[ValidationResult]] = received
        return results

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self._pipe.close()


@final
class WorkerSession:
    """What runs inside a worker: it trains the configurations that it is sent.

    Args:
        packed: what `pack` returned.
    """

    def __init__(self, packed: bytes) -> None:
        torch.set_num_threads(1)
        data, choice = pickle.loads(packed)
        self._pool = LocalPool(data, choice)
        self._runner: Runner | None = None

    def do(
        self, command: str, argument: Any, *, check: StopCheck = lambda: None
    ) -> list[list[ValidationResult]] | None:
        """Carry out a command: "start" recipes, "keep" positions, or "train" to a fraction and return the results."""
        if command == "start":
            self._runner = self._pool.start(argument)
        elif self._runner and command == "keep":
            self._runner.keep(argument)
        elif self._runner:
            self._runner.train(argument, check)
            return self._runner.results()
        return None


def serve(pipe: Connection, packed: bytes) -> None:
    """Carry out the commands that come through a pipe until its other end closes. Runs in a process of its own.

    Args:
        pipe: delivers commands, takes results.
        packed: what `pack` returned.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    parent = multiprocessing.parent_process()
    session = WorkerSession(packed)

    def check() -> None:
        if parent and os.getppid() != parent.pid:  # the parent was killed: nobody needs the result
            raise SystemExit

    with contextlib.suppress(EOFError, OSError):
        while True:
            command, argument = pipe.recv()
            try:
                results = session.do(command, argument, check=check)
                if results is not None:
                    pipe.send(results)
            except Exception as problem:  # the parent raises it
                pipe.send(problem)
