"""Puts the interpreter into the state in which a program finds it when Python has just started."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType


@contextlib.contextmanager
def as_at_start(folder: str, *, options: tuple[str, ...] = ()) -> Iterator[None]:
    """Set what a program may look at, and take the interpreter back when it has ended.

    Args:
        folder: the first folder in which the program looks for imports.
        options: options of Python before the program, `-m` and its name.
    """
    if not sys.flags.safe_path:
        sys.path[0:1] = [folder]
    arguments = sys.argv[1:] if options else sys.argv
    sys.orig_argv[:] = [*sys.orig_argv[:1], *options, *arguments]
    sys.excepthook = sys.__excepthook__  # typer sets its own
    hidden = _hide_shadowed_modules(folder)
    tracer = sys.gettrace()
    profiler = sys.getprofile()
    try:
        yield
    finally:  # a tracer of the program must not see what is done after its end
        sys.settrace(tracer)
        sys.setprofile(profiler)
        sys.modules.update(hidden)


def _hide_shadowed_modules(folder: str) -> dict[str, ModuleType]:
    """Forget imported modules that have the name of a file beside the program, which would be imported instead.

    Modules that Python needs to start are left alone: there, too, they are imported before the program.
    """
    try:
        own = {entry.name.removesuffix(".py") for entry in os.scandir(folder) if _is_importable(entry)}
    except (OSError, ValueError):  # an archive, or a folder that is gone
        return {}
    own -= {*sys.builtin_module_names, *_STARTUP_MODULES, "trainwell", "__main__"}
    names = [name for name in sys.modules if name.partition(".")[0] in own]
    return {name: sys.modules.pop(name) for name in names if _origin(name) != folder}


_STARTUP_MODULES = frozenset(
    "abc codecs encodings genericpath io os posixpath site stat time zipimport ntpath _collections_abc".split()
)


def _is_importable(entry: os.DirEntry[str]) -> bool:
    if entry.name.endswith(".py"):
        return entry.is_file()
    return entry.name.isidentifier() and os.path.isfile(os.path.join(entry.path, "__init__.py"))


def _origin(name: str) -> str:
    """Return the folder that an imported top-level module comes from."""
    module = sys.modules.get(name.partition(".")[0])
    path = getattr(module, "__file__", None) or ""
    folder = os.path.dirname(path)
    return os.path.dirname(folder) if os.path.basename(path) == "__init__.py" else folder
