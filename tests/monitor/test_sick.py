"""Every faulty script is diagnosed, no healthy one raises an alarm, and no bit of any of them changes."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cases as bank
import pytest
import ward

from trainwell.rules import RULES, reads

CASES = {  # one for each rule that no script of the first set is about
    "targets_not_finite": "nan_in_targets@regression",
    "labels_unrelated": "labels_shuffled@digits",
    "targets_constant": "one_class_only@digits",
    "target_leakage": "target_among_the_inputs@table",
    "no_nonlinearity": "no_activations@regression",
    "unbalanced_loss_terms": "penalty_far_too_strong@table",
    "same_batch": "always_the_same_batch@digits",
    "batch_norm_not_updated": "statistics_never_gathered@pictures",
    "dropout_too_strong": "dropout_of_nearly_all@table",
    "negated_loss": "loss_with_the_wrong_sign@regression",
    "missing_batch_first": "rnn_axes_swapped@text",
    "missing_causal_mask": "letters_see_the_future@transformer",
    "validation_distribution_shift": "validation_not_standardised@digits",
    "train_validation_overlap": "validation_overlaps_training@table",
    "classes_missing_in_training": "classes_missing_in_training@digits",
}
ALL = [*ward.FAULTY, *ward.HEALTHY, *ward.LATER_FAULTY, *ward.LATER_HEALTHY]


@pytest.fixture(scope="module")
def charts(pool: ProcessPoolExecutor) -> dict[Path, tuple[ward.Chart, ward.Chart]]:
    paths = [*ward.FAULTY, *ward.HEALTHY]
    futures = {path: [pool.submit(ward.examine, path, 0, watched, 0.3) for watched in (True, False)] for path in paths}
    return {path: (watched.result(), plain.result()) for path, (watched, plain) in futures.items()}


@pytest.fixture(scope="module")
def cases(pool: ProcessPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ward.Chart]:
    futures = {}
    for rule, name in CASES.items():
        case = next(case for case in bank.FAULTS if f"{case.name}@{case.program}" == name)
        path = tmp_path_factory.mktemp(rule) / f"{case.program}.py"
        path.write_text(case.source())
        futures[rule] = pool.submit(ward.examine, path, 0, True, 0.3)
    return {rule: future.result() for rule, future in futures.items()}


@pytest.mark.parametrize("rule", CASES)
def test_fault_in_a_program_is_named(cases: dict[str, ward.Chart], rule: str) -> None:
    assert cases[rule].verdicts[:1] == [rule], cases[rule].findings
    assert cases[rule].events == []


def test_every_case_of_the_bench_can_be_made_and_names_rules() -> None:
    for case in (*bank.FAULTS, *bank.HEALTHY):
        compile(case.source(), case.name, "exec")
        assert set(case.rules) <= set(RULES), case.name
        assert case.source() != bank.PROGRAMS[case.program].read_text() or case.name == "as_it_is"
    names = [f"{case.name}@{case.program}" for case in (*bank.FAULTS, *bank.HEALTHY)]
    assert len(names) == len(set(names))
    assert len({case.name for case in bank.FAULTS}) >= 60
    assert len(bank.HEALTHY) >= 40


@pytest.mark.parametrize("path", ward.FAULTY, ids=lambda path: path.stem)
def test_fault_is_named(charts: dict[Path, tuple[ward.Chart, ward.Chart]], path: Path) -> None:
    watched, plain = charts[path]
    assert watched.verdicts[0] == ward.expected(path), watched.findings
    assert watched.events == []
    assert (watched.exit_code, watched.weights) == (plain.exit_code, plain.weights)


@pytest.mark.parametrize("path", ward.HEALTHY, ids=lambda path: path.stem)
def test_no_false_alarm(charts: dict[Path, tuple[ward.Chart, ward.Chart]], path: Path) -> None:
    watched, plain = charts[path]
    assert watched.verdicts == [], watched.findings
    assert watched.events == []
    assert watched.leftovers == []
    assert (watched.exit_code, watched.weights) == (0, plain.weights)


def test_the_line_of_the_fault_is_named(charts: dict[Path, tuple[ward.Chart, ward.Chart]]) -> None:
    path = next(path for path in ward.FAULTY if path.stem == "missing_zero_grad")
    number = next(n for n, line in enumerate(path.read_text().splitlines(), 1) if "loss.backward()" in line)
    assert charts[path][0].findings[0]["where"] == [f"missing_zero_grad.py:{number}"]


def test_every_rule_about_code_has_a_script() -> None:
    about_code = {name for name, rule in RULES.items() if any(p.startswith(("code/", "target/")) for p in reads(rule))}
    about_code.discard("host_syncs")  # needs an accelerator; test_device_syncs.py takes the processor for one
    assert about_code <= {ward.expected(path) for path in ward.FAULTY} | set(CASES)


def test_every_signal_about_code_is_written(
    charts: dict[Path, tuple[ward.Chart, ward.Chart]], cases: dict[str, ward.Chart]
) -> None:
    written = {name for watched, _ in charts.values() for name in watched.signals}
    written |= {name for chart in cases.values() for name in chart.signals}
    for name, rule in RULES.items():
        for pattern in set(reads(rule)) - {"code/waits/*"}:
            if pattern.startswith(("code/", "target/", "validation/")):
                prefix = pattern.rstrip("*")
                found = any(
                    signal == pattern or (prefix != pattern and signal.startswith(prefix)) for signal in written
                )
                assert found, f"{name} reads {pattern}, which nothing writes"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_all_scripts_and_seeds(pool: ProcessPoolExecutor, path: Path, seed: int) -> None:
    watched, plain = [pool.submit(ward.examine, path, seed, flag).result() for flag in (True, False)]
    assert watched.verdicts[:1] == [ward.expected(path)] if "faulty" in path.parts else watched.verdicts == []
    assert watched.events == []
    assert (watched.exit_code, watched.weights) == (plain.exit_code, plain.weights)
