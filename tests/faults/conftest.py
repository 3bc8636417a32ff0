"""Runs an action in a forked child under strace, which kills it or lets its calls fail at any chosen call."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CALLS = (
    "openat,open,creat,write,pwrite64,writev,fsync,fdatasync,sync_file_range,rename,renameat,renameat2,mkdir,mkdirat,"
    "unlink,unlinkat,rmdir,ftruncate,fallocate,chmod,fchmod,fchmodat,link,symlink,copy_file_range,sendfile"
)


@dataclass(frozen=True)
class Outcome:
    """How the child ended: 0, the exit code of its error, or minus the signal; and what it asked of the kernel."""

    code: int
    log: str

    def points(self) -> list[tuple[str, int]]:
        """Every call that may change the disk, with its number among the calls of its name."""
        counts: Counter[str] = Counter()
        points = []
        for call, rest in re.findall(r"^\d+ +(\w+)\((.*)", self.log, re.MULTILINE):
            counts[call] += 1
            if call != "openat" or re.search("O_WRONLY|O_RDWR|O_CREAT", rest):
                points.append((call, counts[call]))
        return points


class Strace:
    def run(self, action: Callable[[], None], inject: str = "") -> Outcome:
        go, come = os.pipe()
        with warnings.catch_warnings(), tempfile.NamedTemporaryFile(prefix="strace-", dir=fast_folder()) as log:
            warnings.simplefilter("ignore")  # Python 3.12 warns of forking beside threads; the child touches none
            child = os.fork()
            if child == 0:
                os._exit(_act(action, go))
            options = ["-f", "-y", "-s", "8", "-e", f"trace={CALLS}", "-o", log.name]
            command = ["strace", *options, *(["-e", f"inject={inject}"] if inject else []), "-p", str(child)]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
                assert tracer.stderr is not None
                greeting = tracer.stderr.readline()
                os.write(come, b"!")
                _, status = os.waitpid(child, 0)
            os.close(go)
            os.close(come)
            if "attached" not in greeting:
                pytest.skip(f"strace may not attach to a process here: {greeting.strip()}")
            return Outcome(os.waitstatus_to_exitcode(status), Path(log.name).read_text(errors="replace"))

    def kills(self, action: Callable[[], None], restore: Callable[[], None]) -> Iterator[str]:
        """Kill the action before each of its calls in turn; yields with what is left on the disk."""
        restore()
        action()  # once here, so that what Python caches is cached in every child
        restore()
        points = self.points(action)
        assert len(points) > 4
        for call, number in points:
            restore()
            outcome = self.run(action, inject=f"{call}:signal=SIGKILL:when={number}")
            assert outcome.code == -signal.SIGKILL, f"{call} number {number} was never reached"
            yield f"killed before {call} number {number}"

    def points(self, action: Callable[[], None]) -> list[tuple[str, int]]:
        """Every call with which an action may change the disk, and its number among the calls of its name."""
        outcome = self.run(action)
        assert outcome.code == 0, outcome.log
        return outcome.points()


def _act(action: Callable[[], None], go: int) -> int:
    try:
        os.read(go, 1)
        action()
        return 0
    except Exception as problem:
        return getattr(problem, "exit_code", 1)


def fast_folder() -> str | None:
    """A file system in memory, if there is one: what a kill leaves behind does not depend on the disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@pytest.fixture(scope="session")
def strace() -> Strace:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed (apt-get install strace): kill and fault sweeps need it")
    return Strace()


@pytest.fixture
def fast_path() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="trainwell-", dir=fast_folder()))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
