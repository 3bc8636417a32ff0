"""All repairs by name; the first line of a repair's docstring is its title."""

from __future__ import annotations

import inspect

from trainwell.core.catalogue import Catalogue
from trainwell.repairs.data import more_workers, standardise_inputs
from trainwell.repairs.duration import train_longer
from trainwell.repairs.gradients import clip_gradients
from trainwell.repairs.initialisation import he_initialisation, xavier_initialisation
from trainwell.repairs.learning_rate import lower_rate, raise_rate
from trainwell.repairs.network import (
    fewer_layers,
    gelu_activation,
    larger_network,
    leaky_relu_activation,
    relu_activation,
    smaller_network,
)
from trainwell.repairs.regularisation import early_stopping, less_regularisation, more_dropout, more_weight_decay
from trainwell.repairs.repair import Repair

REPAIRS: Catalogue[Repair] = Catalogue(
    "repair",
    {
        change.__name__: Repair(change.__name__, (inspect.getdoc(change) or "").partition("\n")[0], change)
        for change in (
            lower_rate,
            raise_rate,
            he_initialisation,
            xavier_initialisation,
            more_dropout,
            more_weight_decay,
            early_stopping,
            less_regularisation,
            clip_gradients,
            smaller_network,
            larger_network,
            fewer_layers,
            relu_activation,
            leaky_relu_activation,
            gelu_activation,
            standardise_inputs,
            more_workers,
            train_longer,
        )
    },
)
