"""Runs a program of the user in this process exactly as `python program` does."""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import inspect
import os
import pkgutil
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any

from trainwell.core.errors import UsageError
from trainwell.monitor.code.source_lines import OUR_FOLDER, is_user_file
from trainwell.monitor.interpreter import as_at_start

_BYTECODE_HEADER = 16  # bytes before the code in a .pyc file


@dataclass(frozen=True)
class Program:
    """A program that is ready to run as the main one.

    Args:
        module: its `__main__`.
        argv: its `sys.argv`.
        folder: the first folder, or archive, in which Python looks for imports.
        load: compiles it.
        options: options of Python before the program in `sys.orig_argv`: `-m`.
    """

    module: ModuleType
    argv: tuple[str, ...]
    folder: str
    load: Callable[[], CodeType]
    options: tuple[str, ...] = ()

    def run(self, on_error: Callable[[BaseException], None]) -> int:
        """Run it in this process, which then belongs to it.

        Args:
            on_error: called with the exception that ended the program, after it was printed.
        Returns:
            its exit code: what it gave to `sys.exit`, 1 after an exception, 130 after an interrupt.
        """
        vars(self.module).setdefault("__annotations__", {})
        self.module.__builtins__ = sys.modules["builtins"]  # type: ignore[attr-defined]
        sys.modules["__main__"] = self.module
        sys.modules["__mp_main__"] = self.module  # by this name processes that it spawns know its classes
        sys.argv = list(self.argv)
        code = 0
        ended: BaseException | None = None
        with as_at_start(self.folder, options=self.options):
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
        if ended is not None:
            on_error(ended)
        with contextlib.suppress(Exception):  # the script may have put anything in its place
            sys.stdout.flush()
        return code


def script(path: str, arguments: Sequence[str]) -> Program:
    """Prepare a file, a folder or an archive, to run as `python path arguments` does.

    Raises:
        UsageError: it cannot be read, or a folder or archive has no `__main__`.
    """
    importer = pkgutil.get_importer(os.path.abspath(path))
    if importer is not None and (os.path.isdir(path) or not isinstance(importer, importlib.machinery.FileFinder)):
        return _archive(path, arguments, importer=importer)
    try:
        source = Path(path).read_bytes()
    except OSError as problem:
        raise UsageError(
            f"The script {path} must be a Python file, but it cannot be read: {problem.strerror}."
        ) from None
    main = ModuleType("__main__")
    whole = os.path.abspath(path)
    main.__file__ = whole
    main.__cached__ = None  # type: ignore[attr-defined]
    is_bytecode = source[:4] == importlib.util.MAGIC_NUMBER
    loader = importlib.machinery.SourcelessFileLoader if is_bytecode else importlib.machinery.SourceFileLoader
    main.__loader__ = loader("__main__", whole)
    folder = os.path.dirname(os.path.realpath(path))
    return Program(main, (path, *arguments), folder, lambda: _compile(source, whole, is_bytecode=is_bytecode))


def _compile(source: bytes, path: str, *, is_bytecode: bool) -> CodeType:
    if is_bytecode:
        import marshal

        code: CodeType = marshal.loads(source[_BYTECODE_HEADER:])
        return code
    # The script has its own `from __future__` lines: those of this file must not apply to it.
    return compile(source, path, "exec", dont_inherit=True)


def _archive(path: str, arguments: Sequence[str], *, importer: Any) -> Program:
    """Prepare the `__main__` of a folder or a zip archive."""
    spec = importer.find_spec("__main__")
    if spec is None or spec.loader is None:
        raise UsageError(f"The folder or archive {path} must contain a __main__.py to be run, but it has none.")
    return Program(_main_of(spec), (path, *arguments), os.path.abspath(path), lambda: _code_of(spec))


def module(name: str, arguments: Sequence[str]) -> Program:
    """Prepare a module, to run as `python -m name arguments` does.

    Raises:
        UsageError: there is no such module.
    """
    folder = os.getcwd()
    before = list(sys.path)
    if not sys.flags.safe_path:
        sys.path[0:1] = [folder]
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except ModuleNotFoundError:
        spec = None
    found = spec
    if found is None or not hasattr(found.loader, "get_code"):
        sys.path[:] = before
        raise UsageError(f"The module {name} must be one that Python can import and run, but there is none.")
    argv = (found.origin or name, *arguments)
    return Program(_main_of(found), argv, folder, lambda: _code_of(found), ("-m", name))


def _main_of(spec: importlib.machinery.ModuleSpec) -> ModuleType:
    main = ModuleType("__main__")
    main.__spec__ = spec
    main.__file__ = spec.origin
    main.__package__ = spec.parent
    main.__loader__ = spec.loader
    main.__cached__ = spec.cached  # type: ignore[attr-defined]
    return main


def _code_of(spec: importlib.machinery.ModuleSpec) -> CodeType:
    loader: Any = spec.loader
    code: CodeType = loader.get_code(spec.name)
    return code


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
