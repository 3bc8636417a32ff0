"""The recommendation on transfer comes with everything that was measured."""

from __future__ import annotations

from trainwell.doctor.experiments.recommendation import (
    Advice,
    Recommendation,
    TransferCase,
    TransferOption,
    TransferTrials,
)
from trainwell.report.text.advice import advice_text

OPTIONS = (
    TransferOption("a new head on frozen features", "--freeze features", {}, (0.8, 0.7)),
    TransferOption("all layers", "", {}, (0.6, 0.6)),
)


def test_measurements_and_trials_are_shown_with_their_recommendation() -> None:
    advice = Advice(
        "runs/base",
        TransferCase(
            "Similar data, few examples",
            distance=0.25,
            own_distance=0.01,
            similar=True,
            per_class=12,
            options="--freeze features",
        ),
        probes={"input": 0.5, "fc1": 0.75},
        trials=TransferTrials(OPTIONS, epochs=4, score_name="accuracy", error=0.02),
        recommended=Recommendation(text="Recommended: --freeze features."),
        notes=("A note.",),
    )
    lines = advice_text(advice).splitlines()
    assert lines[0] == "Similar data, few examples, compared with runs/base"
    assert lines[1].endswith("0.250, below 0.5 (the source's own held-out data: 0.010)")
    assert lines[-2:] == ["A note.", "Recommended: --freeze features."]
    assert "  fc1    0.750" in lines
    assert "  0.750  --freeze features  a new head on frozen features" in lines
    assert "  0.600  no option          all layers" in lines
    assert any(line.startswith("Held-out accuracy after 4 epochs, mean of 2 divisions") for line in lines)


def test_what_was_not_measured_is_left_out() -> None:
    case = TransferCase("Few examples", per_class=7)
    lines = advice_text(Advice("timm:resnet18", case, recommended=Recommendation(text="Do this.")))
    assert lines.splitlines() == [
        "Few examples, compared with timm:resnet18",
        "  examples of each class    7 (many: 1,000)",
        "Do this.",
    ]
