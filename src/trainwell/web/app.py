"""The live page: a few fixed routes that read the runs folder and change nothing."""

from __future__ import annotations

import functools
import re
from importlib import resources
from pathlib import Path

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trainwell.core.files import plain
from trainwell.report import policy, render
from trainwell.report.html.page import shared_style
from trainwell.runs import Run, snapshot
from trainwell.web.access import Access, AccessGuard
from trainwell.web.folder import Folder, search_page
from trainwell.web.live import Cursor, Stream, events
from trainwell.web.run import history, state
from trainwell.web.values import UNREADABLE

# Only these files of the package are served.
ASSETS = {
    "app.js": "text/javascript; charset=utf-8",
    "chart.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_MOST_POINTS = 2000


@functools.cache
def _static(name: str) -> bytes:
    content = resources.files("trainwell.web").joinpath("static", name).read_bytes()
    return shared_style().encode() + content if name == "style.css" else content


def make_app(runs_folder: Path, *, port: int, access: Access) -> AccessGuard:
    """Build the application with its access control.

    Args:
        runs_folder: folder of the runs.
        port: port of the server; requests must name it.
        access: ticket and cookie.
    """
    pages = _Pages(Folder(runs_folder))
    routes = [
        Route("/", pages.shell),
        Route("/health", pages.health),
        Route("/static/{name}", pages.asset),
        Route("/runs/{identity}", pages.shell),
        Route("/runs/{identity}/report", pages.report),
        Route("/studies/{identity}", pages.study),
        Route("/api/runs", pages.runs),
        Route("/api/runs/{identity}", pages.run),
        Route("/api/runs/{identity}/stream", pages.stream),
    ]
    return AccessGuard(Starlette(routes=routes), port=port, access=access)


class _Pages:
    """The response of each route."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def shell(self, request: Request) -> Response:
        if "identity" in request.path_params:
            _path(self._folder, request)
        return Response(_static("page.html"), media_type="text/html")

    async def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ASSETS:
            raise HTTPException(404)
        return Response(_static(name), media_type=ASSETS[name])

    async def health(self, request: Request) -> Response:
        return JSONResponse({"ok": True, "folder": plain(str(self._folder.path))})

    async def runs(self, request: Request) -> Response:
        listed = await to_thread.run_sync(self._folder.listing)
        searches = await to_thread.run_sync(self._folder.studies)
        return JSONResponse({"folder": plain(str(self._folder.path)), "runs": listed, "studies": searches})

    async def run(self, request: Request) -> Response:
        path = _path(self._folder, request)
        points = _number(request, "points", default=600, high=_MOST_POINTS)
        known = await to_thread.run_sync(state, path)
        return JSONResponse(known | await to_thread.run_sync(history, path, points))

    async def stream(self, request: Request) -> Response:
        path = _path(self._folder, request)
        cursor = Cursor.parse(request.headers.get("last-event-id") or request.query_params.get("after", "0:0"))
        if cursor is None:
            raise HTTPException(400, "after must be <generation>:<row>.")
        return Stream(events(path, cursor) if request.method == "GET" else iter(()))

    async def report(self, request: Request) -> Response:
        path = _path(self._folder, request)
        try:
            page = await to_thread.run_sync(lambda: render(snapshot(Run.open(path))))
        except UNREADABLE as problem:
            raise HTTPException(409, f"This run cannot be read: {problem}") from None
        rules = {"content-security-policy": f"{policy()}; frame-ancestors 'none'"}
        return Response(page, media_type="text/html", headers=rules)

    async def study(self, request: Request) -> Response:
        identity = request.path_params["identity"]
        path = self._folder.find_study(identity) if re.fullmatch(r"[0-9a-f]{16}", identity) else None
        if path is None:
            raise HTTPException(404, "There is no such search.")
        try:
            page, is_running = await to_thread.run_sync(search_page, path)
        except UNREADABLE as problem:
            raise HTTPException(409, f"This search cannot be read: {problem}") from None
        rules = {"content-security-policy": f"{policy()}; frame-ancestors 'none'"}
        return Response(page, media_type="text/html", headers=rules | ({"refresh": "5"} if is_running else {}))


def _path(folder: Folder, request: Request) -> Path:
    """Return the run of a request.

    Raises:
        HTTPException: 404 if there is no such run.
    """
    identity = request.path_params["identity"]
    path = folder.find(identity) if re.fullmatch(r"[0-9a-f]{16}", identity) else None
    if path is None:
        raise HTTPException(404, "There is no such run.")
    return path


def _number(request: Request, name: str, *, default: int, high: int) -> int:
    """Read an integer from the query.

    Raises:
        HTTPException: 400 if it is not an integer in the range.
    """
    text = request.query_params.get(name, str(default))
    # Python raises an error of its own for thousands of digits: check the length first.
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 2 <= int(text) <= high:
        raise HTTPException(400, f"{name} must be an integer from 2 to {high}.")
    return int(text)
