from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trainwell.monitor.code.source_lines import (
    OUR_FOLDER,
    EventLines,
    is_user_file,
    shown_path,
    source_lines,
    start_folder,
    user_frames,
    user_line,
    variable_name,
)


@pytest.fixture(autouse=True)
def _folder_of_others() -> Iterator[None]:
    yield
    start_folder.cache_clear()


def _source(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "train.py"
    path.write_text(text)
    names: dict[str, object] = {"user_line": user_line, "variable_name": variable_name}
    exec(compile(text, str(path), "exec"), names)
    return names


def test_the_line_is_that_of_the_user(tmp_path: Path) -> None:
    names = _source(tmp_path, "import functools\n\ncalled = functools.reduce(lambda a, b: user_line(), [1, 2])\n")
    assert names["called"] == "train.py:3"


def test_the_text_of_a_line_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    start_folder.cache_clear()
    (tmp_path / "train.py").write_text("import torch\n\tloss.backward()  # \x1b[31m\n")
    assert source_lines(["train.py:2", "train.py:9", "layers.0", "no:where", "absent.py:1"]) == {
        "train.py:2": "loss.backward()  # [31m"
    }


def test_things_are_called_as_the_user_calls_them(tmp_path: Path) -> None:
    names = _source(tmp_path, "thing = object()\ndef f(given):\n    return variable_name(given)\nname = f(thing)\n")
    assert names["name"] == "given"


def test_libraries_are_not_the_users() -> None:
    import torch

    assert not is_user_file(torch.__file__)
    assert not is_user_file(user_line.__code__.co_filename)
    assert not is_user_file("<frozen importlib>")
    assert is_user_file("<ipython-input-3>")
    assert is_user_file(__file__)
    assert next(user_frames(sys._getframe())).f_code.co_filename == __file__


def test_paths_are_short(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    start_folder.cache_clear()
    assert shown_path(str(tmp_path / "a" / "train.py")) == "a/train.py"
    assert shown_path("/somewhere/else/train.py") == shown_path("../train.py") == "train.py"
    assert shown_path("a/../b.py") == "b.py"


def test_a_folder_that_is_gone_does_no_harm(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    start_folder.cache_clear()
    start_folder()
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert shown_path(str(tmp_path / "a" / "train.py")) == "a/train.py"
    assert is_user_file("odd.py")
    start_folder.cache_clear()
    assert shown_path("/a/train.py") == "a/train.py"


def test_the_folder_is_that_of_the_package() -> None:
    import trainwell

    assert Path(OUR_FOLDER) == Path(trainwell.__file__).parent
    assert not is_user_file(str(Path(OUR_FOLDER) / "probes" / "controller.py"))


def test_the_first_line_of_an_event_is_kept() -> None:
    lines = EventLines()
    lines.add_current("step")
    lines.add_current("step")
    lines.add("step", "other.py:1")
    assert list(lines.first) == ["step"] and "test_source_lines.py:" in lines.first["step"]
