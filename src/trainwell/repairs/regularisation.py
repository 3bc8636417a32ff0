"""Repairs of how freely the network may fit its training data."""

from __future__ import annotations

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit

_MOST_DROPOUT = 0.5  # docs/references.md, T50
_LEAST_DROPOUT = 0.05


def more_dropout(recipe: Recipe, finding: Finding) -> Recipe:
    """Drop a fifth more of the hidden units, at most a half."""
    dropout = recipe.nn.dropout
    return edit(recipe, {"nn.dropout": max(dropout, round(min(dropout + 0.2, _MOST_DROPOUT), 6))})


def more_weight_decay(recipe: Recipe, finding: Finding) -> Recipe:
    """Treble the weight decay."""
    # AdamW's decay is multiplied by its small rate, so its usual value is larger.
    usual = 0.01 if recipe.optim.name == "adamw" else 1e-4
    return edit(recipe, {"optim.weight_decay": 3 * recipe.optim.weight_decay or usual})


def early_stopping(recipe: Recipe, finding: Finding) -> Recipe:
    """Stop after a fifth of the epochs without a better validation score, or after half as many as now."""
    now = recipe.train.patience
    return edit(recipe, {"train.patience": min(now, max(2, now // 2)) or max(3, recipe.train.epochs // 5)})


def less_regularisation(recipe: Recipe, finding: Finding) -> Recipe:
    """Halve the dropout and take a tenth of the weight decay."""
    dropout = recipe.nn.dropout / 2
    return edit(
        recipe,
        {
            "nn.dropout": dropout if dropout >= _LEAST_DROPOUT else 0.0,
            "optim.weight_decay": recipe.optim.weight_decay / 10,
        },
    )
