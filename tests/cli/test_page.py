"""trainwell page serves this machine and nobody else."""

from __future__ import annotations

import re
import signal
import urllib.error
import urllib.request

import pytest


def test_the_page_answers_with_its_token_only_and_stops_on_request(process, tmp_path) -> None:
    (tmp_path / "runs").mkdir()
    child = process("page", "--no-browser")
    try:
        said = ""
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/\S*", said)):
            line = child.stderr.readline() or child.stdout.readline()
            assert line, "the page did not start"
            said += line
        address = found.group()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(address, timeout=10) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(address.split("?")[0].split("#")[0].rstrip("/") + "/api/runs", timeout=10)
        assert caught.value.code in (401, 403, 404)
        caught.value.close()
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
    assert child.returncode in (0, 130)
