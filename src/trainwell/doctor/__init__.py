"""The doctor: what is wrong before, during and after training, and which edits of the recipe cure it.

`check` and `treat` train, so they bring torch; they are imported when they are first used, and diagnosing stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from trainwell.doctor.diagnosis import diagnose as diagnose
from trainwell.doctor.diagnosis import findings_json as findings_json
from trainwell.doctor.pages import rule_page as rule_page
from trainwell.doctor.pages import rule_remedies as rule_remedies

if TYPE_CHECKING:
    from trainwell.doctor.advice import Advice as Advice
    from trainwell.doctor.advice import advise as advise
    from trainwell.doctor.checkup import CHECKS as CHECKS
    from trainwell.doctor.checkup import Checkup as Checkup
    from trainwell.doctor.checkup import check as check
    from trainwell.doctor.more_data import LearningCurve as LearningCurve
    from trainwell.doctor.more_data import fit_power_law as fit_power_law
    from trainwell.doctor.more_data import foretell as foretell
    from trainwell.doctor.more_data import learning_curve as learning_curve
    from trainwell.doctor.patient import Check as Check
    from trainwell.doctor.rate_range import RateRange as RateRange
    from trainwell.doctor.rate_range import range_test as range_test
    from trainwell.doctor.script import check_script as check_script
    from trainwell.doctor.treatment import Treatment as Treatment
    from trainwell.doctor.treatment import treat as treat

_HOMES = {
    "Advice": "trainwell.doctor.advice",
    "advise": "trainwell.doctor.advice",
    "CHECKS": "trainwell.doctor.checkup",
    "Checkup": "trainwell.doctor.checkup",
    "check": "trainwell.doctor.checkup",
    "Check": "trainwell.doctor.patient",
    "LearningCurve": "trainwell.doctor.more_data",
    "fit_power_law": "trainwell.doctor.more_data",
    "foretell": "trainwell.doctor.more_data",
    "learning_curve": "trainwell.doctor.more_data",
    "RateRange": "trainwell.doctor.rate_range",
    "range_test": "trainwell.doctor.rate_range",
    "check_script": "trainwell.doctor.script",
    "Treatment": "trainwell.doctor.treatment",
    "treat": "trainwell.doctor.treatment",
}
__all__ = ["diagnose", "findings_json", "rule_page", "rule_remedies", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'trainwell.doctor' has no attribute {name!r}")
