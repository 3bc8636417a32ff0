"""The one door of the live page: it wraps the whole application, so that no route can forget it.

Other programs, other users and every web page of the world can reach a port of this machine. What they cannot do is
name the right host (a page that rebinds its own name to 127.0.0.1 sends that name), come from the same origin, or
know the ticket that was printed on the terminal.
"""

from __future__ import annotations

import hmac
import secrets
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}
_METHODS = ("GET", "HEAD")
_STRANGER = (
    "This page needs the link that trainwell printed when it started: it opens the page once and lets this browser in. "
    "Start `trainwell page` again for a new link."
)


class Access:
    """Who may come in: the first browser that shows the ticket gets a cookie, and the ticket is used up.

    Args:
        port: the port of the page; cookies do not know ports, so it is part of their name.
    """

    def __init__(self, port: int) -> None:
        self.cookie = f"trainwell_{port}"
        self._secret = secrets.token_urlsafe(32)
        self._ticket: str | None = secrets.token_urlsafe(32)
        self.path = f"/?ticket={self._ticket}"

    def admit(self, ticket: str) -> bool:
        """Take a ticket; each is good for one browser."""
        good = self._ticket is not None and hmac.compare_digest(ticket.encode(), self._ticket.encode())
        if good:
            self._ticket = None
        return good

    def knows(self, cookies: bytes) -> bool:
        """Tell whether a request's cookies hold the right one."""
        wanted = f"{self.cookie}={self._secret}".encode()
        return any(hmac.compare_digest(cookie.strip(), wanted) for cookie in cookies.split(b";"))

    @property
    def set_cookie(self) -> bytes:
        """The header that lets a browser in: no script can read it, no other site can make the browser send it."""
        return f"{self.cookie}={self._secret}; Path=/; HttpOnly; SameSite=Strict".encode()


class _Answer(NamedTuple):
    status: int
    text: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Guard:
    """Lets through reading requests from the right host, the same origin and a known browser; answers all others.

    Args:
        app: everything behind the door.
        port: where the page is served.
        access: who is known.
    """

    def __init__(self, app: ASGIApp, *, port: int, access: Access) -> None:
        self._app = app
        self._access = access
        self._hosts = {f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost", "[::1]")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or pass on one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif (answer := self._answer(scope)) is not None:
            await _reply(answer, _with_headers(send))
        else:
            await self._app(scope, receive, _with_headers(send))

    def _answer(self, scope: Scope) -> _Answer | None:
        """Return what the guard itself answers, or None to let the request through."""
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        hosts = headers.get(b"host", [])
        if len(hosts) != 1:
            return _Answer(400, "A request must name one host.")
        if hosts[0].lower() not in self._hosts:
            return _Answer(403, "This page answers to 127.0.0.1 and localhost only.")
        origins = headers.get(b"origin", [])
        if any(origin.lower() != b"http://" + hosts[0].lower() for origin in origins):
            return _Answer(403, "Another site may not ask this page.")
        if any(site not in (b"same-origin", b"none") for site in headers.get(b"sec-fetch-site", [])):
            return _Answer(403, "Another site may not ask this page.")
        if scope["method"] not in _METHODS:
            return _Answer(405, "This page only shows.", ((b"allow", b"GET, HEAD"),))
        if self._access.knows(b";".join(headers.get(b"cookie", []))):
            return None
        ticket = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [""])[0]
        if scope["path"] == "/" and scope["method"] == "GET" and self._access.admit(ticket):
            return _Answer(303, headers=((b"location", b"/"), (b"set-cookie", self._access.set_cookie)))
        return _Answer(403, _STRANGER)


async def _reply(answer: _Answer, send: Send) -> None:
    body = answer.text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": [*headers, *answer.headers]})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send) -> Send:
    """Add the security headers to every response; a response may bring a policy of its own."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            added = [(name, value) for name, value in _HEADERS.items() if name not in present]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return guarded
