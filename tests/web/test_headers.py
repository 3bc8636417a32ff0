from __future__ import annotations

import asyncio
from typing import Any

from trainwell.web.headers import HEADERS, with_headers


def headers_of(message: dict[str, Any]) -> dict[bytes, bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(with_headers(send)(message))
    return dict(sent[0].get("headers", []))


def test_every_response_gets_all_headers() -> None:
    assert headers_of({"type": "http.response.start", "status": 200, "headers": []}) == HEADERS


def test_a_response_keeps_a_policy_of_its_own() -> None:
    own = (b"content-security-policy", b"default-src 'self'")
    found = headers_of({"type": "http.response.start", "status": 200, "headers": [own]})
    assert found == HEADERS | dict([own])


def test_a_body_gets_none() -> None:
    assert headers_of({"type": "http.response.body", "body": b"x"}) == {}
