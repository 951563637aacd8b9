"""The documentation site, without its builder: which pages it has, in which order, and what it takes from the README.

That each of its links leads somewhere is seen on the built site (`.ci/check_site.py`).
"""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def site(repository: Path) -> Path:
    return repository / "docs" / "site"


@pytest.fixture(scope="module")
def made_pages(site: Path):
    sys.path.insert(0, str(site))
    try:
        import made_pages
    finally:
        sys.path.remove(str(site))
    return made_pages


def pages_in(text: str) -> list[str]:
    """Return the pages that the tables of contents on a page list, in order."""
    tables = re.findall(r"```\{toctree\}\n(.*?)```", text, flags=re.DOTALL)
    return [line for table in tables for line in table.splitlines() if line and not line.startswith(":")]


def test_a_reader_comes_from_the_start_through_the_tasks_to_networks_and_numbers(site: Path) -> None:
    names = [posixpath.basename(page) for page in pages_in((site / "index.md").read_text(encoding="utf-8"))]
    tasks = [
        "segment",
        "click",
        "see_attention",
        "correct",
        "classify",
        "measure",
        "ct",
        "files",
        "command_line",
        "slicer",
    ]
    wanted = ["start", *tasks, "train_your_own", "networks", "numbers"]
    assert [name for name in names if name in wanted] == wanted


def test_every_page_is_in_one_table_of_contents(site: Path, repository: Path) -> None:
    listed = [
        posixpath.normpath(posixpath.join("docs/site", page))
        for source in site.glob("*.md")
        for page in pages_in(source.read_text(encoding="utf-8"))
        if "*" not in page
    ]
    assert len(listed) == len(set(listed))
    pages = {path.relative_to(repository).with_suffix("").as_posix() for path in (repository / "docs").glob("*.md")}
    assert pages - set(listed) == set(), "name the page in docs/site/index.md, where a reader needs it"


def test_a_section_is_what_stands_between_two_headings(made_pages) -> None:
    readme = '# Title\n\n<img src="a.svg">\n\nFirst.\n\n## One\n\n1.\n\n### Part\n\n1b.\n\n## Two\n\n2.\n'
    assert made_pages.section(readme, "first") == "First.\n"
    assert made_pages.section(readme, "One") == "1.\n\n### Part\n\n1b.\n"
    assert made_pages.section(readme, "Two") == "2.\n"
    with pytest.raises(KeyError):
        made_pages.section(readme, "Three")


@pytest.mark.parametrize(
    ("page", "base", "link", "led"),
    [
        ("docs/site/start.md", "", "docs/click.md", "../click.md"),
        ("docs/site/start.md", "", "docs/click.md#keys", "../click.md#keys"),
        ("docs/site/start.md", "", "docs/images/a.png", "../images/a.png"),
        ("docs/site/start.md", "", "https://napari.org/a", "https://napari.org/a"),
        ("docs/site/start.md", "", "#here", "#here"),
        ("docs/site/figures.md", "", "benchmarks/results", "results.md"),
        ("docs/click.md", "docs", "ct.md", "ct.md"),
        ("docs/click.md", "docs", "../README.md#figures", "site/figures.md"),
        ("docs/click.md", "docs", "../README.md#more", "site/index.md"),
        ("docs/click.md", "docs", "../benchmarks/results/a.md", "../benchmarks/results/a.md"),
    ],
)
def test_a_link_leads_to_the_same_file_from_wherever_it_is_shown(made_pages, page, base, link, led) -> None:
    assert made_pages.led_from(f"see [it]({link})", page, base) == f"see [it]({led})"


def test_what_pages_take_of_the_readme_is_there(site: Path, repository: Path, made_pages) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    wanted = [
        heading
        for page in site.glob("*.md")
        for heading in re.findall(r"<!-- README: (.*?) -->", page.read_text(encoding="utf-8"))
    ]
    assert "first" in wanted
    assert all(made_pages.section(readme, heading).strip() for heading in wanted)
    headings = re.findall(r"(?m)^## +(.*)$", readme)
    assert set(wanted) == {"first", *headings}, "no part of the README is missing from the site"


def test_every_public_name_is_documented_once(made_pages) -> None:
    import src_models

    named = re.findall(r"auto(?:class|function):: src_models\.(\w+)", made_pages.public_names())
    assert sorted(named) == sorted(set(src_models.__all__) - {"__version__"})
