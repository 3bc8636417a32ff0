"""Pages of the site that come from elsewhere: the documents of the repository's root, and the executed gallery.

A hook of MkDocs (mkdocs.yml). `scripts/docs` runs the experiments first and leaves their figures in build/gallery/.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "build" / "gallery"
FROM_ROOT = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}


def on_files(files: Files, config: Any) -> Files:
    """Add the documents of the root, and the gallery with its figures where they have been made."""
    for name, page in FROM_ROOT.items():
        files.append(File.generated(config, page, content=linked((ROOT / name).read_text())))
    index = GALLERY / "index.json"
    if index.exists():
        content = gallery(json.loads(index.read_text()))
        files.remove(files.get_file_from_path("gallery.md"))
        files.append(File.generated(config, "gallery.md", content=content))
        for figure in [*GALLERY.glob("*.png"), *GALLERY.glob("*.svg")]:
            files.append(File.generated(config, f"gallery/{figure.name}", abs_src_path=str(figure)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links of pages below docs/ that leave it to the pages made from the root."""
    for name, target in FROM_ROOT.items():
        depth = page.file.src_uri.count("/")
        markdown = markdown.replace(f"]({'../' * (depth + 1)}{name}", f"]({'../' * depth}{target}")
    return markdown


def linked(text: str) -> str:
    """Rewrite the links of a document of the root as seen from docs/."""
    for name, page in FROM_ROOT.items():
        text = text.replace(f"]({name})", f"]({page})")
    text = re.sub(r"\[([^\]]+)\]\((LICENSE|[\w.]+\.cff)\)", r"\1", text)
    return text.replace("](docs/", "](")


def gallery(experiments: list[dict[str, Any]]) -> str:
    """Write the page of the gallery: title, law, figure and numbers of each experiment."""
    parts = ["# Gallery\n\nThe figures of [the lab](lab.md), executed when this site was built.\n"]
    for experiment in experiments:
        suffix = "png" if (GALLERY / f"{experiment['name']}.png").exists() else "svg"
        rows = "\n".join(f"| {mark} | {name} | {value} | {wanted} |" for mark, name, value, wanted in experiment["rows"])
        parts.append(
            f"## {experiment['title']}\n\n{experiment['law']}\n\n"
            f"![{experiment['says']}](gallery/{experiment['name']}.{suffix})\n\n{experiment['says']}\n\n"
            f"| | number | measured | expected |\n|---|---|---|---|\n{rows}\n\n{experiment['note']}\n"
        )
    return "\n".join(parts)
