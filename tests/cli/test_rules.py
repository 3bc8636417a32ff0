"""trainwell rules lists every rule and prints its page."""

from __future__ import annotations

from trainwell.rules import RULES


def test_list_page_and_json(cli) -> None:
    assert len(cli("rules").out.strip().splitlines()) == len(RULES)
    page = cli("rules", "dead_units").out
    assert page.startswith("dead_units\n==========") and "ok:" in page
    assert {rule["name"] for rule in cli("rules", "--json").json["rules"]} == set(RULES)
    wrong = cli("rules", "dead_unit")
    assert wrong.code == 2 and "did you mean 'dead_units'" in wrong.err
