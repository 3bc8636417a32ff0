"""Run experiments of the lab and write their figures and numbers to build/gallery/, for the documentation.

`python scripts/gallery.py [NAME ...]`: all experiments, or those named. An experiment is run again only if the lab's code is
newer than its figure. PNG figures are drawn by chromium through playwright, as in the browser tests; without it the site
shows the SVG figures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from trainwell.lab import EXPERIMENTS
from trainwell.report.html.gallery import verdicts, write_experiment

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "build" / "gallery"
CHROMIUM = "/usr/bin/chromium"


def run(name: str) -> None:
    """Run an experiment, and write NAME.svg and NAME.json."""
    experiment = EXPERIMENTS[name]
    numbers = GALLERY / f"{name}.json"
    newest = max(path.stat().st_mtime for path in (ROOT / "src" / "trainwell" / "lab").glob("*.py"))
    if numbers.exists() and numbers.stat().st_mtime > newest:
        return
    print(f"running {name}", flush=True)
    found = experiment.run()
    write_experiment(experiment, found, GALLERY)
    numbers.write_text(
        json.dumps(
            {
                "name": name,
                "title": experiment.title,
                "law": experiment.page.partition("\n\n")[0],
                "says": found.figure.caption,
                "rows": verdicts(found),
                "note": " ".join(part for part in (found.remark, found.note) if part),
            }
        )
    )


def draw(names: list[str]) -> None:
    """Draw NAME.png of every NAME.svg that has none or an older one."""
    due = [
        name
        for name in names
        if not (GALLERY / f"{name}.png").exists()
        or (GALLERY / f"{name}.png").stat().st_mtime < (GALLERY / f"{name}.svg").stat().st_mtime
    ]
    if not due:
        return
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("PNG figures need playwright (extra dev); the site shows the SVG figures.")
        return
    if not Path(CHROMIUM).exists():
        print(f"PNG figures need {CHROMIUM} (apt-get install chromium); the site shows the SVG figures.")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(color_scheme="light", reduced_motion="reduce", device_scale_factor=1.5)
        for name in due:
            svg = (GALLERY / f"{name}.svg").read_text()
            page.set_content(f"<body style='margin:0;width:960px'>{svg}</body>")
            page.locator("svg").first.screenshot(path=str(GALLERY / f"{name}.png"))
        browser.close()


def main(names: list[str]) -> None:
    """Run and draw the experiments, and list them in build/gallery/index.json."""
    GALLERY.mkdir(parents=True, exist_ok=True)
    chosen = names or list(EXPERIMENTS)
    for name in chosen:
        run(name)
    draw(chosen)
    listed = [json.loads((GALLERY / f"{name}.json").read_text()) for name in chosen]
    (GALLERY / "index.json").write_text(json.dumps(listed))


if __name__ == "__main__":
    main(sys.argv[1:])
