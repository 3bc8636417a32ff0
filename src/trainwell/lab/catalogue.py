"""All experiments: name, title, row of the curriculum. The module of that name is imported when it runs."""

from __future__ import annotations

import importlib
import inspect
from typing import NamedTuple, cast

from trainwell.core.catalogue import Catalogue
from trainwell.lab.result import Conditions, Result


class Experiment(NamedTuple):
    """One experiment: its row in the curriculum, and how to run it."""

    name: str
    title: str
    row: str

    def run(self, conditions: Conditions | None = None) -> Result:
        """Run it with the same seeds every time; the random state and the threads of the caller are restored."""
        import torch

        module = importlib.import_module(f"trainwell.lab.{self.name}")
        threads = torch.get_num_threads()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            # One thread is faster for networks this small, and makes results independent of the number of cores.
            torch.set_num_threads(1)
            try:
                return cast(Result, module.run(conditions or Conditions()))
            finally:
                torch.set_num_threads(threads)

    @property
    def page(self) -> str:
        """What it shows, why, and its source."""
        return inspect.getdoc(importlib.import_module(f"trainwell.lab.{self.name}")) or ""


_ROWS = (
    ("initialisation", "Activations through ten layers under each initialisation", "C1"),
    ("critical_rate", "Largest learning rate at which gradient descent on z = 10x² + 2.5y² converges", "E1"),
    ("batch_paths", "Paths of full-batch, mini-batch and stochastic gradient descent", "E1"),
    ("optimizer_race", "Optimizers on a ravine, saddle, plateau, cliff and Beale's function", "E5"),
    ("second_order", "Newton's method, a worked Hessian and the saddle-free step", "E6"),
    ("natural_gradient", "Natural gradient: K-FAC is invariant to the scale of the inputs", "E3"),
    ("local_response", "Local response normalisation: neighbouring channels compete", "D1"),
    ("schedules", "Learning-rate schedules", "F1"),
    ("dropout_ensemble", "Dropout as an ensemble of 2ⁿ networks, averaged exactly", "G1"),
    ("dropconnect", "DropConnect and its Gaussian approximation", "G1"),
    ("stochastic_pooling", "Stochastic pooling between average and max pooling", "G1"),
    ("whitening", "Covariance before and after whitening", "B4"),
    ("convolution_three_ways", "Convolution: direct, im2col and FFT", "H1"),
    ("gradient_check", "Gradient check that catches a planted bug", "E6"),
    ("universal_approximation", "Universal approximation with one hidden layer", "A2"),
    ("sigmoid_saturation", "Saturation of a deep sigmoid network", "C2"),
    ("dying_relu", "Dead ReLU units at a high learning rate", "C2"),
    ("weight_decay", "Weight decay: L2 penalty and decoupled, for SGD and Adam", "E4"),
    ("l1_sparsity", "L1 and L2 penalties: sparse and small weights", "G1"),
    ("max_norm", "Max-norm keeps weights and loss bounded", "G1"),
    ("early_stopping", "Early stopping that restores the best weights", "G1"),
    ("many_classes", "One-vs-rest, one-vs-one and softmax", "A4"),
    ("symmetry", "Symmetry breaking by random initialisation", "A2"),
    ("batch_norm", "Batch norm, and group norm in small batches", "D2"),
    ("stepped_rate", "Step decay of the learning rate", "F1"),
    ("batch_and_rate", "Batch size and learning rate: 100 at 0.001 and 1000 at 0.01", "F3"),
    ("augmentation", "Augmentation against overfitting", "B6"),
    ("learning_curve", "Learning curve: extrapolating to more data", "B9"),
    ("feature_space", "Feature space, layer by layer", "L5"),
    ("random_vs_grid", "Random search and grid search", "N1"),
)
EXPERIMENTS = Catalogue(
    "experiment", {name: Experiment(name, title, row) for name, title, row in _ROWS}, listing="trainwell lab"
)
