from __future__ import annotations

import contextlib
import signal
import socket
import time
from pathlib import Path

import psutil
import pytest

from trainwell.core.errors import UsageError
from trainwell.web.folder import run_id
from trainwell.web.server import serve


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_hostile_bytes_leave_the_server_standing(server) -> None:
    host = f"Host: 127.0.0.1:{server.port}\r\n".encode()
    assert status(server.raw(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")) == 400
    assert status(server.raw(b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")) == 403
    assert status(server.raw(b"GET / HTTP/1.1\r\n" + host + b"Host: evil.example\r\nConnection: close\r\n\r\n")) in (
        400,
        403,
    )
    assert status(server.raw(b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 0\r\nConnection: close\r\n\r\n")) == 405
    smuggled = b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
    assert status(server.raw(b"POST / HTTP/1.1\r\n" + host + smuggled)) in (400, 405)
    assert status(server.raw(b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 200_000 + b"\r\n\r\n")) == 400
    assert status(server.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n")) == 400
    for path in ("/..%2f..%2fetc/passwd", "/%252e%252e/", "//etc/passwd", "/" + "a" * 5000, "/static/..\\app.py"):
        assert status(server.get(path)) in (400, 403)
    assert server.process.poll() is None
    cookie = server.enter()
    assert status(server.get("/static/..%2fapp.py", cookie)) == 404
    assert status(server.get("/health", cookie)) == 200
    assert status(server.get(server.link)) == 403  # the link has been used


def test_only_this_machine_can_reach_it_and_it_says_little(server) -> None:
    listening = [one for one in psutil.Process(server.process.pid).net_connections("inet") if one.status == "LISTEN"]
    assert [one.laddr.ip for one in listening] == ["127.0.0.1"]
    assert b"uvicorn" not in server.get("/").lower()


def test_it_stops_soon_while_a_stream_is_open(server, runs: Path, new_run) -> None:
    new_run(runs, "going", finish=None)
    cookie = server.enter()
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        address = f"/api/runs/{run_id('going')}/stream"
        connection.sendall(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{cookie}\r\n\r\n".encode())
        received = b""
        while b"event: rows" not in received:
            received += connection.recv(65536)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(timeout=10)


def test_ctrl_c_ends_it_quietly(server) -> None:
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=10) == 0
    assert "Traceback" not in server.process.stderr.read()


def test_a_port_that_is_taken_is_a_usage_error(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError, match="another program uses it"):
            serve(tmp_path, port=other.getsockname()[1], open_browser=False)


def test_connections_that_ask_nothing_are_hung_up(hasty_server) -> None:
    """200 half-open connections fill the server; after its patience they are gone and it answers again."""
    with contextlib.ExitStack() as stack:
        for number in range(200):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", hasty_server.port), timeout=5))
            connection.sendall(b"GET / HT" if number % 2 else b"")
        time.sleep(1.5)
        assert status(hasty_server.get("/health")) == 403
        assert len(psutil.Process(hasty_server.process.pid).net_connections("inet")) < 20


def test_a_stream_in_use_is_not_hung_up(hasty_server, runs: Path, new_run) -> None:
    writer = new_run(runs, "going", finish=None)
    cookie = hasty_server.enter()
    with socket.create_connection(("127.0.0.1", hasty_server.port), timeout=5) as connection:
        address = f"/api/runs/{run_id('going')}/stream?after=0:30"
        connection.sendall(
            f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{hasty_server.port}\r\n{cookie}\r\n\r\n".encode()
        )
        time.sleep(1.8)
        writer.signal("loss/train", 31, value=0.25)
        writer.flush()
        received = b""
        while b"[31, 0.25]" not in received:
            received += connection.recv(65536)
