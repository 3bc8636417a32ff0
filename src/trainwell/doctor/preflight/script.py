"""A script tried for its first steps."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

from trainwell.monitor import Watched, run_watched, user_frames

_STEPS = 20
_BUDGET = 0.5  # of the time: so few steps may be looked at closely


def check_script(
    path: str, arguments: Sequence[str] = (), *, steps: int = _STEPS, say: Callable[[str], None] = lambda sentence: None
) -> Watched:
    """Run a script unmodified, stop it after its first optimizer steps, and judge what was seen.

    It is stopped as by `sys.exit`, so that its `finally` blocks run. What it writes before is written; no run is kept.

    Args:
        path: the script.
        arguments: what follows it on its command line.
        steps: optimizer steps until it is stopped, those of all optimizers together.
        say: told each verdict when it arises.
    Returns:
        its exit code (0 if it was stopped), the findings, causes first, and the steps that were seen.
    Raises:
        UsageError: if there is no such script.
    """
    taken = 0

    def count(optimizer: Optimizer, arguments: Any, options: Any) -> None:
        nonlocal taken
        taken += 1
        if taken >= steps + 2:  # it was swallowed twice
            _leave_at_next_line()
        if taken >= steps:
            raise SystemExit(0)

    debugger = sys.gettrace()
    hook = register_optimizer_step_post_hook(count)
    arguments_before, path_before = sys.argv, list(sys.path)  # a watched script takes both for its own
    try:
        with tempfile.TemporaryDirectory() as folder:
            runs = Path(folder)
            seen = run_watched(path, arguments, is_module=False, runs=runs, name=None, budget=_BUDGET, say=say)
            return replace(seen, run=None)
    finally:
        hook.remove()
        sys.settrace(debugger)
        sys.argv, sys.path[:] = arguments_before, path_before


def _leave_at_next_line() -> None:
    """Leave once more at the next line of the user's code: in the handler that swallows the exit, which cannot then."""
    frames = set(user_frames())

    def leave(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and frame in frames:
            raise SystemExit(0)
        return leave

    sys.settrace(lambda frame, event, argument: None)  # new calls are left alone
    for frame in frames:
        frame.f_trace = leave
