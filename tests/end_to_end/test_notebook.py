"""The notebook runs, and the numbers it prints are those of the arrays that it computed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from safetensors.numpy import load_file
from scipy.ndimage import map_coordinates

from src_models.models.checkpoint import load
from src_models.models.library import find_model

# What the test looks at, saved by a cell behind the last one.
SAVE = """
np.savez(
    {path!r}, labels=result.labels, received=on_pixels(received)[0], pixel=pixel, fine=gate.data, coarse=at_half.data,
    change=change.data, gate_step=gate.scale, coarse_step=at_half.scale, drawn=drawn,
    look=looks["global 2.1"].data, look_place=looks["global 2.1"].translate, look_step=looks["global 2.1"].scale,
    matrices=attention["global 2.1 height"].tensor[0].numpy(), rows=attention["global 2.1 width"].tensor[0].numpy(),
    weights=middle.numpy(),
)
"""


@dataclass
class Run:
    printed: str
    saved: dict[str, np.ndarray]


@pytest.fixture(scope="module")
def notebook(repository: Path) -> nbformat.NotebookNode:
    return nbformat.read(repository / "docs" / "attention.ipynb", as_version=4)


@pytest.fixture(scope="module")
def run(notebook, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("notebook") / "saved.npz"
    fresh = nbformat.from_dict(notebook)
    fresh.cells = [*fresh.cells, nbformat.v4.new_code_cell(SAVE.format(path=str(path)))]
    NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(repository / "docs")}}).execute()
    with np.load(path) as saved:
        return Run(printed(fresh), dict(saved))


def printed(notebook) -> str:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return "".join(output.text for cell in cells for output in cell.outputs if output.output_type == "stream")


def test_its_segmentation_is_as_good_as_it_says(run: Run, repository: Path) -> None:
    truth = iio.imread(repository / "sample_data" / "histology_labels.png") > 0
    np.testing.assert_array_equal(run.saved["drawn"], truth)
    found = run.saved["labels"] > 0
    dice = 2 * np.sum(found & truth) / (found.sum() + truth.sum())
    assert f"Dice {dice:.2f} with" in run.printed
    assert f"{len(np.unique(run.saved['labels'])) - 1} nuclei found" in run.printed
    assert dice > 0.6
    values = run.saved["received"]
    assert f"mean over the image {values.mean():.2f}, over the nuclei {values[truth].mean():.2f}" in run.printed


def test_its_gates_are_those_in_the_file(run: Run) -> None:
    stored = load_file(find_model("nuclei-medt"))
    layers = sorted(name.removesuffix(".g_q") for name in stored if name.endswith(".g_q"))
    gates = ("g_q", "g_k", "g_v1", "g_v2")
    wanted = [[f"{float(stored[f'{layer}.{gate}']):.3f}" for gate in gates] for layer in layers]
    lines = [line.split() for line in run.printed.splitlines() if re.match(r"global \d\.\d (height|width) ", line)]
    assert [line[-4:] for line in lines if len(line) == 7] == wanted
    assert len(wanted) == 6


def test_its_query_map_is_the_product_of_the_matrices(run: Run) -> None:
    columns, rows = (run.saved[name].mean(1) for name in ("matrices", "rows"))
    wanted = [[rows[32, 32, x] * columns[x, 32, y] for x in range(64)] for y in range(64)]
    np.testing.assert_allclose(run.saved["weights"], wanted, rtol=1e-5)


def test_its_pixel_looks_where_the_share_says(run: Run) -> None:
    weights, drawn = run.saved["look"], run.saved["drawn"]
    assert weights.sum() == pytest.approx(1, abs=1e-4)
    step = int(run.saved["look_step"][0])
    top, left = (int(place - (step - 1) / 2) for place in run.saved["look_place"])
    fine = np.kron(weights, np.ones((step, step)) / step**2)[: drawn.shape[0] - top, : drawn.shape[1] - left]
    tile = drawn[top : top + fine.shape[0], left : left + fine.shape[1]]
    row, column = run.saved["pixel"]
    assert drawn[row, column]
    assert 0 <= row - top < fine.shape[0]
    attended = fine[tile].sum() / fine.sum()
    assert f"global 2.1: {attended:.1%} of the attention on nuclei, which cover {tile.mean():.1%}" in run.printed


def test_its_difference_is_that_of_the_gate_at_both_sizes(run: Run) -> None:
    fine, coarse, change = (run.saved[name] for name in ("fine", "coarse", "change"))
    ratio = run.saved["gate_step"] / run.saved["coarse_step"]
    places = [(np.arange(size) + 0.5) * r - 0.5 for size, r in zip(fine.shape, ratio, strict=True)]
    between = map_coordinates(coarse, np.meshgrid(*places, indexing="ij"), order=1, mode="nearest")
    np.testing.assert_allclose(change, fine - between, atol=1e-5)
    assert f"mean {change.mean(dtype=float):6.3f}, {change.min():6.3f} to {change.max():.3f}" in run.printed


def test_what_is_kept_in_the_file_is_of_the_models_that_ship(notebook) -> None:
    kept = printed(notebook)
    for name in ("nuclei", "nuclei-medt"):
        sha256 = load(find_model(name)).sha256
        assert f"{name} {sha256[:12]}" in kept, "the model has changed: run `python docs/run_notebook.py`"
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/jpeg" in output.get("data", {}) for output in outputs) == 3
    assert len(nbformat.writes(notebook)) < 300_000
