"""A run as a stream of server-sent events: new rows as they are written, at most four times a second.

The id of an event is `<generation>:<row>`, not the step: a run that is resumed goes back to an earlier step. Its
generation then grows, and every browser loads the run again.
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

_TICK = 0.25  # seconds between two reads of the store
_PING = 15.0  # seconds without an event after which a comment keeps the connection open
_DIAGNOSE = 2.0  # least seconds between two diagnoses; those of a long run take longer and are made less often
_SEND_TIMEOUT = 10.0  # seconds a browser may take to read before it is disconnected
_RECONNECT = "retry: 500\n\n"


class Cursor(NamedTuple):
    """A position in a run: how often it was rewound, and the last row that was sent.

    >>> Cursor.parse("2:17"), Cursor.parse("x"), str(Cursor(2, 17))
    (Cursor(generation=2, row=17), None, '2:17')
    """

    generation: int
    row: int

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """Read a cursor; None if the text is not a cursor."""
        match = re.fullmatch(r"(\d{1,18}):(\d{1,18})", text, re.ASCII)
        return cls(int(match[1]), int(match[2])) if match else None

    def __str__(self) -> str:
        return f"{self.generation}:{self.row}"


class Stream(StreamingResponse):
    """A response of server-sent events that disconnects a browser which stops reading."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until they end, or the browser disconnects or stops reading."""

        async def send_in_time(message: Message) -> None:
            await asyncio.wait_for(send(message), _SEND_TIMEOUT)

        try:
            await super().__call__(scope, receive, send_in_time)
        except TimeoutError:
            return


async def events(path: Path, cursor: Cursor) -> AsyncIterator[str]:
    """Yield the events of a run from a cursor on: "rows", "state", "resync" and, when it is over, "end".

    Memory is bounded: rows are read in portions, the next after the browser has read the last.

    Args:
        path: the run.
        cursor: the position that the browser has reached.
    """
    yield _RECONNECT
    seen: tuple[int, ...] = ()
    shown = ""
    diagnose_at = sent_at = 0.0
    while True:
        now = time.monotonic()
        stamped = stamp(path)
        if stamped != seen:
            rows, last = await to_thread.run_sync(_news, path, cursor)
            if rows is None:
                yield _event("resync", {}, cursor=None)
                return
            cursor = cursor._replace(row=last)
            seen = stamped if len(rows) == 0 else ()  # read again until no row is left
            if rows:
                sent_at = now
                yield _event("rows", rows, cursor=cursor)
        if now >= diagnose_at:
            known = await to_thread.run_sync(lambda: state(path))
            diagnose_at = time.monotonic() + max(_DIAGNOSE, 20 * (time.monotonic() - now))
            if (text := json.dumps(known)) != shown:
                shown = text
                sent_at = now
                yield _event("state", known, cursor=cursor)
            if known["status"] != "running" and not await _has_more_rows(path, cursor):
                yield _event("end", {}, cursor=cursor)
                return
        if now - sent_at > _PING:
            sent_at = now
            yield ": ping\n\n"
        await asyncio.sleep(_TICK)


def _news(path: Path, cursor: Cursor) -> tuple[dict[str, list[Any]] | None, int]:
    try:
        return news(path, cursor.generation, after=cursor.row)
    except UNREADABLE:
        return {}, cursor.row  # the state tells the browser what is wrong


async def _has_more_rows(path: Path, cursor: Cursor) -> bool:
    rows, _ = await to_thread.run_sync(_news, path, cursor)
    return bool(rows)


def _event(kind: str, data: object, *, cursor: Cursor | None) -> str:
    place = f"id: {cursor}\n" if cursor else ""
    return f"event: {kind}\n{place}data: {json.dumps(data, allow_nan=False)}\n\n"
