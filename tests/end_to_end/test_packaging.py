"""What napari and Python find of the installed package."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.resources
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import npe2
import pytest

HEAVY = ("torch", "monai", "lightning_fabric", "skimage", "dask", "zarr", "scipy")
OURS = ("torch", "monai", "lightning_fabric", "zarr")  # napari itself loads the others


@pytest.fixture(scope="module")
def manifest() -> npe2.PluginManifest:
    manager = npe2.PluginManager()
    manager.discover()
    return manager.get_manifest("napari-medt")


def test_napari_finds_the_manifest_of_the_top_level(manifest: npe2.PluginManifest, repository: Path) -> None:
    written = npe2.PluginManifest.from_file(repository / "napari.yaml")
    assert manifest.contributions == written.contributions, "run `make test`, or install again: napari.yaml has changed"
    assert manifest.package_version == importlib.metadata.version("napari-medt")


def test_every_command_of_the_manifest_can_be_called(manifest: npe2.PluginManifest) -> None:
    commands = manifest.contributions.commands or []
    assert commands
    for command in commands:
        assert callable(_target(str(command.python_name))), command.id


def _target(name: str) -> object:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def test_the_manifest_exists_once(repository: Path) -> None:
    ignored = {".venv", ".venv-wheel", "build", "dist"}
    found = [path for path in repository.rglob("napari.yaml") if not ignored & set(path.relative_to(repository).parts)]
    assert found == [repository / "napari.yaml"]


def test_the_installed_sample_images_are_those_of_the_repository(repository: Path) -> None:
    installed = importlib.resources.files("napari_medt_manifest") / "sample_data"
    files = sorted((repository / "sample_data").iterdir())
    assert sorted(file.name for file in installed.iterdir()) == [file.name for file in files]
    assert all((installed / file.name).read_bytes() == file.read_bytes() for file in files)


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("napari_medt", HEAVY),
        ("napari_medt.cli", HEAVY),
        ("napari_medt.files.samples", HEAVY),
        *((f"napari_medt.{name}.widget", OURS) for name in ("segmenting", "clicking", "attention", "correcting")),
        ("src_models", HEAVY),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_command_line_answers_without_torch() -> None:
    code = (
        "import sys; sys.argv = ['napari-medt', '--help']\n"
        "from napari_medt.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        f"print('HEAVY', *(name for name in {HEAVY} if name in sys.modules)); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "segment" in done.stdout
    assert done.stdout.splitlines()[-1] == "HEAVY"


@pytest.mark.parametrize("package", ["src_models", "napari_medt"])
def test_what_is_imported_is_required(package: str, repository: Path) -> None:
    required = {
        re.match(r"[\w.-]+", line)[0].lower()
        for line in importlib.metadata.requires("napari-medt") or []
        if "extra ==" not in line
    }
    homes = importlib.metadata.packages_distributions()
    server = repository / "napari_medt" / "serving"  # has an extra of its own
    cluster = repository / "src_models" / "computing" / "cluster"  # and so has this
    apart = {server, cluster, *(repository / path for path in OF_EXTRAS)}
    paths = [path for path in (repository / package).rglob("*.py") if not {path, *path.parents} & apart]
    imported = {name for path in paths for name in _imports(path)}
    foreign = imported - set(sys.stdlib_module_names) - {"napari_medt", "src_models"}
    assert foreign
    undeclared = {name for name in foreign if not required & {home.lower() for home in homes.get(name, [name])}}
    # PyTorch for CUDA brings Triton along; without it, nothing loads the one file that imports it.
    assert undeclared - {"napari_medt_manifest", "triton"} == set()


@pytest.mark.parametrize(
    ("extra", "room", "among"),
    [
        ("server", "napari_medt/serving", {"starlette", "uvicorn"}),
        ("cluster", "src_models/computing/cluster", {"dask_jobqueue", "distributed", "yaml"}),
    ],
)
def test_what_a_room_with_an_extra_imports_is_required_or_in_it(
    repository: Path, extra: str, room: str, among: set[str]
) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"][extra]]
    required = {re.match(r"[\w.-]+", line)[0].lower() for line in lines}
    homes = importlib.metadata.packages_distributions()
    imported = {name for path in (repository / room).rglob("*.py") for name in _imports(path)}
    foreign = imported - set(sys.stdlib_module_names) - {"napari_medt", "src_models"}
    assert among <= foreign
    assert {name for name in foreign if not required & {home.lower() for home in homes.get(name, [name])}} == set()


# Files that say so where the packages of their extra are missing, and what they import of them.
OF_EXTRAS = {
    "src_models/exporting/bioimageio_package.py": ("export", {"bioimageio"}),
    "src_models/exporting/onnx_file.py": ("export", {"onnx", "onnxruntime"}),
    "src_models/files/exchange/ilastik.py": ("exchange", {"h5py"}),
    "src_models/files/exchange/imagej_rois.py": ("exchange", {"roifile"}),
    "src_models/files/volumes/dicom_labels/seg_writing.py": ("dicom", {"highdicom"}),
    "src_models/files/volumes/itk/simple_itk.py": ("itk", {"SimpleITK"}),
    "src_models/models/packages/description.py": ("export", {"bioimageio", "loguru"}),
    "src_models/models/packages/graph.py": ("export", {"onnx", "onnxruntime"}),
    "src_models/models/packages/graph_network.py": ("export", {"onnxruntime"}),
    "src_models/tracking/linking.py": ("tracks", {"laptrack"}),
}


@pytest.mark.parametrize("path", OF_EXTRAS)
def test_what_is_optional_is_in_its_extra(repository: Path, path: str) -> None:
    extra, names = OF_EXTRAS[path]
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {re.match(r"[\w-]+", line)[0].lower() for line in project["optional-dependencies"][extra]}
    assert names <= _imports(repository / path)
    assert {name.lower() for name in names} <= required


NEEDED_BY_OTHERS = {
    "magicgui": "napari makes the form of `segment_layer` with it",
    "numba": "the kernels on a CPU import it by its name, so that who only looks at them does not",
}


def test_what_is_required_is_imported(repository: Path) -> None:
    required = {
        re.match(r"[\w.-]+", line)[0].lower().replace("_", "-")
        for line in importlib.metadata.requires("napari-medt") or []
        if "extra ==" not in line
    }
    imported = {
        name
        for root in ("src_models", "napari_medt")
        for p in (repository / root).rglob("*.py")
        for name in _imports(p)
    }
    homes = importlib.metadata.packages_distributions()
    used = {home.lower().replace("_", "-") for name in imported for home in homes.get(name, [])}
    assert required - used == set(NEEDED_BY_OTHERS)


LINKS = (r"\]\(\s*<?([^)\s>]*)", r"(?m)^ *\[[^\]]+\]:\s*<?(\S+?)>?$", r"(?:href|src)\s*=\s*[\"']([^\"']*)")


def links_in(text: str) -> list[str]:
    """Return where Markdown leads: by its links and pictures, by references, and by HTML in it."""
    return [link for pattern in LINKS for link in re.findall(pattern, text)]


def test_what_an_index_shows_has_no_link_that_leads_nowhere() -> None:
    links = links_in(importlib.metadata.metadata("napari-medt").json["description"])
    assert links
    assert [link for link in links if not link.startswith(("https://", "#"))] == []


def test_links_are_found_however_they_are_written() -> None:
    text = '[a](b.md) ![c](d.png "title") [![e](f.svg)](g.md)\n\n[h]: i.md\n\n<a href=\'j.md\'><img src="k.png"></a>'
    assert sorted(links_in(text)) == ["b.md", "d.png", "f.svg", "g.md", "i.md", "j.md", "k.png"]


def test_triton_is_imported_by_its_kernels_alone(repository: Path) -> None:
    importing = [path.name for path in (repository / "src_models").rglob("*.py") if "triton" in _imports(path)]
    assert importing == ["axial_triton_kernels.py"]


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names
