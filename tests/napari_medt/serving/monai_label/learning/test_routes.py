"""Labels are submitted, models learn from them, and the next image is handed out: as clients see it."""

from __future__ import annotations

import hashlib
import json
import time

import numpy as np
import pytest
from nibabel.affines import apply_affine
from served_scans import AFFINES, QUICK, drawn_labels, learnt, middle_of, packed, places, submit, truth, wait_for

from src_models.corrections.correction_set import CorrectionSet
from src_models.files.images import read_image
from src_models.finetuning.versions import ModelVersions

GRIDS = [("left.nii.gz", "LAS"), ("leaning.nii.gz", "oblique")]


def kept(settings, model="dark"):
    return CorrectionSet.open(settings.store / "corrections" / model)


def settled(client):
    client.app.state.server.teaching.wait()


@pytest.mark.parametrize(("image", "grid"), GRIDS)
def test_labels_become_corrections_at_their_place_with_who_and_when(client, settings, image, grid):
    labels, affine = drawn_labels(AFFINES[grid])
    done = submit(client, image, labels, affine)
    assert done.status_code == 200, done.text
    assert done.json()["label"] == image
    settled(client)

    corrections = kept(settings)
    scan = read_image(settings.folder / image)
    k, j, i = np.indices(scan.data.shape)
    superior, posterior, left = np.moveaxis(apply_affine(scan.geometry.affine, np.stack([k, j, i], axis=-1)), -1, 0)
    wanted = truth(np.stack([-left, -posterior, superior], axis=-1), middle_of(AFFINES[grid]))
    held = [z for z in range(len(wanted)) if wanted[z].any()]
    assert [item.record.source.plane for item in corrections.items] == [(z,) for z in held]
    for z, (_, correction) in zip(held, corrections.corrections(), strict=True):
        np.testing.assert_array_equal(correction.labels, wanted[z])
        np.testing.assert_array_equal(correction.image, np.asarray(scan.data[z]))
        assert correction.counts.all()
        record = correction.record
        assert (record.author, record.source.layer, record.model_name) == ("ada", image, "dark")
        assert record.source.file == str(settings.folder / image)
        assert record.time.startswith("20")


def test_labels_come_back_as_they_were_sent_and_after_a_restart(serve, client, settings):
    labels, affine = drawn_labels(AFFINES["LAS"])
    sent = submit(client, "left.nii.gz", labels, affine)
    assert sent.status_code == 200
    for again in (client, serve(settings)):
        found = again.get("/datastore/label", params={"label": "left.nii.gz", "tag": "final"})
        assert found.status_code == 200
        assert "filename=" in found.headers["content-disposition"]
        assert (
            hashlib.sha256(found.content).hexdigest() == hashlib.sha256(packed(labels, affine).getvalue()).hexdigest()
        )
        assert again.get("/info/").json()["datastore"]["completed"] == 1


def test_a_second_submission_is_a_newer_version_and_what_it_erased_is_rightly_empty(client, settings):
    labels, affine = drawn_labels(AFFINES["LAS"])
    submit(client, "left.nii.gz", labels, affine)
    settled(client)
    first = kept(settings)
    fewer = labels.copy()
    fewer[..., 2] = 0
    assert submit(client, "left.nii.gz", fewer, affine, client_id="ben").status_code == 200
    settled(client)
    second = kept(settings)
    assert {item.name for item in first.items}.isdisjoint(item.name for item in second.items)
    assert {item.name for item in first.items} < {item.name for item in second.history}
    planes = [item.record.source.plane for item in second.items]
    assert planes == [item.record.source.plane for item in first.items]
    empty = [c.record.source.plane for _, c in second.corrections() if not c.labels.any()]
    assert empty == [(2,)]
    assert {item.record.author for item in second.items} == {"ben"}
    files = [path for path in (settings.store / "labels").rglob("*.nii*") if path.suffix != ".json"]
    assert len(files) == 2


def test_labels_beside_the_image_or_of_another_shape_are_refused_in_a_sentence(client, settings):
    labels, affine = drawn_labels(AFFINES["LAS"])
    away = affine.copy()
    away[:3, 3] += 500
    apart = submit(client, "left.nii.gz", labels, away)
    assert (apart.status_code, apart.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert "lie apart" in apart.text
    assert str(settings.store) not in apart.text
    small = submit(client, "left.nii.gz", labels[:9, :9, :2], None)
    assert small.status_code == 400
    assert "shape" in small.text
    strange = submit(client, "left.nii.gz", labels, affine, names=["disc"])
    assert strange.status_code == 400
    assert "value 2" in strange.text
    assert submit(client, "nobody's", labels, affine).status_code == 404
    assert not list((settings.store / "labels").rglob("*.nii*"))
    assert client.get("/info/").json()["datastore"]["completed"] == 0


def test_a_model_learns_from_what_was_submitted_while_the_server_answers(client, settings):
    assert client.get("/train/").status_code == 404
    labels, affine = drawn_labels(AFFINES["LAS"])
    submit(client, "left.nii.gz", labels > 0, affine)
    labels, affine = drawn_labels(AFFINES["oblique"])
    submit(client, "leaning.nii.gz", labels > 0, affine)
    begun = client.post("/train/dark", json={**QUICK, "client_id": "ada"})
    assert (begun.status_code, begun.json()["status"]) == (200, "RUNNING")
    assert client.post("/train/dark", json={}).status_code == 429
    assert client.get("/train/", params={"check_if_running": True}).status_code == 200
    wait_for(lambda: client.get("/info/").json()["train_stats"])
    answered = client.post("/infer/dark", params={"image": "left.nii.gz"}, data={"params": "{}"})
    assert answered.status_code == 200  # meanwhile
    task = learnt(client)
    assert task["status"] == "DONE", task
    assert "rose from" in task["details"][-1]
    assert client.get("/train/", params={"check_if_running": "true"}).status_code == 404

    told = client.get("/info/").json()
    stats = told["train_stats"]["dark"]
    assert (stats["epoch"], stats["total_epochs"]) == (QUICK["steps"], QUICK["steps"])
    assert 0 < stats["best_metric"] <= 1
    assert stats["total_time"].startswith("0:")
    assert told["models"]["dark-v1"]["type"] == "segmentation"
    (version,) = ModelVersions(settings.store / "corrections" / "dark" / "models").list()
    assert version.dice == pytest.approx(stats["best_metric"], abs=1e-4)
    answered = client.post("/infer/dark-v1", params={"image": "left.nii.gz", "output": "json"}, data={"params": "{}"})
    assert answered.json()["label_names"] == {"disc": 1}


def test_stopping_keeps_the_best_and_another_round_may_be_ordered_at_once(client, settings):
    assert client.delete("/train/").status_code == 404
    labels, affine = drawn_labels(AFFINES["LAS"])
    submit(client, "left.nii.gz", labels > 0, affine)
    client.post("/train/dark", json={**QUICK, "steps": 400, "patience": 400})
    versions = ModelVersions(settings.store / "corrections" / "dark" / "models")
    wait_for(versions.list)
    stopped = client.delete("/train/").json()
    assert stopped["status"] == "STOPPED"
    assert stopped["details"]
    again = client.post("/train/dark", json={**QUICK, "steps": 2, "learning_rate": 1e-30})
    assert (again.status_code, again.json()["status"]) == (200, "RUNNING")
    task = learnt(client)
    assert task["status"] == "DONE"
    assert "dark-v1" in client.get("/info/").json()["models"]
    assert versions.active == "dark-v1"


def test_without_labels_nothing_is_learnt_and_that_is_said(client):
    assert client.post("/train/dark", json={}).json()["status"] == "RUNNING"
    task = learnt(client)
    assert task["status"] == "ERROR"
    assert "no labels were submitted" in task["details"][-1]
    assert client.post("/train/nobody", json={}).status_code == 404


def test_a_new_segment_is_a_new_class_of_the_version_that_learns_it(client):
    labels, affine = drawn_labels(AFFINES["LAS"])
    submit(client, "left.nii.gz", labels, affine, names=("Cyst", "DISC"))
    labels, affine = drawn_labels(AFFINES["oblique"])
    submit(client, "leaning.nii.gz", labels, affine, names=("Cyst", "DISC"))
    client.post("/train/", json={"dark": {**QUICK, "steps": 100, "learning_rate": 2e-2}})
    task = learnt(client)
    assert task["status"] == "DONE", task
    told = client.get("/info/").json()
    assert told["models"]["dark-v1"]["labels"] == ["disc", "Cyst"]
    assert told["models"]["dark"]["labels"] == ["disc"]


def test_images_that_are_labelled_come_last_and_the_file_is_what_was_told(client, settings):
    first = client.post("/activelearning/first", json={"client_id": "ada"})
    assert first.status_code == 200
    assert first.json()["id"] == "leaning.nii.gz" or first.json()["id"] == "left.nii.gz"
    seen = [first.json()["id"], client.post("/activelearning/first", json={}).json()["id"]]
    assert sorted(seen) == ["leaning.nii.gz", "left.nii.gz"]  # who asks again goes on
    labels, affine = drawn_labels(AFFINES["LAS"])
    submit(client, "left.nii.gz", labels, affine)
    for _ in range(2):
        told = client.post("/activelearning/first", json={}).json()
        assert told["id"] == "leaning.nii.gz"
    labels, affine = drawn_labels(AFFINES["oblique"])
    submit(client, "leaning.nii.gz", labels, affine)
    told = client.post("/activelearning/first", json={}).json()
    assert told["id"] == "left.nii.gz"  # whose labels are older
    file = client.get("/datastore/image", params={"image": told["id"]})
    assert told["checksum"] == f"SHA256:{hashlib.sha256(file.content).hexdigest()}"
    assert told["name"].startswith("left-")
    assert told["name"].endswith(".nrrd")
    assert client.post("/activelearning/guess", json={}).status_code == 404


def test_labels_that_are_deleted_teach_no_more_and_stay_on_disk(client, settings):
    for image, grid in GRIDS:
        submit(client, image, *drawn_labels(AFFINES[grid]))
    settled(client)
    both = kept(settings)
    assert client.delete("/datastore/label", params={"id": "left.nii.gz"}).status_code == 200
    client.post("/train/dark", json={**QUICK, "steps": 1})
    assert learnt(client)["status"] == "DONE"
    after = kept(settings)
    assert {item.record.source.layer for item in after.items} == {"leaning.nii.gz"}
    assert len(after.history) == len(both.history)
    assert client.get("/info/").json()["datastore"]["completed"] == 1


def test_without_images_there_is_nothing_next(serve, settings, tmp_path):
    from dataclasses import replace

    client = serve(replace(settings, folder=None, store=tmp_path / "another"))
    assert client.post("/activelearning/first", json={}).json() == {}
    assert client.post("/activelearning/least_sure", json={}).json() == {}


def test_the_next_image_is_there_at_once_and_later_the_one_that_the_model_doubts_most(client, settings):
    begun = time.monotonic()
    told = client.post("/activelearning/least_sure", json={}).json()
    assert told["id"]
    assert time.monotonic() - begun < 30  # a ranking of both would not be waited for
    ranking = client.app.state.server.teaching._ranking
    wait_for(lambda: len(ranking._scores) == 2)
    images = {image.key: image.id for image in client.app.state.server.store.images()}
    doubts = {images[key]: score for key, score in ranking._scores.items()}
    wanted = max(doubts, key=doubts.get)
    client.post("/activelearning/least_sure", json={})
    assert client.post("/activelearning/least_sure", json={}).json()["id"] == wanted


def test_an_image_that_was_deleted_leaves_its_corrections_and_is_not_given_out(client, settings):
    labels, affine = drawn_labels(AFFINES["LAS"])
    submit(client, "left.nii.gz", labels, affine)
    settled(client)
    count = len(kept(settings))
    (settings.folder / "left.nii.gz").unlink()
    refused = submit(client, "left.nii.gz", labels, affine)
    assert refused.status_code == 404
    told = {client.post("/activelearning/first", json={}).json()["id"] for _ in range(2)}
    assert told == {"leaning.nii.gz"}
    client.post("/train/dark", json=QUICK)
    assert learnt(client)["status"] == "DONE"
    assert len(kept(settings)) == count


def test_what_a_client_tells_of_learning_is_checked(client):
    for chosen, word in (
        ({"steps": "many"}, "steps"),
        ({"learning_rate": 7}, "learning_rate"),
        ({"what_changes": "x"}, "x"),
    ):
        client.post("/train/dark", json=chosen)
        task = learnt(client)
        assert task["status"] == "ERROR"
        assert word in task["details"][-1]
    assert client.post("/train/dark", content=json.dumps([1])).status_code == 400


def test_labels_of_a_volume_that_a_client_sent_lie_on_its_own_grid(client, settings):
    name = "2: CT Abd/../é"
    grid = AFFINES["LAS"]  # left-handed, and the client has it so
    drawn = truth(places(grid), middle_of(grid))
    sent = client.put("/datastore/", params={"image": name}, files={"file": ("x.nii.gz", packed(drawn * 50 + 7, grid))})
    assert sent.status_code == 200
    done = submit(client, name, drawn, grid)
    assert (done.status_code, done.json()["label"]) == (200, name)
    settled(client)
    for _, correction in kept(settings).corrections():
        np.testing.assert_array_equal(correction.labels, (correction.image - 7) // 50)
        assert correction.record.source.layer == name
    assert len(kept(settings))
    inside = settings.store.resolve()
    assert all(path.resolve().is_relative_to(inside) for path in settings.store.rglob("*"))
