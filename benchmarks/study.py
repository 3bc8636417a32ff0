"""A study of 10,000 trials stays responsive.

Claim: listing it on the page, rendering its page, opening it and resuming it take less than 2 seconds each; trials are
written at less than 1 ms each. Seconds of wall clock and of the processor (the second is what a quiet machine would
take), once. Usage: python benchmarks/study.py [trials]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trainwell.report.html.study import slices_in_text
from trainwell.search import Options, Trial, open_study, resume_study, tune
from trainwell.search.methods import Proposer
from trainwell.search.space import make_space
from trainwell.search.tune import _store
from trainwell.web.folder import Folder, search_page

SPACE = {"optim.learning_rate": "log:1e-4..1", "nn.dropout": "0..0.7", "optim.name": ["sgd", "adamw"]}


def timed(name: str, do: Callable[[], object]) -> None:
    wall, own = time.perf_counter(), time.process_time()
    do()
    print(f"  {name:28} {time.perf_counter() - wall:6.2f} s, processor {time.process_time() - own:6.2f} s", flush=True)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as made:
        runs = Path(made)
        options = Options(edits={"train.epochs": 1, "nn.hidden": (8,)}, repeats=0, final=False, name="big", target=0.0)
        study = tune("iris", SPACE, trials=count, method="sobol", runs=runs, options=options)
        space = make_space(study.spec["space"])
        points = Proposer(space, method="sobol", trials=count, seed=0).propose(0, count, [])
        scores = [space.shares(point)[0] for point in points]
        trials = [
            Trial(n, point, "done", score, {"loss": 1 - score, "accuracy": score}, (score,), {1: score}, 1, 0.1)
            for n, (point, score) in enumerate(zip(points, scores, strict=True))
        ]
        known = {trial.number for trial in study.trials}
        print(f"{count:,} trials")
        store = _store(study, space, options)
        timed("writing all trials", lambda: store.add([trial for trial in trials if trial.number not in known]))
        timed("writing study.json", lambda: replace(study, trials=tuple(trials), status="stopped").save())
        timed("opening it", lambda: open_study(study.path))
        timed("listing it on the page", lambda: Folder(runs).studies())
        timed("its page", lambda: search_page(study.path))
        timed("its lines in the terminal", lambda: slices_in_text(open_study(study.path)))
        timed("resuming it to its end", lambda: resume_study(study.path, options=Options(repeats=0, final=False)))


if __name__ == "__main__":
    main()
