"""Diagnosis and treatment: what is wrong before, during and after training, and which repairs of the recipe help.

`check` and `treat` train, so they need torch; they are imported at their first use, so that diagnosing starts quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from trainwell.doctor.diagnose import current_findings as current_findings
from trainwell.doctor.diagnose import diagnose as diagnose
from trainwell.doctor.diagnose import findings_json as findings_json
from trainwell.doctor.pages import rule_page as rule_page
from trainwell.doctor.pages import rule_remedies as rule_remedies

if TYPE_CHECKING:
    from trainwell.doctor.experiments.advice import advise as advise
    from trainwell.doctor.experiments.learning_curve import LearningCurve as LearningCurve
    from trainwell.doctor.experiments.learning_curve import extrapolate as extrapolate
    from trainwell.doctor.experiments.learning_curve import fit_power_law as fit_power_law
    from trainwell.doctor.experiments.learning_curve import learning_curve as learning_curve
    from trainwell.doctor.experiments.range_test import RateRange as RateRange
    from trainwell.doctor.experiments.range_test import range_test as range_test
    from trainwell.doctor.experiments.recommendation import Advice as Advice
    from trainwell.doctor.preflight.check import CHECKS as CHECKS
    from trainwell.doctor.preflight.check import CheckReport as CheckReport
    from trainwell.doctor.preflight.check import check as check
    from trainwell.doctor.preflight.script import check_script as check_script
    from trainwell.doctor.preflight.subject import Check as Check
    from trainwell.doctor.treatment import Treatment as Treatment
    from trainwell.doctor.treatment import treat as treat

_HOMES = {
    "Advice": "trainwell.doctor.experiments.recommendation",
    "advise": "trainwell.doctor.experiments.advice",
    "CHECKS": "trainwell.doctor.preflight.check",
    "CheckReport": "trainwell.doctor.preflight.check",
    "check": "trainwell.doctor.preflight.check",
    "Check": "trainwell.doctor.preflight.subject",
    "LearningCurve": "trainwell.doctor.experiments.learning_curve",
    "fit_power_law": "trainwell.doctor.experiments.learning_curve",
    "extrapolate": "trainwell.doctor.experiments.learning_curve",
    "learning_curve": "trainwell.doctor.experiments.learning_curve",
    "RateRange": "trainwell.doctor.experiments.range_test",
    "range_test": "trainwell.doctor.experiments.range_test",
    "check_script": "trainwell.doctor.preflight.script",
    "Treatment": "trainwell.doctor.treatment",
    "treat": "trainwell.doctor.treatment",
}
__all__ = ["current_findings", "diagnose", "findings_json", "rule_page", "rule_remedies", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'trainwell.doctor' has no attribute {name!r}")
