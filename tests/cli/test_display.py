"""What is shown while a training and a search run."""

from __future__ import annotations

from trainwell.cli.display import FitDisplay, TuneDisplay
from trainwell.core.facts import Facts
from trainwell.search import SearchProgress


def test_a_training_is_shown_on_standard_error(capsys) -> None:
    display = FitDisplay()
    display.say("A sentence.")
    display.start(Facts(model="mlp", source="iris", sizes={"train": 100, "test": 0}, epochs=2, steps=8), 0)
    display.step(0, 0)
    display.epoch(1, {"train_loss": 0.5}, best=True)
    display.stop()
    out, err = capsys.readouterr()
    assert out == "" and "A sentence." in err and "mlp" in err


def test_a_search_is_a_line_where_nothing_can_be_redrawn(capsys) -> None:
    display = TuneDisplay()
    display.progress(SearchProgress(trials=3, total=8, seconds=2.0, left=60.0, diverged=1, leaders=()))
    display.progress(SearchProgress(trials=4, total=8, seconds=2.1, left=50.0, diverged=1, leaders=()))
    display.stop()
    (line,) = capsys.readouterr().err.splitlines()
    assert "3/8 trials" in line and "1 diverged" in line and "1 min left" in line
