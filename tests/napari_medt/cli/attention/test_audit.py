"""``napari-medt audit``: what it prints, what it writes, and what it refuses."""

import json

import numpy as np
import pytest
import tifffile
from imageio.v3 import imread, imwrite
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.auditing import auditor
from src_models.auditing.figures import Curve
from src_models.auditing.report.averaging import average


@pytest.fixture
def run(monkeypatch):
    """Run the command line in this process, with few points of the curves."""
    monkeypatch.setattr(auditor, "RANDOM_ORDERS", 2)
    monkeypatch.setattr(auditor, "FRACTIONS", (0.0, 0.2, 1.0))
    runner = CliRunner(env={"COLUMNS": "200"})
    return lambda *arguments: runner.invoke(app, ["audit", *(str(argument) for argument in arguments)])


@pytest.fixture
def image(tmp_path, discs):
    """An image of two discs, which the tiny model finds, and a file of the objects drawn."""
    imwrite(tmp_path / "discs.tif", discs)
    imwrite(tmp_path / "drawn.tif", (discs > 100).astype(np.uint8))
    return tmp_path / "discs.tif"


@pytest.fixture
def data_set(tmp_path, discs):
    """Two images of the split val with discs, one without, and one that trains."""
    root = tmp_path / "cells"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    noise = np.random.default_rng(0).integers(0, 3, discs.shape).astype(discs.dtype)
    lines = ["file,split"]
    for name, split, pixels in (
        ("a.tif", "val", discs),
        ("b.tif", "val", discs[:, ::-1]),
        ("c.tif", "val", noise * 0),
        ("d.tif", "train", discs),
    ):
        imwrite(root / "images" / name, pixels)
        imwrite(root / "masks" / name, (pixels > 100).astype(np.uint8))
        lines.append(f"{name},{split}")
    (root / "manifest.csv").write_text("\n".join(lines))
    return root


def test_an_image_gives_a_table_sentences_and_files(run, image, tiny_model_path, tmp_path):
    labels, kept, folder = tmp_path / "drawn.tif", tmp_path / "audit.json", tmp_path / "page"
    done = run(image, "--model", tiny_model_path, "--labels", labels, "--json", kept, "--report", folder)
    assert done.exit_code == 0, done.stderr
    for word in ("gate 2", "input gradient", "random", "the result itself", "only 64 x 64 px in the middle"):
        assert word in done.stdout
    figures = json.loads(kept.read_text())
    (one,) = figures["maps"]
    assert one["pointing"]["chance"] == pytest.approx((imread(labels)[3:67, 13:77] > 0).mean())
    curve = one["order"]["deletion"]
    assert f"{curve['area']:.3f}" in done.stdout
    assert curve["area"] == pytest.approx(Curve.through(curve["fractions"], curve["scores"]).area)
    page = (folder / "audit.md").read_text()
    assert all(sentence in page for sentence in figures["summary"])
    for name in ("audit_curves.png", "audit_maps.png"):
        assert f"({name})" in page
        assert np.ptp(imread(folder / name)) > 200


def test_a_data_set_gives_means_over_val_and_leaves_out_images_with_nothing_found(
    run, data_set, tiny_model_path, tmp_path
):
    kept = tmp_path / "audit.json"
    done = run(data_set, "--model", tiny_model_path, "--json", kept)
    assert done.exit_code == 0, done.stderr
    figures = json.loads(kept.read_text())
    assert sorted(figures["by_image"]) == ["a.tif", "b.tif"]
    assert "left out: the model 'tiny' finds nothing in the middle of c.tif" in done.stdout
    areas = [one["maps"][0]["order"]["deletion"]["area"] for one in figures["by_image"].values()]
    assert figures["maps"][0]["order"]["deletion"]["area"] == pytest.approx(np.mean(areas))
    gains = [one["maps"][0]["order"]["deletion_gain"]["mean"] for one in figures["by_image"].values()]
    wanted = {"mean": np.mean(gains), "uncertainty": np.std(gains, ddof=1) / np.sqrt(2)}
    assert figures["maps"][0]["order"]["deletion_gain"] == pytest.approx(wanted)
    assert f"Means over 2 images of {data_set}" in done.stdout


def test_a_limit_and_a_seed_are_heeded(run, data_set, tiny_model_path, tmp_path):
    seeds = {}
    for seed in (1, 1, 2):
        kept = tmp_path / f"{seed}.json"
        done = run(data_set, "--model", tiny_model_path, "--limit", 1, "--seed", seed, "--json", kept, "--overwrite")
        assert done.exit_code == 0, done.stderr
        figures = json.loads(kept.read_text())
        assert figures["images"] == 1
        assert seeds.setdefault(seed, figures) == figures
    assert seeds[1]["random"] != seeds[2]["random"]


def test_nothing_is_overwritten_and_nothing_is_run_before_that_is_known(run, image, tiny_model_path, tmp_path):
    (tmp_path / "page").mkdir()
    kept = tmp_path / "page" / "audit_maps.png"
    kept.write_text("mine")
    done = run(image, "--model", tiny_model_path, "--report", tmp_path / "page")
    assert done.exit_code == 1
    assert "exists already" in done.stderr
    assert kept.read_text() == "mine"
    assert not (tmp_path / "page" / "audit.md").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--map", "gate 7"], "no attention map 'gate 7'"),
        (["--limit", "2"], "--limit is for the folder of a data set"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run, image, tiny_model_path, arguments, message):
    done = run(image, "--model", tiny_model_path, *arguments)
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_labels_beside_a_data_set_are_refused(run, data_set, tiny_model_path, tmp_path):
    done = run(data_set, "--model", tiny_model_path, "--labels", tmp_path / "a.tif")
    assert done.exit_code == 1
    assert "leave out --labels" in done.stderr


def test_the_mean_of_one_audit_is_that_audit(run, image, tiny_model_path):
    from src_models import load
    from src_models.files.images import read_image

    one = auditor.audit(read_image(image).data, load(tiny_model_path), device="cpu", name="discs")
    assert average([one], "discs") == one


def test_dyes_are_audited_once_one_is_chosen(run, discs, tiny_model_path, tmp_path):
    rng = np.random.default_rng(0)
    others = [rng.integers(80, 160, discs.shape).astype(np.uint16) for _ in range(2)]
    path = tmp_path / "dyes.tif"
    tifffile.imwrite(path, np.stack([discs, *others]), imagej=True, metadata={"axes": "CYX", "mode": "composite"})
    refused = run(path, "--model", tiny_model_path, "-o", tmp_path / "out")
    assert refused.exit_code == 1
    assert "look like three dyes" in refused.stderr
    assert run(path, "--model", tiny_model_path, "-o", tmp_path / "out", "--channels", "0").exit_code == 0
