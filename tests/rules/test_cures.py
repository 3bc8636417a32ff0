from __future__ import annotations

import pytest

from trainwell.rules import RULES, cure, reads


@pytest.mark.parametrize("name", RULES)
def test_every_fault_in_code_has_a_cure_with_code_in_it(name: str) -> None:
    about_code = any(pattern.startswith(("code/", "target/", "rate/")) for pattern in reads(RULES[name]))
    text = cure(name)
    assert not about_code or "`" in text
    assert "Reads:" not in text
    assert "\n" not in text


def test_unknown_rules_have_none() -> None:
    assert cure("no_such_rule") == ""
