"""The report of a search: one HTML file."""

from __future__ import annotations

from pathlib import Path

from trainwell.core.files import atomic_write, plain, storage_errors
from trainwell.core.finding import folded
from trainwell.report.figures.markup import Child, Markup, join, table, tag
from trainwell.report.figures.search import draw_importance, draw_parallel, draw_slice, parallel_info, slice_infos
from trainwell.report.html.page import complete
from trainwell.report.html.sections import finding
from trainwell.report.text.study import nested_text
from trainwell.report.text.words import duration, number, printable, score_text, unbroken, words
from trainwell.runs.names import REPORT
from trainwell.search import Study, Trial, describe_settings, importance, make_space

_LISTED = 30
_STATUSES = {"running": "searching", "stopped": "stopped; `tune --resume` continues it", "ok": "finished"}


def write_study_report(study: Study) -> Path:
    """Write report.html into the folder of a search, whole or not at all.

    Raises:
        StorageError: the disk refuses.
    """
    path = study.path / REPORT
    with storage_errors(f"Writing the report {path}", study.path):
        atomic_write(path, render_study(study))
    return path


def render_study(study: Study) -> str:
    """Return the report as HTML without scripts and external files."""
    space = make_space(study.spec["space"])
    sections: list[tuple[str, Child]] = [("Findings", _findings(study)), ("Best trial", _winner(study))]
    parallel = parallel_info(study, space)
    sections.append(("All trials", draw_parallel(parallel) if parallel else None))
    shares = study.importance or importance(study.trials, space)  # stored at the end; computed here until then
    sections.append(("Importance of the settings", draw_importance(list(shares.items())) if shares else None))
    slices = [tag("figure", draw_slice(info)) for info in slice_infos(study, space)]
    sections.append(("Score by setting", tag("div", slices, class_="pair") if slices else None))
    sections.append(("Best trials", _table(study)))
    shown = [tag("section", [tag("h2", name), content]) for name, content in sections if content]
    return complete(f"{printable(study.path.name)} · search", [_head(study), *shown])


def _head(study: Study) -> Markup:
    best = study.best
    title = f"{words(study.main_score)} {_score(study, best)} on validation" if best else "No trial has a score yet"
    states = study.to_json()["states"]
    facts = {
        "trials": f"{len(study.trials):,} of {study.spec.get('trials', 0):,}",
        "stopped early": f"{states['stopped']:,}",
        "diverged": f"{states['diverged']:,}",
        "method": str(study.spec.get("method", "")),
        "folds": str(study.spec.get("folds", 1)),
        "time": duration(study.seconds),
        **(
            {"time left": f"about {duration(study.execution.left)}"}
            if study.execution.left and study.status == "running"
            else {}
        ),
        "uses of the test split": str(study.winner.test_looks),
    }
    above = [tag("span", printable(study.path.name), class_="name"), tag("span", _STATUSES.get(study.status, ""))]
    rows = [tag("div", [tag("dt", name), tag("dd", value)]) for name, value in facts.items()]
    why = f"{study.engine}: {study.execution.why}." if study.engine else ""
    return tag(
        "header",
        [
            tag("p", above, class_="above"),
            tag("h1", title[0].upper() + title[1:]),
            tag("p", unbroken(describe_settings(best.settings)), class_="verdict good") if best else None,
            tag("ul", [tag("li", unbroken(plain(why)))], class_="notes") if why else None,
            tag("dl", rows, class_="facts"),
        ],
    )


def _findings(study: Study) -> Child:
    return [finding(cause, symptoms) for cause, symptoms in folded(study.findings)]


def _winner(study: Study) -> Child:
    best = study.best
    if best is None:
        return None
    lines: list[str] = []
    if study.winner.test:
        times = "once, after the choice" if study.winner.test_looks == 1 else f"{study.winner.test_looks} times"
        lines.append(
            f"On the test split: {words(study.main_score)} "
            f"{score_text(study.main_score, study.winner.test[study.main_score])}. The split was used {times}."
        )
    interval = study.to_json()["best"]["interval"]
    if interval:
        lines.append(
            f"Over {len(best.folds)} folds: mean {number(interval['mean'])}, standard deviation "
            f"{number(interval['deviation'])}, 95 % interval {number(interval['low'])} to {number(interval['high'])}."
        )
    noise = study.conclusions.noise
    if "deviation" in noise:
        lines.append(
            f"Standard deviation of its score over {len(noise['winner'])} other seeds: {noise['deviation']:.4f}."
        )
    if "really" in noise:
        verdict = "significantly better than" if noise["really"] else "not significantly better than"
        lines.append(
            f"It is {verdict} the runner-up: difference {noise['difference']:+.4f}, p = {noise['p_value']:.2g} (Welch)."
        )
    if "mean" in study.conclusions.nested:
        lines.append(f"The whole procedure, with the search: {nested_text(study)}.")
    if study.run:
        lines.append(f"Its run: {study.run}.")
    return tag("ul", [tag("li", unbroken(text)) for text in lines]) if lines else None


def _table(study: Study) -> Child:
    keys = list(study.spec["space"])
    rows = [
        [str(trial.number), _score(study, trial), trial.state, str(trial.epochs), *(_short(trial, key) for key in keys)]
        for trial in study.ranked[:_LISTED]
    ]
    if not rows:
        return None
    heads = ["trial", words(study.main_score), "state", "epochs", *(key.rpartition(".")[2] for key in keys)]
    body = table(heads, rows, caption="The best trials")
    left = len(study.trials) - len(rows)
    more = tag("p", f"{left:,} more are in study.json.", class_="quiet") if left > 0 else None
    return join([body, more])


def _score(study: Study, trial: Trial | None) -> str:
    return score_text(study.main_score, trial.score) if trial and trial.score is not None else "–"


def _short(trial: Trial, key: str) -> str:
    value = trial.settings.get(key, "–")
    return number(value) if isinstance(value, float) else plain(str(list(value) if isinstance(value, tuple) else value))
