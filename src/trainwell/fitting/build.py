"""From a recipe to built parts; imports every catalogue."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from trainwell.core.batch import Batch, blank, examples_at_once
from trainwell.core.contracts.protocols import Batches
from trainwell.core.errors import UsageError
from trainwell.core.facts import Facts, InputFacts
from trainwell.core.seeds import derive
from trainwell.data import Examples, Preparation, Splits
from trainwell.data.augment.augmentation import Augment, parse
from trainwell.data.batches import ArrayBatches, Collated
from trainwell.fitting.backbone import as_published
from trainwell.fitting.catalogues import CUSTOM
from trainwell.fitting.parts import Parts, PartsData, PartsTransfer
from trainwell.fitting.plan import Plan
from trainwell.fitting.transfer import adopt, origin_of, sentence, take_over
from trainwell.nn import MODELS, PREFIX, Freezing, backbone, batch_dependent, initialise, modify, names_of_new
from trainwell.recipe import Recipe
from trainwell.tasks import TASKS, Task, with_auxiliary_heads
from trainwell.train.memory import out_of_memory

Array = NDArray[Any]

EVALUATION_BATCH = 1024
_SAMPLE = 512  # training examples that are evaluated after each epoch, like the validation split


def build_network(recipe: Recipe, facts: InputFacts, outputs: int, *, fresh: bool = True) -> nn.Module:
    """Build and initialise the network of a recipe.

    Args:
        recipe: every setting.
        facts: of one prepared example.
        outputs: number of outputs per example.
        fresh: False if weights will be loaded later, so that those of a published backbone are not needed.
    Raises:
        UsageError: if the network of the recipe was given from Python.
    """
    if recipe.nn.model == CUSTOM:
        raise UsageError("The network of this run was given from Python. Pass it again: run.model(your_network).")
    if recipe.nn.model.startswith(PREFIX):
        seed = derive(recipe.seed, "init")
        return backbone(recipe.nn.model, input_shape=facts.shape, outputs=outputs, pretrained=fresh, seed=seed)
    facts = _for_task(recipe, facts)
    try:
        model = MODELS[recipe.nn.model].build(recipe.nn, facts, outputs)
        modify(model, recipe.nn, facts=facts)
    except (RuntimeError, MemoryError) as problem:
        reason = out_of_memory(problem)
        raise UsageError(f"The network cannot be built: {reason}. Reduce nn.hidden or nn.width.") from None
    if recipe.train.batch_size == 1 and batch_dependent(model):
        raise UsageError(
            "train.batch_size must be at least 2 for batch normalisation, got 1: one example has no "
            "variance. Increase the batch size, or set nn.normalisation = 'group'."
        )
    initialise(model, recipe.nn.initialisation, seed=derive(recipe.seed, "init"), bias=recipe.nn.initial_bias)
    return model


def _for_task(recipe: Recipe, facts: InputFacts) -> InputFacts:
    """Add to what is known of the inputs what the task asks of the outputs at each position.

    Raises:
        UsageError: if the network has no outputs per position.
    """
    task = TASKS[recipe.task.name]
    if task.per_position and not MODELS[recipe.nn.model].per_position:
        able = ", ".join(repr(name) for name, network in MODELS.items() if network.per_position)
        raise UsageError(
            f"nn.model must be one of {able} for the task {recipe.task.name!r}, which needs an output at every "
            f"position of a sequence, got {recipe.nn.model!r}. Choose one of these."
        )
    return dataclasses.replace(facts, per_position=task.per_position, causal=task.causal)


def build_task(recipe: Recipe, examples: Examples, *, train: Array) -> Task:
    """Build the task of a recipe; statistics of the targets are computed from the training examples.

    Args:
        recipe: every setting.
        examples: all examples.
        train: indices of the training examples.
    """
    task = TASKS[recipe.task.name]
    return task.build(recipe.task, task.fit_targets(examples.targets[train], examples.labels))


def _prepared(plan: Plan) -> Preparation:
    """Fit the preparation on the training split; with a published backbone use its mean and standard deviation."""
    recipe = plan.recipe
    preparation = Preparation.fit(plan.examples, plan.splits.train, recipe=recipe.data)
    if recipe.nn.model.startswith(PREFIX) and recipe.data.prepare == "standardise":
        preparation = as_published(recipe.nn.model, preparation)
    if preparation.facts.vocabulary and recipe.transfer.pretrain != "none":
        raise UsageError(
            f"transfer.pretrain must be 'none' for {plan.examples.kind.description}, got {recipe.transfer.pretrain!r}: "
            "an autoencoder restores numbers, not tokens. Leave it out."
        )
    return preparation


def _with_heads_of(model: nn.Module, task: Task) -> Task:
    """Wrap the task to add the losses of the network's auxiliary heads, if it has any."""
    weight = float(getattr(model, "auxiliary_weight", 0.0))
    if not weight:
        return task
    heads = [name for name, _ in model.get_submodule("auxiliary").named_children()]
    return with_auxiliary_heads(task, weight=weight, heads=heads)


def _begun_anew(model: nn.Module, recipe: Recipe, *, preparation: Preparation, outputs: int) -> frozenset[str]:
    """Initialise the tensors of a published network that are not transferred, and return their names."""
    new = names_of_new(model, recipe.transfer.layers)
    if recipe.transfer.layers != "all":
        state = build_network(recipe, preparation.facts, outputs=outputs, fresh=False).state_dict()
        model.load_state_dict({name: state[name] for name in new}, strict=False)
    return new


def _freezing(recipe: Recipe, model: nn.Module, *, new: frozenset[str]) -> Freezing | None:
    transfer = recipe.transfer
    if transfer.freeze == "none":
        return None
    return Freezing(model, freeze=transfer.freeze, every=transfer.unfreeze_every, new=new)


def build_parts(plan: Plan, model: nn.Module | None = None) -> Parts:
    """Build the data, the task and the network of a plan.

    Args:
        plan: recipe and data.
        model: the user's own network, not initialised anew.
    """
    recipe = plan.recipe
    splits = plan.splits
    preparation = _prepared(plan)
    origin = origin_of(recipe) if recipe.transfer.source else None
    if origin:
        preparation = adopt(origin, preparation)
    task = build_task(recipe, plan.examples, train=splits.train)
    if model is None:
        model = build_network(recipe, preparation.facts, outputs=task.outputs, fresh=origin is None)
    new: frozenset[str] = frozenset()
    if recipe.transfer.source and not origin:
        new = _begun_anew(model, recipe, preparation=preparation, outputs=task.outputs)
    if origin:
        new = take_over(model, origin, layers=recipe.transfer.layers)
        said = sentence(origin, preparation.input_shape, layers=recipe.transfer.layers)
        preparation = dataclasses.replace(preparation, remarks=(*preparation.remarks, said))
    freezing = _freezing(recipe, model, new=new)  # before parameters are counted
    task = _with_heads_of(model, task)
    source, finish = _source(plan.examples, preparation, task=task)

    def batches(indices: Array, *, shuffle: bool) -> Batches:
        shape = (*preparation.input_shape, task.outputs) if task.per_position else preparation.input_shape
        least = 1 if shuffle else examples_at_once(shape, most=EVALUATION_BATCH)
        return ArrayBatches(
            source,
            indices=indices,
            batch_size=max(least, recipe.train.batch_size),
            seed=recipe.seed,
            shuffle=shuffle,
            finish=finish,
            workers=recipe.data.workers,
        )

    train = batches(splits.train, shuffle=True)
    data = PartsData(
        plan=plan,
        preparation=preparation,
        input_facts=preparation.facts,
        train=train,
        splits={name: batches(indices, shuffle=False) for name, indices in _by_name(splits).items()},
        sample=batches(splits.train[:: max(1, len(splits.train) // _SAMPLE)][:_SAMPLE], shuffle=False),
        inputs=batches(plan.inputs, shuffle=True) if recipe.transfer.pretrain != "none" else None,
    )
    facts = _facts(plan, preparation, task=task, model=model, steps_per_epoch=len(train))
    return Parts(recipe, task, model, data, facts, PartsTransfer(freezing, new, origin))


def _by_name(splits: Splits) -> dict[str, Array]:
    """Return the indices of the examples of each non-empty split."""
    named = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {name: indices for name, indices in named.items() if len(indices)}


def _facts(plan: Plan, preparation: Preparation, *, task: Task, model: nn.Module, steps_per_epoch: int) -> Facts:
    recipe = plan.recipe
    examples = plan.examples
    targets = task.prepare_targets(examples.targets[plan.splits.train])
    return Facts(
        source=recipe.data.source,
        model=recipe.nn.model,
        kind=examples.kind.name,
        task=task.name,
        input_shape=preparation.input_shape,
        outputs=task.outputs,
        has_classes=task.has_classes,
        numeric_target=task.is_numeric,
        initial_loss_limits=task.initial_loss_limits,
        causal=task.causal,
        labels=() if task.per_position else examples.labels,
        class_counts=() if task.per_position else _class_counts(targets, examples.labels),
        sizes=plan.splits.sizes,
        chance_loss=task.chance_loss(targets),
        parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        batch_size=recipe.train.batch_size,
        epochs=recipe.train.epochs,
        steps=recipe.train.epochs * steps_per_epoch,
        optimizer=recipe.optim.name,
        learning_rate=recipe.optim.learning_rate,
    )


def build_augmentation(
    recipe: Recipe, facts: InputFacts, *, preparation: Preparation | None = None, task: Task | None = None
) -> Augment | None:
    """Build the augmentation of training batches on the device; None if there is none.

    Args:
        recipe: `data.shift`, `flip`, `augment`, `mix` and `label_noise` are read.
        facts: of one prepared example.
        preparation: how colours were prepared.
        task: the task, for label noise.
    Raises:
        UsageError: if a setting does not apply to such inputs or targets.
        DataError: if a crop is larger than the images.
    """
    data = recipe.data
    steps = parse(data.augment) if data.augment else ()
    if not (data.shift or data.flip or steps or data.label_noise):
        return None
    if not facts.has_grid and (data.shift or data.flip or steps):
        raise UsageError(
            "data.shift, data.flip and data.augment must be 0, false and empty for inputs that are not images. "
            "Remove them."
        )
    classes = len(task.labels) if task and task.has_classes else 0
    if data.label_noise and not classes:
        raise UsageError(f"data.label_noise applies to classification, got the task {recipe.task.name!r}. Set it to 0.")
    made = Augment(
        shift=data.shift,
        flip=data.flip,
        steps=steps,
        mix=data.mix,
        affine=preparation.fitted.colours if preparation else ((0.0,), (1.0,)),
        noise=(data.label_noise, classes),
    )
    if steps:  # called once on an empty batch, so that errors are raised before the run is created
        with torch.random.fork_rng(devices=[]):
            made(blank(facts, 2))
    return made


def _source(
    examples: Examples, preparation: Preparation, *, task: Task
) -> tuple[Mapping[str, torch.Tensor | Array] | Collated, Callable[[Batch], Batch] | None]:
    """Return the source of batches, with targets, and the function that is applied to each batch."""
    targets = torch.from_numpy(task.prepare_targets(examples.targets))
    source = preparation.fitted.source(examples.inputs)
    if source.collate is None:
        return {**source.tensors, "targets": targets}, source.finish
    inputs_of = source.collate

    def collate(rows: Array) -> Batch:
        return inputs_of(rows).replace(targets=targets[torch.from_numpy(rows)])

    return Collated(collate, source.lengths), source.finish


def _class_counts(targets: Array, labels: Sequence[str]) -> tuple[int, ...]:
    if not labels:
        return ()
    if targets.ndim == 2:
        return tuple(int(count) for count in targets.sum(axis=0))
    return tuple(int(count) for count in np.bincount(targets.astype(np.int64), minlength=len(labels)))
