"""Kinds of example by name, each an object that reads, prepares, batches and shows its inputs."""

from trainwell.core.catalogue import Catalogue
from trainwell.data.kinds.array import ArrayKind
from trainwell.data.kinds.image import ImageKind
from trainwell.data.kinds.kind import InputPreparation as InputPreparation
from trainwell.data.kinds.kind import Kind as Kind
from trainwell.data.kinds.kind import Measurement as Measurement
from trainwell.data.kinds.kind import View as View
from trainwell.data.kinds.stream import StreamKind
from trainwell.data.kinds.table import TableKind
from trainwell.data.kinds.text import TextKind

KINDS: Catalogue[Kind] = Catalogue(
    "kind of example",
    {
        "table": TableKind(),
        "image": ImageKind(),
        "array": ArrayKind(),
        "text": TextKind(),
        "stream": StreamKind(),
    },
    aliases={"picture": "image"},  # runs of before December 2026
)
