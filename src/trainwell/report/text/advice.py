"""What was measured for transfer learning, and the recommendation, as text for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwell.report.text.words import plural

if TYPE_CHECKING:
    from trainwell.doctor import Advice


def advice_text(advice: Advice) -> str:
    """Write the case, the measurements and the recommendation on how to use a trained network."""
    return "\n".join([*_case(advice), *_probes(advice), *_trials(advice), *advice.notes, advice.recommended.text])


def _case(advice: Advice) -> list[str]:
    lines = [f"{advice.case.name}, compared with {advice.source}"]
    if advice.case.distance is not None:
        relation = "below" if advice.case.similar else "above"
        own = f"the source's own held-out data: {advice.case.own_distance:.3f}"
        lines.append(f"  distance of the features  {advice.case.distance:.3f}, {relation} 0.5 ({own})")
    lines.append(f"  examples of each class    {advice.case.per_class:,} (many: 1,000)")
    if advice.case.options is not None:
        said = advice.case.options or "all layers, at a tenth of the learning rate: no option"
        lines.append(f"  the four-case table says  {said}")
    return lines


def _probes(advice: Advice) -> list[str]:
    if not advice.probes:
        return []
    width = max(map(len, advice.probes))
    title = "Accuracy of a linear classifier at each depth, cross-validated on the training examples:"
    return [title, *(f"  {name:<{width}}  {accuracy:.3f}" for name, accuracy in advice.probes.items())]


def _trials(advice: Advice) -> list[str]:
    tried = advice.trials
    if not tried.options:
        return []
    divisions = plural(len(tried.options[0].scores), "division")
    width = max(len(option.options) for option in tried.options)
    title = (
        f"Held-out {tried.score_name} after {tried.epochs} epochs, mean of {divisions} of the training and "
        f"validation examples, ± {tried.error:.3f}:"
    )
    rows = (f"  {option.mean:.3f}  {option.options or 'no option':<{width}}  {option.name}" for option in tried.options)
    return [title, *rows]
