"""The set of CT slices: who teaches and who is tested, what counts, and that organs keep their numbers and places."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import imageio.v3 as iio
import nibabel
import numpy as np
import pytest
import tifffile

from benchmarks.ct_organ_set import ORGANS, assemble, may_be_bone_or_lung, sure_bone_and_lung
from src_models.errors import OutputError
from src_models.files.dataset import DataSet

SIDE = 48


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small folders of the form of both sets: five patients with a slice each, and two scans of 3 and 0.75 mm."""
    folder = tmp_path_factory.mktemp("sets")
    experts, model = folder / "btcv_ct", folder / "ct_totalseg"
    for where in (experts, model):
        (where / "images").mkdir(parents=True)
        (where / "masks").mkdir()
    rows = []
    for case, split in (("0", "train"), ("4", "train"), ("9", "val"), ("10", "train"), ("11", "train")):
        name = f"btcv_{int(case):02d}_001.png"
        stored = np.full((SIDE, SIDE), 64, np.uint8)
        stored[0, :2] = 0, 255
        mask = np.zeros((SIDE, SIDE), np.uint16)
        mask[10:20, 10:20] = 5
        iio.imwrite(experts / "images" / name, stored)
        iio.imwrite(experts / "masks" / name, mask)
        rows.append({"file": name, "split": split, "case": case})
    with (experts / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ("file", "split", "case"))
        writer.writeheader()
        writer.writerows(rows)
    names = {"1": "kidney_left", "2": "lung_upper_lobe_right", "3": "rib_left_4", "4": "heart", "5": "kidney_cyst_left"}
    (model / "labels.json").write_text(json.dumps({"torso_3mm": names, "abdomen_512": names}))
    for stem, spacing in (("torso_3mm", 3.0), ("abdomen_512", 0.75)):
        affine = np.diag([-spacing, -spacing, 2.0, 1.0])  # x to the left and y to the back, as a slice is shown
        values = np.full((16, 12, 2), -1000, np.int16)
        drawn = np.zeros((16, 12, 2), np.uint8)
        for number in range(1, 6):
            drawn[3 * number - 3 : 3 * number, 4:8, 0] = number
        nibabel.save(nibabel.Nifti1Image(values, affine), model / "images" / f"{stem}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(drawn, affine), model / "masks" / f"{stem}.nii.gz")
    return folder


@pytest.fixture(scope="module")
def made(sets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "data"
    assemble(sets, out)
    return out


def rows_of(made: Path) -> list[dict[str, str]]:
    with (made / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_where_bones_and_lungs_were_not_looked_for_they_are_said_to_be_unknown(made: Path) -> None:
    experts = [ORGANS.index(name) + 1 for name in ORGANS if name not in ("bones", "lungs")]
    drawn = {sample.name: sample.drawn for sample in DataSet.open(made).samples}
    for row in rows_of(made):
        partly = row["source"] == "btcv_ct" and row["split"] != "train"
        assert drawn[row["file"]] == (tuple(experts) if partly else None), row["file"]


def test_no_patient_is_on_two_sides(made: Path) -> None:
    splits = {row["patient"]: set() for row in rows_of(made)}
    for row in rows_of(made):
        splits[row["patient"]].add(row["split"])
    assert splits == {
        "btcv 0": {"train"},
        "btcv 4": {"val"},
        "btcv 9": {"test"},
        "btcv 10": {"val"},
        "btcv 11": {"train"},
        "torso_3mm": {"train"},
        "abdomen_512": {"test"},
    }


def test_grey_values_of_the_window_become_hu_again(made: Path) -> None:
    image = tifffile.imread(made / "images" / "btcv_00_001.tif")
    assert image[0, 0] == -125
    assert image[0, 1] == 275
    assert image[5, 5] == round(-125 + 64 / 255 * 400)
    mask = tifffile.imread(made / "masks" / "btcv_00_001.tif")
    assert ORGANS[mask[15, 15] - 1] == "liver"


def test_organs_of_a_model_keep_their_names_and_places_at_another_size_of_pixels(made: Path) -> None:
    for stem, spacing in (("torso_3mm", 3.0), ("abdomen_512", 0.75)):
        mask = tifffile.imread(made / "masks" / f"{stem}_000.tif")
        assert mask.shape == (12 * spacing / 1.5, 16 * spacing / 1.5)
        middle = mask[mask.shape[0] // 2]
        along = [ORGANS[middle[int((3 * number + 1) * spacing / 1.5)] - 1] for number in range(3)]
        assert along == ["left kidney", "lungs", "bones"]
        assert not middle[round(9.9 * spacing / 1.5) :].any(), "heart and cysts are none of the organs"
        assert not tifffile.imread(made / "masks" / f"{stem}_001.tif").any()


def test_bone_and_lung_that_nobody_drew_do_not_count_and_organs_do() -> None:
    image = np.full((80, 80), 50, np.int16)
    organs = np.zeros((80, 80), np.uint8)
    image[:4], image[-4:], image[:, :4], image[:, -4:] = (-1000,) * 4  # around the body
    image[10:40, 10:30] = -800
    image[50:70, 50:70] = 600
    image[55:65, 55:65] = 90  # marrow
    image[45:48, 20:30], organs[45:48, 20:30] = 300, 1  # a vessel with contrast
    image[10:20, 50:70], organs[10:20, 50:70] = -900, 8  # gas in a stomach
    expected = np.zeros((80, 80), bool)
    expected[10:40, 10:30] = expected[50:70, 50:70] = True
    np.testing.assert_array_equal(may_be_bone_or_lung(image, organs), expected)


def test_a_rule_knows_spine_ribs_and_lungs_and_leaves_gas_and_contrast_in_bowels_unknown() -> None:
    image = np.full((200, 240), -1000, np.int16)
    image[20:180, 20:220] = 40
    image[60:150, 40:100] = -800  # a lung, which reaches the back
    image[30:60, 110:200] = -900  # gas as large as a lung, at the front
    image[120:160, 105:135] = 400  # the spine, with its canal
    image[138:146, 115:125] = 30
    image[70:80, 22:36] = 500  # a rib
    image[90:110, 160:190] = 350  # contrast in a bowel
    unsure = may_be_bone_or_lung(image, np.zeros(image.shape, np.uint8))
    expected = np.zeros(image.shape, int)
    expected[60:150, 40:100] = ORGANS.index("lungs") + 1
    for bone in (np.s_[120:160, 105:135], np.s_[70:80, 22:36]):
        expected[bone] = ORGANS.index("bones") + 1
    expected[138:146, 115:125] = 0
    found = sure_bone_and_lung(image, unsure)
    wrong = (found != expected) & (found > 0)
    assert np.count_nonzero(wrong) <= 2 * (8 + 10), "the canal's edge is blurred"
    for number in (ORGANS.index("lungs") + 1, ORGANS.index("bones") + 1):
        assert np.mean(found[expected == number] == number) > 0.95
    assert unsure[100, 175], "contrast does not count, neither as bone nor as background"
    assert unsure[45, 150]


def test_a_folder_that_holds_files_is_left_alone(made: Path, sets: Path) -> None:
    before = sorted(made.rglob("*"))
    with pytest.raises(OutputError, match="not empty"):
        assemble(sets, made)
    assert sorted(made.rglob("*")) == before
