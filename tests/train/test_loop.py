"""The loop keeps its law, whatever a batch holds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from trainwell.core.batch import Batch
from trainwell.core.contracts.task import Prediction, Task
from trainwell.core.errors import TrainingError
from trainwell.data.batches import ArrayBatches, ragged
from trainwell.tasks import Classify
from trainwell.tasks.regress import Regress
from trainwell.train import Feed, Job, Optimization, State, train


def job_for(model, task, batches, *, epochs=30, rate=0.01) -> tuple[Job, list]:
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    losses: list[float] = []

    def update(step, loss):
        losses.append(loss.item())
        optimizer.step()

    job = Job(
        model=model,
        task=task,
        feed=Feed(batches, torch.device("cpu"), lambda batch: batch),
        optimization=Optimization(optimizer, lambda step: rate, update),
        epochs=epochs,
        seed=0,
        after_step=lambda state: None,
    )
    return job, losses


def test_a_moment_lies_between_backward_and_step(make) -> None:
    session = make(epochs=1)
    for moment in train(session.job, session.state):
        assert all(p.grad is not None for p in moment.model.parameters())
        assert moment.step == session.state.step
        before = moment.model.head.weight.clone()
        break
    assert torch.equal(before, session.job.model.head.weight)


def test_training_lowers_the_loss(make) -> None:
    session = make(epochs=8, augment=False).run()
    losses = session.notes.signals["loss/train_epoch"].values
    assert losses[-1] < 0.5 * losses[0]


def test_every_example_is_seen_once_an_epoch_in_a_new_order(make) -> None:
    session = make(epochs=2, augment=False)
    seen: dict[int, list[float]] = {0: [], 1: []}
    for moment in train(session.job, session.state):
        seen[session.state.epoch] += moment.batch.inputs[:, 0, 0, 0].tolist()
    assert sorted(seen[0]) == sorted(seen[1])
    assert seen[0] != seen[1]
    assert len(seen[0]) == 75


@pytest.mark.parametrize("micro_batch", [1, 3, 7, 16])
def test_accumulating_over_micro_batches_gives_the_gradient_of_the_whole(make, micro_batch) -> None:
    def gradients(size: int) -> list[torch.Tensor]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).double()
        session = make(micro_batch=size, model=net, augment=False, ema=0.0)
        session.job.feed.batches._tensors["inputs"] = session.job.feed.batches._tensors["inputs"].double()
        moment = next(train(session.job, session.state))
        return [p.grad.clone() for p in moment.model.parameters()] + [moment.loss.double()]

    for whole, parts in zip(gradients(0), gradients(micro_batch), strict=True):
        assert torch.allclose(whole, parts, atol=1e-6)


def test_randomness_is_a_function_of_seed_epoch_and_step(make) -> None:
    first, second = make("a").run(), make("b").run()
    assert first.digest() == second.digest()
    assert make("c", seed=1).run().digest() != first.digest()


def test_the_callers_random_numbers_do_not_matter(make) -> None:
    torch.manual_seed(1)
    first = make("a").run().digest()
    torch.manual_seed(2)
    torch.rand(17)
    assert make("b").run().digest() == first


def test_workers_never_change_a_result(make) -> None:
    assert make("a", workers=0).run().digest() == make("b", workers=3).run().digest()


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(2, 16, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, x, mask):
        states, _ = self.rnn(x)
        last = mask.sum(dim=1) - 1
        return self.head(states[torch.arange(len(x)), last])


def test_sequences_of_different_length_train_through_the_unchanged_loop() -> None:
    """Toy task one: which of two channels has the larger sum, over 3 to 9 steps; padding is full of lies."""
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(rng.integers(3, 10), 2)).astype(np.float32) for _ in range(200)]
    targets = np.array([int(s[:, 1].sum() > s[:, 0].sum()) for s in sequences])
    batches = ArrayBatches(ragged(sequences, targets), indices=np.arange(200), batch_size=20, shuffle=True)
    torch.manual_seed(0)
    net = Recurrent()
    job, losses = job_for(net, Classify(classes=2), batches, epochs=25)
    masks = [moment.batch.mask for moment in train(job, State())]
    assert all(mask is not None for mask in masks) and not all(mask.all() for mask in masks)
    assert np.mean(losses[-10:]) < 0.25 < 0.6 < np.mean(losses[:10])


class Boxes(Task):
    """Squared error over the boxes that are there; images have between one and three."""

    name = "boxes"
    main_score = "error"
    outputs = 12

    @classmethod
    def build(cls, recipe, targets):
        return cls()

    def losses(self, outputs, batch):
        squared = (outputs.reshape(batch.targets.shape) - batch.targets).square().mean(dim=2)
        return {"boxes": (squared * batch["present"]).sum(dim=1) / batch["present"].sum(dim=1)}

    def forward(self, model, batch):
        return model(batch.inputs)

    def chance_loss(self, targets):
        return float(targets.var())

    def tally(self):
        return Regress().tally()

    def predict(self, outputs):
        return Prediction(outputs.numpy())


def test_images_with_varying_numbers_of_boxes_train_through_the_unchanged_loop() -> None:
    """Toy task two: each image holds 1-3 bright rectangles in three columns; find their edges."""
    rng = np.random.default_rng(1)
    inputs = np.zeros((120, 1, 12, 12), np.float32)
    boxes, present = np.zeros((120, 3, 4), np.float32), np.zeros((120, 3), np.float32)
    for image in range(120):
        for column in range(rng.integers(1, 4)):
            top, height = rng.integers(0, 6), rng.integers(3, 7)
            inputs[image, 0, top : top + height, column * 4 : column * 4 + 3] = 1
            boxes[image, column] = np.array([column * 4, top, column * 4 + 3, top + height]) / 12
            present[image, column] = 1

    def collate(chosen) -> Batch:
        most = int(present[chosen].sum(axis=1).max())  # padded to the fullest image of the batch
        return Batch(
            {
                "inputs": torch.from_numpy(inputs[chosen]),
                "targets": torch.from_numpy(boxes[chosen][:, :3]),
                "present": torch.from_numpy(present[chosen]),
                "count": torch.full((len(chosen),), most),
            }
        )

    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(144, 64), nn.ReLU(), nn.Linear(64, 12))
    batches = ArrayBatches(collate, indices=np.arange(120), batch_size=16, shuffle=True)
    job, losses = job_for(net, Boxes(), batches, epochs=40)
    assert all("present" in moment.batch for moment in train(job, State()))
    assert np.mean(losses[-8:]) < 0.1 * np.mean(losses[:8])


class Greedy(nn.Module):
    """Runs out of memory whenever more than `most` examples come at once."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.head = nn.Linear(64, 3)
        self.most = most

    def forward(self, x):
        if self.training and len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self.head(x.flatten(1))


def test_lack_of_memory_halves_the_micro_batch_and_keeps_the_step(make) -> None:
    torch.manual_seed(0)
    roomy, tight = Greedy(100), Greedy(5)
    tight.load_state_dict(roomy.state_dict())
    whole = make("a", model=roomy, ema=0.0).run()
    parts = make("b", model=tight, ema=0.0).run()
    assert parts.state.micro_batch == 4
    assert parts.state.step == whole.state.step
    assert torch.allclose(roomy.head.weight, tight.head.weight, atol=1e-5)


def test_not_even_one_example_fits(make) -> None:
    with pytest.raises(TrainingError, match="with a single example"):
        make(model=Greedy(0)).run()


def test_other_errors_are_not_taken_for_lack_of_memory(make) -> None:
    class Broken(Greedy):
        def forward(self, x):
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        make(model=Broken(1)).run()
