"""The documentation as a site: it builds without a warning, its links lead somewhere, and it needs no network.

Skipped where Sphinx is not installed; `tox -e docs` runs it on the site that it has built.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import documents
import pytest
from backproof.reference.faults import faults_of
from backproof.reference.model.operation import operation, operation_names
from backproof.reference.model.vocabulary import FLAGS
from html_reader import read_html

pytest.importorskip("sphinx", reason="the documentation needs Sphinx; tox -e docs has it")

SITE = "BACKPROOF_SITE"
"""The environment variable that says where the site has been built."""


class Page:
    """What a page has: anchors, links, what it loads."""

    def __init__(self, path: Path) -> None:
        self.root = read_html(path.read_text(encoding="utf-8"))
        self.anchors = {element["id"] for element in self.root.all()}
        self.links = [element["href"] for element in self.root.all("a") if element["href"]]
        self.loaded = [
            *(element["src"] for tag in ("script", "img") for element in self.root.all(tag)),
            *(element["href"] for element in self.root.all("link")),
        ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if built := os.environ.get(SITE):
        return Path(built)
    folder = tmp_path_factory.mktemp("site")
    command = ["-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", folder / "doctrees", documents.DOCS]
    done = subprocess.run([sys.executable, *command, folder / "html"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path.resolve(): Page(path) for path in site.rglob("*.html")}


def broken(pages: dict[Path, Page]) -> Iterator[str]:
    """The links between pages, and to files, that lead nowhere."""
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            lost = parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].anchors
            if lost or not there.exists():
                yield f"{path.name}: {link}"


def test_every_document_is_a_page(site: Path) -> None:
    names = {page.relative_to(documents.DOCS).with_suffix(".html") for page in documents.pages()}
    assert {name for name in names if not (site / name).exists()} == set()


def test_every_link_between_pages_leads_somewhere(pages: dict[Path, Page]) -> None:
    assert list(broken(pages)) == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page]) -> None:
    assert {word for page in pages.values() for word in page.loaded if re.match(r"\w+:|//", word)} == set()


def test_what_a_page_includes_is_in_it(pages: dict[Path, Page], site: Path) -> None:
    assert [path for path in pages if "<!-- include" in path.read_text(encoding="utf-8")] == []
    assert "Keep a Changelog" in pages[site.resolve() / "changelog.html"].root.text()


def test_every_operation_fault_and_flag_can_be_read_and_linked_to(pages: dict[Path, Page], site: Path) -> None:
    home = site.resolve()
    for op in operation_names():
        text = pages[home / "operations" / f"{op}.html"].root.text()
        assert [direction for direction in operation(op).functions if f"{op}_{direction}(" not in text] == []
    faults, flags = pages[home / "faults.html"], pages[home / "flags.html"]
    listed = faults.root.text()
    assert [fault.name for op in operation_names() for fault in faults_of(op) if fault.name not in listed] == []
    told = flags.root.text()
    for flag in FLAGS.values():
        assert flag.effect in told
        assert flag.name in flags.anchors


def options_of(command: str, folder: Path) -> list[str]:
    """The long options that a command's own help names."""
    return re.findall(r"^  (?:-\w, )?(--[a-z-]+)", documents.run(f"{command} --help", folder), re.MULTILINE)


def test_every_option_of_pytest_s_is_on_the_page_of_commands(pages: dict[Path, Page], site: Path) -> None:
    found = [option for option in options_of("pytest", site.parent) if option.startswith("--impl")]
    assert "--impl-strict" in found
    assert {f"pytest-{option}" for option in found} <= pages[site.resolve() / "commands.html"].anchors


def test_every_command_is_on_the_page_of_commands_with_its_options(pages: dict[Path, Page], site: Path) -> None:
    page = pages[site.resolve() / "commands.html"]
    commands = re.findall(r"^    ([a-z-]+)(?: |$)", documents.run("backproof --help", site.parent), re.MULTILINE)
    assert "generate" in commands
    for command in commands:
        found = options_of(f"backproof {command}", site.parent)
        assert {f"backproof-{command}", *(f"backproof-{command}-{option}" for option in found)} <= page.anchors
