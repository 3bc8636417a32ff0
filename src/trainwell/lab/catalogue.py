"""All experiments: name, title, row of the curriculum; the file of that name is imported when it runs."""

from __future__ import annotations

import importlib
import inspect
from typing import NamedTuple, cast

from trainwell.core.catalogue import Catalogue
from trainwell.lab.result import Conditions, Result


class Experiment(NamedTuple):
    """One experiment: where it stands in the curriculum and how to run it."""

    name: str
    title: str
    row: str

    def run(self, conditions: Conditions | None = None) -> Result:
        """Run it, from the same seed every time; the caller's random numbers and threads stay as they were."""
        import torch

        module = importlib.import_module(f"trainwell.lab.{self.name}")
        threads = torch.get_num_threads()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            # One thread is faster for networks this small, and gives the same bits on every machine of a kind.
            torch.set_num_threads(1)
            try:
                return cast(Result, module.run(conditions or Conditions()))
            finally:
                torch.set_num_threads(threads)

    @property
    def page(self) -> str:
        """What it shows, why, and where it comes from."""
        return inspect.getdoc(importlib.import_module(f"trainwell.lab.{self.name}")) or ""


_ROWS = (
    ("initialisation", "Activations through ten layers under each initialisation", "C1"),
    ("critical_rate", "The largest rate at which descent on z = 10x² + 2.5y² converges", "E1"),
    ("batch_paths", "Paths of full batches, mini-batches and single examples", "E1"),
    ("optimizer_race", "Optimizers racing over ravine, saddle, plateau, cliff and Beale's function", "E5"),
    ("second_order", "Newton's step, the worked Hessian and the saddle-free step", "E6"),
    ("natural_gradient", "K-FAC does not notice badly scaled inputs", "E3"),
    ("local_response", "Local response normalisation: neighbouring channels compete", "D1"),
    ("schedules", "Learning-rate schedules", "F1"),
    ("dropout_ensemble", "Dropout as an ensemble of 2ⁿ networks, averaged exactly", "G1"),
    ("dropconnect", "DropConnect and the Gaussian it resembles", "G1"),
    ("stochastic_pooling", "Stochastic pooling between average and max", "G1"),
    ("whitening", "Covariance before and after whitening", "B4"),
    ("convolution_three_ways", "Convolution directly, as a matrix product and through Fourier space", "H1"),
    ("gradient_check", "A gradient check that catches a planted bug", "E6"),
    ("universal_approximation", "One hidden layer approximates a function", "A2"),
    ("sigmoid_saturation", "A four-layer sigmoid network that saturates and recovers", "C2"),
    ("dying_relu", "Rectifiers that die at a large rate", "C2"),
    ("weight_decay", "Weight decay as a penalty and decoupled, for SGD and Adam", "E4"),
    ("l1_sparsity", "L1 makes zeros, L2 makes small weights", "G1"),
    ("max_norm", "Max-norm holds at every step", "G1"),
    ("early_stopping", "Early stopping that restores the best", "G1"),
    ("many_classes", "One-vs-rest and one-vs-one beside softmax", "A4"),
    ("symmetry", "Equal weights never break the symmetry", "A2"),
    ("batch_norm", "Batch norm on and off, and in small batches beside group norm", "D2"),
    ("stepped_rate", "A stepped learning rate", "F1"),
    ("batch_and_rate", "Batch 100 at 0.001 against batch 1000 at 0.01", "F3"),
    ("augmentation", "Augmentation against over-fitting", "B6"),
    ("learning_curve", "A learning curve foretells what more data bring", "B9"),
    ("feature_space", "Feature space, layer by layer", "L5"),
    ("random_vs_grid", "Random search against grid search", "N1"),
)
EXPERIMENTS = Catalogue("experiment", {name: Experiment(name, title, row) for name, title, row in _ROWS})
