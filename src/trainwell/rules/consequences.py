"""Names of the rules whose findings follow from a fault in the code or in the data."""

from __future__ import annotations

AFTER_INITIALISATION = (
    "initial_loss_far_from_chance",
    "learning_rate_too_high",
    "dead_units",
    "saturated_activations",
    "vanishing_gradients",
    "exploding_gradients",
    "learning_rate_too_low",
    "constant_outputs",
    "parameters_not_updated",
    "loss_diverges",
    "loss_not_finite",
    "no_better_than_chance",
    "validation_at_chance",
    "overfitting",
    "underfitting",
    "stopped_too_soon",
)
"""What can go wrong in a run whose initial weights are sound."""

CONSEQUENCES = ("symmetric_weights", "activation_scale", *AFTER_INITIALISATION)
"""Everything that a fault in the code explains: the fault is a fact, and whatever else goes wrong follows from it."""
