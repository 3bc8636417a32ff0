"""The whole cost in one value (docs/curriculum.md, K1)."""

from __future__ import annotations

import json

import pytest

from trainwell.core.errors import UsageError
from trainwell.inspect import cost_sheet, find_subject


def test_lenet() -> None:
    sheet = cost_sheet(find_subject("lenet"), batch_size=64, optimizer="sgd", examples=640)
    plain = json.loads(json.dumps(sheet.to_json()))
    assert (plain["parameters"], plain["macs"]) == (61_706, 416_520)
    rows = [
        (row["name"], row["kind"], row["output"], row["parameters"], row["macs"], row["receptive_field"])
        for row in plain["layers"]
    ]
    assert rows[0] == ("conv1", "convolution", [6, 28, 28], 156, 117_600, 5)
    assert plain["activation_bytes"] == sum(row["activation_bytes"] for row in plain["layers"])
    assert plain["training_bytes"] > 4 * 3 * 61_706
    assert plain["epoch_seconds"] == pytest.approx(10 * plain["step_seconds"])
    assert plain["predicted_to_measured"] is None


def test_auxiliary_heads_are_told_apart() -> None:
    sheet = cost_sheet(find_subject("googlenet", input_shape=(3, 64, 64)), precision="bfloat16", batch_size=4)
    assert sheet.parameters == 6_991_856
    assert sheet.auxiliary_parameters > 0


def test_real_steps_are_compared() -> None:
    sheet = cost_sheet(find_subject("lenet"), measure=True)
    assert sheet.measured.batch_size == 32
    assert 0.05 < sheet.predicted_to_measured < 20


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"precision": "int8"}, "--precision must be one of"), ({"optimizer": "adamm"}, "Did you mean 'adam'")],
)
def test_bad_requests_are_one_sentence(asked, said) -> None:
    with pytest.raises(UsageError, match=said):
        cost_sheet(find_subject("lenet"), **asked)


def test_inputs_that_do_not_fit_a_users_network(tmp_path, monkeypatch) -> None:
    (tmp_path / "othernet_for_cost.py").write_text(
        "from torch import nn\ndef make():\n    return nn.Linear(5, 2)\nclass Looks(nn.Linear):\n"
        "    def __init__(self):\n        super().__init__(4, 2)\n"
        "    def forward(self, x):\n        return super().forward(x) if x.sum() >= 0 else -x\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="does not accept inputs of shape 4: mat1 and mat2 shapes"):
        cost_sheet(find_subject("othernet_for_cost:make", input_shape=(4,)))
    assert cost_sheet(find_subject("othernet_for_cost:Looks", input_shape=(4,))).parameters == 10
