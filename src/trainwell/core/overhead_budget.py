"""What watching a training may cost."""

OVERHEAD_BUDGET = 0.02
"""Time spent on watching as a fraction of training time, unless the user sets another."""
