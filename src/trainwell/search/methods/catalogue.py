"""The catalogue of search methods."""

from __future__ import annotations

from trainwell.core.catalogue import Catalogue
from trainwell.search.methods.coarse_to_fine import CoarseToFine
from trainwell.search.methods.grid import GridSearch
from trainwell.search.methods.halving import SuccessiveHalving
from trainwell.search.methods.method import Method
from trainwell.search.methods.random_search import RandomSearch
from trainwell.search.methods.sobol import SobolSearch
from trainwell.search.methods.tpe import TreeParzenEstimator

METHODS: Catalogue[type[Method]] = Catalogue(
    "method",
    {
        "grid": GridSearch,
        "random": RandomSearch,
        "sobol": SobolSearch,
        "coarse-to-fine": CoarseToFine,
        "halving": SuccessiveHalving,
        "tpe": TreeParzenEstimator,
    },
)

# The fewest trials and epochs for which successive halving has rungs that differ.
_HALVING_TRIALS = 9
_HALVING_EPOCHS = 3


def default_method(*, trials: int, epochs: int) -> str:
    """Return the name of the method for `--method auto`.

    >>> default_method(trials=64, epochs=30), default_method(trials=4, epochs=30)
    ('halving', 'sobol')
    """
    return "halving" if trials >= _HALVING_TRIALS and epochs >= _HALVING_EPOCHS else "sobol"
