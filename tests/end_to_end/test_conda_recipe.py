"""The conda recipe says what `pyproject.toml` says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

# What conda-forge calls otherwise, and why.
RENAMED = {
    "dask[array]": "dask-core",  # `dask` brings the cluster along; what [array] adds is numpy, which we require
    "lightning-fabric": "pytorch-lightning",  # holds the module lightning_fabric
    "torch": "pytorch",
}


@pytest.fixture(scope="module")
def recipe(repository: Path) -> dict:
    return yaml.safe_load((repository / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pyproject(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


def for_conda(requirement: str) -> str:
    """Return a requirement of pip as conda writes it."""
    name, bound = re.fullmatch(r"([\w.\[\]-]+)(.*)", requirement).groups()
    return f"{RENAMED.get(name, name)} {bound}"


def test_it_requires_the_same_with_the_same_bounds(recipe, pyproject) -> None:
    python, *required = recipe["requirements"]["run"]
    assert sorted(required) == sorted(map(for_conda, pyproject["project"]["dependencies"]))
    assert python == "python >=${{ python_min }}"
    assert f">={recipe['context']['python_min']}" == pyproject["project"]["requires-python"]
    assert recipe["build"]["noarch"] == "python"
    _, pip, *built_with = recipe["requirements"]["host"]
    assert pip == "pip"
    assert sorted(built_with) == sorted(map(for_conda, pyproject["build-system"]["requires"]))


def test_it_is_the_same_package(recipe, pyproject) -> None:
    project = pyproject["project"]
    assert (recipe["context"]["name"], recipe["context"]["version"]) == (project["name"], project["version"])
    assert recipe["about"]["summary"] == project["description"]
    assert recipe["about"]["license"] == project["license"]
    assert [recipe["about"]["license_file"]] == project["license-files"]
    commands = [f"{name} = {target}" for name, target in project["scripts"].items()]
    assert recipe["build"]["python"]["entry_points"] == commands


def test_it_is_built_from_this_repository_and_tested_as_it_is_installed(recipe, repository: Path) -> None:
    assert (repository / "recipe" / recipe["source"]["path"]).resolve() == repository.resolve()
    python, script = recipe["tests"]
    assert {"napari_medt", "src_models"} <= set(python["python"]["imports"])
    assert all(line.startswith("napari-medt ") for line in script["script"])


def test_names_that_are_translated_are_still_required(pyproject) -> None:
    names = {re.match(r"[\w.\[\]-]+", line)[0] for line in pyproject["project"]["dependencies"]}
    assert set(RENAMED) <= names
