"""What is known before the first step: the reference against which "bad" is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class InputFacts:
    """What a network's builder needs to know of one prepared example.

    Args:
        shape: shape of one example as the network receives it: (features,), (channels, height, width), or for
            sequences that of the longest one.
        vocabulary: number of different tokens; 0 if inputs are numbers.
        max_length: positions of the longest sequence; 0 if all examples have the same shape.
        per_position: whether the network returns outputs for every position of a sequence, not one for the sequence.
        causal: whether the output at a position may depend on itself and earlier positions only.

    >>> InputFacts((3, 32, 32)).has_grid, InputFacts((4,)).has_grid
    (True, False)
    """

    shape: tuple[int, ...] = ()
    vocabulary: int = 0
    max_length: int = 0
    per_position: bool = False
    causal: bool = False

    @property
    def has_grid(self) -> bool:
        """Whether an example is (channels, height, width): what convolutions in two dimensions take."""
        return len(self.shape) == 3 and not self.vocabulary and not self.max_length


@dataclass(frozen=True)
class Facts:
    """What is known of a run before it trains; a rule needs it to know what "bad" means.

    Unknown values keep their defaults (None, 0 or empty), and a rule says nothing about what it does not know.

    Args:
        source: name or path of the data.
        model: name of the architecture.
        kind: kind of the inputs: "table", "image" or "array".
        task: name of the task, for records; what depends on it is in the fields below.
        has_classes: whether every example has exactly one class.
        numeric_target: whether the targets are numbers.
        causal: whether the output at a position may depend on earlier positions only, as in a language model.
        initial_loss_limits: up to how many times the chance loss the first loss is healthy, and beyond how many
            times it is an error; None if that is not known.
        input_shape: shape of one example as the network receives it, e.g. (1, 28, 28).
        outputs: numbers the network must return for one example.
        labels: names of the classes, in the order of their numbers.
        class_counts: training examples of each class.
        sizes: examples in "train", "validation" and "test".
        chance_loss: loss of the best constant prediction on the training split, in the task's unit (nats or squares).
        parameters: trainable numbers of the network.
        batch_size: examples per step.
        epochs: planned passes over the training split.
        steps: planned optimizer steps.
        optimizer: name of the optimizer.
        learning_rate: highest rate of the plan.

    >>> Facts(task="classify", labels=("cat", "dog"), class_counts=(10, 30)).class_counts
    (10, 30)
    """

    source: str = ""
    model: str = ""
    kind: str = ""
    task: str = ""
    has_classes: bool = False
    numeric_target: bool = False
    causal: bool = False
    initial_loss_limits: tuple[float, float] | None = None
    input_shape: tuple[int, ...] = ()
    outputs: int = 0
    labels: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    chance_loss: float | None = None
    parameters: int = 0
    batch_size: int = 0
    epochs: int = 0
    steps: int = 0
    optimizer: str = ""
    learning_rate: float | None = None
