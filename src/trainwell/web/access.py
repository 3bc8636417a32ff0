"""Access control of the live page: a wrapper around the whole application, so that no route can be left out.

Other programs, other users and any web page can send requests to a port of this machine. They cannot send the right
Host header (a page that rebinds its own name to 127.0.0.1 sends that name), have the same origin, or know the ticket
that was printed on the terminal.
"""

from __future__ import annotations

import hmac
import secrets
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

from trainwell.web.headers import with_headers

_METHODS = ("GET", "HEAD")
_NO_TICKET = (
    "Open the link that trainwell printed when it started. It works once, for one browser. For a new link, start "
    "`trainwell page` again."
)


class Access:
    """Who has access: the first browser that sends the ticket gets a cookie, and the ticket is used up.

    Args:
        port: port of the page; cookies are not separated by port, so their name contains it.
    """

    def __init__(self, port: int) -> None:
        self.cookie = f"trainwell_{port}"
        self._secret = secrets.token_urlsafe(32)
        self._ticket: str | None = secrets.token_urlsafe(32)
        self.path = f"/?ticket={self._ticket}"

    def admit(self, ticket: str) -> bool:
        """Accept a ticket; it is valid once."""
        is_valid = self._ticket is not None and hmac.compare_digest(ticket.encode(), self._ticket.encode())
        if is_valid:
            self._ticket = None
        return is_valid

    def knows(self, cookies: bytes) -> bool:
        """Tell whether the cookies of a request contain the right one."""
        wanted = f"{self.cookie}={self._secret}".encode()
        return any(hmac.compare_digest(cookie.strip(), wanted) for cookie in cookies.split(b";"))

    @property
    def set_cookie(self) -> bytes:
        """The Set-Cookie header: no script can read the cookie, and no other site can make the browser send it."""
        return f"{self.cookie}={self._secret}; Path=/; HttpOnly; SameSite=Strict".encode()


class _Refusal(NamedTuple):
    status: int
    text: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()


class AccessGuard:
    """Passes on GET and HEAD requests with the right host, origin and cookie; refuses all others.

    Args:
        app: the application.
        port: port of the page.
        access: ticket and cookie.
    """

    def __init__(self, app: ASGIApp, *, port: int, access: Access) -> None:
        self._app = app
        self._access = access
        self._hosts = {f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost", "[::1]")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on or refuse one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif (refusal := self._check(scope)) is not None:
            await _reply(refusal, with_headers(send))
        else:
            await self._app(scope, receive, with_headers(send))

    def _check(self, scope: Scope) -> _Refusal | None:
        """Return the response to a request that is not passed on, or None."""
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        hosts = headers.get(b"host", [])
        if len(hosts) != 1:
            return _Refusal(400, "A request must have one Host header.")
        if hosts[0].lower() not in self._hosts:
            return _Refusal(403, "This page is served at 127.0.0.1 and localhost only.")
        origins = headers.get(b"origin", [])
        if any(origin.lower() != b"http://" + hosts[0].lower() for origin in origins):
            return _Refusal(403, "Requests from other sites are refused.")
        if any(site not in (b"same-origin", b"none") for site in headers.get(b"sec-fetch-site", [])):
            return _Refusal(403, "Requests from other sites are refused.")
        if scope["method"] not in _METHODS:
            return _Refusal(405, "Only GET and HEAD are allowed.", ((b"allow", b"GET, HEAD"),))
        if self._access.knows(b";".join(headers.get(b"cookie", []))):
            return None
        ticket = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [""])[0]
        if scope["path"] == "/" and scope["method"] == "GET" and self._access.admit(ticket):
            return _Refusal(303, headers=((b"location", b"/"), (b"set-cookie", self._access.set_cookie)))
        return _Refusal(403, _NO_TICKET)


async def _reply(refusal: _Refusal, send: Send) -> None:
    body = refusal.text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refusal.status, "headers": [*headers, *refusal.headers]})
    await send({"type": "http.response.body", "body": body})
