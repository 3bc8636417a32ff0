"""Names of the files and folders of a run, each written once."""

from __future__ import annotations

STORE = "run.sqlite"
"""Signals, scores, findings and events."""

RECIPE = "recipe.toml"
"""The recipe as it was given."""

ENVIRONMENT = "environment.json"
"""Versions, machine and command line."""

CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints."""

MODEL = "model"
"""Folder of the trained network and of all that is needed to use it."""

LOCK = "run.lock"
"""Locked by the process that writes the run."""

REPORT = "report.html"
"""The report."""

STUDY = "study.json"
"""In the folder of a search: its trials and result."""

REPAIRED = "repaired.toml"
"""The recipe with the repairs that `trainwell treat` found to help."""
