from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from trainwell.core.errors import StorageError
from trainwell.core.finding import Finding, Severity
from trainwell.report.html.page import policy, render, style, write_report
from trainwell.runs import Run, RunWriter
from trainwell.runs.snapshot import Snapshot, snapshot

PAYLOAD = "<img src=x onerror=__pwn=1>\"'><script>__pwn=1</script>"
ALLOWED = set(
    "html head meta title style body main header footer nav section article h1 h2 h3 p ul ol li dl dt dd div span a b "
    "strong small code pre table caption thead tbody tr th td figure figcaption img details summary svg desc text line "
    "path rect circle polygon".split()
)


def test_the_report_lies_in_the_run_as_one_closed_file(make_run, two_findings, read) -> None:
    run = make_run(findings=two_findings)
    path = write_report(run)
    assert path == run.path / "report.html"
    assert list(run.path.glob(".tmp*")) == []
    page = read(path.read_text(encoding="utf-8"))
    assert page.open == []
    assert {name for name, _ in page.elements} <= ALLOWED
    for name, attributes in page.elements:
        assert not any(key.startswith("on") or key in ("style", "srcset") for key in attributes), name
        address = attributes.get("src") or attributes.get("href") or "#"
        assert address.startswith(("#", "data:image/png;base64,"))


def test_every_section_of_a_finished_run_is_there(make_run, two_findings, read) -> None:
    page = read(render(snapshot(make_run(findings=two_findings))))
    sections = [str(attributes["aria-label"]) for attributes in page.all("section")]
    assert sections == [
        *("Findings", "Scores", "Curves", "Predictions", "Largest errors"),
        *("Data", "Network", "Recipe", "Next steps", "Environment"),
    ]
    links = [str(attributes["href"])[1:] for attributes in page.all("a")]
    assert links == [str(attributes["id"]) for attributes in page.all("section")]
    assert "cannot be read" not in page.text


def test_the_policy_allows_this_style_sheet_and_nothing_else(shot: Snapshot, read) -> None:
    text = render(shot)
    inside = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert inside and inside[1] == style()
    digest = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
    metas = [str(meta.get("content")) for meta in read(text).all("meta") if meta.get("http-equiv")]
    assert metas == [policy()]
    assert f"style-src 'sha256-{digest}'" in policy() and policy().startswith("default-src 'none'")
    assert "url(" not in style() and "@import" not in style()


def hostile(value: object) -> object:
    """Put the payload into every text of a structure, keys of rows included."""
    if isinstance(value, str):
        return PAYLOAD if not value.startswith("data:") else value
    if isinstance(value, dict):
        return {(PAYLOAD if key in ("train",) else key): hostile(item) for key, item in value.items()}
    return [hostile(item) for item in value] if isinstance(value, list) else value


def test_no_text_of_a_run_becomes_markup(make_run, all_events, read) -> None:
    finding = Finding(
        PAYLOAD,
        Severity.ERROR,
        PAYLOAD,
        evidence={PAYLOAD: 1.0},
        where=(PAYLOAD,),
        step=1,
        explains=(),
        remedies=(PAYLOAD,),
    )
    changed = {kind: hostile(detail) for kind, detail in all_events.items()}
    changed["baselines"]["rows"][0]["scores"] = {"accuracy": 0.5}
    changed["mistakes"]["rows"][0] |= {"row": {PAYLOAD: PAYLOAD}}
    run = make_run(status="failed", reason=PAYLOAD, findings=(finding,), stopped={"why": PAYLOAD}, **changed)
    (run.path / "recipe.toml").write_text(f"# {PAYLOAD}\n")
    text = render(snapshot(run))
    page = read(text)
    assert {name for name, _ in page.elements} <= ALLOWED
    assert "<script" not in text
    assert not any(key.startswith("on") for _, attributes in page.elements for key in attributes)
    assert page.text.count("<script>") > 10  # it is shown, as text


@pytest.mark.parametrize(
    "junk", [None, [], "x", 3, {"rows": 3}, {"rows": [3]}, {"rows": [{}]}, {"labels": 3, "matrix": [[1]]}]
)
def test_a_damaged_event_costs_its_section_only(make_run, all_events, junk: object, read) -> None:
    events = {
        kind: junk if isinstance(junk, dict) else {"rows": junk, "layers": junk, "sizes": junk} for kind in all_events
    }
    page = read(render(snapshot(make_run(**events))))
    assert page.open == [] and "Findings" in page.text and "Reproduce" in page.text


@pytest.mark.parametrize(
    ("status", "said"), [("failed", "failed"), ("interrupted", "interrupted"), ("running", "training")]
)
def test_unfinished_runs_have_a_page_with_their_reason(make_run, status: str, said: str, read) -> None:
    run = make_run(status=status, reason="" if status == "running" else "The moon was full.")
    text = read(write_report(run).read_text(encoding="utf-8")).text
    assert said in text and ("The moon was full" in text or status == "running")


def test_a_watched_script_has_a_page_of_signals_and_findings(tmp_path: Path, two_findings, read) -> None:
    with RunWriter.create(tmp_path, "watched", recipe_text="") as writer:
        for step in range(5):
            writer.signal("loss/train", step, value=1.0 / (step + 1))
        writer.finding(two_findings[0])
    page = read(write_report(Run.open(tmp_path / "watched")).read_text(encoding="utf-8"))
    assert [str(attributes["aria-label"]) for attributes in page.all("section")] == [
        *("Findings", "Curves", "Next steps", "Environment")
    ]


def test_a_large_run_keeps_within_five_megabytes(make_run, all_events) -> None:
    row = all_events["mistakes"]["rows"][0] | {"image": "data:image/png;base64," + "A" * 400_000}
    labels = [f"class {index} " + "x" * 300 for index in range(1000)]
    rows = [{"label": name, "precision": 0.1, "recall": 0.1, "f1": 0.1, "support": 1} for name in labels]
    layers = [{"name": "y" * 400, "type": "Linear", "output": [1], "parameters": 1}] * 5000
    run = make_run(
        mistakes={"rows": [row] * 24},
        per_class={"split": "test", "rows": rows},
        data=all_events["data"] | {"labels": labels, "features": labels},
        network={"model": "m", "parameters": 1, "layers": layers},
    )
    (run.path / "recipe.toml").write_text("# " + "z" * 900_000)
    assert write_report(run).stat().st_size < 5_000_000


def test_a_folder_that_cannot_be_written_is_a_storage_error(make_run, monkeypatch) -> None:
    run = make_run()
    (run.path / "report.html").mkdir()
    with pytest.raises(StorageError, match="Writing the report"):
        write_report(run)


def test_half_characters_do_not_stop_the_report(make_run, all_events) -> None:
    run = make_run(data=all_events["data"] | {"source": "a\udc80b"})
    assert "on ab<" in write_report(run).read_text(encoding="utf-8")
