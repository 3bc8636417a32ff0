"""Several processes, one core each: a second thread inside a small network waits more than it computes.

What is trained does not depend on how many there are: configurations are dealt out, and each one's training is a
function of its recipe. A worker that dies is started again once, and trains its share anew.
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
from typing import Any, Protocol, final

import torch

from trainwell.core.errors import TrainingError, UsageError
from trainwell.population.folds import Ground
from trainwell.population.sequential import Outcome
from trainwell.recipe import Recipe
from trainwell.search.runner import Check, Crew, Decision, Runner

_POLL = 0.05  # seconds between two looks at the clock and at signals


class Crews(Protocol):
    """Starts the training of some configurations."""

    @property
    def together(self) -> int:
        """How many configurations make good use of what there is."""

    def start(self, recipes: Sequence[Recipe]) -> Runner:
        """Start some."""

    def stop(self) -> None:
        """Give back what was used."""


@final
class Here:
    """Trains in this process.

    Args:
        ground: the data.
        decision: which engine.
    """

    def __init__(self, ground: Ground, decision: Decision) -> None:
        self._ground, self._decision = ground, decision
        self.together = decision.width

    def start(self, recipes: Sequence[Recipe]) -> Runner:
        """Start some configurations."""
        return Crew(recipes, self._ground, self._decision)

    def stop(self) -> None:
        """There is nothing to give back."""


@final
class Workers:
    """Trains in other processes, which are started when they are first needed.

    Args:
        count: how many.
        width: members that train together in each.
        launch: starts one.
    """

    def __init__(self, count: int, *, width: int, launch: Callable[[], Worker]) -> None:
        self.count, self._launch = count, launch
        self.together = width * count
        self.workers: list[Worker] = []

    def start(self, recipes: Sequence[Recipe]) -> Runner:
        """Deal some configurations out, one block to each process."""
        self.workers = self.workers or [self._launch() for _ in range(self.count)]
        return Dealt(recipes, self.workers)

    def stop(self) -> None:
        """End the processes."""
        for worker in self.workers:
            worker.stop()
        self.workers = []


def processes(count: int, ground: Ground, decision: Decision) -> Workers:
    """Return workers that are processes on this machine, each with a copy of the data.

    Raises:
        UsageError: if the network is made by a function that cannot be sent to a process.
    """
    sent = packed(ground, decision)
    return Workers(count, width=decision.width, launch=lambda: Process(sent))


def packed(ground: Ground, decision: Decision) -> bytes:
    """Return data and decision as bytes, without what was prepared: each process prepares its own."""
    try:
        return pickle.dumps((Ground(ground.plan, ground.splits, ground.build), decision))
    except (pickle.PicklingError, AttributeError, TypeError):
        raise UsageError(
            "Several workers need a network made by a function at the top of a module, which a process can import. "
            "Move it there, or use one worker."
        ) from None


@final
class Dealt:
    """Configurations in training in several processes.

    Args:
        recipes: the configurations.
        workers: the processes.
    """

    def __init__(self, recipes: Sequence[Recipe], workers: Sequence[Worker]) -> None:
        self._shares: list[tuple[Worker, list[int]]] = []
        for number, worker in enumerate(workers):
            block = list(range(number, len(recipes), len(workers)))
            if block:
                worker.begin([recipes[i] for i in block])
                self._shares.append((worker, block))
        self._found: dict[int, list[Outcome]] = {}

    def train(self, share: float, check: Check = lambda: None) -> None:
        """Train each until a share of its epochs is done, in all processes at once."""
        try:
            for worker, _ in self._shares:
                worker.train(share)
            waiting = dict(self._shares)
            while waiting:
                check()
                for worker in list(waiting):
                    if worker.ready(_POLL / len(waiting)) and (outcomes := worker.answer()) is not None:
                        self._found |= zip(waiting.pop(worker), outcomes, strict=True)
        except BaseException:
            for worker, _ in self._shares:
                worker.stop()
            raise

    def outcomes(self) -> list[list[Outcome]]:
        """Return for each configuration the outcome on each fold."""
        return [self._found[number] for number in sorted(self._found)]

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with these only."""
        new = {old: number for number, old in enumerate(positions)}
        shares = []
        for worker, block in self._shares:
            worker.keep([place for place, number in enumerate(block) if number in new])
            left = [new[number] for number in block if number in new]
            if left:
                shares.append((worker, left))
        self._shares = shares
        self._found = {}


class Worker(ABC):
    """Something that trains elsewhere, what it was last told, and its second life."""

    def __init__(self) -> None:
        self._recipes: list[Recipe] = []
        self._share = 0.0
        self._lives = 0
        self.launch()

    def begin(self, recipes: list[Recipe]) -> None:
        """Start on some configurations."""
        self._recipes, self._lives = recipes, 2
        self.tell("start", recipes)

    def train(self, share: float) -> None:
        """Train until a share of the epochs is done; `answer` brings what came of it."""
        self._share = share
        self.tell("train", share)

    def keep(self, places: list[int]) -> None:
        """Go on with these only."""
        self._recipes = [self._recipes[place] for place in places]
        self.tell("keep", places)

    def answer(self) -> list[list[Outcome]] | None:
        """Return what came of the training, or None if the worker died and begins anew.

        Raises:
            TrainingError: it died for the second time.
        """
        try:
            return self.receive()
        except (EOFError, OSError):
            self._lives -= 1
        if not self._lives:
            raise TrainingError(
                "A worker died twice on the same trials; memory may be short. Use fewer with --workers."
            )
        self.launch()
        self.tell("start", self._recipes)
        self.tell("train", self._share)
        return None

    @abstractmethod
    def launch(self) -> None:
        """Start it, or start it again."""

    @abstractmethod
    def tell(self, command: str, argument: Any) -> None:
        """Give a command, and do not wait; one that is gone is noticed when it does not answer."""

    @abstractmethod
    def ready(self, seconds: float) -> bool:
        """Tell whether an answer, or its end, is there within so many seconds."""

    @abstractmethod
    def receive(self) -> list[list[Outcome]]:
        """Return the answer; EOFError or OSError if it is gone."""

    @abstractmethod
    def stop(self) -> None:
        """End it."""


@final
class Process(Worker):
    """A process on this machine.

    Args:
        sent: what `packed` returned.
    """

    def __init__(self, sent: bytes) -> None:
        self._sent = sent
        super().__init__()

    def launch(self) -> None:
        """Start it, or start it again."""
        context = multiprocessing.get_context("spawn")
        self._pipe, end = context.Pipe()
        self.process = context.Process(target=serve, args=(end, self._sent), daemon=True)
        self.process.start()
        end.close()

    def tell(self, command: str, argument: Any) -> None:
        """Give a command."""
        if command == "start" and not self.process.is_alive():
            self.launch()
        with contextlib.suppress(OSError):
            self._pipe.send((command, argument))

    def ready(self, seconds: float) -> bool:
        """Tell whether an answer, or its end, is there."""
        return self._pipe.poll(seconds)

    def receive(self) -> list[list[Outcome]]:
        """Return the answer."""
        found: Any = self._pipe.recv()
        if isinstance(found, Exception):
            raise found
        outcomes: list[list[Outcome]] = found
        return outcomes

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.join()
        self._pipe.close()


@final
class Shard:
    """What trains inside a worker.

    Args:
        sent: what `packed` returned.
    """

    def __init__(self, sent: bytes) -> None:
        torch.set_num_threads(1)
        self._here = Here(*pickle.loads(sent))
        self._crew: Runner | None = None

    def do(self, command: str, argument: Any, check: Check = lambda: None) -> list[list[Outcome]] | None:
        """Obey: "start" recipes, "keep" positions, or "train" to a share and return what came of it."""
        if command == "start":
            self._crew = self._here.start(argument)
        elif self._crew and command == "keep":
            self._crew.keep(argument)
        elif self._crew:
            self._crew.train(argument, check)
            return self._crew.outcomes()
        return None


def serve(pipe: Connection, sent: bytes) -> None:
    """Train what is asked for until the other end goes away. Runs in a process of its own.

    Args:
        pipe: brings commands, takes outcomes.
        sent: what `packed` returned.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    parent = multiprocessing.parent_process()
    shard = Shard(sent)

    def check() -> None:
        if parent and os.getppid() != parent.pid:  # it was killed, and nobody waits for what comes of this
            raise SystemExit

    with contextlib.suppress(EOFError, OSError):
        while True:
            command, argument = pipe.recv()
            try:
                outcomes = shard.do(command, argument, check)
                if outcomes is not None:
                    pipe.send(outcomes)
            except Exception as problem:  # whatever it is, it is told to the parent, who raises it
                pipe.send(problem)
