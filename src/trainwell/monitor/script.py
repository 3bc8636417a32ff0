"""Runs a script of the user in this process exactly as `python script.py` does."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

from trainwell.core.errors import UsageError
from trainwell.monitor.code.source_lines import OUR_FOLDER, is_user_file


@dataclass(frozen=True)
class Program:
    """A program that is ready to run as the main one.

    Args:
        module: its `__main__`.
        argv: its `sys.argv`.
        path: the first folder in which Python looks for imports.
        load: compiles it.
    """

    module: ModuleType
    argv: tuple[str, ...]
    path: str
    load: Callable[[], CodeType]

    def run(self, on_error: Callable[[BaseException], None]) -> int:
        """Run it in this process, which then belongs to it.

        Args:
            on_error: called with the exception that ended the program, after it was printed.
        Returns:
            its exit code: what it gave to `sys.exit`, 1 after an exception, 130 after an interrupt.
        """
        self.module.__builtins__ = __builtins__  # type: ignore[attr-defined]
        sys.modules["__main__"] = self.module
        sys.argv, sys.path[0:1] = list(self.argv), [self.path]
        code, ended = 0, None
        try:
            exec(self.load(), self.module.__dict__)
            _wait_for_threads()
        except SystemExit as leaving:
            code = _exit_code(leaving)
        except BaseException as problem:
            problem.__traceback__ = without_ours(problem.__traceback__)
            ended = problem
        if ended is not None:  # outside of the handler, or it would be the context of what a hook raises
            code = _show(ended)
            on_error(ended)
        with contextlib.suppress(Exception):  # the script may have put anything in its place
            sys.stdout.flush()
        return code


def script(path: str, arguments: Sequence[str]) -> Program:
    """Prepare a file, to run as `python path arguments` would.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        source = Path(path).read_bytes()
    except OSError as problem:
        raise UsageError(
            f"The script {path} must be a Python file, but it cannot be read: {problem.strerror}."
        ) from None
    module = ModuleType("__main__")
    module.__file__ = os.path.abspath(path)
    folder = os.path.dirname(os.path.realpath(path))
    return Program(module, (path, *arguments), folder, lambda: compile(source, os.path.abspath(path), "exec"))


def module(name: str, arguments: Sequence[str]) -> Program:
    """Prepare a module, to run as `python -m name arguments` would.

    Raises:
        UsageError: there is no such module.
    """
    before = list(sys.path)
    sys.path[0:1] = [os.getcwd()]
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except ModuleNotFoundError:
        spec = None
    get_code = getattr(getattr(spec, "loader", None), "get_code", None)
    if spec is None or get_code is None:
        sys.path[:] = before
        raise UsageError(f"The module {name} must be one that Python can import and run, but there is none.")
    main, found = ModuleType("__main__"), spec.name
    main.__spec__, main.__file__, main.__package__, main.__loader__ = spec, spec.origin, spec.parent, spec.loader
    return Program(main, (spec.origin or name, *arguments), os.getcwd(), lambda: get_code(found))


def _show(problem: BaseException) -> int:
    """Print what ended the program as Python does, even if the program's own hook fails; return the exit code."""
    try:
        sys.excepthook(type(problem), problem, problem.__traceback__)
    except SystemExit as leaving:
        return _exit_code(leaving)
    except BaseException as second:
        second.__traceback__ = without_ours(second.__traceback__)
        with contextlib.suppress(Exception):
            _say("Error in sys.excepthook:")
            sys.__excepthook__(type(second), second, second.__traceback__)
            _say("\nOriginal exception was:")
            sys.__excepthook__(type(problem), problem, problem.__traceback__)
    return 130 if isinstance(problem, KeyboardInterrupt) else 1


def _say(text: object) -> None:
    with contextlib.suppress(Exception):
        print(text, file=sys.stderr or sys.__stderr__)


def _exit_code(leaving: SystemExit) -> int:
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code & 0xFF
    _say(leaving.code)
    return 1


def _wait_for_threads() -> None:
    """Wait for the user's threads, as Python does at its end, so that a training in a thread is seen to its end.

    Threads of libraries are left to Python, which tells pools of workers to stop before it waits for them.
    """
    for thread in threading.enumerate():
        work = getattr(thread, "_target", None) or type(thread).run
        code = getattr(inspect.unwrap(work), "__code__", None)
        if not thread.daemon and code is not None and is_user_file(code.co_filename):
            thread.join()


def without_ours(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of this package and of the command line that called it.

    >>> without_ours(None) is None
    True
    """
    kept: list[TracebackType] = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(OUR_FOLDER):
            kept.append(trace)
        trace = trace.tb_next
    result: TracebackType | None = None
    for part in reversed(kept):
        result = TracebackType(result, part.tb_frame, part.tb_lasti, part.tb_lineno)
    return result
