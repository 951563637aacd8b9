from __future__ import annotations

import io
import json

import pytest

from napari_medt.serving.answers import Refusal
from napari_medt.serving.store.ids import Asker
from napari_medt.serving.store.uploads import Uploads

ANNA, BERT, CLARA = Asker("10.0.0.1", "user-xyz"), Asker("10.0.0.2", "user-xyz"), Asker("10.0.0.2", "clara")


def nrrd(number=0) -> io.BytesIO:
    return io.BytesIO(b"NRRD0004\ntype: uchar\ndimension: 1\nsizes: 4\nencoding: raw\n\n" + bytes([number] * 4))


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path, 10_000, lambda _: False)


def test_each_means_the_image_that_they_sent(uploads):
    for who, number in ((ANNA, 1), (BERT, 2), (CLARA, 3)):
        uploads.add("Volume", who, nrrd(number))
    for who, number in ((ANNA, 1), (BERT, 2), (CLARA, 3)):
        assert uploads.path(uploads.find("Volume", who)).read_bytes().endswith(bytes([number] * 4))
    assert uploads.ids == ["Volume"]


def test_the_same_image_of_two_people_stays_when_one_sends_another(uploads):
    uploads.add("Volume", ANNA, nrrd(1))
    uploads.add("Volume", BERT, nrrd(1))
    uploads.add("Volume", BERT, nrrd(2))
    assert uploads.path(uploads.find("Volume", ANNA)).read_bytes().endswith(b"\x01")


def test_who_sent_none_may_mean_one_of_their_machine_and_no_other(uploads):
    uploads.add("Volume", BERT, nrrd())
    assert uploads.find("Volume", CLARA) == uploads.find("Volume", BERT)
    assert uploads.find("Volume", ANNA) is None
    assert uploads.find("volume", BERT) is None
    assert [one.owner for one in uploads.versions("Volume")] == [BERT.key]


def test_an_image_with_labels_stays_when_another_takes_its_name(tmp_path):
    uploads = Uploads(tmp_path, 10_000, lambda upload: upload.sha256 == first.sha256)
    first = uploads.add("Volume", ANNA, nrrd(1))
    for number in (2, 3):
        uploads.add("Volume", ANNA, nrrd(number))
    assert [uploads.path(one).read_bytes()[-1] for one in uploads.versions("Volume")] == [1, 3]


def test_images_are_known_again_after_a_start(uploads, tmp_path):
    added = [uploads.add(name, ANNA, nrrd()) for name in ("a", "../b", "ü" * 300)]
    again = Uploads(tmp_path, 10_000, lambda _: False)
    assert [again.find(one.id, ANNA) for one in added] == added
    assert again.held_bytes == uploads.held_bytes == 3 * len(nrrd().getvalue())


def test_what_was_tampered_with_is_not_known(uploads, tmp_path):
    """What is written beside an image is data as well: it does not lead out of the store."""
    upload = uploads.add("a", ANNA, nrrd())
    about = tmp_path / upload.key / "about.json"
    told = json.loads(about.read_text())
    for change in ({"file": "../../secret"}, {"sha256": "0"}, {"more": 1}):
        about.write_text(json.dumps({**told, **change}))
        assert Uploads(tmp_path, 10_000, lambda _: False).ids == []
    about.write_text("{")
    assert Uploads(tmp_path, 10_000, lambda _: False).ids == []


def test_room_is_made_by_removing(tmp_path):
    size = len(nrrd().getvalue())
    uploads = Uploads(tmp_path, 2 * size, lambda _: False)
    first = uploads.add("a", ANNA, nrrd())
    uploads.add("b", ANNA, nrrd())
    with pytest.raises(Refusal) as refusal:
        uploads.add("c", ANNA, nrrd())
    assert refusal.value.status == 507
    uploads.remove(first)
    uploads.add("c", ANNA, nrrd())
    assert uploads.ids == ["b", "c"]
    assert not (tmp_path / first.key).exists()


def test_what_is_refused_leaves_nothing(uploads, tmp_path):
    for content in (b"", b"NRRD0004\n", b"NRRD0004\ndata file: /etc/passwd\nsizes: 4\n\n"):
        with pytest.raises(Refusal):
            uploads.add("a", ANNA, io.BytesIO(content))
    assert list(tmp_path.iterdir()) == []
    assert uploads.ids == []
