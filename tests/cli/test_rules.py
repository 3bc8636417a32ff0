"""trainwell rules lists every rule and prints its page."""

from __future__ import annotations

from trainwell.rules import RULES


def test_list_page_and_json(cli) -> None:
    assert len(cli("rules").out.strip().splitlines()) == len(RULES)
    page = cli("rules", "dead_units").out
    assert page.startswith("dead_units\n==========") and "ok:" in page and "lower_rate: " in page
    listed = {rule["name"]: rule for rule in cli("rules", "--json").json["rules"]}
    assert set(listed) == set(RULES) and listed["dead_units"]["remedies"][0] == "lower_rate"
    wrong = cli("rules", "dead_unit")
    assert wrong.code == 2 and "Did you mean 'dead_units'" in wrong.err


def test_a_former_name_prints_the_page_under_the_present_name(cli) -> None:
    assert cli("rules", "rate_too_high").out.startswith("learning_rate_too_high\n===")
