from __future__ import annotations

from pathlib import Path

import pytest

from trainwell.report.html import sections
from trainwell.runs import Run
from trainwell.runs.snapshot import Snapshot, snapshot

OPTIONAL = [
    sections.scores,
    sections.curves,
    sections.classes,
    sections.mistakes,
    sections.data,
    sections.network,
    sections.recipe,
    sections.how,
]


@pytest.mark.parametrize("section", OPTIONAL)
def test_a_section_without_material_is_left_out(section) -> None:
    assert section(Snapshot(Run(Path("s")))) is None


@pytest.mark.parametrize("section", [*OPTIONAL, sections.findings, sections.environment])
def test_a_section_with_material_is_well_formed(section, shot: Snapshot, read) -> None:
    page = read(section(shot))
    assert page.elements and page.open == []


def test_a_finding_shows_problem_evidence_and_cure_in_this_order(make_run, two_findings, read) -> None:
    page = read(sections.findings(snapshot(make_run(findings=two_findings))))
    order = [
        "Warning",
        "The rate is too high.",
        "step 5",
        "layers.0",
        "1.84",
        "1.1",
        "Lower the learning rate",
        "optim.learning_rate 0.001 → ",
        "Zero the gradients",
        "The loss jumps",
    ]
    places = [page.text.index(word) for word in order]
    assert places == sorted(places)
    assert len(list(page.all("article"))) == 1  # the symptom is folded under its cause


def test_no_findings_is_said_plainly(shot: Snapshot, read) -> None:
    assert read(sections.findings(shot)).text == "No problems were found in 8 signals."


def test_the_main_score_stands_first(shot: Snapshot, read) -> None:
    page = read(sections.scores(shot))
    assert page.text.index("accuracy") < page.text.index("loss")
    assert "0.8800" in page.text and "The test split was used once" in page.text


def test_mistakes_with_images_are_a_gallery(shot: Snapshot, read) -> None:
    page = read(sections.mistakes(shot))
    assert [str(image["src"])[:22] for image in page.all("img")] == ["data:image/png;base64,"]
    assert "eel, true label dog" in page.text


@pytest.mark.parametrize(
    "image",
    [
        "https://evil.example/x.png",
        "data:image/svg+xml;base64,AAAA",
        "javascript:1",
        'data:image/png;base64,A"onload=',
        7,
    ],
)
def test_only_images_within_the_page_are_shown(make_run, all_events, image: object, read) -> None:
    row = all_events["mistakes"]["rows"][0] | {"image": image}
    page = read(sections.mistakes(snapshot(make_run(mistakes={"rows": [row]}))))
    assert list(page.all("img")) == []


def test_the_images_of_a_page_have_a_limit(make_run, all_events, read) -> None:
    row = all_events["mistakes"]["rows"][0] | {"image": "data:image/png;base64," + "A" * 1_000_000}
    page = read(sections.mistakes(snapshot(make_run(mistakes={"rows": [row] * 10}))))
    assert len(list(page.all("img"))) == 2 and len(list(page.all("figure"))) == 10


def test_mistakes_in_a_table_show_their_features(make_run, read) -> None:
    row = {"id": "row 5", "true": 3.0, "predicted": 4.5, "confidence": None, "loss": 2.25, "image": None}
    page = read(sections.mistakes(snapshot(make_run(mistakes={"rows": [row | {"row": {"age": 31, "city": "Ulm"}}]}))))
    assert all(word in page.text for word in ("row 5", "4.5", "2.25", "age", "31", "Ulm"))
    assert "confidence" not in page.text


def test_layers_show_their_last_update(shot: Snapshot, read) -> None:
    page = read(sections.network(shot))
    assert "1.0e-3" in page.text and "26,122 trainable parameters" in page.text
