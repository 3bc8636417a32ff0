"""A run as a stream: new rows as they are written, at most four times a second, over one plain HTTP response.

Each event carries `<generation>:<row>` as its id, never a step: a run that is resumed goes back in steps, its
generation grows, and every browser knows that it must start afresh.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from anyio import to_thread
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from trainwell.web.folder import stamp
from trainwell.web.run import news, state
from trainwell.web.values import UNREADABLE

_TICK = 0.25  # seconds between looks
_PING = 15.0  # seconds of silence after which a comment keeps the connection open
_JUDGE = 2.0  # seconds between two judgements at least; a dear one (long run) is repeated more rarely
_PATIENCE = 10.0  # seconds a browser may take to read before it is dropped
_RECONNECT = "retry: 500\n\n"


class Cursor(NamedTuple):
    """A place in a run: how often it was rewound, and the last row seen.

    >>> Cursor.parse("2:17"), Cursor.parse("x"), str(Cursor(2, 17))
    (Cursor(generation=2, row=17), None, '2:17')
    """

    generation: int
    row: int

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """Read a cursor; None if it is none."""
        match = re.fullmatch(r"(\d{1,18}):(\d{1,18})", text, re.ASCII)
        return cls(int(match[1]), int(match[2])) if match else None

    def __str__(self) -> str:
        return f"{self.generation}:{self.row}"


class Stream(StreamingResponse):
    """A response of server-sent events that drops a browser which stopped reading."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until they end, the browser leaves, or it stops reading."""

        async def patient(message: Message) -> None:
            await asyncio.wait_for(send(message), _PATIENCE)

        try:
            await super().__call__(scope, receive, patient)
        except TimeoutError:
            return


async def events(path: Path, cursor: Cursor) -> AsyncIterator[str]:
    """Yield the events of a run from a cursor on: "rows", "state", "resync" and, when it is over, "end".

    Memory is bounded: rows are asked for in portions, and the next only after the browser took the last.

    Args:
        path: the run.
        cursor: the last place the browser has seen.
    """
    yield _RECONNECT
    seen: tuple[int, ...] = ()
    shown = ""
    judge_at = said_at = 0.0
    while True:
        now = time.monotonic()
        stamped = stamp(path)
        if stamped != seen:
            rows, last = await to_thread.run_sync(_news, path, cursor)
            if rows is None:
                yield _event("resync", {}, None)
                return
            cursor = cursor._replace(row=last)
            seen = stamped if len(rows) == 0 else ()  # ask again until nothing is left
            if rows:
                said_at = now
                yield _event("rows", rows, cursor)
        if now >= judge_at:
            known = await to_thread.run_sync(lambda: state(path))
            judge_at = time.monotonic() + max(_JUDGE, 20 * (time.monotonic() - now))
            if (text := json.dumps(known)) != shown:
                shown, said_at = text, now
                yield _event("state", known, cursor)
            if known["status"] != "running" and not await _left(path, cursor):
                yield _event("end", {}, cursor)
                return
        if now - said_at > _PING:
            said_at = now
            yield ": still here\n\n"
        await asyncio.sleep(_TICK)


def _news(path: Path, cursor: Cursor) -> tuple[dict[str, list[Any]] | None, int]:
    try:
        return news(path, cursor.generation, cursor.row)
    except UNREADABLE:
        return {}, cursor.row  # the state says what is wrong with it


async def _left(path: Path, cursor: Cursor) -> bool:
    rows, _ = await to_thread.run_sync(_news, path, cursor)
    return bool(rows)


def _event(kind: str, data: object, cursor: Cursor | None) -> str:
    place = f"id: {cursor}\n" if cursor else ""
    return f"event: {kind}\n{place}data: {json.dumps(data, allow_nan=False)}\n\n"
