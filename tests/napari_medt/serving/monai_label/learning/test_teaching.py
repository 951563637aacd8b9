"""Whatever happens to a server while labels come or a model learns, what people made is there afterwards."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from served_scans import AFFINES, QUICK, drawn_labels, files_of, learnt, submit, wait_for

from napari_medt.serving.app import Server
from napari_medt.serving.store.labels import FINAL
from src_models.corrections.correction_set import CorrectionSet
from src_models.files.images import read_label_file
from src_models.finetuning.versions import ModelVersions
from src_models.models.checkpoint import load

SUBMITTING = """
import io, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from served_scans import AFFINES, drawn_labels, packed
from napari_medt.serving.app import Server
from napari_medt.serving.monai_label.learning.submitted import submit
from napari_medt.serving.settings import ServeSettings
from napari_medt.serving.store.ids import Asker

server = Server.start(ServeSettings(store=Path({store!r}), folder=Path({folder!r}), models=({model!r},)))
image = server.store.find("left.nii.gz", Asker())
labels, affine = drawn_labels(AFFINES["LAS"])
for number in range(1, 1000):
    labels[0, 0, 0] = 0
    labels[number % 30, 0, 0] = 1
    labels[(number - 1) % 30, 0, 0] = 0
    names = [{{"name": name}} for name in ("disc", "other")]
    told = {{"label_info": names, "number": number}}
    submit(server.store, server.teaching, image, "final", told, packed(labels, affine))
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 4])
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_labels_that_were_taken_outlive_a_server_that_is_killed_while_it_writes(settings, after):
    text = SUBMITTING.format(
        tests=str(Path(__file__).parents[3]),
        store=str(settings.store),
        folder=str(settings.folder),
        model=settings.models[0],
    )
    process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    taken = 0
    for line in process.stdout:
        taken = int(line)
        if taken == after:
            os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert taken >= after

    server = Server.start(settings)
    image = next(each for each in server.store.images() if each.id == "left.nii.gz")
    labels = server.store.labels.of(image.key)[FINAL]
    assert labels.info["number"] in (taken, taken + 1)
    values = np.asarray(read_label_file(server.store.labels.path(labels)).data)
    CorrectionSet.open(settings.store / "corrections" / "dark")  # whole, or not begun
    order = server.teaching._prepare("dark", {})
    kept = CorrectionSet.open(order.folder)
    assert kept.items
    made = {correction.record.source.plane[0]: correction.labels for _, correction in kept.corrections()}
    for plane in range(len(values)):
        np.testing.assert_array_equal(made.get(plane, np.zeros_like(values[0])) > 0, values[plane] > 0)
    server.teaching.close()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("killed", ["the process that learns", "the server"])
def test_what_was_learnt_outlives_whoever_is_killed(client, settings, killed):
    submit(client, "left.nii.gz", *drawn_labels(AFFINES["LAS"]), names=("disc", "disc"))
    submit(client, "leaning.nii.gz", *drawn_labels(AFFINES["oblique"]), names=("disc", "disc"))
    trainer = client.app.state.server.teaching.trainer
    folder = settings.store / "corrections" / "dark"
    versions = ModelVersions(folder / "models")
    client.post("/train/dark", json={**QUICK, "steps": 400, "patience": 400})
    wait_for(lambda: versions.list() and trainer._process is not None)
    before = {name: content for name, content in files_of(folder).items() if name.parts[0] != "models"}
    process = trainer._process
    if killed == "the server":
        process.stdin.close()  # as the system does when a process ends, however
        wait_for(lambda: process.poll() is not None)
        assert process.returncode == 0
        assert versions.active == "dark-v1"
    else:
        process.kill()
        task = learnt(client)
        assert task["status"] == "ERROR"
        assert "what was learnt before is kept" in task["details"][-1]
    after = {name: content for name, content in files_of(folder).items() if name.parts[0] != "models"}
    assert after == before
    (version,) = versions.list()
    assert load(version.path).header.name == "dark-v1"
    again = Server.start(settings)
    assert set(again.models.names("segment")) == {"dark", "dark-v1"}
    again.teaching.close()


def test_a_full_disk_is_said_and_the_labels_before_count(client, settings, monkeypatch):
    labels, affine = drawn_labels(AFFINES["LAS"])
    assert submit(client, "left.nii.gz", labels, affine).status_code == 200
    client.app.state.server.teaching.wait()
    before = files_of(settings.store)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    refused = submit(client, "left.nii.gz", labels * 0, affine)
    monkeypatch.undo()
    assert refused.status_code == 507
    assert "disk" in refused.text
    assert files_of(settings.store) == before


def test_corrections_that_the_disk_did_not_take_are_made_before_a_model_learns(client, settings, monkeypatch):
    from napari_medt.serving.monai_label.learning.model_corrections import ModelCorrections
    from src_models.errors import OutputError

    def full(*_):
        raise OutputError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(ModelCorrections, "bring_in", full)
        assert submit(client, "left.nii.gz", *drawn_labels(AFFINES["LAS"])).status_code == 200
        client.app.state.server.teaching.wait()
    assert not len(CorrectionSet.open(settings.store / "corrections" / "dark"))
    client.post("/train/dark", json={**QUICK, "steps": 1})
    assert learnt(client)["status"] == "DONE"
    assert len(CorrectionSet.open(settings.store / "corrections" / "dark"))


def test_labels_teach_the_model_that_is_named_or_that_knows_their_names(serve, settings, tmp_path, dark_model_path):
    from dataclasses import replace

    from src_models.models.checkpoint import Model, save

    dark = load(dark_model_path)
    header = replace(dark.header, name="organs", classes=("background", "liver"))
    organs = save(Model(dark.network, header), tmp_path / "organs.safetensors")
    client = serve(replace(settings, models=(str(dark_model_path), str(organs), "nuclei")))
    teaching = client.app.state.server.teaching
    names = lambda *names: {"label_info": [{"name": name} for name in names]}  # noqa: E731
    assert teaching.model_for(names("Liver", "cyst")) == "organs"
    assert teaching.model_for(names("nuclei")) == "nuclei"
    assert teaching.model_for({**names("liver"), "model": "dark"}) == "dark"
    assert teaching.model_for(names("anything")) == "dark"
    assert teaching.learners == ["dark", "organs", "nuclei"]
    clicks = serve(replace(settings, models=("click",), store=tmp_path / "clicks")).app.state.server.teaching
    assert clicks.model_for(names("anything")) == "click"
