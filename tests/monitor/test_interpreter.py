from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainwell.monitor.interpreter import as_at_start


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    path, arguments, hook, modules = list(sys.path), list(sys.orig_argv), sys.excepthook, dict(sys.modules)
    yield
    sys.path[:] = path
    sys.orig_argv[:] = arguments
    sys.excepthook = hook
    sys.modules.clear()
    sys.modules.update(modules)


def test_a_program_finds_what_python_sets(tmp_path: Path) -> None:
    executable = sys.orig_argv[0]
    sys.excepthook = lambda *arguments: None
    with as_at_start(str(tmp_path)):
        assert sys.path[0] == str(tmp_path)
        assert sys.orig_argv == [executable, *sys.argv]
        assert sys.excepthook is sys.__excepthook__


def test_a_file_beside_the_program_hides_a_module_of_the_same_name(tmp_path: Path) -> None:
    import colorsys

    (tmp_path / "colorsys.py").write_text("mine = True\n")
    (tmp_path / "os.py").write_text("mine = True\n")
    with as_at_start(str(tmp_path)):
        import colorsys as again

        assert again.mine
        assert sys.modules["os"] is os, "Python itself imports it before any program"
    assert sys.modules["colorsys"] is colorsys


def test_a_tracer_of_the_program_does_not_see_what_comes_after_it(tmp_path: Path) -> None:
    before = sys.gettrace(), sys.getprofile()
    with as_at_start(str(tmp_path)):
        sys.settrace(lambda *arguments: None)
        sys.setprofile(lambda *arguments: None)
    assert (sys.gettrace(), sys.getprofile()) == before
