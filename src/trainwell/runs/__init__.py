"""Runs on disk: a folder each, with one writer and any number of readers. No torch."""

from trainwell.runs.compare import Comparison as Comparison
from trainwell.runs.compare import compare as compare
from trainwell.runs.listing import RunSummary as RunSummary
from trainwell.runs.listing import list_runs as list_runs
from trainwell.runs.lock import RunLock as RunLock
from trainwell.runs.lock import is_locked as is_locked
from trainwell.runs.run import Run as Run
from trainwell.runs.snapshot import Snapshot as Snapshot
from trainwell.runs.snapshot import snapshot as snapshot
from trainwell.runs.store import StoreReader as StoreReader
from trainwell.runs.writer import RunWriter as RunWriter
