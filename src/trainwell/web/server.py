"""Serving the page on this machine, and to nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
import webbrowser
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from trainwell.core.errors import UsageError
from trainwell.core.files import plain
from trainwell.web.app import make_app
from trainwell.web.guard import Access

HOST = "127.0.0.1"
_IDLE_SECONDS = 10.0


class Impatient(H11Protocol):
    """HTTP that hangs up on a connection which asks nothing or takes nothing: uvicorn alone would keep it for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._lost = False
        self.loop.call_later(_IDLE_SECONDS, self._look, self.cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._lost = True
        super().connection_lost(exc)

    def _look(self, before: object) -> None:
        """Close a connection that has had no request in work since the last look; tear down one that does not close."""
        if self._lost:
            return
        if self.transport.is_closing():
            self.transport.abort()
            return
        idle = not self.cycle or self.cycle.response_complete
        if idle and self.cycle is before:
            self.transport.close()
        self.loop.call_later(_IDLE_SECONDS, self._look, self.cycle if idle else self)


def serve(runs_folder: Path, *, port: int = 0, open_browser: bool = True) -> None:
    """Show all runs of a folder in a page, live, until Ctrl-C.

    Args:
        runs_folder: where the runs are; it may still be empty or absent.
        port: port of 127.0.0.1; 0 takes a free one.
        open_browser: open the page at once where there is a screen.
    Raises:
        UsageError: the port is taken.
    """
    # Ctrl-C is how one leaves, at whatever moment it comes: uvicorn stops at it and then raises it again.
    with _listen(port) as listener, contextlib.suppress(KeyboardInterrupt):
        number = listener.getsockname()[1]
        access = Access(number)
        address = f"http://{HOST}:{number}{access.path}"
        server = uvicorn.Server(_config(make_app(Path(runs_folder), port=number, access=access)))
        print(
            f"The page of {plain(str(runs_folder))} (the link works once; Ctrl-C ends it):\n  {address}",
            file=sys.stderr,
        )
        if open_browser and _has_screen():
            webbrowser.open(address)
        server.run(sockets=[listener])


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=Impatient,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=64,
        timeout_keep_alive=5,
        # Without this an open stream would keep the server from ever stopping.
        timeout_graceful_shutdown=2,
    )


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # The port of a server that has just ended may be taken at once; one that still listens may not.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as problem:
        listener.close()
        cause = "another program uses it" if problem.errno == errno.EADDRINUSE else problem.strerror
        raise UsageError(f"Port {port} must be free, but {cause}: choose another --port, or 0 for any.") from None
    return listener


def _has_screen() -> bool:
    """Tell whether a browser could open a window: a text browser would take over the terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
