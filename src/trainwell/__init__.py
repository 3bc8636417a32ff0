"""trainwell trains neural networks and tells you, while they train, what is wrong and what to change.

The names below are imported when they are first used, so that `import trainwell` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainwell.core.batch import Batch as Batch
    from trainwell.core.errors import TrainwellError as TrainwellError
    from trainwell.core.finding import Finding as Finding
    from trainwell.core.finding import Severity as Severity
    from trainwell.core.signals import Signals as Signals
    from trainwell.doctor import check as check
    from trainwell.doctor import diagnose as diagnose
    from trainwell.doctor import treat as treat
    from trainwell.fitting import fit as fit
    from trainwell.fitting import open_run as open_run
    from trainwell.fitting import resume as resume
    from trainwell.inference import predict as predict
    from trainwell.monitor import watch as watch
    from trainwell.recipe import Recipe as Recipe
    from trainwell.report import summary as summary
    from trainwell.report import write_report as write_report
    from trainwell.runs import Run as Run
    from trainwell.runs import compare as compare
    from trainwell.runs import list_runs as list_runs
    from trainwell.search import tune as tune

__version__ = "0.1.0"

_HOMES = {
    "fit": "trainwell.fitting",
    "resume": "trainwell.fitting",
    "predict": "trainwell.inference",
    "open_run": "trainwell.fitting",
    "watch": "trainwell.monitor",
    "tune": "trainwell.search",
    "check": "trainwell.doctor",
    "diagnose": "trainwell.doctor",
    "treat": "trainwell.doctor",
    "write_report": "trainwell.report",
    "summary": "trainwell.report",
    "compare": "trainwell.runs",
    "list_runs": "trainwell.runs",
    "Run": "trainwell.runs",
    "Recipe": "trainwell.recipe",
    "Batch": "trainwell.core.batch",
    "Signals": "trainwell.core.signals",
    "Finding": "trainwell.core.finding",
    "Severity": "trainwell.core.finding",
    "TrainwellError": "trainwell.core.errors",
}
__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'trainwell' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
