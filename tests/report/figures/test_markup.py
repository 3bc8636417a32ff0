from __future__ import annotations

import pytest

from trainwell.report.figures.markup import escape, join, table, tag

PAYLOADS = [
    "<script>window.__pwn=1</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></style><svg onload=alert(1)>",
    "&lt;already&gt;",
    "a\x00b\ud800c",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_becomes_markup(payload: str) -> None:
    for made in (escape(payload), tag("p", payload)[3:-4], tag("p", title=payload)[10:-6]):
        assert not set(made) & set("<>\"'\x00\ud800")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_reader_sees_the_text_itself(payload: str, read) -> None:
    shown = payload.replace("\x00", "").replace("\ud800", "")
    page = read(tag("p", payload, title=payload))
    assert page.text == shown
    assert page.elements == [("p", {"title": shown})]


def test_elements_nest_without_being_escaped_twice() -> None:
    assert tag("p", [tag("b", "&"), None, 3, ["x"]]) == "<p><b>&amp;</b>3x</p>"
    assert join(None) == ""


def test_attributes_are_left_out_named_and_written() -> None:
    assert (
        tag("text", stroke_width=2, class_="a", viewBox="0 0", id=None)
        == '<text stroke-width="2" class="a" viewBox="0 0"></text>'
    )
    assert tag("img", src="x") == '<img src="x">'


def test_a_table_marks_heads_and_numbers(read) -> None:
    page = read(table(["name", "value"], [["a", "1"]], caption="Values"))
    assert [attributes.get("scope") for attributes in page.all("th")] == ["col", "col", "row"]
    assert [attributes["class"] for attributes in page.all("td")] == ["n"]
    assert next(page.all("div"))["aria-label"] == "Values"
