"""The protocol of the comparison on volumes: who is tested, what counts, and distances in mm."""

import json

import nibabel as nib
import numpy as np
import pytest

from benchmarks import machine
from benchmarks.volume_networks import TASKS, UNDRAWN, all_drawn, class_scores, main, opened, scores

SHAPE = (16, 18, 20)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Fourteen scans of boxes, one for each organ, of which two are set aside; in some an organ is not drawn."""
    root = tmp_path_factory.mktemp("sets")
    for name, task in TASKS.items():
        for kind in ("images", "masks"):
            (root / name / kind).mkdir(parents=True)
        rows = ["file,split,organs"]
        for number in range(14):
            mask = np.zeros(SHAPE, np.uint8)
            drawn = [organ for organ in range(1, len(task.classes) + 1) if organ % 7 != number % 7]
            for organ in drawn:
                mask[2 * organ : 2 * organ + 2, 3:12, 4:14] = organ
            image = (40 * mask.astype("i2") - 100) + np.random.default_rng(number).integers(0, 9, SHAPE, "i2")
            for kind, data in (("images", image), ("masks", mask)):
                nib.save(nib.Nifti1Image(data, np.diag([-4, -4, 2.5, 1])), root / name / kind / f"{number:02}.nii.gz")
            rows.append(f"{number:02}.nii.gz,{'val' if number in (3, 8) else 'train'},{' '.join(map(str, drawn))}")
        (root / name / "manifest.csv").write_text("\n".join(rows))
    return root


def test_nobody_is_on_two_sides_and_only_where_asked_for_is_all_taken_as_drawn(sets):
    data = opened(sets, "openkbp_ct")
    names = {split: [sample.name[:2] for sample in data.split(split)] for split in ("train", "val", "test")}
    assert names["test"] == ["03", "08"]
    assert names["val"] == ["05", "12"], "the fifth of those to learn from, and every sixth after it"
    assert not set(names["train"]) & {*names["val"], *names["test"]}
    assert all(len(sample.drawn) in (6, 7) for sample in data.samples)
    assert {sample.drawn for sample in opened(sets, "mri_hippocampus_msd").samples} == {None}
    careless = all_drawn(data)
    assert {sample.drawn for sample in careless.split("train")} == {None}
    assert careless.split("test") == data.split("test")


def test_distances_are_in_mm_along_each_axis():
    truth = np.zeros((20, 20, 20), bool)
    truth[5:10, 5:10, 5:10] = True
    for axis, spacing in ((0, 2.5), (1, 4.0), (2, 4.5)):
        found = class_scores(np.roll(truth, 3, axis), truth, (2.5, 4.0, 4.5))
        assert found["hd95"] == pytest.approx(3 * spacing)
        assert found["dice"] == pytest.approx(2 * 2 / 10)
    missed = class_scores(np.zeros_like(truth), truth, (3.0, 4.0, 12.0))
    assert missed == {"dice": 0.0, "hd95": pytest.approx(20 * 13)}


def test_rows_are_trained_once_and_only_what_was_drawn_is_scored(sets, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(machine, "RESULTS", tmp_path / "results")
    arguments = [str(sets), "--out", str(tmp_path / "runs"), "--steps", "2", "--widths", "2", "4"]
    main([*arguments, "--sets", "openkbp_ct", "--rows", "unet", UNDRAWN])
    table = json.loads((tmp_path / "results" / "volume_networks_openkbp_ct.json").read_text())
    assert [row[0] for row in table["rows"]] == ["unet", UNDRAWN]
    assert table["notes"]["tested"] == 2
    runs = sorted((tmp_path / "runs").glob("*.json"))
    assert len(runs) == 2
    content = json.loads(runs[0].read_text())
    organs = TASKS["openkbp_ct"].classes
    assert set(content["patients"]["03.nii.gz"]) == set(organs) - {organs[2]}
    assert set(content["patients"]["08.nii.gz"]) == set(organs) - {organs[0]}
    written = [path.stat().st_mtime_ns for path in runs]
    main([*arguments, "--sets", "openkbp_ct", "--rows", "unet", UNDRAWN])
    assert [path.stat().st_mtime_ns for path in runs] == written
    assert "attention-unet" in capsys.readouterr().out


def test_scores_use_the_spacing_of_the_file(sets, monkeypatch):
    """A model that answers with the truth, moved by one voxel to the back: each class is off by its length."""
    from benchmarks import volume_networks

    def moved(sample, model, device):
        truth = np.asarray(volume_networks.open_sample(sample).mask)
        return None, truth, np.roll(truth, 1, axis=1)

    monkeypatch.setattr(volume_networks, "predict_sample", moved)
    data = opened(sets, "mri_hippocampus_msd")
    found = scores(None, data.split("test"), TASKS["mri_hippocampus_msd"])
    assert found.keys() == {"03.nii.gz", "08.nii.gz"}
    for patient in found.values():
        for score in patient.values():
            assert score["hd95"] == pytest.approx(4.0)
