"""The protocol of the comparison on organs: who is tested, what counts, and that what is done is not done again."""

import json

import numpy as np
import pytest
import tifffile
from skimage.io import imsave

from benchmarks import budget_runs, machine, organ_accuracy
from benchmarks.organ_accuracy import TASKS, main, scores
from src_models.files.dataset import DataSet
from src_models.files.samples import Sample

SIZE = 64


@pytest.fixture
def sets(tmp_path):
    """Patients 0 to 8 of three slices, of which 3 and 7 are set aside, and twelve images of glands."""
    root = tmp_path / "sets" / "btcv_ct"
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    rows = ["file,split,case"]
    for case in range(9):
        for number in range(3):
            rng = np.random.default_rng(10 * case + number)
            labels = np.zeros((SIZE, SIZE), np.uint16)
            for organ in range(1, 9):
                labels[8 * organ - 8 : 8 * organ - 2, 8:40] = organ
            image = (20 * labels + rng.integers(0, 10, labels.shape)).astype(np.uint8)
            name = f"btcv_{case:02}_{number:03}.png"
            imsave(root / "images" / name, image, check_contrast=False)
            imsave(root / "masks" / name, labels, check_contrast=False)
            rows.append(f"{name},{'val' if case in (3, 7) else 'train'},{case}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    root = tmp_path / "sets" / "glas_half"
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    rows = ["file,split"]
    for number in range(12):
        mask = np.zeros((70, 90), np.uint16)
        mask[:, : 10 + number] = 7
        tifffile.imwrite(root / "images" / f"{number}.tif", np.full((70, 90, 3), 50, np.uint8), photometric="rgb")
        tifffile.imwrite(root / "masks" / f"{number}.tif", mask)
        rows.append(f"{number}.tif,{'train' if number < 10 else 'testA'}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root.parent


def names(data, split):
    return [sample.name for sample in data.split(split)]


def test_no_patient_is_on_two_sides_and_those_set_aside_are_tested(sets, tmp_path):
    task = TASKS["btcv_ct"]
    data = task.open(sets, tmp_path)
    cases = {split: {task.patient(sample) for sample in data.split(split)} for split in ("train", "val", "test")}
    assert cases["test"] == {"btcv_03", "btcv_07"}
    assert cases["val"] == {"btcv_05"}, "the fifth of those to learn from, and every sixth after it"
    assert cases["train"] == {f"btcv_{case:02}" for case in (0, 1, 2, 4, 6, 8)}


def test_where_there_are_patients_to_test_all_is_as_it_was_divided(sets, tmp_path):
    manifest = sets / "btcv_ct" / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("val,7", "test,7"))
    data, before = TASKS["btcv_ct"].open(sets, tmp_path), DataSet.open(sets / "btcv_ct")
    assert all(names(data, split) == names(before, split) for split in ("train", "val", "test"))


def test_glands_keep_their_size_and_are_one_class(sets, tmp_path):
    data = TASKS["glas_half"].open(sets, tmp_path)
    assert (names(data, "test"), names(data, "val")) == (["10.tif", "11.tif"], ["4.tif", "9.tif"])
    mask = tifffile.imread(data.split("test")[0].mask)
    assert (mask.shape, np.unique(mask).tolist()) == ((70, 90), [0, 1])


def test_the_slices_of_a_patient_are_scored_together(monkeypatch, tmp_path):
    """Organ 1 is found in one of two slices of equal size, organ 2 invented, the others nowhere."""
    there = np.zeros((30, 40), int)
    there[5:10, 5:10] = 1
    invented = np.zeros((30, 40), int)
    invented[20:22, 20:22] = 2
    found = {"a_1": (there, there), "a_2": (there, invented), "b_1": (there, there)}
    samples = [Sample(f"{name}.png", tmp_path, tmp_path) for name in ("b_1", "a_1", "a_2")]
    monkeypatch.setattr(
        organ_accuracy, "predict_sample", lambda sample, *_, **__: (None, *found[sample.name.removesuffix(".png")])
    )
    scored = scores(None, samples, TASKS["btcv_ct"])
    assert list(scored) == ["a", "b"]
    assert scored["a"]["aorta"] == pytest.approx({"dice": 2 / 3, "hd95": 0, "alone": 0.5})
    assert scored["a"]["gallbladder"] == pytest.approx({"dice": 0, "hd95": 50, "alone": 1})
    assert scored["b"] == {"aorta": {"dice": 1, "hd95": 0, "alone": 0}}


def test_rows_are_learnt_once_and_all_are_in_the_tables(sets, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(machine, "RESULTS", tmp_path / "results")
    arguments = [str(sets), "--out", str(tmp_path / "runs"), "--steps", "2", "--batch", "1", "--patch", "32"]
    main([*arguments, "--rows", "fcn-32s"])
    table = json.loads((tmp_path / "results" / "organ_accuracy_2x1x32.json").read_text())
    assert table["columns"][0] == "organs in CT: 2 steps of 1 x 32 px, 2 tested"
    assert [row[0] for row in table["rows"]] == ["fcn-32s"]
    monkeypatch.setattr(budget_runs, "train", None)  # nothing more is learnt
    main([*arguments, "--rows", "fcn-32s"])
    assert json.loads((tmp_path / "results" / "organ_accuracy_2x1x32.json").read_text())["rows"] == table["rows"]
    glands = json.loads((tmp_path / "results" / "organ_accuracy_glands_2x1x32.json").read_text())
    (row,) = glands["rows"]
    runs = json.loads(next((tmp_path / "runs").glob("glas_half-*.json")).read_text())
    dice = np.mean([patient["gland"]["dice"] for patient in runs["patients"].values()])
    assert row[-1].startswith(f"{100 * dice:.1f}, ")
    assert set(runs["patients"]) == {"10.tif", "11.tif"}
    assert "left out" not in capsys.readouterr().out


def test_a_table_has_the_spread_of_seeds_and_no_other_budget(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "RESULTS", tmp_path / "results")
    budget = {"steps": 600, "batch": 4, "patch": 192, "learning_rate": 0.1}  # the usual one: no other has such a name
    for number, (dice, steps) in enumerate([(0.5, 600), (0.7, 600), (0.9, 700)]):
        gland = {"gland": {"dice": dice, "hd95": 4.0 + number, "alone": 0.0}}
        run = {
            "set": "glas_half",
            "row": "unet",
            **budget,
            "steps": steps,
            "parameters": 1500000,
            "patients": {"a": gland},
        }
        (tmp_path / f"{number}.json").write_text(json.dumps(run))
    organ_accuracy.write_table(tmp_path, "glas_half", budget)
    (row,) = json.loads((tmp_path / "results" / "organ_accuracy_glands.json").read_text())["rows"]
    assert row == ["unet", "1.50 M", 2, "60.0 ± 14.1, 4.5 px", "0 %", "60.0 ± 14.1, 4.5 px"]
    organ_accuracy.write_table(tmp_path, "btcv_ct", budget)
    assert not (tmp_path / "results" / "organ_accuracy.json").exists(), "nothing was measured, and nothing is written"
