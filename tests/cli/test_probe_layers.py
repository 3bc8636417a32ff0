"""trainwell probe-layers and fit --from, --advise."""

from __future__ import annotations

from pathlib import Path


def test_a_network_is_probed_advised_on_and_started_from(cli) -> None:
    assert cli("fit", "digits", "--epochs", 2, "--name", "base", "-q").code == 0
    probed = cli("probe-layers", "base", "--json")
    assert [row["name"] for row in probed.json["depths"]] == ["input", "fc1", "fc2"]
    assert Path(probed.json["figure"]).read_text().startswith("<svg")
    assert "chance" in cli("probe-layers", "base").out
    advised = cli("fit", "digits", "--from", "base", "--advise", "--json", "--epochs", 2)
    assert advised.json["table"] == "--freeze features"
    assert len(advised.json["trials"]) == 5
    shown = cli("fit", "digits", "--from", "base", "--advise", "--epochs", 1).out
    assert "the four-case table says  --freeze features" in shown and "Recommended: " in shown
    done = cli("fit", "digits", "--from", "base", "--freeze", "-1", "--epochs", 1, "--json", "-q")
    assert done.json["status"] == "ok"
    assert cli("fit", "digits", "--from", "base", "--freeze", "fc9").code == 2
