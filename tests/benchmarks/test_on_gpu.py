"""What is prepared for a graphics card, on the CPU: every part runs, and what it found survives how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import on_gpu, on_gpu_parts

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def told():
    """Measure a part quickly on the CPU; return its rows."""

    def measure(part):
        rows = []
        on_gpu_parts.measure(part, "cpu", True, lambda what, figure, note="", **numbers: rows.append((what, numbers)))
        return rows

    return measure


def run(folder, *options):
    command = [sys.executable, "-m", "benchmarks.on_gpu", "--device", "cpu", "--quick", "--out", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, timeout=240)


def test_parts_are_written_one_by_one_with_the_reason_of_what_was_left_out(tmp_path):
    done = run(tmp_path, "--parts", "memory", "kernels")
    assert done.returncode == 0, done.stderr
    parts = json.loads((tmp_path / "on_gpu.json").read_text())["parts"]
    assert {part["end"] for part in parts.values()} == {"done"}
    assert parts["memory"]["rows"][0]["note"] == "needs a CUDA card"
    assert parts["kernels"]["rows"][-1]["figure"] == "equal"
    table = (tmp_path / "on_gpu.md").read_text()
    assert "| memory | peak memory of forward passes | left out | needs a CUDA card |" in table
    assert sorted(path.name for path in tmp_path.iterdir()) == ["on_gpu.json", "on_gpu.md"]


def test_a_part_that_runs_out_of_time_leaves_what_it_found(tmp_path, monkeypatch):
    """Here the part is a process that tells one row and then hangs."""
    arguments = type("", (), {"out": tmp_path, "device": "cpu", "quick": True})
    hanging = "import time; print('began', flush=True); time.sleep(60)"

    def start(_command, **options):
        (tmp_path / "on_gpu.kernels.part.json").write_text('[{"what": "a", "figure": "1", "note": "b"}]')
        return run_process([sys.executable, "-c", hanging], **options)

    run_process = subprocess.run
    with monkeypatch.context() as patch:
        patch.setattr(on_gpu.subprocess, "run", start)
        part = on_gpu.run_part("kernels", 1.0, arguments)
    assert part["end"] == "stopped at its limit of 1 s"
    assert [row["what"] for row in part["rows"]] == ["a"]
    on_gpu.write(tmp_path, {"kernels": part})
    assert (
        "| kernels | a | 1 | b |\n| kernels | | stopped at its limit of 1 s | |" in (tmp_path / "on_gpu.md").read_text()
    )


def test_all_parts_together_take_less_than_eight_minutes_at_most():
    assert sum(on_gpu.SECONDS.values()) < 8 * 60
    assert set(on_gpu.SECONDS) == set(on_gpu_parts.PARTS)


def test_a_form_that_is_wrong_is_found_to_be(told, monkeypatch):
    """A kernel that is off by a thousandth must not be called equal."""
    right = on_gpu_parts.axial.axial_attention

    def wrong(*inputs):
        content, positional = right(*inputs)
        return content * 1.001, positional

    monkeypatch.setattr(on_gpu_parts.axial, "axial_attention", wrong)
    rows = told("kernels")
    assert 5e-4 < rows[-1][1]["values"] < 2e-3


def test_medt_gives_what_the_authors_arithmetic_gives(told):
    ((what, numbers),) = told("inference")
    assert what.startswith("medt, 1 x 3 x 128 x 128")
    assert numbers["off"] < 1e-5


@pytest.mark.parametrize(("part", "rows"), [("training", 1), ("precision", 3), ("throughput", 4)])
def test_the_other_parts_run(told, part, rows):
    found = told(part)
    assert len(found) == rows
    numbers = [value for _, row in found for value in row.values()]
    assert all(value >= 0 for value in numbers)
    if part == "precision":
        assert found[1][1] == {"gain": 1.0, "equal": 1}
