"""The script that joins data sets for training, run as a person runs it."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from src_models.files.dataset import DataSet
from src_models.files.samples import read_sample


def make_set(root: Path, value: int) -> Path:
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
        for name in ("1.png", "2.png"):
            iio.imwrite(root / folder / name, np.full((4, 5), value, np.uint8))
    (root / "manifest.csv").write_text("file,split,width\n2.png,val,5\n1.png,train,5\n")
    return root


def assemble(repository: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    script = repository / "benchmarks" / "assemble_data_set.py"
    return subprocess.run([sys.executable, script, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("options", [[], ["--copy"]], ids=["links", "copies"])
def test_sets_that_use_the_same_names_are_joined(repository: Path, tmp_path: Path, options: list[str]) -> None:
    first, second = make_set(tmp_path / "fluo", 3), make_set(tmp_path / "histo", 9)
    run = assemble(repository, tmp_path / "all", first, second, *options)
    assert run.returncode == 0, run.stderr
    assert [line.split() for line in run.stdout.splitlines()] == [
        ["-", "fluo", "train", "1"],
        ["-", "fluo", "val", "1"],
        ["-", "histo", "train", "1"],
        ["-", "histo", "val", "1"],
    ]
    data = DataSet.open(tmp_path / "all")
    assert [sample.name for sample in data.split("val")] == ["fluo_2.png", "histo_2.png"]
    assert [int(read_sample(sample)[1].max()) for sample in data.split("train")] == [3, 9]
    assert data.samples[0].image.is_symlink() is not bool(options)
    with (tmp_path / "all" / "manifest.csv").open() as file:
        assert {row["file"]: row["source"] for row in csv.DictReader(file)}["histo_1.png"] == "histo"


def test_a_folder_with_files_is_left_alone(repository: Path, tmp_path: Path) -> None:
    first, out = make_set(tmp_path / "fluo", 3), make_set(tmp_path / "all", 1)
    before = sorted(path.name for path in out.rglob("*"))
    run = assemble(repository, out, first)
    assert run.returncode == 1
    assert run.stderr.startswith("Error: ")
    assert "not empty" in run.stderr
    assert sorted(path.name for path in out.rglob("*")) == before
