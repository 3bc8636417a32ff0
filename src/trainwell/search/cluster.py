"""Trials on a Ray cluster: the same workers, each an actor with one core."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import socket
from typing import Any, final
from urllib.parse import urlsplit

from trainwell.core.errors import MissingExtraError, UsageError
from trainwell.population.folds import Ground
from trainwell.population.sequential import Outcome
from trainwell.search.runner import Decision
from trainwell.search.workers import Shard, Worker, Workers, packed

_PORT, _PATIENCE = 10001, 5.0  # of Ray's client server, and seconds to wait for it


def actors(address: str, ground: Ground, decision: Decision, *, count: int = 0) -> Workers:
    """Return workers that are Ray actors.

    Args:
        address: "ray" starts or joins a cluster on this machine; "ray://host:port" joins that one.
        ground: the data; sent once and shared.
        decision: which engine each uses.
        count: how many; 0 for one on each of the cluster's cores.
    Raises:
        MissingExtraError: if Ray is not installed.
        UsageError: if the address is none, or nobody answers there.
    """
    if address != "ray" and not address.startswith("ray://"):
        raise UsageError(f"--on must be ray or ray://host:port, got {address!r}.")
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise MissingExtraError("--on ray", "ray", "ray") from None
    if not ray.is_initialized():
        quiet = {"log_to_driver": False, "include_dashboard": False, "logging_level": logging.ERROR}
        try:
            if address != "ray":  # asked first: Ray itself tries for half a minute
                at = urlsplit(address)
                socket.create_connection((at.hostname, at.port or _PORT), timeout=_PATIENCE).close()
                if not importlib.util.find_spec("grpc"):  # what Ray's client to a far cluster needs
                    raise MissingExtraError("--on ray://", "ray[client]", "ray")
            ray.init(address=None if address == "ray" else address, **quiet)
        except (OSError, RuntimeError, ValueError) as problem:
            reason = str(getattr(problem, "strerror", None) or problem).partition("\n")[0].rstrip(". ")
            raise UsageError(
                f"The cluster {address} cannot be reached: {reason}. Start it, or leave out --on."
            ) from None
    sent = ray.put(packed(ground, decision))
    count = count or max(1, int(ray.cluster_resources().get("CPU", 1)))
    return Workers(count, width=decision.width, launch=lambda: Actor(ray, sent))


@final
class Actor(Worker):
    """A Ray actor.

    Args:
        ray: the module.
        sent: reference to what `packed` returned.
    """

    def __init__(self, ray: Any, sent: Any) -> None:
        self._ray, self._sent = ray, sent
        self._pending: Any = None
        super().__init__()

    def launch(self) -> None:
        """Start it, or start it again."""
        self.actor = self._ray.remote(num_cpus=1, max_restarts=0)(Shard).remote(self._sent)

    def tell(self, command: str, argument: Any) -> None:
        """Give a command; an actor obeys in the order of the calls."""
        self._pending = self.actor.do.remote(command, argument)

    def ready(self, seconds: float) -> bool:
        """Tell whether an answer, or its end, is there."""
        done, _ = self._ray.wait([self._pending], timeout=seconds)
        return bool(done)

    def receive(self) -> list[list[Outcome]]:
        """Return the answer."""
        try:
            outcomes: list[list[Outcome]] = self._ray.get(self._pending)
            return outcomes
        except self._ray.exceptions.RayActorError:
            raise EOFError from None

    def stop(self) -> None:
        """End it."""
        with contextlib.suppress(ValueError):
            self._ray.kill(self.actor)
