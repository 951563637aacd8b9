"""Which images are meant by files, folders and patterns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from src_models.errors import ImageError
from src_models.files.image_list import OneImage, each_image, list_images
from src_models.prediction.to_file import labels_path

DICOM = bytes(128) + b"DICM"


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    """A folder with images of several kinds, what is none, and folders."""
    folder = tmp_path / "plate"
    for inside in ("deeper", "scan", "empty", "patients/one"):
        (folder / inside).mkdir(parents=True)
    for name in ("b.tif", "a.png", "deeper/c.tif"):
        tifffile.imwrite(folder / name, np.zeros((4, 5), "uint8"))
    tifffile.imwrite(folder / "nameless", np.zeros((4, 5), "uint8"), bigtiff=True)
    zarr.create_array(folder / "z.zarr", shape=(4, 5), dtype="uint8")
    for slice_ in ("scan/IM1", "scan/IM2", "patients/one/IM1"):
        (folder / slice_).write_bytes(DICOM)
    (folder / "notes.txt").write_text("not an image")
    (folder / ".hidden.tif").write_bytes(b"II*\0")
    return folder


def names(paths: tuple[Path, ...], base: Path) -> list[str]:
    return [path.relative_to(base).as_posix() for path in paths]


def test_a_folder_stands_for_the_images_in_it(plate):
    found = list_images([plate])
    assert names(found.images, plate) == ["a.png", "b.tif", "nameless", "scan", "z.zarr"]
    assert names(found.passed_over, plate) == ["deeper", "empty", "notes.txt", "patients"]
    assert found.results == ()


def test_a_folder_of_scans_stands_for_each_of_them(plate):
    assert list_images([plate / "patients"]).images == (plate / "patients" / "one",)


def test_a_folder_that_holds_slices_further_in_and_no_image_is_one_scan(plate):
    deep = plate / "cd" / "DICOM" / "PAT0" / "SE0"
    deep.mkdir(parents=True)
    (deep / "IM1").write_bytes(DICOM)
    assert list_images([plate / "cd"]).images == (plate / "cd",)
    assert list_images([str(plate / "c?")]).images == (plate / "cd",)
    assert plate / "cd" in list_images([plate]).images
    (plate / "cd" / "overview.png").write_bytes(b"\x89PNG")
    assert names(list_images([plate / "cd"]).images, plate / "cd") == ["DICOM", "overview.png"]


def test_what_is_one_image_is_not_looked_into(plate):
    whole = (plate / "scan", plate / "z.zarr", plate / "scan" / "IM1")
    assert list_images(whole).images == whole


def test_files_are_taken_as_they_were_named_even_if_they_cannot_be_read(plate):
    named = (plate / "notes.txt", plate / "missing.tif", plate / "b.tif")
    assert list_images(named).images == named


def test_a_pattern_takes_what_matches_and_is_an_image(plate):
    assert names(list_images([f"{plate}/*.tif"]).images, plate) == ["b.tif"]
    every = list_images([f"{plate}/[abn]*"])
    assert names(every.images, plate) == ["a.png", "b.tif", "nameless"]
    assert names(every.passed_over, plate) == ["notes.txt"]


def test_a_pattern_that_goes_into_folders_leaves_parts_of_images_alone(plate):
    found = list_images([f"{plate}/**"]).images
    assert names(found, plate) == ["a.png", "b.tif", "deeper/c.tif", "nameless", "patients/one", "scan", "z.zarr"]


def test_a_pattern_of_folders_takes_what_each_of_them_stands_for(plate):
    assert names(list_images([f"{plate}/[ds]*"]).images, plate) == ["deeper/c.tif", "scan"]


def test_brackets_in_the_name_of_a_file_are_no_pattern(tmp_path):
    tifffile.imwrite(tmp_path / "cells[1].tif", np.zeros((4, 5), "uint8"))
    assert list_images([tmp_path / "cells[1].tif"]).images == (tmp_path / "cells[1].tif",)


def test_several_of_each_are_mixed_in_their_order_and_each_is_taken_once(plate, monkeypatch):
    monkeypatch.chdir(plate)
    found = list_images(["deeper", plate / "z.zarr", "*.tif", "deeper/../b.tif", "./a.png", "."])
    assert [path.resolve().relative_to(plate.resolve()).as_posix() for path in found.images] == [
        "deeper/c.tif",
        "z.zarr",
        "b.tif",
        "a.png",
        "nameless",
        "scan",
    ]


def test_results_beside_their_images_are_no_images_unless_they_are_named(plate):
    tifffile.imwrite(plate / "b_labels.tif", np.zeros((4, 5), "uint8"))
    tifffile.imwrite(plate / "b_attention_gate_2.ome.tif", np.zeros((4, 5), "float32"))
    tifffile.imwrite(plate / "other_labels.tif", np.zeros((4, 5), "uint8"))  # whose image is not there
    found = list_images([plate])
    assert names(found.images, plate) == ["a.png", "b.tif", "nameless", "other_labels.tif", "scan", "z.zarr"]
    assert names(found.results, plate) == ["b_attention_gate_2.ome.tif", "b_labels.tif"]
    assert list_images([plate / "b_labels.tif", plate / "b.tif"]).images == (plate / "b_labels.tif", plate / "b.tif")


def test_a_file_that_is_called_an_image_is_taken_so_that_its_damage_is_said(plate):
    (plate / "damaged.tiff").write_text("no TIFF")
    assert plate / "damaged.tiff" in list_images([plate]).images


def test_a_folder_or_a_pattern_without_images_is_refused(plate):
    with pytest.raises(ImageError, match=r"empty: this folder holds no images .* 'FOLDER/\*\*/\*\.tif'"):
        list_images([plate, plate / "empty"])
    with pytest.raises(ImageError, match=r"\*\.nd2: no image matches this pattern"):
        list_images([f"{plate}/*.nd2"])


def test_labels_of_an_image_with_a_long_name_are_known_as_such(tmp_path):
    """Their own name is a shortened one."""
    image = tmp_path / f"{'x' * 250}.tif"
    labels = labels_path(tmp_path, "x" * 250, ".tif")
    for path in (image, labels):
        tifffile.imwrite(path, np.zeros((4, 5), "uint8"))
    found = list_images([tmp_path])
    assert (found.images, found.results) == ((image,), (labels,))


def test_a_damaged_file_stays_among_the_images_so_that_its_damage_is_said(tmp_path):
    damaged = tmp_path / "b.tif"
    damaged.write_bytes(b"II*\0 no more of it")
    assert each_image([damaged]) == [OneImage(damaged)]
