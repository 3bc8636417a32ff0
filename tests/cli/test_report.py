"""trainwell report writes the page again."""

from __future__ import annotations


def test_a_report_is_written_again(cli, tmp_path) -> None:
    cli("fit", "iris", "--epochs", 2, "--name", "a", "--quiet")
    page = tmp_path / "runs" / "a" / "report.html"
    page.unlink()
    done = cli("report", "a", "--json")
    assert done.json["report"] == "runs/a/report.html"
    assert page.read_text().startswith("<!doctype html>")
    assert cli("report", "nothing").code == 74
