"""What the README and the pages show runs as it stands there, and what they link to is there."""

import re
from pathlib import Path

import pytest
from click import Context

from bpnet.cli import main

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "src" / "bpnet" / "docs").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)


def blocks(page):
    """Each block with the lines before it, empty: errors then name the page's line."""
    text = page.read_text(encoding="utf-8")
    return ["\n" * text[: found.start(1)].count("\n") + found[1] for found in BLOCK.finditer(text)]


def run(code, page, names):
    exec(compile(code, str(page), "exec"), names)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """What they write goes to an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("code", blocks(README), ids=lambda code: f"line {len(code) - len(code.lstrip()) + 1}")
def test_each_block_of_the_readme_runs_alone(code, capsys):
    run(code, README, {"__name__": "__main__"})
    assert capsys.readouterr().out


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run_in_their_order(page):
    names = {"__name__": "__main__"}
    for code in blocks(page):
        run(code, page, names)


def test_there_are_blocks_and_pages():
    assert len(blocks(README)) >= 5
    assert {page.stem for page in PAGES} >= {"from-keras", "tables", "training", "writing-a-layer"}


def anchors(page):
    """What GitHub makes of the headings: small letters, no marks, hyphens for blanks."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [README, ROOT / "backends" / "README.md", *PAGES], ids=lambda page: page.name)
def test_every_linked_file_and_heading_exists(page):
    for link, heading in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        target = page.parent / link if link else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not heading or heading in anchors(target), f"{page.name} links to {link}#{heading}"


COMMAND = re.compile(r"^    (?:\w+=\S+ )*bpnet (\w+)(.*)$", flags=re.MULTILINE)


@pytest.mark.parametrize("page", [README, ROOT / "backends" / "README.md", *PAGES], ids=lambda page: page.name)
def test_the_commands_and_their_options_exist(page):
    for name, rest in COMMAND.findall(page.read_text(encoding="utf-8")):
        command = main.get_command(Context(main), name)
        assert command, f"{page.name}: bpnet {name}"
        known = {option for found in command.params for option in [*found.opts, *found.secondary_opts]}
        given = re.findall(r"(?<= )--?[a-z][a-z-]*", rest.split("#")[0])
        assert set(given) <= known, f"{page.name}: bpnet {name}{rest}"
