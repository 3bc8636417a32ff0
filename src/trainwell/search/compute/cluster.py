"""Training on a Ray cluster: each worker is an actor with one core."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import socket
from typing import Any, final
from urllib.parse import urlsplit

from trainwell.core.errors import MissingExtraError, UsageError
from trainwell.population.folds import Folds
from trainwell.population.result import ValidationResult
from trainwell.search.compute.engine import EngineChoice
from trainwell.search.compute.pool import Worker, WorkerPool, WorkerSession, pack

_PORT = 10001  # the default port of Ray's client server
_CONNECT_SECONDS = 5.0  # to wait for that server


def ray_pool(data: Folds, choice: EngineChoice, *, address: str, count: int = 0) -> WorkerPool:
    """Return a pool of Ray actors.

    Args:
        data: the examples, in folds; sent once and shared.
        choice: the engine in each actor.
        address: "ray" starts or joins a cluster on this machine; "ray://host:port" joins that one.
        count: number of actors; 0 for one on each core of the cluster.
    Raises:
        MissingExtraError: if Ray is not installed.
        UsageError: if the address is invalid or cannot be reached.
    """
    if address != "ray" and not address.startswith("ray://"):
        raise UsageError(f"--on must be ray or ray://host:port, got {address!r}.")
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise MissingExtraError("--on ray", "ray", extra="ray") from None
    if not ray.is_initialized():
        _connect(ray, address)
    packed = ray.put(pack(data, choice))
    count = count or max(1, int(ray.cluster_resources().get("CPU", 1)))
    return WorkerPool(count, width=choice.width, launch=lambda: RayWorker(ray, packed))


def _connect(ray: Any, address: str) -> None:
    try:
        if address != "ray":  # tried first: Ray itself retries for half a minute
            at = urlsplit(address)
            socket.create_connection((at.hostname, at.port or _PORT), timeout=_CONNECT_SECONDS).close()
            if not importlib.util.find_spec("grpc"):  # what Ray's client to a remote cluster needs
                raise MissingExtraError("--on ray://", "ray[client]", extra="ray")
        ray.init(
            address=None if address == "ray" else address,
            log_to_driver=False,
            include_dashboard=False,
            logging_level=logging.ERROR,
        )
    except (OSError, RuntimeError, ValueError) as problem:
        reason = str(getattr(problem, "strerror", None) or problem).partition("\n")[0].rstrip(". ")
        raise UsageError(f"The cluster {address} cannot be reached: {reason}. Start it, or leave out --on.") from None


@final
class RayWorker(Worker):
    """A Ray actor.

    Args:
        ray: the module.
        packed: a reference to what `pack` returned.
    """

    def __init__(self, ray: Any, packed: Any) -> None:
        self._ray = ray
        self._packed = packed
        self._pending: Any = None
        super().__init__()

    def launch(self) -> None:
        """Start the actor, or start it again."""
        self.actor = self._ray.remote(num_cpus=1, max_restarts=0)(WorkerSession).remote(self._packed)

    def send(self, command: str, argument: Any) -> None:
        """Send a command; an actor carries commands out in the order of the calls."""
        self._pending = self.actor.do.remote(command, argument)

    def is_ready(self, seconds: float) -> bool:
        """Wait at most this many seconds, and return True if there is a result or the actor died."""
        done, _ = self._ray.wait([self._pending], timeout=seconds)
        return bool(done)

    def receive(self) -> list[list[ValidationResult]]:
        """Return the results."""
        try:
            results: list[list[ValidationResult]] = self._ray.get(self._pending)
            return results
        except self._ray.exceptions.RayActorError:
            raise EOFError from None

    def stop(self) -> None:
        """End the actor."""
        with contextlib.suppress(ValueError):
            self._ray.kill(self.actor)
