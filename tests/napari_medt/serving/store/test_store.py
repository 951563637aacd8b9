from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
from served import affine, ball, write_nifti

import napari_medt.serving.store.store as module
from napari_medt.serving.answers import Refusal
from napari_medt.serving.store.ids import Asker
from napari_medt.serving.store.store import Store
from src_models.errors import ImageError
from src_models.files.volumes.nrrd import read_nrrd

ANNA, BERT = Asker("10.0.0.1"), Asker("10.0.0.2")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    write_nifti(folder / "scan.nii.gz", ball(), affine("LAS"))
    return folder


@pytest.fixture
def store(settings, folder):
    return Store(settings(folder=folder))


def sent(tmp_path, centre=(20, 18, 9)):
    return io.BytesIO(write_nifti(tmp_path / "sent.nii.gz", ball(centre=centre), affine("LAS")).read_bytes())


def test_an_image_of_the_folder_is_not_hidden_by_what_somebody_sends(store, tmp_path):
    """Its name means what they sent to who sent it, and the folder's to all others."""
    store.add("scan.nii.gz", ANNA, sent(tmp_path))
    assert store.find("scan.nii.gz", ANNA).of_client
    assert not store.find("scan.nii.gz", BERT).of_client
    assert [image.of_client for image in store.images()] == [False]


def test_what_one_sent_can_be_opened_by_all(store, tmp_path):
    store.add("mine", ANNA, sent(tmp_path))
    assert store.find("mine", BERT).key == store.find("mine", ANNA).key
    assert [image.id for image in store.images()] == ["scan.nii.gz", "mine"]


def test_labels_belong_to_what_an_image_shows(store, tmp_path):
    first = store.add("Volume", ANNA, sent(tmp_path))
    store.labels.add(first.key, "Volume", "final", io.BytesIO(b"1"), ".nrrd", {})
    assert store.counts.completed == 1
    second = store.add("Volume", ANNA, sent(tmp_path, (21, 18, 9)))
    assert store.labels.of(second.key) == {}
    assert store.counts.completed == 0
    third = store.add("Volume", BERT, sent(tmp_path))
    assert store.labels.of(third.key), "the same image again"


def test_what_is_damaged_is_not_kept(store):
    content = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 4 4 4\nencoding: raw\nendian: little\n\n123"
    with pytest.raises(ImageError, match="mine"):
        store.add("mine", ANNA, io.BytesIO(content))
    with pytest.raises(Refusal):
        store.find("mine", ANNA)
    assert not list((store.settings.store / "images").iterdir())


def test_a_copy_is_made_once_and_anew_when_the_image_changes(store, folder):
    image = store.find("scan.nii.gz", ANNA)
    copy = store.handed_out(image)
    made = copy.stat().st_mtime_ns
    assert store.handed_out(image) == copy
    assert copy.stat().st_mtime_ns == made
    write_nifti(folder / "scan.nii.gz", ball((30, 30, 20)), affine("LAS"))
    other = store.handed_out(image)
    assert other != copy
    assert list(other.parent.iterdir()) == [other]


def test_opened_images_are_kept_in_memory(store):
    image = store.find("scan.nii.gz", ANNA)
    assert store.open(image) is store.open(image)


def test_of_large_images_one_is_in_memory(store, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LARGE", 1)
    image, mine = store.find("scan.nii.gz", ANNA), store.add("mine", ANNA, sent(tmp_path))
    first = store.open(image)
    assert store.open(image) is first
    store.open(mine)
    assert store.open(image) is not first


def test_what_is_gone_is_told(store, folder, tmp_path):
    image, mine = store.find("scan.nii.gz", ANNA), store.add("mine", ANNA, sent(tmp_path))
    (folder / "scan.nii.gz").unlink()
    shutil.rmtree(mine.path.parent)
    for one in (image, mine):
        with pytest.raises(Refusal, match="no longer"):
            store.handed_out(one)
        with pytest.raises(Refusal, match="no longer"):
            store.open(one)


def test_who_gets_a_left_handed_image_gets_it_right_handed_and_counts_on_that(store, settings, folder, tmp_path):
    """Newer versions of 3D Slicer would reverse it, and older ones not; who has it open as sent goes on as before."""
    store.add("mine", ANNA, sent(tmp_path))
    copy = store.give(store.find("mine", BERT), BERT)
    assert np.linalg.det(read_nrrd(copy).geometry.grid_affine[:3, :3]) > 0
    for one in (store, Store(settings(folder=folder))):
        given, own = (one.open(one.find("mine", who)) for who in (BERT, ANNA))
        assert not one.find("mine", BERT).of_client
        assert one.find("mine", ANNA).of_client
        np.testing.assert_array_equal(given.data, own.data)
        assert given.to_data((3, 4, 0)) == own.to_data((3, 4, 19))
    store.add("mine", ANNA, sent(tmp_path))
    assert store.handed_out(store.find("mine", ANNA)) != store.find("mine", ANNA).path
    assert store.find("mine", ANNA).of_client, "it was asked about, and not given"
    assert not store.find("mine", BERT).of_client, "who was given it has it still"


def test_a_right_handed_image_is_given_as_it_was_sent(store, tmp_path):
    content = write_nifti(tmp_path / "sent.nii.gz", ball(), affine("RAS")).read_bytes()
    store.add("mine", ANNA, io.BytesIO(content))
    assert store.give(store.find("mine", BERT), BERT).read_bytes() == content
    assert store.find("mine", BERT).of_client


def test_a_session_goes_before_a_name(store, tmp_path):
    session = store.sessions.begin(sent(tmp_path))
    found = store.find("scan.nii.gz", ANNA, session.id)
    assert found.path == session.path
    with pytest.raises(Refusal, match="send it again"):
        store.find("scan.nii.gz", ANNA, "other")
