from __future__ import annotations

from trainwell.core.finding import Finding, Severity
from trainwell.nn import INITIALISATIONS
from trainwell.recipe import Recipe
from trainwell.repairs.initialisation import he_initialisation, xavier_initialisation

FINDING = Finding("any", Severity.ERROR, "")


def test_names_are_in_the_catalogue() -> None:
    assert xavier_initialisation(Recipe(), FINDING).nn.initialisation in INITIALISATIONS
    assert he_initialisation(Recipe(), FINDING) == Recipe(), "already so: nothing to change"
