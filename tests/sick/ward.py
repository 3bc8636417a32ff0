"""Runs the scripts of this folder, watched or not, each in a process of its own that has imported torch already."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FAULTY = sorted((HERE / "faulty").glob("*.py"))
HEALTHY = sorted((HERE / "healthy").glob("*.py"))
LATER_FAULTY = sorted((HERE / "later" / "faulty").glob("*.py"))
LATER_HEALTHY = sorted((HERE / "later" / "healthy").glob("*.py"))
"""Written when the rules stood already: at first sight 5 of 58 faulty and 4 of 80 healthy runs were judged wrongly,
and what was wrong has been mended since."""


@dataclass(frozen=True)
class Chart:
    """What was found out about one script."""

    exit_code: int
    weights: str
    findings: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    overhead_fraction: float = 0.0
    seconds: float = 0.0

    @property
    def verdicts(self) -> list[str]:
        return [finding["rule"] for finding in self.findings if finding["severity"] != "info"]


def expected(path: Path) -> str:
    """Return the rule that a script's first line names."""
    return path.read_text().partition("\n")[0].removeprefix("# expect: ").strip()


def examine(
    path: Path, seed: int = 0, watched: bool = True, budget: float = 0.02, arguments: tuple[str, ...] = ()
) -> Chart:
    """Run a script in this process, which is used up by it.

    Args:
        path: the script.
        seed: its first argument.
        watched: whether it is watched.
        budget: a large one samples every step, so that what is found does not depend on how busy the machine is.
        arguments: those that follow.
    """
    import torch

    from trainwell.monitor import Record, Session
    from trainwell.monitor.script import script

    torch.set_num_threads(1)
    multiprocessing.set_start_method("fork", force=True)  # what scripts find on Linux
    os.chdir(path.parent)
    session = Session(Record(None, lambda line: None), budget=budget, source=path.name)
    if watched:
        session.start()
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = script(path.name, [str(seed), *arguments]).run(session.note_error if watched else lambda error: None)
    seconds = time.perf_counter() - began
    findings = session.finish() if watched else []
    return Chart(
        code,
        weights(vars(sys.modules["__main__"])),
        [finding.to_json() for finding in findings],
        session.record.events,
        sorted({name for training in session.trainings.all for name in training.series.signals}),
        leftovers(),
        session.trainings.overhead_fraction if watched else 0.0,
        seconds,
    )


def execute(target: str, arguments: list[str], folder: Path, *, is_module: bool = False) -> tuple[int, str, str, str]:
    """Run a script or module in this process, and return its exit code, what it printed on both streams, its error."""
    from trainwell.monitor.script import module, script

    os.chdir(folder)
    errors: list[str] = []
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = (module if is_module else script)(target, arguments).run(lambda error: errors.append(repr(error)))
    return code, out.getvalue(), err.getvalue(), "".join(errors)


def leftovers() -> list[str]:
    """Return what of ours is still installed in PyTorch."""
    import torch
    from torch.nn.modules import module
    from torch.optim import lr_scheduler, optimizer

    hooks = [module._global_forward_hooks, module._global_forward_pre_hooks, optimizer._global_optimizer_pre_hooks]
    hooks += [module._global_forward_hooks_with_kwargs, module._global_forward_hooks_always_called]
    found = [str(hook) for table in hooks for hook in table.items()]
    places = [
        (torch.autograd, "backward"),
        (optimizer.Optimizer, "__init__"),
        (lr_scheduler.LRScheduler, "step"),
        (torch, "compile"),
        *((context, "__enter__") for context in (torch.no_grad, torch.inference_mode, torch.set_grad_enabled)),
        *((module.Module, name) for name in ("load_state_dict", "compile")),
    ]
    return found + [
        name for place, name in places if "/trainwell/monitor/" in getattr(place, name).__code__.co_filename
    ]


def weights(names: dict[str, Any]) -> str:
    """Return the SHA-256 of every tensor and network a script has left, and of the state of its random numbers."""
    import torch

    digest = hashlib.sha256(torch.get_rng_state().numpy().tobytes())
    for name, thing in sorted((name, thing) for name, thing in names.items() if not name.startswith("_")):
        state = thing.state_dict() if isinstance(thing, torch.nn.Module) else {name: thing}
        for key, value in state.items():
            if isinstance(value, torch.Tensor):
                digest.update(f"{name}.{key}".encode() + value.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()


@contextlib.contextmanager
def processes(count: int = 1) -> Iterator[ProcessPoolExecutor]:
    """Processes that are fresh for each script and start in a moment, because their parent has imported torch."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "torch._dynamo", "sklearn.datasets", "trainwell.monitor"])
    with ProcessPoolExecutor(count, mp_context=context, max_tasks_per_child=1) as pool:
        yield pool


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with processes() as pool:
            chart = pool.submit(examine, Path(name).resolve()).result()
        for finding in chart.findings:
            print(json.dumps(finding))
        print(chart.events, f"{chart.overhead_fraction:.1%}", f"{chart.seconds:.2f} s")
