"""The first signal asks, the second one leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from trainwell.core.errors import Interrupted
from trainwell.train import Interrupt


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupt():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_is_only_a_wish() -> None:
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted, match="SIGTERM") as caught:
            interrupt.check()
    assert caught.value.exit_code == 143


def test_the_second_signal_leaves_at_once() -> None:
    code = (
        "import os, signal\nfrom trainwell.train.interrupt import Interrupt\n"
        "with Interrupt():\n    os.kill(os.getpid(), signal.SIGINT)\n    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('still here')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode in (130, -signal.SIGINT)
    assert "still here" not in done.stdout


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGHUP)
            interrupt.check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_the_main_thread_nothing_is_installed() -> None:
    errors = []

    def work():
        try:
            with Interrupt() as interrupt:
                interrupt.check()
        except Exception as problem:
            errors.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not errors
