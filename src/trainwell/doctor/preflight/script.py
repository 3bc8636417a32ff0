"""Check a training script on its first steps."""

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
_BUDGET = 0.5  # fraction of the training time: so few steps can be measured closely


def check_script(
    path: str, arguments: Sequence[str] = (), *, steps: int = _STEPS, say: Callable[[str], None] = lambda sentence: None
) -> Watched:
    """Run a script unmodified, stop it after its first optimizer steps, and diagnose these.

    It is stopped as by `sys.exit`, so that its `finally` blocks run. Files that it writes before stay; no run is kept.

    Args:
        path: the script.
        arguments: its command-line arguments.
        steps: number of optimizer steps until it is stopped, over all optimizers.
        say: is told each problem when it is found.
    Returns:
        its exit code (0 if it was stopped), the findings, causes first, and the number of steps.
    Raises:
        UsageError: if there is no such script.
    """
    taken = 0

    def count(optimizer: Optimizer, arguments: Any, options: Any) -> None:
        nonlocal taken
        taken += 1
        if taken >= steps + 2:  # the script has caught SystemExit twice
            _leave_at_next_line()
        if taken >= steps:
            raise SystemExit(0)

    debugger = sys.gettrace()
    hook = register_optimizer_step_post_hook(count)
    # a watched script changes both
    arguments_before = sys.argv
    path_before = list(sys.path)
    try:
        with tempfile.TemporaryDirectory() as folder:
            runs = Path(folder)
            seen = run_watched(path, arguments, is_module=False, runs=runs, name=None, budget=_BUDGET, say=say)
            return replace(seen, run=None)
    finally:
        hook.remove()
        sys.settrace(debugger)
        sys.argv = arguments_before
        sys.path[:] = path_before


def _leave_at_next_line() -> None:
    """Raise SystemExit once more at the next line of the user's code: inside the handler that caught it before."""
    frames = set(user_frames())

    def leave(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and frame in frames:
            raise SystemExit(0)
        return leave

    sys.settrace(lambda frame, event, argument: None)  # do not trace new calls
    for frame in frames:
        frame.f_trace = leave
