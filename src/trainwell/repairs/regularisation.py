"""Repairs of the regularisation."""

from __future__ import annotations

from trainwell.core.finding import Finding
from trainwell.recipe import Recipe, edit

_MOST_DROPOUT = 0.5  # docs/references.md, T50
_LEAST_DROPOUT = 0.05


def more_dropout(recipe: Recipe, finding: Finding) -> Recipe:
    """Increase dropout by 0.2, at most to 0.5."""
    dropout = recipe.nn.dropout
    return edit(recipe, {"nn.dropout": max(dropout, round(min(dropout + 0.2, _MOST_DROPOUT), 6))})


def more_weight_decay(recipe: Recipe, finding: Finding) -> Recipe:
    """Triple the weight decay."""
    # AdamW's weight decay is multiplied by its small learning rate, so its usual value is larger.
    usual = 0.01 if recipe.optim.name == "adamw" else 1e-4
    return edit(recipe, {"optim.weight_decay": 3 * recipe.optim.weight_decay or usual})


def early_stopping(recipe: Recipe, finding: Finding) -> Recipe:
    """Stop early, after a fifth of the epochs without a better validation score; halve an existing patience."""
    now = recipe.train.patience
    return edit(recipe, {"train.patience": min(now, max(2, now // 2)) or max(3, recipe.train.epochs // 5)})


def less_regularisation(recipe: Recipe, finding: Finding) -> Recipe:
    """Halve dropout and divide weight decay by 10."""
    dropout = recipe.nn.dropout / 2
    return edit(
        recipe,
        {
            "nn.dropout": dropout if dropout >= _LEAST_DROPOUT else 0.0,
            "optim.weight_decay": recipe.optim.weight_decay / 10,
        },
    )
