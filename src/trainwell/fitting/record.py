"""Record the facts, scores, mistakes, baselines and findings of a run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trainwell.core.contracts.protocols import Display
from trainwell.core.modes import evaluation_mode
from trainwell.cost import LayerCost, layers
from trainwell.data import Examples, audit
from trainwell.explain import calibration, data_uri, first_filters, grid, top_error, worst_mistakes
from trainwell.fitting.catalogues import choices
from trainwell.fitting.job import rescaled
from trainwell.fitting.parts import Parts
from trainwell.fitting.plan import Plan
from trainwell.recipe import without_effect
from trainwell.rules import diagnose
from trainwell.runs import RunWriter, StoreReader
from trainwell.runs.names import STORE
from trainwell.train import Interrupt, State, evaluate

_MISTAKES = 24
_JUDGED = 10_000  # examples for the calibration
_SIDE = 96  # images in a report are downsampled to about this side, in pixels


def network_table(parts: Parts) -> Sequence[LayerCost]:
    """Return the cost of every layer; nothing for a network that fails on a single example of zeros."""
    try:
        return layers(parts.model, parts.data.input_facts)
    except Exception:  # the user's own network may raise any exception, and the run does not depend on this table
        return ()


def describe(writer: RunWriter, parts: Parts, *, table: Sequence[LayerCost], display: Display) -> None:
    """Record and display the facts known before the first step."""
    facts = parts.facts
    task = parts.task
    writer.describe(task=task.name, main_score=task.main_score, model=parts.recipe.nn.model, facts=facts)
    for key in ("chance_loss", "epochs", "steps"):
        writer.set_meta(f"planned_{key}" if key == "steps" else key, getattr(facts, key))
    writer.set_meta("folder", os.getcwd())
    if parts.transfer.origin:
        writer.set_meta("origin", parts.transfer.origin.fingerprint)
    remarks: list[str] = []
    detail: dict[str, Any] = {
        "source": parts.recipe.data.source,
        "kind": facts.kind,
        "task": task.name,
        "labels": list(facts.labels),
        "sizes": dict(facts.sizes),
        "input_shape": list(facts.input_shape),
    }
    if parts.data.plan and parts.data.preparation:
        examples = parts.data.plan.examples
        remarks = [*examples.remarks, *parts.data.preparation.remarks]
        fingerprint = examples.fingerprint()
        writer.set_meta("fingerprint", fingerprint)
        detail |= {"features": list(parts.data.preparation.feature_names), "fingerprint": fingerprint}
        for finding in audit(examples, parts.data.plan.splits):
            writer.finding(finding)
    remarks += rescaled(parts.recipe)[1]
    remarks += without_effect(parts.recipe, choices(), validated="validation" in parts.data.splits)
    writer.event("data", {**detail, "remarks": remarks})
    rows = [
        {"name": row.name, "type": row.type, "output": list(row.output_shape), "parameters": row.parameters}
        for row in table
    ]
    writer.event("network", {"model": parts.recipe.nn.model, "parameters": facts.parameters, "layers": rows})
    for remark in remarks:
        display.say(remark)


def judge(writer: RunWriter, parts: Parts) -> None:
    """Run every rule on the recorded signals, and record the findings."""
    writer.flush()
    with StoreReader(writer.path / STORE) as store:
        signals = store.signals()

    def rule_failed(rule: str, problem: Exception) -> None:
        writer.event("internal", {"problem": f"{type(problem).__name__}: {problem}", "rule": rule})

    for finding in diagnose(signals, parts.facts, on_error=rule_failed):
        writer.finding(finding)


def gather_evidence(writer: RunWriter, parts: Parts, *, state: State, interrupt: Interrupt) -> None:
    """Evaluate the trained network on every split, including the held-out test split, and record the evidence."""
    device = next(parts.model.parameters()).device
    tallies = {}
    for name, batches in parts.data.splits.items():
        scores, tallies[name] = evaluate(parts.model, parts.task, batches=batches, device=device, check=interrupt.check)
        writer.score(state.epoch, state.step, split=name, scores=scores)
    shown = next(name for name in ("test", "validation", "train") if name in tallies)
    for name, values in parts.task.evidence(tallies[shown]).items():
        writer.event(name, {"split": shown, **values})
    if parts.task.has_classes:
        _record_calibration(writer, parts, shown=shown)
    if parts.data.plan:
        _record_mistakes(writer, parts, plan=parts.data.plan, shown=shown)
        _record_baselines(writer, parts, shown=shown)


def _record_calibration(writer: RunWriter, parts: Parts, *, shown: str) -> None:
    """Record the calibration of the network, and its first filters where it has some (docs/curriculum.md, L4, L5)."""
    device = next(parts.model.parameters()).device
    probabilities = []
    classes = []
    seen = 0
    with evaluation_mode(parts.model), torch.no_grad():
        for batch in parts.data.splits[shown].epoch(0):
            answer = parts.task.predict(parts.task.forward(parts.model, batch.to(device)))
            if answer.probabilities is None or seen >= _JUDGED:
                break
            probabilities.append(answer.probabilities)
            classes.append(batch.targets.cpu().numpy())
            seen += len(batch)
    if probabilities:
        given = np.concatenate(probabilities)
        truth = np.concatenate(classes).astype(np.int64)
        found = calibration(given, truth)
        errors = {f"top{n}_error": top_error(given, truth, count=n) for n in (1, 5) if n < given.shape[1]}
        writer.event("calibration", {"split": shown, **dataclasses.asdict(found), **errors})
    if filters := first_filters(parts.model):
        writer.event("filters", {"image": data_uri(grid(filters), shortest_side=_SIDE)})


def _record_mistakes(writer: RunWriter, parts: Parts, *, plan: Plan, shown: str) -> None:
    examples = plan.examples
    batches = parts.data.splits[shown]
    indices = getattr(plan.splits, shown)
    device = next(parts.model.parameters()).device
    mistakes = worst_mistakes(parts.model, parts.task, batches=batches, count=_MISTAKES, device=device)
    rows = []
    for mistake in mistakes:
        number = int(indices[mistake.position])
        # Numbers are recorded as numbers, anything else as text.
        shown_as = parts.task.value if parts.task.is_numeric else parts.task.words
        true = shown_as(examples.targets[number])
        predicted = shown_as(mistake.predicted)
        if true == predicted:  # correct, with low confidence: not a mistake
            continue
        row = {"id": str(examples.ids[number]), "true": true, "predicted": predicted}
        row["confidence"] = mistake.confidence
        rows.append({**row, "loss": mistake.loss, **_shown_input(examples, number)})
    writer.event("mistakes", {"split": shown, "rows": rows})


def _shown_input(examples: Examples, number: int) -> dict[str, Any]:
    (view,) = examples.kind.view(examples.inputs, [number], features=examples.features)
    if view.pixels is None:
        return {"image": None, "row": {name: _plain(value) for name, value in view.values.items()}}
    every = max(1, round(max(view.pixels.shape[:2]) / _SIDE))
    small = np.ascontiguousarray(view.pixels[::every, ::every])
    return {"image": data_uri(small[..., 0] if small.shape[2] == 1 else small), "row": None}


def _record_baselines(writer: RunWriter, parts: Parts, *, shown: str) -> None:
    train = _arrays(parts, "train", limit=20_000)
    judged = _arrays(parts, shown)
    rows = [{"name": name, "scores": scores} for name, scores in parts.task.baselines(train, judged)]
    writer.event("baselines", {"main": parts.task.main_score, "rows": rows})


def _arrays(parts: Parts, split: str, *, limit: int = 1 << 62) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return inputs and targets of a split in the form that a linear model takes."""
    inputs: list[NDArray[Any]] = []
    targets: list[NDArray[Any]] = []
    seen = 0
    for batch in parts.data.splits[split].epoch(0):
        raw = batch.inputs.numpy()
        inputs.append(parts.data.preparation.fitted.for_linear_model(raw) if parts.data.preparation else raw)
        targets.append(batch.targets.numpy())
        seen += len(batch)
        if seen >= limit:
            break
    return np.concatenate(inputs), np.concatenate(targets)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, torch.Tensor)):
        value = value.item()
    return value
