"""The optimizers by name."""

from __future__ import annotations

from trainwell.core.catalogue import Catalogue
from trainwell.optim.optimizers.adam import adam, adamw
from trainwell.optim.optimizers.adaptive import adadelta, adagrad, rmsprop
from trainwell.optim.optimizers.asgd import asgd
from trainwell.optim.optimizers.entry import OptimizerEntry, Trait, usual, whole_batches
from trainwell.optim.optimizers.kfac import kfac
from trainwell.optim.optimizers.lbfgs import lbfgs
from trainwell.optim.optimizers.newton import newton, saddle_free
from trainwell.optim.optimizers.rprop import rprop
from trainwell.optim.optimizers.sgd import momentum, nesterov, sgd
from trainwell.optim.optimizers.vsgd import variance_sgd

_MOMENTUM = {"optim.momentum": 0.9}
_BY_LOSS: tuple[Trait, ...] = ("own_steps", "closure")
_LINE_SEARCH = "its line search must see everything that changes the weights"

OPTIMIZERS: Catalogue[OptimizerEntry] = Catalogue(
    "optimizer",
    {
        "sgd": OptimizerEntry(sgd, usual("sgd", 0.03)),
        "momentum": OptimizerEntry(momentum, usual("momentum", 0.03), needs=_MOMENTUM),
        "nesterov": OptimizerEntry(nesterov, usual("nesterov", 0.03), needs=_MOMENTUM),
        "adam": OptimizerEntry(adam, usual("adam", 1e-3), like="adamw"),
        "adamw": OptimizerEntry(adamw, {"optim.learning_rate": (1e-3, "usual for adamw")}, traits=("own_decay",)),
        "adagrad": OptimizerEntry(adagrad, usual("adagrad", 0.02)),
        "adadelta": OptimizerEntry(adadelta, usual("adadelta", 1.0, more={"optim.epsilon": (1e-6, "Zeiler 2012")})),
        "rmsprop": OptimizerEntry(rmsprop, usual("rmsprop", 1e-3)),
        "rprop": OptimizerEntry(rprop, usual("rprop", 1e-2, more=whole_batches("rprop")), traits=("own_steps",)),
        "asgd": OptimizerEntry(asgd, usual("asgd", 0.1)),
        "vsgd": OptimizerEntry(variance_sgd, usual("vsgd", 1.0), traits=_BY_LOSS),
        "lbfgs": OptimizerEntry(
            lbfgs,
            usual("lbfgs", 1.0, more=whole_batches("lbfgs")),
            traits=_BY_LOSS,
            refuses={"optim.decoupled": _LINE_SEARCH, "optim.l1": _LINE_SEARCH},
        ),
        "kfac": OptimizerEntry(kfac, usual("kfac", 0.03)),
        "newton": OptimizerEntry(newton, usual("newton", 1.0, more=whole_batches("newton")), traits=_BY_LOSS),
        "saddle_free": OptimizerEntry(
            saddle_free, usual("saddle_free", 1.0, more=whole_batches("saddle_free")), traits=_BY_LOSS
        ),
    },
    listing="trainwell about",
)
