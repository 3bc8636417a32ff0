from __future__ import annotations

from trainwell.rules import RULES
from trainwell.rules.consequences import AFTER_INITIALISATION, CONSEQUENCES


def test_consequences_are_rules_in_causal_order() -> None:
    order = list(RULES)
    for names in (CONSEQUENCES, AFTER_INITIALISATION):
        assert set(names) <= set(RULES)
        assert len(set(names)) == len(names)
    assert set(CONSEQUENCES) - set(AFTER_INITIALISATION) == {"symmetric_weights", "activation_scale"}
    # Every cause must come before all that it explains, so nothing before the first consequence may be one.
    assert min(order.index(name) for name in CONSEQUENCES) > order.index("missing_zero_grad")
