from __future__ import annotations

import math
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from trainwell.core.errors import DamagedError, StorageError
from trainwell.core.finding import Finding, Severity
from trainwell.runs.store import StoreReader, StoreWriter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.sqlite"


def finding(rule: str, title: str = "t") -> Finding:
    return Finding(rule, Severity.WARNING, title, evidence={"share": math.nan}, where=("fc1",), step=3)


def test_everything_comes_back_as_it_was_written(path):
    writer = StoreWriter(path)
    values = [0.1, math.nan, math.inf, -math.inf, 0.0, 1e-320, 2**53]
    for step, value in enumerate(values):
        writer.signal("loss/train", step, value=value)
        writer.signal("grad/norm/größe\x00'; DROP TABLE meta; --", step, value=2.0)
    writer.score(1, 7, split="validation", scores={"accuracy": 0.5, "loss": math.inf})
    writer.finding(finding("dead_units"))
    writer.event("stopped", {"why": "no better\n", "share": 0.5})
    writer.set_meta("facts", {"labels": ["a", None]})
    writer.close()
    with StoreReader(path) as reader:
        signals = reader.signals()
        assert list(signals) == ["loss/train", "grad/norm/größe\x00'; DROP TABLE meta; --"]
        assert signals["loss/train"].steps == list(range(7))
        assert list(map(repr, signals["loss/train"].values)) == [repr(float(value)) for value in values]
        assert reader.scores() == [(1, 7, "validation", "accuracy", 0.5), (1, 7, "validation", "loss", math.inf)]
        assert reader.last_score("validation", "accuracy") == 0.5 and reader.last_score("test", "accuracy") is None
        assert repr(reader.findings()) == repr([finding("dead_units")])
        (event,) = reader.events()
        assert event[1:] == (6, "stopped", {"why": "no better\n", "share": 0.5})
        assert abs(event.time - time.time()) < 60
        assert reader.meta() == {"generation": 0, "facts": {"labels": ["a", None]}}


def test_recording_costs_little_more_than_appending(path):
    def seconds(call):
        start = time.process_time()
        for step in range(10_000):
            call("loss/train", step, value=0.5)
        return time.process_time() - start

    writer, rows = StoreWriter(path), []
    pairs = [
        (seconds(writer.signal), seconds(lambda name, step, value: rows.append((name, step, value)))) for _ in range(5)
    ]
    writer.close()
    assert min(recording for recording, _ in pairs) < 10 * min(appending for _, appending in pairs)


def test_nothing_is_visible_before_a_flush_and_all_after(path):
    writer = StoreWriter(path)
    writer.signal("a", 0, value=1.0)
    with StoreReader(path) as reader:
        assert len(reader.signals()) == 0
        writer.flush()
        assert reader.signals()["a"].values == [1.0]
    writer.close()


def test_a_page_reads_on_from_where_it_was(path):
    writer = StoreWriter(path)
    with StoreReader(path) as reader:
        assert reader.rows_after(0) == []
        for step in range(5):
            writer.signal("a", step, value=float(step))
        writer.flush()
        first = reader.rows_after(0, limit=3)
        assert [row.step for row in first] == [0, 1, 2] and first[0].name == "a"
        writer.signal("b", 5, value=math.nan)
        writer.flush()
        rest = reader.rows_after(first[-1].rowid)
        assert [(row.name, row.step) for row in rest] == [("a", 3), ("a", 4), ("b", 5)]
        assert math.isnan(rest[-1].value)
    writer.close()


def test_of_scores_and_findings_the_last_word_counts(path):
    writer = StoreWriter(path)
    for title in ("first", "second"):
        writer.finding(finding("a", title))
        writer.finding(finding("b", title))
        writer.score(1, 5, split="test", scores={"accuracy": len(title) / 10})
        writer.flush()
    writer.close()
    with StoreReader(path) as reader:
        assert [(one.rule, one.title) for one in reader.findings()] == [("a", "second"), ("b", "second")]
        assert reader.scores() == [(1, 5, "test", "accuracy", 0.6)]


# Resume ---------------------------------------------------------------------------------------------------------------


def record(writer: StoreWriter, steps: range) -> None:
    for step in steps:
        writer.signal("a", step, value=float(step))
        writer.signal("b", step, value=-float(step))
        if step % 5 == 0:
            writer.score(step // 5, step, split="validation", scores={"accuracy": step / 100})
            writer.event("epoch", {"number": step // 5})
            writer.finding(finding(f"rule_{step}"))


@pytest.mark.parametrize("again_from", [12, 13])
def test_a_resumed_run_leaves_the_same_numbers_as_one_that_was_never_stopped(tmp_path, again_from):
    """A loop may number the step it resumes at as the last one done or as the next one to do."""
    stores = []
    for name in ("straight", "resumed"):
        writer = StoreWriter(tmp_path / name)
        if name == "straight":
            record(writer, range(30))
        else:
            record(writer, range(19))
            writer.flush()
            writer.rewind(12)
            record(writer, range(again_from, 14))
            writer.flush()
            record(writer, range(14, 30))
        writer.close()
        with StoreReader(tmp_path / name) as reader:
            signals = {key: list(series) for key, series in reader.signals().items()}
            events = [event[1:] for event in reader.events()]
            stores.append((signals, reader.scores(), reader.findings(), events))
            generation = reader.meta()["generation"]
        assert generation == (0 if name == "straight" else 1)
    assert repr(stores[0]) == repr(stores[1])


def test_a_rewound_store_is_as_it_was_at_that_step(path):
    writer = StoreWriter(path)
    record(writer, range(20))
    writer.rewind(9)
    writer.close()
    with StoreReader(path) as reader:
        assert reader.signals()["b"].steps == list(range(10))
        assert [score.step for score in reader.scores()] == [0, 5]
        assert [one.rule for one in reader.findings()] == ["rule_0", "rule_5"]
        assert [event.detail["number"] for event in reader.events()] == [0, 1]


def test_a_store_can_be_taken_up_again(path):
    for first in (0, 5, 10):
        writer = StoreWriter(path)
        record(writer, range(first, first + 5))
        writer.close()
    with StoreReader(path) as reader:
        assert reader.signals()["a"].steps == list(range(15))


# Readers and writers --------------------------------------------------------------------------------------------------


def test_readers_never_make_the_writer_wait(path):
    writer = StoreWriter(path)
    record(writer, range(1000))
    writer.flush()
    over = threading.Event()
    counts: list[int] = []

    def read() -> None:
        while not over.is_set():
            with StoreReader(path) as reader:
                counts.append(len(reader.signals()["a"]))

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    try:
        for step in range(1000, 1050):
            writer.signal("a", step, value=0.0)
            start = time.perf_counter()
            writer.flush()
            slowest = max(slowest, time.perf_counter() - start)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    writer.close()
    assert slowest < 5  # a writer that had to wait would take SQLite's 30 seconds
    assert counts and set(counts) <= set(range(1000, 1051))


def test_a_finished_store_is_one_file_even_while_somebody_reads(path):
    writer = StoreWriter(path)
    writer.signal("a", 0, value=1.0)
    writer.flush()
    reader = StoreReader(path)
    writer.signal("a", 1, value=1.0)
    start = time.monotonic()
    writer.close()
    assert time.monotonic() - start < 5
    assert reader.signals()["a"].steps == [0, 1]
    reader.close()
    StoreWriter(path).close()
    assert [entry.name for entry in path.parent.iterdir()] == ["run.sqlite"]


# Foreign and damaged files --------------------------------------------------------------------------------------------


def made_by(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("opened", [StoreReader, StoreWriter])
def test_a_file_that_is_no_store_is_refused(path, opened):
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(DamagedError, match="damaged or not a database"):
        opened(path)
    path.write_bytes(b"")
    with pytest.raises(DamagedError, match="another kind of database"):
        opened(path)
    path.unlink()
    made_by(path, "CREATE TABLE meta(key, value)")
    with pytest.raises(DamagedError, match="another kind of database"):
        opened(path)


@pytest.mark.parametrize("opened", [StoreReader, StoreWriter])
@pytest.mark.parametrize(
    ("statement", "error", "words"),
    [
        ("PRAGMA user_version = 2", StorageError, "must have schema 1, got 2: install the newer trainwell"),
        ("DROP TABLE events", DamagedError, "tables of a run"),
        ("CREATE TABLE more(x)", DamagedError, "tables of a run"),
        ("CREATE TRIGGER evil AFTER INSERT ON signals BEGIN DELETE FROM signals; END", DamagedError, "tables of a run"),
    ],
)
def test_a_store_of_another_schema_is_refused(path, opened, statement, error, words):
    StoreWriter(path).close()
    made_by(path, statement)
    with pytest.raises(error, match=words):
        opened(path)


def test_a_view_in_the_place_of_a_table_never_runs(path):
    StoreWriter(path).close()
    made_by(
        path,
        "DROP TABLE signals",
        "CREATE VIEW signals AS WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r) "
        "SELECT id, 1 AS name_id, 1 AS step, 1.0 AS value FROM r",
    )
    with pytest.raises(DamagedError, match="tables of a run"):
        StoreReader(path)


@pytest.mark.parametrize("opened", [StoreReader, StoreWriter])
def test_a_link_is_refused(tmp_path, path, opened):
    StoreWriter(tmp_path / "other").close()
    path.symlink_to(tmp_path / "other")
    with pytest.raises(DamagedError, match="not a link"):
        opened(path)


def test_an_absent_store_is_not_made_by_reading(path):
    with pytest.raises(StorageError, match="gone"):
        StoreReader(path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("statement", "method"),
    [
        ("INSERT INTO meta VALUES('x', 'not json')", "meta"),
        ("INSERT INTO meta VALUES('x', zeroblob(20000000))", "meta"),
        ("INSERT INTO signals(name_id, step, value) VALUES(9, 1, 1.0)", "signals"),
        ("INSERT INTO signals(name_id, step, value) VALUES(1, 1, 'x')", "signals"),
        ("INSERT INTO findings(rule, step, finding) VALUES('x', 1, '{}')", "findings"),
        ("INSERT INTO findings(rule, step, finding) VALUES('x', 1, '[]')", "findings"),
        ("INSERT INTO events(time, step, kind, detail) VALUES(1, 1, 'x', x'ff')", "events"),
        ("INSERT INTO events(time, step, kind, detail) VALUES(1, 1, CAST(x'ff' AS TEXT), '{}')", "events"),
        ("INSERT INTO scores(epoch, step, split, name, value) VALUES(1, 1, 'x', 'y', 'z')", "scores"),
        ("ALTER TABLE scores RENAME COLUMN epoch TO age", "scores"),
    ],
)
def test_forged_rows_end_in_a_sentence(path, statement, method):
    writer = StoreWriter(path)
    writer.signal("a", 0, value=1.0)
    writer.close()
    made_by(path, statement)
    with StoreReader(path) as reader, pytest.raises(DamagedError, match="Reading the run's store .*run.sqlite failed"):
        getattr(reader, method)()


def test_a_page_of_the_file_that_was_overwritten_is_noticed_or_harmless(path):
    writer = StoreWriter(path)
    record(writer, range(3000))
    writer.close()
    data = path.read_bytes()
    for page in range(len(data) // 4096):
        path.write_bytes(data[: page * 4096] + b"\xa5" * 4096 + data[(page + 1) * 4096 :])
        try:
            with StoreReader(path) as reader:
                reader.meta(), reader.signals(), reader.scores(), reader.findings(), reader.events()
        except StorageError as problem:
            assert str(problem).endswith(".")
