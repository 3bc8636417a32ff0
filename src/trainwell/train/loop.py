"""The training loop. It imports no probe, optimizer or architecture."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from trainwell.core.contracts.moment import Moment
from trainwell.train.job import Job, State
from trainwell.train.memory import out_of_memory, shrink


def train(job: Job, state: State) -> Iterator[Moment]:
    """Train until the last epoch or an early stop, yielding a `Moment` in every step for the probes.

    for each batch from the position the state holds:
        begin                            seed the generators with (seed, epoch, step), set the learning rate
        outputs = forward(batch); loss = task.loss(outputs, batch)
        backward(share of the micro-batch * loss)
        yield Moment                     for the probes; the loop does not know them
        update                           guard, clip, step, constrain, average
        after_step                       evaluate, checkpoint, stop?
    """
    model = job.model
    task = job.task
    feed = job.feed
    optimizer = job.optimization.optimizer
    update = job.optimization.update
    while state.goes_on(job.epochs):
        epoch = state.epoch
        for fetched in feed.batches.epoch(epoch, start=state.current.position):
            reason = "first try"
            while reason:
                job.begin(state)
                try:
                    batch = feed.prepare(fetched)
                    total = torch.zeros((), device=feed.device)
                    for part, share in batch.parts(state.micro_batch or len(batch), task.weight):
                        outputs = task.forward(model, part)
                        loss = task.loss(outputs, part)
                        torch.autograd.backward(loss, None if share == 1.0 else loss.new_tensor(share))
                        total.add_(loss.detach(), alpha=share)
                    reason = ""
                except (RuntimeError, MemoryError) as problem:
                    reason = out_of_memory(problem)
                if reason:  # outside `except`, so that the failed attempt's tensors are freed
                    shrink(state, len(fetched), reason=reason)
            yield Moment(state.step, model, optimizer, part, outputs, total, task)
            update(state.step, total)
            state.advance(total, weight=task.weight(batch), batches=len(feed.batches))
            job.after_step(state)
            if not state.goes_on(job.epochs):
                break
