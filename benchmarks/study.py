"""A study of 10,000 trials stays responsive.

Claim: listing it on the page, rendering its page, opening it and resuming it take less than 2 s each; writing a trial
    takes less than 0.1 ms, and handing it to Optuna (on request) less than 2 ms.
Command: python benchmarks/study.py [trials]
Hardware: 2 cores.
n: 10,000 trials, one run.

Both wall-clock and CPU seconds are printed; the latter are those of an idle machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trainwell.report.text.study import slices_in_text
from trainwell.search import (
    FinalEvaluation,
    Options,
    StopRule,
    Trial,
    ValidationScores,
    export_to_optuna,
    make_space,
    open_study,
    resume_study,
    tune,
)
from trainwell.search.methods import METHODS
from trainwell.search.tune import _open_store
from trainwell.web.folder import Folder, search_page

NO_WINNER = FinalEvaluation(repeats=0, train_winner=False)
SPACE = {"optim.learning_rate": "log:1e-4..1", "nn.dropout": "0..0.7", "optim.name": ["sgd", "adamw"]}


def timed(name: str, do: Callable[[], object]) -> None:
    wall, own = time.perf_counter(), time.process_time()
    do()
    print(f"  {name:28} {time.perf_counter() - wall:6.2f} s, processor {time.process_time() - own:6.2f} s", flush=True)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as made:
        runs = Path(made)
        options = Options(
            {"train.epochs": 1, "nn.hidden": (8,)}, name="big", stop=StopRule(target=0.0), evaluation=NO_WINNER
        )
        study = tune("iris", SPACE, trials=count, method="sobol", runs=runs, options=options)
        space = make_space(study.spec["space"])
        points = METHODS["sobol"](space, trials=count, seed=0).propose(range(count), [])
        scores = [space.fractions(point)[0] for point in points]
        trials = [
            Trial(
                n,
                point,
                state="done",
                validation=ValidationScores(
                    score, {"loss": 1 - score, "accuracy": score}, folds=(score,), rungs={1: score}
                ),
                epochs=1,
                seconds=0.1,
            )
            for n, (point, score) in enumerate(zip(points, scores, strict=True))
        ]
        known = {trial.number for trial in study.trials}
        print(f"{count:,} trials")
        with _open_store(study, "") as store:
            timed("writing all trials", lambda: store.add([trial for trial in trials if trial.number not in known]))
            timed("reading them", store.load)
        stopped = replace(study, trials=tuple(trials), execution=replace(study.execution, status="stopped"))
        timed("writing study.json", stopped.save)
        timed("opening it", lambda: open_study(study.path))
        timed("listing it on the page", lambda: Folder(runs).studies())
        timed("its page", lambda: search_page(study.path))
        timed("its lines in the terminal", lambda: slices_in_text(open_study(study.path)))
        timed("resuming it to its end", lambda: resume_study(study.path, options=Options(evaluation=NO_WINNER)))
        timed("exporting 1,000 of them", lambda: export_to_optuna(replace(stopped, trials=tuple(trials[:1000]))))


if __name__ == "__main__":
    main()
