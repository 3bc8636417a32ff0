"""Serve the page to this machine only."""

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
from trainwell.web.access import Access
from trainwell.web.app import make_app

HOST = "127.0.0.1"
_IDLE_SECONDS = 10.0


class IdleTimeoutProtocol(H11Protocol):
    """HTTP that closes idle connections; uvicorn alone keeps one that sends no request or reads no response."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer."""
        super().connection_made(transport)
        self._lost = False
        self.loop.call_later(_IDLE_SECONDS, self._check_idle, self.cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._lost = True
        super().connection_lost(exc)

    def _check_idle(self, before: object) -> None:
        """Close a connection without a request since the last check; abort one that does not close."""
        if self._lost:
            return
        if self.transport.is_closing():
            self.transport.abort()
            return
        idle = not self.cycle or self.cycle.response_complete
        if idle and self.cycle is before:
            self.transport.close()
        self.loop.call_later(_IDLE_SECONDS, self._check_idle, self.cycle if idle else self)


def serve(runs_folder: Path, *, port: int = 0, open_browser: bool = True) -> None:
    """Serve a live page of all runs of a folder until Ctrl-C.

    Args:
        runs_folder: folder of the runs; it may be empty or absent.
        port: port of 127.0.0.1; 0 chooses a free one.
        open_browser: open the page in a browser if there is a display.
    Raises:
        UsageError: the port is in use.
    """
    # Ctrl-C ends the server: uvicorn handles it and then raises KeyboardInterrupt again.
    with _listen(port) as listener, contextlib.suppress(KeyboardInterrupt):
        number = listener.getsockname()[1]
        access = Access(number)
        address = f"http://{HOST}:{number}{access.path}"
        server = uvicorn.Server(_config(make_app(Path(runs_folder), port=number, access=access)))
        print(
            f"Live page of {plain(str(runs_folder))} (the link works once; Ctrl-C stops the server):\n  {address}",
            file=sys.stderr,
        )
        if open_browser and _has_screen():
            webbrowser.open(address)
        server.run(sockets=[listener])


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=IdleTimeoutProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=64,
        timeout_keep_alive=5,
        # Without this, an open stream would keep the server from stopping.
        timeout_graceful_shutdown=2,
    )


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Reuse the port of a server that has just ended, but not one that still listens.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as problem:
        listener.close()
        cause = "another program uses it" if problem.errno == errno.EADDRINUSE else problem.strerror
        raise UsageError(f"Port {port} cannot be used: {cause}. Choose another --port, or 0 for a free one.") from None
    return listener


def _has_screen() -> bool:
    """Tell whether a browser can open a window: a text browser would take over the terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
