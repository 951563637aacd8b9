from __future__ import annotations

import io
import json

import pytest

from napari_medt.serving.store.ids import key_of
from napari_medt.serving.store.labels import LabelFiles

IMAGE, OTHER = key_of("image"), key_of("other")


@pytest.fixture
def labels(tmp_path):
    return LabelFiles(tmp_path)


def add(labels, content, image=IMAGE, tag="final", **info):
    return labels.add(image, "a name", tag, io.BytesIO(content), ".nrrd", info)


def contents(folder):
    return sorted(path.read_bytes() for path in folder.rglob("*.nrrd"))


def test_the_newest_of_a_tag_counts_and_all_are_kept(labels, tmp_path):
    for number in range(3):
        add(labels, b"%d" % number)
    add(labels, b"of a model", tag="original")
    add(labels, b"elsewhere", image=OTHER)
    found = {tag: labels.path(one).read_bytes() for tag, one in labels.of(IMAGE).items()}
    assert found == {"final": b"2", "original": b"of a model"}
    assert contents(tmp_path) == [b"0", b"1", b"2", b"elsewhere", b"of a model"]
    assert labels.tags() == {"final": 2, "original": 1}
    assert labels.images() == {IMAGE, OTHER}
    assert labels.images("original") == {IMAGE}


@pytest.mark.parametrize("tag", ["../../x", "a/b", "ü", "x" * 400, "\ud800", ""])
def test_a_tag_is_any_text(labels, tmp_path, tag):
    add(labels, b"1", tag=tag)
    assert labels.path(labels.of(IMAGE)[tag]).parent == tmp_path / IMAGE
    assert set(LabelFiles(tmp_path).of(IMAGE)) == {tag}


def test_all_is_known_again_after_a_start(labels, tmp_path):
    add(labels, b"first")
    last = add(labels, b"second", label_info=[{"name": "liver", "idx": 1}])
    again = LabelFiles(tmp_path)
    assert again.of(IMAGE) == {"final": last}
    assert again.path(last).read_bytes() == b"second"


def test_what_is_taken_away_counts_no_more_and_stays(labels, tmp_path):
    labels.take_away(add(labels, b"work of hours"))
    for one in (labels, LabelFiles(tmp_path)):
        assert one.of(IMAGE) == {}
        assert one.tags() == {}
    assert contents(tmp_path) == [b"work of hours"]


def test_what_is_said_of_labels_can_change(labels, tmp_path):
    labels.change_info(add(labels, b"1", a=1), {"b": 2})
    for one in (labels, LabelFiles(tmp_path)):
        assert one.of(IMAGE)["final"].info == {"b": 2}


def test_a_disk_that_is_full_leaves_the_labels_before(labels, tmp_path, monkeypatch):
    from src_models.disk import atomic
    from src_models.errors import OutputError

    add(labels, b"before")
    flush = atomic._bring_to_disk

    for suffix in (".nrrd", ".json"):

        def full(path, suffix=suffix):
            if path.name.endswith(suffix):
                raise OSError(28, "No space left on device", str(path))
            flush(path)

        monkeypatch.setattr(atomic, "_bring_to_disk", full)
        with pytest.raises(OutputError, match="full"):
            add(labels, b"after")
    monkeypatch.undo()
    for one in (labels, LabelFiles(tmp_path)):
        assert one.path(one.of(IMAGE)["final"]).read_bytes() == b"before"
    assert contents(tmp_path) == [b"before"]


def test_what_was_tampered_with_is_not_known(labels, tmp_path):
    one = add(labels, b"1")
    about = next(tmp_path.rglob("*.json"))
    told = json.loads(about.read_text())
    for change in ({"file": "../../secret"}, {"image": OTHER}, {"strange": 1}):
        about.write_text(json.dumps({**told, **change}))
        assert LabelFiles(tmp_path).of(IMAGE) == {}
    assert labels.path(one).is_file()
