"""The report as a browser shows it: from a file, alone, in light and dark, on paper and on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainwell.report import write_report
from trainwell.runs import Run

pytestmark = pytest.mark.browser


@pytest.fixture
def report(runs: Path) -> str:
    return write_report(Run.open(runs / "plain")).as_uri()


def test_it_opens_from_a_file_and_asks_for_nothing(tab, report: str) -> None:
    opened = tab(offline=True)
    opened.page.goto(report)
    assert opened.errors == []
    assert opened.strangers(home=report) == []
    assert opened.page.locator("h1").inner_text() == "plain on plain"
    assert opened.page.locator("section").count() == 10
    assert "88.0" in opened.page.locator(".verdict").inner_text()


def test_hostile_names_are_shown_and_do_nothing(tab, runs: Path) -> None:
    opened = tab()
    opened.page.goto(write_report(Run.open(runs / "hostile")).as_uri())
    assert opened.page.evaluate("window.__pwn") is None
    assert opened.page.locator("script, iframe, object, svg[onload], img[onerror]").count() == 0
    assert opened.page.get_by_text("<script>window.__pwn=1</script>").count() > 3
    assert opened.errors == [] and len(opened.addresses) == 1


def test_its_policy_stops_a_script_that_got_in_anyway(tab, runs: Path, tmp_path: Path) -> None:
    page = write_report(Run.open(runs / "plain")).read_text(encoding="utf-8")
    broken = tmp_path / "report.html"
    broken.write_text(page.replace("</main>", "<script>window.__pwn=1</script><img src=https://evil.example/x></main>"))
    opened = tab()
    opened.page.goto(broken.as_uri())
    assert opened.page.evaluate("window.__pwn") is None
    assert len(opened.errors) == 2 and all("Content Security Policy" in error for error in opened.errors)


@pytest.mark.parametrize("width", [360, 700, 1200])
def test_nothing_sticks_out_at_any_width(tab, report: str, width: int) -> None:
    opened = tab(viewport={"width": width, "height": 800})
    opened.page.goto(report)
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width


def test_labels_of_a_figure_do_not_overlap(tab, report: str) -> None:
    opened = tab()
    opened.page.goto(report)
    overlaps = opened.page.evaluate(
        """() => [...document.querySelectorAll("svg")].flatMap((svg) => {
            const texts = [...svg.querySelectorAll("text:not(.said)")].map((text) => [text.textContent, text.getBoundingClientRect()]);
            return texts.flatMap(([a, one], at) => texts.slice(at + 1).filter(([, two]) =>
                one.left < two.right - 1 && two.left < one.right - 1 && one.top < two.bottom - 3 && two.top < one.bottom - 3
            ).map(([b]) => `${a} | ${b}`));
        })"""
    )
    assert overlaps == []


def test_dark_is_dark_and_paper_is_white(tab, report: str) -> None:
    def brightness(page) -> float:
        red, green, blue = page.evaluate(
            "getComputedStyle(document.documentElement).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)"
        )
        return (red + green + blue) / 3

    dark = tab(color_scheme="dark").page
    dark.goto(report)
    assert brightness(dark) < 40
    dark.emulate_media(media="print", color_scheme="dark")
    assert brightness(dark) == 255
    assert not dark.locator("nav").is_visible() and not dark.locator("details").first.is_visible()
    assert len(dark.pdf()) > 10_000


def test_a_screen_reader_hears_what_the_figures_say(tab, report: str) -> None:
    opened = tab()
    opened.page.goto(report)
    heard = opened.page.locator("body").aria_snapshot()
    assert 'heading "plain on plain" [level=1]' in heard
    assert 'region "Findings"' in heard and 'navigation "Contents"' in heard
    assert 'img "Loss. Over epochs: ' in heard and "validation from" in heard


def test_the_keyboard_reaches_the_contents_and_the_numbers(tab, report: str) -> None:
    page = tab().page
    page.goto(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Findings"
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] table").first.is_visible()
