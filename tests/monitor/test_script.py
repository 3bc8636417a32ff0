from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import ward

from trainwell.core.errors import UsageError
from trainwell.monitor.script import module, script, without_ours

TELL = """
import json, sys
spec = __spec__.name if __spec__ else None
print(json.dumps([sys.argv, sys.path[0], __name__, __file__, spec, sys.modules["__main__"].__dict__ is globals()]))
"""


def _alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)


def test_a_script_finds_the_same_world(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "tell.py").write_text(TELL)
    plain = _alone(tmp_path, "sub/tell.py", "--json", "a b")
    code, out, _, _ = pool.submit(ward.execute, "sub/tell.py", ["--json", "a b"], tmp_path).result()
    assert code == 0
    assert json.loads(out) == json.loads(plain.stdout)


@pytest.mark.parametrize("name", ["package.tell", "package"])
def test_a_module_finds_the_same_world(pool: ProcessPoolExecutor, tmp_path: Path, name: str) -> None:
    (tmp_path / "package").mkdir()
    for file in ("__init__", "tell", "__main__"):
        (tmp_path / "package" / f"{file}.py").write_text("" if file == "__init__" else TELL)
    plain = _alone(tmp_path, "-m", name, "-x")
    code, out, _, _ = pool.submit(ward.execute, name, ["-x"], tmp_path, is_module=True).result()
    assert code == 0
    assert json.loads(out) == json.loads(plain.stdout)


ENDS = {
    "nothing": "",
    "exit": "import sys; sys.exit()",
    "number": "import sys; sys.exit(7)",
    "negative": "import sys; sys.exit(-1)",
    "sentence": "import sys; sys.exit('gone wrong')",
    "error": "def f():\n    raise ValueError('no')\nif __name__ == '__main__':\n    f()",
    "caused": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('no') from error",
    "syntax": "x = = 1",
    "hook fails": "import sys\ndef h(*a):\n    raise RuntimeError('hook')\nsys.excepthook = h\nraise ValueError('no')",
    "hook leaves": "import sys\nsys.excepthook = lambda *a: sys.exit(9)\nraise ValueError('no')",
    "mute": "class Mute(Exception):\n    def __str__(self):\n        raise RuntimeError\nraise Mute",
    "own hook": "import sys\nsys.excepthook = lambda *a: print('mine', a[1], file=sys.stderr)\nraise ValueError('no')",
}


@pytest.mark.parametrize("name", ENDS)
def test_a_script_ends_as_it_would(pool: ProcessPoolExecutor, tmp_path: Path, name: str) -> None:
    (tmp_path / "train.py").write_text(ENDS[name] + "\n")
    plain = _alone(tmp_path, "train.py")
    code, _, err, error = pool.submit(ward.execute, "train.py", [], tmp_path).result()
    assert code == plain.returncode
    assert err == plain.stderr
    assert bool(error) == (name in ("error", "caused", "syntax", "mute", "own hook", "hook fails", "hook leaves"))


def test_an_interrupt_has_its_own_code(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("raise KeyboardInterrupt\n")
    assert pool.submit(ward.execute, "train.py", [], tmp_path).result()[0] == 130


def test_threads_are_waited_for(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.2), print('done'))).start()\n"
    )
    assert pool.submit(ward.execute, "train.py", [], tmp_path).result()[1] == "done\n"


def test_idle_workers_are_not_waited_for(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor()\n"
        "print(pool.submit(sum, [1, 2]).result())\n"
    )
    assert pool.submit(ward.execute, "train.py", [], tmp_path).result(timeout=60)[1] == "3\n"


def test_what_cannot_be_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        script(str(tmp_path / "absent.py"), [])
    with pytest.raises(UsageError, match="there is none"):
        module("no.such.module", [])


def test_our_frames_are_left_out() -> None:
    assert without_ours(None) is None
    with pytest.raises(UsageError) as caught:
        module("no.such.module", [])
    shown = without_ours(caught.value.__traceback__)
    files = set()
    while shown is not None:
        files.add(shown.tb_frame.f_code.co_filename)
        shown = shown.tb_next
    assert files == {__file__}
