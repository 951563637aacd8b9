from __future__ import annotations

import builtins
import os
import threading
import time

import pytest
from served import connected, server_of

from napari_medt import __version__
from napari_medt.serving.monai_label.info import info
from src_models.models.header import read_header
from src_models.models.library import find_model


@pytest.fixture
def told(connect, repository):
    return connect(folder=repository / "sample_data").get("/info/").json()


def test_it_has_what_3d_slicer_indexes_without_asking(told):
    assert told["name"] == "napari-medt"
    assert told["version"] == __version__
    assert "config" not in told, "the module would ask to upgrade the server"
    assert told["labels"], "or clicks answer that a label is missing"
    for model in told["models"].values():
        assert {"type", "description", "labels", "dimension", "config"} <= model.keys()
        assert model["dimension"] in (2, 3)
    for key in ("trainers", "strategies", "scoring", "train_stats"):
        assert isinstance(told[key], dict)
    assert told["datastore"] == {"total": 4, "completed": 0, "label_tags": {}}


def test_models_are_offered_for_what_they_do(told):
    kinds = {name: (model["type"], model["dimension"]) for name, model in told["models"].items()}
    assert kinds == {
        "nuclei": ("segmentation", 2),
        "click": ("deepgrow", 2),
        "click-through-slices": ("deepgrow", 3),
        "click-scribbles": ("scribbles", 3),
    }
    assert told["models"]["nuclei"]["labels"] == ["nuclei"]
    assert told["models"]["nuclei"]["description"] == read_header(find_model("nuclei")).purpose
    assert told["models"]["click"]["labels"] == [], "or it would run by itself"


def test_choices_are_lists_of_words(told):
    """Other elements in a list break the module of 3D Slicer."""
    for model in told["models"].values():
        for value in model["config"].values():
            assert isinstance(value, bool | int | float | str) or (
                isinstance(value, list) and value and all(isinstance(word, str) for word in value)
            )


def test_a_server_of_clicks_alone_has_a_label_to_click_for(connect):
    assert connect(models=("click",)).get("/info/").json()["labels"] == ["object"]


def test_the_disk_is_not_touched(connect, repository, monkeypatch):
    client = connect(folder=repository / "sample_data")
    server, touched = server_of(client), []
    for module, name in ((os, "stat"), (os, "scandir"), (os, "listdir"), (builtins, "open"), (os, "open")):
        monkeypatch.setattr(module, name, lambda *args, name=name, **options: touched.append((name, args)))
    try:
        info(server)
    finally:
        monkeypatch.undo()
    assert touched == []


def test_it_is_answered_while_something_is_computed(settings):
    with connected(settings()) as client:
        event, server = threading.Event(), server_of(client)

        async def hold():
            await server.work.run(event.wait, 20)

        client.portal.start_task_soon(hold)
        time.sleep(0.05)
        assert client.get("/info/").status_code == 200
        assert not event.is_set()
        event.set()
