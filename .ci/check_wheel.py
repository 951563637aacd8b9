"""Check that the installed wheel is whole: run by the Python of an environment into which nothing but it was installed.

The argument is the repository the wheel was built from, for comparison.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import importlib.util
import re
import sys
from pathlib import Path

import npe2

import napari_medt
import src_models
from src_models.models.library import shipped_models


def check_origin() -> None:
    """What is imported is the wheel's content, not the working tree's."""
    for package in (napari_medt, src_models):
        folder = Path(package.__file__).resolve()
        assert folder.is_relative_to(Path(sys.prefix).resolve()), f"{package.__name__} came from {folder}"
    text = importlib.metadata.distribution("napari-medt").read_text("direct_url.json") or ""
    assert '"editable"' not in text, "this is an editable install"


def check_no_qt() -> None:
    """The base install leaves the choice of a Qt binding to the person."""
    bindings = [name for name in ("PyQt5", "PyQt6", "PySide2", "PySide6") if importlib.util.find_spec(name)]
    assert not bindings, f"the base install brought {bindings}"


def check_manifest(repository: Path) -> None:
    """npe2 discovers the plugin by its entry point, with the contributions of the manifest at the top level."""
    manager = npe2.PluginManager()
    manager.discover()
    found = manager.get_manifest("napari-medt")
    written = npe2.PluginManifest.from_file(repository / "napari.yaml")
    assert found.package_version == importlib.metadata.version("napari-medt")
    assert found.contributions == written.contributions, "the wheel holds another manifest than the repository"
    for command in found.contributions.commands or []:
        module = str(command.python_name).partition(":")[0]
        assert importlib.util.find_spec(module), f"command {command.id} points to {module}, which is not in the wheel"


def check_readme() -> None:
    """What a package index shows is read away from the repository: nothing in it leads to a file of that."""
    text = importlib.metadata.metadata("napari-medt").json["description"]
    links = re.findall(r"\]\(\s*<?([^)\s>]*)", text) + re.findall(r"(?:href|src)\s*=\s*[\"']([^\"']*)", text)
    assert "Segment images in" in text, "the wheel holds no README"
    assert links, "the README has no links left"
    nowhere = [link for link in links if not link.startswith(("https://", "#"))]
    assert not nowhere, f"the README of the wheel has links that lead nowhere: {nowhere}"


def check_files(repository: Path) -> None:
    """The sample images and the shipped models are all there, byte for byte."""
    samples = importlib.resources.files("napari_medt_manifest") / "sample_data"
    for file in sorted((repository / "sample_data").iterdir()):
        assert (samples / file.name).read_bytes() == file.read_bytes(), f"sample_data/{file.name} is not in the wheel"
    shipped = {file.name: file for file in (repository / "src_models" / "shipped").glob("*.safetensors")}
    installed = {entry.path.name: entry.path for entry in shipped_models()}
    assert shipped, "the repository ships no model"
    assert installed.keys() == shipped.keys(), f"the wheel ships {sorted(installed)}, the repository {sorted(shipped)}"
    assert all(installed[name].read_bytes() == shipped[name].read_bytes() for name in shipped)


if __name__ == "__main__":
    source = Path(sys.argv[1])
    check_origin()
    check_no_qt()
    check_manifest(source)
    check_readme()
    check_files(source)
    print(f"The wheel of napari-medt {napari_medt.__version__} is whole.")
