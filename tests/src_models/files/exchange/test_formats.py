"""Labels of other programs, wherever labels are opened."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from drawn_labels import drawn_labels, drawn_stack

from src_models.errors import ImageError, OutputError
from src_models.files.dataset import DataSet
from src_models.files.exchange.described import Described
from src_models.files.exchange.formats import labels_stem, program_of, read_foreign, write_foreign
from src_models.files.images import image_stem, read_image, read_label_file, read_labels
from src_models.files.samples import read_sample
from src_models.images.axes import read_axes

LABELS = drawn_labels()
NAMES = ["a_rois.zip", "a.geojson", "a_coco.json", "a_seg.npy"]


def foreign(folder, name, labels=LABELS, axes="YX", **described):
    path = folder / name
    if name.endswith("_seg.npy"):
        np.save(path, {"masks": labels})
    else:
        if name.endswith(".zip"):
            pytest.importorskip("roifile")
        write_foreign(path, labels, axes, Described(**described))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_masks_of_a_data_set_may_be_of_another_program(tmp_path, name):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    tifffile.imwrite(tmp_path / "images" / "a.tif", LABELS.astype(np.uint8))
    foreign(tmp_path / "masks", name)
    (sample,) = DataSet.open(tmp_path).samples
    image, mask = read_sample(sample)
    assert image.shape == mask.shape
    for number in np.unique(LABELS):
        again = mask[number == LABELS]
        assert (again == again[0]).all()
        assert np.count_nonzero(mask == again[0]) == len(again)


@pytest.mark.parametrize("name", NAMES)
def test_read_labels_opens_them_on_the_pixels_of_the_image(tmp_path, name):
    path = foreign(tmp_path, name)
    like = read_axes((3, *LABELS.shape), axes="CYX")
    np.testing.assert_array_equal(read_labels(path, like=like), LABELS)
    assert image_stem(path) == labels_stem(path) == "a"


def test_frames_stay_frames(tmp_path):
    stack = drawn_stack()[:, 0]
    for name in ("a.geojson", "a_seg.npy"):
        path = foreign(tmp_path, name, stack, "TYX")
        found = read_foreign(path, like=read_axes(stack.shape, axes="TYX"))
        assert found.reading.axes == "TYX"
        np.testing.assert_array_equal(found.data, stack)


def test_names_of_classes_are_kept_and_numbers_are_none(tmp_path):
    path = foreign(tmp_path, "a.geojson", names={7: "left lung"}, kinds={1: "ring"})
    file = read_label_file(path)
    assert [(one.value, one.name) for one in file.segments] == [(7, "left lung")]
    assert read_foreign(path).kinds == {1: "ring", 7: "left lung"}


@pytest.mark.parametrize("name", ["a.geojson", "a_seg.npy"])
def test_as_an_image_they_are_refused_with_their_name(tmp_path, name):
    path = foreign(tmp_path, name)
    with pytest.raises(ImageError, match=f"labels as {program_of(path)} has them"):
        read_image(path)


def test_other_zips_and_json_are_none(tmp_path):
    (tmp_path / "a.json").write_text('{"settings": 1}')
    (tmp_path / "a.zip").write_bytes(b"PK\x05\x06" + b"\x00" * 18)
    assert program_of(tmp_path / "a.json") is None
    assert program_of(tmp_path / "a.zip") is None
    assert program_of(tmp_path / "missing.json") is None
    with pytest.raises(ImageError, match="no file of labels"):
        read_foreign(tmp_path / "a.json")


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"NAME\.geojson"):
        write_foreign(tmp_path / "a.txt", LABELS, "YX")


def test_labels_with_other_axes_have_no_outlines(tmp_path):
    with pytest.raises(OutputError, match="of planes"):
        write_foreign(tmp_path / "a.geojson", LABELS[None], "CYX")
    assert not list(tmp_path.iterdir())


def test_axes_in_another_order(tmp_path):
    path = foreign(tmp_path, "a.geojson", LABELS.T, "XY")
    np.testing.assert_array_equal(read_labels(path, like=read_axes(LABELS.shape, axes="YX")), LABELS)
