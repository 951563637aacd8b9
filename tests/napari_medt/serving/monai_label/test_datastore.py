from __future__ import annotations

import io
import json

import pytest
from served import affine, ball, connected, infer, server_of, write_nifti

from napari_medt.serving.store.ids import Asker

CLICK = {"foreground": [[20, 18, 9]], "dimension": 2, "slice": 9}
NAMES = ["2: CT Abd", "a/b\\c", "../../etc/passwd", "/etc/passwd", "ü ß 漢", "x" * 500, "a\nb", "%2e%2e", ".", "con"]


@pytest.fixture
def scan(tmp_path):
    return write_nifti(tmp_path / "scan.nii.gz", ball(), affine())


def add(client, name, content, who="user-xyz", where="/datastore/"):
    files = {"params": (None, json.dumps({"client_id": who})), "file": ("/home/anna/Miller.nii.gz", content)}
    return client.put(where, params={"image": name}, files=files)


def below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("where", ["/datastore/", "/datastore/image"])
def test_an_image_may_have_any_name(connect, scan, tmp_path, where):
    client = connect()
    before = {path for path in below(tmp_path) if not path.startswith("store/")}
    for name in NAMES:
        assert add(client, name, scan.read_bytes(), where=where).json() == {"image": name}
        given = client.get("/datastore/image", params={"image": name})
        assert given.content == scan.read_bytes()
        assert client.head("/datastore/image", params={"image": name}).headers["content-length"] == str(
            len(given.content)
        )
    objects = client.get("/datastore/", params={"output": "all"}).json()["objects"]
    assert list(objects) == NAMES
    assert {path for path in below(tmp_path) if not path.startswith("store/")} == before, "nothing beside the store"
    assert all(set(path) <= set("abcdefghijklmnopqrstuvwxyz0123456789/.") for path in below(tmp_path / "store"))


def test_an_image_can_be_asked_about_at_once(connect, scan):
    client = connect()
    add(client, "mine", scan.read_bytes())
    assert infer(client, "click", "mine", CLICK).status_code == 200


def test_images_stay_when_the_server_starts_again(settings, scan):
    with connected(settings()) as client:
        add(client, "mine", scan.read_bytes())
        image = server_of(client).store.find("mine", Asker())
        labels = server_of(client).store.labels
        labels.add(image.key, "mine", "final", io.BytesIO(b"labels"), ".nrrd", {"label_info": [{"name": "liver"}]})
    with connected(settings()) as client:
        ((name, told),) = client.get("/datastore/").json()["objects"].items()
        assert name == "mine"
        assert told["labels"]["final"]["info"]["label_info"] == [{"name": "liver"}]
        assert client.get("/datastore/label", params={"label": "mine", "tag": "final"}).content == b"labels"
        assert client.get("/info/").json()["datastore"] == {"total": 1, "completed": 1, "label_tags": {"final": 1}}
        assert client.get("/datastore/", params={"output": "stats"}).json()["completed"] == 1
        assert client.get("/datastore/", params={"output": "train"}).json() == [{"image": "mine", "label": "mine"}]
        assert client.get("/datastore/image", params={"image": "mine"}).content == scan.read_bytes()


def test_two_people_with_one_name_each_have_their_own(connect, tmp_path):
    client = connect()
    one = write_nifti(tmp_path / "1.nii.gz", ball(), affine()).read_bytes()
    other = write_nifti(tmp_path / "2.nii.gz", ball((30, 30, 20)), affine()).read_bytes()
    add(client, "Volume", one, "anna")
    add(client, "Volume", other, "bert")
    sizes = {}
    for who in ("anna", "bert"):
        answer = infer(client, "click", "Volume", {**CLICK, "client_id": who})
        sizes[who] = answer.content.partition(b"sizes: ")[2].partition(b"\n")[0]
    assert sizes == {"anna": b"48 40 20", "bert": b"30 30 20"}


def test_an_image_that_is_sent_again_takes_the_place_of_the_old_one(connect, tmp_path):
    client = connect()
    for number in range(3):
        path = write_nifti(tmp_path / f"{number}.nii.gz", ball(centre=(20 + number, 18, 9)), affine())
        add(client, "Volume", path.read_bytes())
        assert client.get("/datastore/image", params={"image": "Volume"}).content == path.read_bytes()
    assert len(list((server_of(client).settings.store / "images").iterdir())) == 1


def test_damaged_images_are_refused_and_not_kept(connect, scan):
    client = connect()
    content = scan.read_bytes()
    for damaged in (
        b"",
        content[: len(content) // 2],
        b"NRRD0004\ntype: short\n\n",
        b"\x89PNG\r\n\x1a\n",
        b"PK\x03\x04",
    ):
        answer = add(client, "mine", damaged)
        assert answer.status_code == 400
        assert str(server_of(client).settings.store) not in answer.text
    assert below(server_of(client).settings.store / "images") == []
    assert client.get("/datastore/").json()["objects"] == {}


def test_the_store_takes_only_so_much(connect, scan):
    size = scan.stat().st_size
    client = connect(disk_bytes=int(2.5 * size))
    assert add(client, "1", scan.read_bytes()).status_code == 200
    assert client.put("/session/", files={"files": scan.read_bytes()}).status_code == 200
    answer = add(client, "2", scan.read_bytes())
    assert answer.status_code == 507
    assert "make room" in answer.text
    assert client.put("/session/", files={"files": scan.read_bytes()}).status_code == 507


def test_a_disk_that_is_full_is_told_and_nothing_half_written_is_left(connect, scan, monkeypatch):
    from src_models.disk import atomic

    client = connect()
    add(client, "before", scan.read_bytes())
    kept = below(server_of(client).settings.store)

    def full(path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(atomic, "_bring_to_disk", full)
    answer = add(client, "mine", scan.read_bytes())
    assert answer.status_code == 507
    assert "disk of the server is full" in answer.text
    assert "make room there" in answer.text
    monkeypatch.undo()
    assert below(server_of(client).settings.store) == kept
    assert client.get("/datastore/image", params={"image": "mine"}).status_code == 404


def test_images_of_the_folder_are_read_and_never_deleted(connect, repository):
    client = connect(folder=repository / "sample_data")
    answer = client.delete("/datastore/image", params={"id": "fluorescence.png"})
    assert answer.status_code == 403
    assert (repository / "sample_data" / "fluorescence.png").is_file()


def test_what_was_sent_can_be_deleted(connect, scan):
    client = connect()
    add(client, "mine", scan.read_bytes())
    assert client.delete("/datastore/image", params={"id": "mine"}).status_code == 200
    assert client.get("/datastore/image", params={"image": "mine"}).status_code == 404
    assert below(server_of(client).settings.store / "images") == []


def test_labels_that_are_deleted_count_no_more_and_stay_on_disk(connect, scan):
    client = connect()
    add(client, "mine", scan.read_bytes())
    store = server_of(client).store
    image = store.find("mine", Asker())
    labels = store.labels.add(image.key, "mine", "final", io.BytesIO(b"work of hours"), ".nrrd", {})
    assert client.delete("/datastore/label", params={"id": "mine", "tag": "final"}).status_code == 200
    assert client.get("/datastore/label", params={"label": "mine", "tag": "final"}).status_code == 404
    assert store.labels.path(labels).read_bytes() == b"work of hours"


def test_what_is_said_of_labels_can_be_read_and_changed(connect, scan):
    client = connect()
    add(client, "mine", scan.read_bytes())
    store = server_of(client).store
    store.labels.add(store.find("mine", Asker()).key, "mine", "final", io.BytesIO(b"1"), ".nrrd", {"a": 1})
    query = {"label": "mine", "tag": "final"}
    assert client.get("/datastore/label/info", params=query).json() == {"a": 1}
    assert (
        client.put(
            "/datastore/label/info", params=query, files={"info": (None, "{}"), "params": (None, '{"b": 2}')}
        ).status_code
        == 200
    )
    assert client.get("/datastore/label/info", params=query).json() == {"a": 1, "b": 2}, "nothing said is lost"
    assert client.get("/datastore/image/info", params={"image": "mine"}).json()["name"] == "mine"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/datastore/"),
        ("GET", "/datastore/image"),
        ("DELETE", "/datastore/image"),
        ("GET", "/datastore/label"),
        ("DELETE", "/datastore/label"),
        ("GET", "/datastore/label/info"),
    ],
)
def test_a_request_that_does_not_say_what_it_is_about_is_told(connect, method, path):
    answer = connect().request(method, path)
    assert answer.status_code == 400
    assert "must say which" in answer.text
