from __future__ import annotations

import asyncio
from typing import Any

import pytest

from trainwell.web.access import Access, AccessGuard
from trainwell.web.headers import POLICY

ACCESS = Access(8000)
KNOWN = {"cookie": ACCESS.set_cookie.decode().partition(";")[0]}


async def inner(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"secret"})


GUARD = AccessGuard(inner, port=8000, access=ACCESS)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000", "[::1]:8000"])
def test_this_machine_is_let_in_by_its_own_names(ask, host: str) -> None:
    assert ask(GUARD, "/x", headers=KNOWN | {"host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "localhost.evil.example:8000", "127.0.0.1.nip.io:8000", "127.0.0.1"),
        *(
            "localhost:8001",
            "127.0.0.1:8000.",
            "user@127.0.0.1:8000",
            "localhost.:8000",
            "0.0.0.0:8000",
            "",
            "::1:8000",
        ),
    ],
)
def test_other_hosts_are_refused_even_with_the_cookie(ask, host: str) -> None:
    answer = ask(GUARD, "/x", headers=KNOWN | {"host": host})
    assert answer.status == 403 and b"secret" not in answer.body


@pytest.mark.parametrize("hosts", [[], [b"127.0.0.1:8000", b"evil.example"], [b"127.0.0.1:8000"] * 2])
def test_exactly_one_host_must_be_named(hosts: list[bytes]) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(b"host", h) for h in hosts],
    }
    asyncio.run(GUARD(scope, None, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9000"},
        {"origin": "https://127.0.0.1:8000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_sites_are_refused_even_with_the_cookie(ask, headers: dict[str, str]) -> None:
    assert ask(GUARD, "/x", headers=KNOWN | headers).status == 403


@pytest.mark.parametrize(
    "headers", [{"origin": "http://127.0.0.1:8000"}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}]
)
def test_the_page_itself_may_ask(ask, headers: dict[str, str]) -> None:
    assert ask(GUARD, "/x", headers=KNOWN | headers).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "BREW"])
def test_only_reading_is_allowed(ask, method: str) -> None:
    answer = ask(GUARD, "/x", method=method, headers=KNOWN)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "cookie",
    ["", "trainwell_8000=", "trainwell_8000=x", "trainwell_8001=" + KNOWN["cookie"].partition("=")[2], "ü=1;;=;"],
    ids=["none", "empty", "wrong", "of another port", "nonsense"],  # the token is drawn anew by every process
)
def test_strangers_stay_outside(ask, cookie: str) -> None:
    answer = ask(GUARD, "/x", headers={"cookie": cookie})
    assert answer.status == 403 and b"secret" not in answer.body


def test_the_cookie_is_found_among_others(ask) -> None:
    assert ask(GUARD, "/x", headers={"cookie": f"a=b; {KNOWN['cookie']}; c=d"}).status == 200


def test_the_link_works_once(ask) -> None:
    access = Access(8000)
    guard = AccessGuard(inner, port=8000, access=access)
    assert ask(guard, access.path, method="HEAD").status == 403  # a preview does not use it up
    assert ask(guard, access.path.replace("/?", "/other?")).status == 403
    assert ask(guard, "/?ticket=%FFwrong").status == 403
    first = ask(guard, access.path)
    assert (first.status, first.headers["location"], first.body) == (303, "/", b"")
    assert {part.strip() for part in first.headers["set-cookie"].split(";")} >= {
        "HttpOnly",
        "SameSite=Strict",
        "Path=/",
    }
    assert ask(guard, access.path).status == 403
    assert ask(guard, "/", headers={"cookie": first.headers["set-cookie"].partition(";")[0]}).status == 200


def test_two_servers_have_two_secrets() -> None:
    assert Access(1).set_cookie != Access(1).set_cookie and len(Access(1).path) > 40


@pytest.mark.parametrize("headers", [KNOWN, {}, {"host": "evil.example"}, {"origin": "null"}])
def test_every_answer_carries_the_security_headers(ask, headers: dict[str, str]) -> None:
    found = ask(GUARD, "/x", headers=headers).headers
    assert found["content-security-policy"] == POLICY
    assert found["x-content-type-options"] == "nosniff" and found["cache-control"] == "no-store"
    assert found["referrer-policy"] == "no-referrer" and found["cross-origin-resource-policy"] == "same-origin"
    assert not any(name.startswith("access-control") for name in found)


def test_websockets_are_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(GUARD({"type": "websocket"}, None, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]
