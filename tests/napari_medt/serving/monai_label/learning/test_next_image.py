"""The order of images: nobody's before somebody's, the doubtful first, what was given out later."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_medt.serving.answers import Refusal
from napari_medt.serving.monai_label.learning.next_image import NextImages
from napari_medt.serving.store.store import StoredImage
from src_models.errors import ImageError, OutputError


@dataclass
class Images:
    """A store of files."""

    folder: Path
    names: tuple[str, ...]
    labelled: dict[str, float]
    broken: dict[str, Exception]

    def images(self):
        return [StoredImage(name, f"key of {name}", self.folder / "image.nrrd") for name in self.names]

    @property
    def labels(self):
        def of(key):
            time = self.labelled.get(key.removeprefix("key of "))
            return {} if time is None else {"final": SimpleNamespace(time=time)}

        return SimpleNamespace(of=of)

    def handed_out(self, image):
        if image.id in self.broken:
            raise self.broken[image.id]
        return image.path


@pytest.fixture
def store(tmp_path):
    (tmp_path / "image.nrrd").write_bytes(b"NRRD")
    return Images(tmp_path, ("a", "b", "c", "d"), {}, {})


def giver(store, scores=()):
    return NextImages(store, SimpleNamespace(scores=lambda _: {f"key of {k}": v for k, v in dict(scores).items()}))


def asked(images, count, strategy="least_sure"):
    return [images.next(strategy)["id"] for _ in range(count)]


def test_what_the_model_doubts_most_comes_first_then_what_it_has_not_looked_at(store):
    images = giver(store, {"b": 0.1, "d": 0.7})
    assert asked(images, 5) == ["d", "b", "a", "c", "d"]
    assert asked(giver(store, {"b": 0.1, "d": 0.7}), 4, "first") == ["a", "b", "c", "d"]


def test_labelled_images_come_last_and_the_oldest_labels_first(store):
    store.labelled = {"a": 20.0, "d": 10.0}
    assert asked(giver(store, {"a": 9.0}), 2) == ["b", "c"]
    store.labelled |= {"b": 30.0, "c": 40.0}
    assert asked(giver(store), 1) == ["d"]


def test_what_cannot_be_opened_is_passed_over_and_nothing_left_is_said_so(store):
    store.broken = {"a": ImageError("damaged"), "b": Refusal(404, "gone")}
    images = giver(store)
    assert asked(images, 3) == ["c", "d", "c"]
    store.broken |= {"c": ImageError("damaged"), "d": ImageError("damaged")}
    assert images.next("first") == {}
    store.broken = dict.fromkeys("abcd", OutputError("full"))
    with pytest.raises(OutputError):
        images.next("first")


def test_names_for_the_client_s_disk_are_plain_and_tell_files_apart(store):
    store.names = ("../../sub/über scan.nii.gz",)
    told = giver(store).next("first")
    assert told["id"] == "../../sub/über scan.nii.gz"
    assert told["name"] == f"über_scan-{told['checksum'].removeprefix('SHA256:')[:8]}.nrrd"
