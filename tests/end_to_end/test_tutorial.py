"""The tutorial's commands are ones that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from napari_medt.cli import app


def options(command: str) -> set[str]:
    """Every option that a command takes, as a person writes it."""
    found = typer.main.get_command(app).commands[command]
    return {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}


def shell_lines(text: str) -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and line[0] == "napari-medt"]


def test_every_command_of_the_tutorial_exists_with_its_options(repository: Path) -> None:
    lines = shell_lines((repository / "docs" / "train_your_own.md").read_text(encoding="utf-8"))
    assert {line[1] for line in lines} == {"train", "evaluate", "models", "segment"}
    for _, command, *arguments in lines:
        assert {word for word in arguments if word.startswith("--")} <= options(command)


PAGES = (
    "README.md",
    *(
        f"docs/{page}.md"
        for page in (
            "audit",
            "click",
            "command_line",
            "correct",
            "ct",
            "guided",
            "medt",
            "networks",
            "see_attention",
            "slicer",
        )
    ),
)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_on_a_page_exists_with_its_options(repository: Path, page: str) -> None:
    lines = shell_lines((repository / page).read_text(encoding="utf-8"))
    assert lines
    for _, command, *arguments in (line for line in lines if not line[1].startswith("-")):
        assert {word for word in arguments if word.startswith("-")} <= options(command), (page, command)


def test_every_option_in_the_text_exists(repository: Path) -> None:
    text = (repository / "docs" / "train_your_own.md").read_text(encoding="utf-8")
    known = set().union(*(options(command) for command in ("train", "evaluate", "models", "segment")))
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert len(mentioned) > 15
    assert mentioned <= known


def test_the_manifest_in_the_text_can_be_read(repository: Path, tmp_path: Path) -> None:
    from src_models.files.dataset import DataSet

    text = (repository / "docs" / "train_your_own.md").read_text(encoding="utf-8")
    manifest = re.search(r"```\n(file,split\n.*?)```", text, flags=re.DOTALL)
    assert manifest
    (tmp_path / "manifest.csv").write_text(manifest[1])
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for line in manifest[1].splitlines()[1:]:
            (tmp_path / folder / line.split(",")[0]).touch()
    assert DataSet.open(tmp_path).splits == ("test", "train", "val")


@pytest.mark.parametrize("name", ["fluorescence", "histology", "brightfield"])
def test_the_sample_images_of_the_trial_are_a_data_set(repository: Path, name: str) -> None:
    from src_models.files.samples import Sample, read_sample

    folder = repository / "sample_data"
    image, mask = read_sample(Sample(name, folder / f"{name}.png", folder / f"{name}_labels.png"))
    assert image.shape[:2] == mask.shape
    assert mask.max() > 10
