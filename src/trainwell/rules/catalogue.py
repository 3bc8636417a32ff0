"""All rules by name, causes before symptoms."""

from __future__ import annotations

from trainwell.core.catalogue import Catalogue
from trainwell.rules.activations import dead_units, saturated_units, signal_scale
from trainwell.rules.code import (
    detached_loss,
    erased_gradient,
    frozen_untrained,
    gradient_missing,
    graph_used_twice,
    missing_zero_grad,
    nonfinite_operation,
    overwritten_tensor,
    stale_optimizer,
    step_never_called,
    unoptimised_parameters,
)
from trainwell.rules.data import input_not_finite, input_scale
from trainwell.rules.divergence import loss_explodes, loss_not_finite
from trainwell.rules.examples import Rule
from trainwell.rules.generalisation import (
    no_better_than_chance,
    overfitting,
    stopped_too_soon,
    underfitting,
    validation_at_chance,
)
from trainwell.rules.gradients import frozen_parameters, gradient_explodes, gradient_vanishes
from trainwell.rules.labels import labels_out_of_range, unshuffled_data
from trainwell.rules.learning_rate import rate_too_high, rate_too_low
from trainwell.rules.losses import (
    broadcast_loss,
    missing_log_softmax,
    sigmoid_before_logits_loss,
    softmax_before_cross_entropy,
    softmax_over_batch,
    softmax_over_one,
    squared_error_on_classes,
    squashed_logits,
    summed_loss,
    target_outside_unit_interval,
    targets_out_of_reach,
)
from trainwell.rules.modes import evaluation_in_train_mode, training_in_eval_mode
from trainwell.rules.outputs import outputs_ignore_input
from trainwell.rules.regularisation import weights_shrink_away
from trainwell.rules.schedules import rate_decays_too_soon, rate_is_zero, scheduler_before_optimizer
from trainwell.rules.speed import waits_for_data
from trainwell.rules.start import initial_loss_far_from_chance, symmetric_weights

WRITTEN_BY_FIT = ("loss/train_epoch", "loss/validation", "score/validation/accuracy")
"""Signals that come from the evaluation at the end of each epoch; every other signal comes from a probe."""

RULES: Catalogue[Rule] = Catalogue(
    "rule",
    {
        rule.__name__: rule
        for rule in (
            input_not_finite,
            labels_out_of_range,
            detached_loss,
            graph_used_twice,
            overwritten_tensor,
            step_never_called,
            erased_gradient,
            missing_zero_grad,
            stale_optimizer,
            unoptimised_parameters,
            gradient_missing,
            frozen_untrained,
            rate_is_zero,
            training_in_eval_mode,
            broadcast_loss,
            softmax_over_one,
            softmax_over_batch,
            softmax_before_cross_entropy,
            sigmoid_before_logits_loss,
            missing_log_softmax,
            target_outside_unit_interval,
            targets_out_of_reach,
            squashed_logits,
            squared_error_on_classes,
            unshuffled_data,
            evaluation_in_train_mode,
            nonfinite_operation,
            scheduler_before_optimizer,
            rate_decays_too_soon,
            summed_loss,
            input_scale,
            symmetric_weights,
            signal_scale,
            initial_loss_far_from_chance,
            weights_shrink_away,
            rate_too_high,
            dead_units,
            saturated_units,
            gradient_vanishes,
            gradient_explodes,
            rate_too_low,
            outputs_ignore_input,
            frozen_parameters,
            loss_explodes,
            loss_not_finite,
            no_better_than_chance,
            validation_at_chance,
            overfitting,
            underfitting,
            stopped_too_soon,
            waits_for_data,
        )
    },
)
"""A rule may explain only rules that come after it, so that explanations never run in circles."""
