"""Documents that must agree with the package: links, paths, settings, names, and the version."""

from __future__ import annotations

import functools
import importlib
import json
import re
import tomllib
from pathlib import Path

import pytest
from tests.documents import CURRENT, CURRENT_IDS, DOCUMENTS, IDS, ROOT, blocks, prose, spans

from trainwell.recipe.schema import SETTINGS

PACKAGE = ROOT / "src" / "trainwell"
# Files and folders that a run, a search, an installation or the reader makes.
MADE = {
    *("recipe.toml", "report.html", "run.sqlite", "environment.json", "preprocessing.json", "weights.safetensors"),
    *("study.json", "study.sqlite", "winner.toml", "index.html", "batch.png", "classes.json", "classes.png"),
    *("repaired.toml", "MANIFEST.json", "events.json", "state.json"),
    *("model/", "checkpoints/", "runs/", "train/", "val/", "test/", "lab/", "site/"),
}
# Sections of a recipe, whose settings are named `section.key`.
SECTIONS = {key.partition(".")[0] for key in SETTINGS if "." in key}
SUFFIXES = ("py", "md", "toml", "json", "css", "js", "sh", "yml", "yaml", "cff", "txt", "html", "sqlite", "png")


def test_the_newest_changelog_entry_is_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    entries = re.findall(r"^## \[?(\d[\w.]*)\]?", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert entries[0] == version


def test_the_version_of_the_package_is_the_projects() -> None:
    import trainwell

    assert trainwell.__version__ == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def anchors(path: Path) -> set[str]:
    """Return the anchors of the headings of a document, as GitHub and MkDocs make them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(path), flags=re.MULTILINE):
        words = re.sub(r"[^\w\s-]", "", heading.strip().lower())
        found |= {words.replace(" ", "-"), re.sub(r"[-\s]+", "-", words)}
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{path.name} links to {target}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{path.name} links to {target}"


def places(name: str) -> list[Path]:
    """Return where a path that a document names may be: in the repository, the package, the tests or the documents."""
    return [base / name for base in (ROOT, PACKAGE, ROOT / "docs", ROOT / "docs" / "rules", ROOT / "tests")]


def exists(name: str) -> bool:
    """Tell whether a path that a document names exists; `{a b}` lists names, `*` stands for anything."""
    names = [name]
    listed = re.fullmatch(r"(.*)\{([^}]*)\}(.*)", name)
    if listed:
        names = [f"{listed[1]}{one}{listed[3]}" for one in re.split(r"[ ,]+", listed[2].strip())]
    return all(any(list(_glob(place)) for place in places(one)) for one in names)


def _glob(place: Path) -> list[Path]:
    if "*" in place.name:
        return list(place.parent.glob(place.name))
    return [place] if place.exists() else []


@pytest.mark.parametrize("path", CURRENT, ids=CURRENT_IDS)
def test_every_path_exists(path: Path) -> None:
    """A path is inline code that ends with a slash or a known suffix; it may be relative to a folder on its line."""
    missing = []
    for span in spans(path):
        text = span.text.removeprefix("python ").partition(" ")[0] if span.text.startswith("python ") else span.text
        if text.startswith("trainwell "):
            continue  # tests/test_docs_commands.py
        is_file = re.fullmatch(rf"\.?[\w*{{}} ,.-]+(/[\w*{{}} ,.-]+)*\.({'|'.join(SUFFIXES)})", text)
        is_folder = re.fullmatch(r"\.?[\w-]+(/[\w-]+)*/", text)
        if not (is_file or is_folder) or Path(text).name in MADE or f"{Path(text).name}/" in MADE:
            continue
        beside = [other.text for other in spans(path) if other.line == span.line and other.text.endswith("/")]
        if not exists(text) and text not in made_up(path) and not any(exists(folder + text) for folder in beside):
            missing.append(f"{path.name}:{span.line}: {text}")
    assert not missing, "\n".join(missing)


@functools.cache
def made_up(path: Path) -> frozenset[str]:
    """Return names that are no paths of ours: `<!-- example files: train.py -->`, `<!-- former paths: assemble/ -->`."""
    found = re.findall(r"<!-- (?:example files|former paths): (.*?) -->", path.read_text())
    return frozenset(name for names in found for name in names.split())


@pytest.mark.parametrize("path", CURRENT, ids=CURRENT_IDS)
def test_every_setting_exists(path: Path) -> None:
    pattern = re.compile(rf"^({'|'.join(sorted(SECTIONS))})\.([a-z_0-9]+)( ?= ?.+)?$")
    wrong = []
    for span in spans(path):
        found = pattern.match(span.text)
        if found and found[2] not in SUFFIXES and f"{found[1]}.{found[2]}" not in SETTINGS:
            wrong.append(f"{path.name}:{span.line}: {span.text}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", CURRENT, ids=CURRENT_IDS)
def test_every_dotted_name_of_the_package_exists(path: Path) -> None:
    for span in spans(path):
        found = re.match(r"^(?:trainwell|tw)\.([\w.]+)", span.text)
        if found and not span.text.endswith((".py", ".toml")):
            assert resolve(found[1].rstrip(".")) is not None, f"{path.name}:{span.line}: {span.text}"


def resolve(dotted: str) -> object:
    """Return the object that `trainwell.<dotted>` names, or None.

    A module wins over a function of the same name that its package exports: `fitting.fit` is the module.
    """
    parts = dotted.split(".")
    for count in range(len(parts), -1, -1):
        try:
            found: object = importlib.import_module(".".join(["trainwell", *parts[:count]]))
        except ImportError:
            continue
        for part in parts[count:]:
            found = getattr(found, part, None)
        return found
    return None


@pytest.mark.parametrize("path", CURRENT, ids=CURRENT_IDS)
def test_every_json_and_toml_block_can_be_read(path: Path) -> None:
    for block in blocks(path):
        if block.language == "json":
            json.loads(block.text)
        if block.language == "toml":
            tomllib.loads(block.text)


@pytest.mark.parametrize("name", ["tour.md", "design.md"])
def test_the_files_in_the_blocks_of_the_tour_exist(name: str) -> None:
    paths = [
        found[1]
        for block in blocks(ROOT / "docs" / name)
        for line in block.text.splitlines()
        if (found := re.match(r"\s*([a-z_]+(?:/[a-z_]+)*(?:\.py|/))(?:\s|$)", line))
    ]
    assert all(exists(path) for path in paths), [path for path in paths if not exists(path)]
    assert len(paths) >= 15 or name != "tour.md"


def test_the_design_lists_the_rooms_in_their_layers() -> None:
    from tests.test_layers import LAYERS

    rows = re.findall(r"^\| (\d+) \| `(\w+)/` \|", (ROOT / "docs" / "design.md").read_text(), flags=re.MULTILINE)
    layers = [{room for layer, room in rows if int(layer) == height} for height in range(len(LAYERS), 0, -1)]
    assert layers == LAYERS


def test_the_findings_that_the_guide_lists_are_those_of_the_audit() -> None:
    sources = "".join(path.read_text() for path in (PACKAGE / "data").rglob("*.py"))
    text = (ROOT / "docs" / "data.md").read_text().partition("## Audit")[2].partition("## Splits")[0]
    cells = re.findall(r"^\| (`\w+`[^|]*)\|", text, flags=re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert len(named) > 10 and [name for name in named if f'"{name}"' not in sources] == []


def test_every_decision_has_its_parts_and_stands_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text()
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    for number, path in enumerate(records, start=1):
        text = path.read_text()
        title = re.match(rf"# {number}\. (.+)\n", text)
        assert title and f"| {number} | [{title[1]}]({path.name}) |" in listed, path.name
        assert all(f"## {part}\n" in text for part in ("Context", "Decision")), path.name
        assert "## Why not\n" in text or "## Measurement\n" in text, path.name


REFERENCES = [
    (page.name, dotted)
    for page in sorted((ROOT / "docs" / "api").glob("*.md"))
    for dotted in re.findall(r"^::: trainwell\.([\w.]+)$", page.read_text(), flags=re.MULTILINE)
]


@pytest.mark.parametrize(("page", "dotted"), REFERENCES)
def test_the_reference_names_what_exists(page: str, dotted: str) -> None:
    assert resolve(dotted) is not None, f"{page}: {dotted}"


def test_every_public_name_is_on_one_page_of_the_reference() -> None:
    import trainwell

    shown = [resolve(dotted) for _, dotted in REFERENCES]
    listed = (ROOT / "docs" / "api" / "index.md").read_text()
    for name in set(trainwell.__all__) - {"__version__"}:
        assert sum(found is getattr(trainwell, name) for found in shown) == 1, name
        assert f"`{name}`" in listed, name


def test_the_quiz_has_an_answer_to_every_request() -> None:
    text = (ROOT / "docs" / "newcomer_quiz.md").read_text()
    requests = re.findall(r"^(\d+)\. ", text, flags=re.MULTILINE)
    answers = re.findall(r"^\| (\d+) \| `", text, flags=re.MULTILINE)
    assert requests == answers == [str(number) for number in range(1, 26)]


def test_the_pages_of_the_site_exist() -> None:
    made = {"index.md", "changelog.md", "contributing.md", "security.md"}  # by scripts/site_pages.py from the root
    named = re.findall(r": ([\w/]+\.md)$|- ([\w/]+\.md)$", (ROOT / "mkdocs.yml").read_text(), flags=re.MULTILINE)
    pages = {one or other for one, other in named}
    assert len(pages) > 20 and all((ROOT / "docs" / page).exists() for page in pages - made)
    top = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").glob("*.md")}
    assert top <= pages, f"mkdocs.yml leaves out {', '.join(sorted(top - pages))}"


def test_the_rules_that_documents_name_exist() -> None:
    from trainwell.rules.catalogue import RULES

    table = (ROOT / "docs" / "faults.md").read_text()
    rows = re.findall(r"^\| (?!family|what|---)[^|]+\|([^|]+)\|", table, flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named and named <= set(RULES)


def test_choices_that_the_guide_lists_are_those_of_the_settings() -> None:
    from trainwell.fitting.catalogues import catalogues

    known = catalogues(custom=False)
    text = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| `([\w.]+)`[^|]*\|([^|]+)\|", text, flags=re.MULTILINE)
    listed = {key: set(re.findall(r"`(\w+)`", names)) for key, names in rows}
    by_catalogue = {key: names for key, names in listed.items() if SETTINGS[key].limits.catalogue}
    assert len(by_catalogue) >= 7
    for key, names in by_catalogue.items():
        assert names == set(known[SETTINGS[key].limits.catalogue]), key
