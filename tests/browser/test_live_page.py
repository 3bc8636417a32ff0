"""The live page as a browser shows it: curves grow while it is open, and nothing a run says can hurt it."""

from __future__ import annotations

import re

import pytest

from trainwell.web.folder import run_id

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip("playwright.sync_api", reason="browser tests need playwright: pip install playwright")
expect = sync_api.expect


def test_the_list_shows_every_run_with_its_findings(tab, enter) -> None:
    opened = tab()
    home = enter(opened.page)
    expect(opened.page.get_by_role("row", name="plain")).to_contain_text("1 problem")
    expect(opened.page.get_by_role("row", name="hostile")).to_contain_text("failed")
    opened.page.keyboard.press("/")
    opened.page.keyboard.type("host")
    expect(opened.page.get_by_role("row", name="plain")).to_have_count(0)
    assert opened.page.url == home + "/"  # the ticket is gone from the address
    assert opened.errors == [] and opened.strangers(home=home) == []


def test_a_point_that_is_written_appears_while_the_page_is_open(tab, enter, going) -> None:
    opened = tab()
    home = enter(opened.page)
    opened.page.get_by_role("link", name=going.path.name).click()
    expect(opened.page.locator("#status")).to_contain_text("live", timeout=10_000)
    expect(opened.page.locator("#status")).to_contain_text("step 120")
    curve = opened.page.locator("svg.figure path.line.faint").first
    before = curve.get_attribute("d")
    for step in range(121, 131):
        going.signal("loss/train", step, value=0.5)
    going.flush()
    expect(opened.page.locator("#status")).to_contain_text("step 130")
    expect(curve).not_to_have_attribute("d", before or "")
    going.finish("ok")
    expect(opened.page.locator(".badge")).to_have_text("finished")
    assert opened.errors == [] and opened.strangers(home=home) == []


def test_a_resumed_run_that_goes_back_in_steps_is_followed(tab, enter, going) -> None:
    page = tab().page
    enter(page)
    page.get_by_role("link", name=going.path.name).click()
    expect(page.locator("#status")).to_contain_text("step 120")
    going.rewind(50)
    going.signal("loss/train", 51, value=0.7)
    going.flush()
    expect(page.locator("#status")).to_contain_text("step 51 ")


def test_a_loss_that_explodes_and_breaks_stays_readable(tab, enter, going) -> None:
    opened = tab()
    enter(opened.page)
    for step, value in ((121, 8e35), (122, float("nan"))):
        going.signal("loss/train", step, value=value)
    going.flush()
    opened.page.get_by_role("link", name=going.path.name).click()
    expect(opened.page.locator("#status")).to_contain_text("loss NaN")
    figure = opened.page.locator("figure.chart").first
    figure.scroll_into_view_if_needed()  # only what is seen is drawn
    expect(figure.get_by_role("button", name="log")).to_have_attribute("aria-pressed", "true")
    expect(figure.locator("text.broken")).to_have_text("NaN")
    assert all(len(label) < 9 for label in figure.locator("text.tick").all_text_contents())
    expect(opened.page.locator("article").first).to_contain_text("Non-finite loss")
    assert opened.errors == []


def test_findings_stand_on_top_and_the_report_is_one_click_away(tab, enter) -> None:
    opened = tab()
    home = enter(opened.page)
    opened.page.get_by_role("link", name="plain").click()
    article = opened.page.locator("article")
    expect(article).to_contain_text("The rate: plain")
    curves = opened.page.get_by_role("heading", name="Curves").bounding_box()
    assert article.bounding_box()["y"] < curves["y"]
    opened.page.get_by_role("link", name="Full report").click()
    expect(opened.page.locator("h2").first).to_have_text("Findings")
    assert opened.errors == [] and opened.strangers(home=home) == []


def test_hostile_names_are_shown_and_do_nothing(tab, enter) -> None:
    opened = tab()
    home = enter(opened.page)
    opened.page.goto(f"{home}/runs/{run_id('hostile')}")
    opened.page.wait_for_selector("body[data-ready='1']")
    opened.page.locator(".more summary").click()
    expect(opened.page.get_by_text("<script>window.__pwn=1</script>").first).to_be_visible()
    for _ in range(2):
        assert opened.page.evaluate("window.__pwn") is None
        assert opened.page.locator("main script, main img, [onload], [onerror]").count() == 0
        opened.page.goto(f"{home}/runs/{run_id('hostile')}/report")
    assert opened.errors == [] and opened.strangers(home=home) == []


def test_curves_answer_to_the_keyboard(tab, enter) -> None:
    page = tab().page
    home = enter(page)
    page.goto(f"{home}/runs/{run_id('plain')}")
    figure = page.locator("svg.figure").first
    figure.focus()
    page.keyboard.press("End")
    expect(page.locator(".readout").first).to_have_text(re.compile(r"^epoch 12: training 0\.\d+, validation 0\.\d+$"))
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".readout").first).to_have_text(re.compile(r"^epoch 11:"))
    page.get_by_role("button", name="log").first.click()
    expect(page.get_by_role("button", name="log").first).to_have_attribute("aria-pressed", "true")
    page.get_by_text("Numbers").first.click()
    expect(page.locator("details[open] tbody tr").first).to_contain_text("120")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_on_a_phone(tab, enter, scheme: str) -> None:
    page = tab(viewport={"width": 360, "height": 800}, color_scheme=scheme).page
    home = enter(page)
    for address in ("/", f"/runs/{run_id('plain')}"):
        page.goto(home + address)
        page.wait_for_selector("body[data-ready='1']")
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_stranger_sees_nothing(tab, enter) -> None:
    home = enter(tab().page)
    page = tab().page
    answer = page.goto(home + "/")
    assert answer.status == 403 and "link" in page.locator("body").inner_text()
    assert page.goto(f"{home}/api/runs").status == 403
