"""Displays of a search."""

from __future__ import annotations

from trainwell.search.display import NoDisplay, SearchProgress


def test_a_display_without_methods_of_its_own_shows_nothing(capsys) -> None:
    display = NoDisplay()
    display.say("Something.")
    display.progress(SearchProgress(trials=1, total=2, leaders=(), diverged=0, seconds=1.0, left=None))
    display.stop()
    assert capsys.readouterr() == ("", "")
